"""Build the table of well-known names: `python -m recipes.well_known`.

persons.txt, places.txt and neither.txt (brands, works, organizations, species: what looks like a name of ours) were written by
language models from what they know, a name a line, CC0 1.0.
"""
