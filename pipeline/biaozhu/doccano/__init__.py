"""The round trip: `server` starts a real Doccano, `push` brings sentence lines there, `pull` brings them back.

What comes back is compared with what was sent, span by span (`changes`). `team` gives each annotator a layer of
their own, `adjudicating` puts what they disagree on to a third.
"""
