"""The round trip: `local` runs a real Doccano, `push` sends layers to one, `pull` brings them back.

`team` gives each annotator a project of their own, `adjudication_project` shows a third person their disagreements.
"""
