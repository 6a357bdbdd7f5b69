"""The round trip: `server` starts a real Doccano, `bridge` pushes sentence lines and pulls them back.

What comes back is compared with what was sent, span by span.
"""
