"""Gold and layers -> scores: `scores` pairs spans, `counting` counts them, `significance` resamples, `evaluation` joins all.

`layer_scoring` is the way from files to scores, and `scores_document` writes scores.json. Scores are on characters.
"""
