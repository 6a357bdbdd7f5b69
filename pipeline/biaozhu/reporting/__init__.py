"""Scores and layers -> a page to read: `content` reads and scores, `page` arranges, `report` writes, `history` collects.

`evidence` reads what other commands found, `escaping` makes foreign text harmless.
"""
