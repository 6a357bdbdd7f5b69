"""What runs in Doccano's own environment: its settings and its set-up. Nothing of the pipeline imports this."""
