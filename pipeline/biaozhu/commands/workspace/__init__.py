"""Commands on your own project: new, run, doctor, labels, configs."""
