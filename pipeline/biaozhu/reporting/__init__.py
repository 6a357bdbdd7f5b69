"""Scores and layers -> a page to read: `inputs` reads and scores, `view` arranges, `report` writes, `history` collects.

`overlay` cuts an article into pieces that all layers treat alike, `faults` ties errors to their places, `styling`
draws the layers, `charts` and `figures` the curves, `verdict` answers whether a layer can be trusted, `strings.toml`
holds every word in Chinese and English, `shown` makes foreign text harmless, `templates/` holds the page.
"""
