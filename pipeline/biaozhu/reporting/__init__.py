"""Scores and layers -> a page to read: `content` reads and scores, `page` arranges, `report` writes, `history` collects.

`escaping` makes foreign text harmless.
"""
