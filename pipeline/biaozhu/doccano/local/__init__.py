"""A Doccano on this machine: its processes, its database, its state file, and backups that can be restored."""
