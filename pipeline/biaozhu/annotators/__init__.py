"""Text -> spans, one layer per annotator: `lac`, `amounts`, `places`, `persons`, `trained`; then `combine`.

An annotator takes a batch of texts and gives a tuple of spans for each; its layer stays apart until `combine`.
"""
