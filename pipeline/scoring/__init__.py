"""Gold + layers -> scores: `match` pairs spans one to one, `scores` counts, `significance` resamples, `report` shows.

Scores are on characters; what is undefined is None.
"""
