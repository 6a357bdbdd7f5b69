"""configs/*.cfg + gold -> models/<name>/: `gold` and `docbin_stream` read, `train` runs, `solving` finds parameters.

`crossval`, `curve` and `seed_runs` train again and again, to say what a model is worth.
"""
