"""Commands on a project of one's own: new, run, doctor, labels, configs."""
