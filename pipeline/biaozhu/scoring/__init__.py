"""Gold + layers -> scores.

`match` pairs spans one to one, `scores` counts, `counting` makes the one pass over two layers, `breakdown`,
`confidence` and `patterns` look closer, `significance` resamples, `evaluation` brings it together, and `document` is
the scores.json of it. Scores are on characters; what is undefined is None.
"""
