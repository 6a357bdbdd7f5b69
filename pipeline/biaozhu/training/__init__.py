"""configs/*.cfg + gold -> models/<name>/: `corpora` makes Docs, `architectures` and `encoder` the model, `train` runs.

Everything registered is named `biaozhu.X.v1`; the result loads with `spacy.load`.
"""
