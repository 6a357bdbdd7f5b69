"""Commands on Doccano: the server, push, pull, backups and projects with several annotators."""
