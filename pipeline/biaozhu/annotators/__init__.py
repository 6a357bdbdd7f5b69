"""Texts -> spans, one layer per annotator (`registry` says what one is), and `combine`, which makes one layer of them.

`network` has the networks whose words and names they read; `preannotate` runs them on articles; `trained` is a spaCy model.
"""
