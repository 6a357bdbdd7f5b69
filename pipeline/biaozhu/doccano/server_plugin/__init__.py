"""Code that runs in Doccano's own environment: settings and set-up. The pipeline does not import it."""
