"""A Doccano on this machine: its processes, database and state, a backup of it, and the way back."""
