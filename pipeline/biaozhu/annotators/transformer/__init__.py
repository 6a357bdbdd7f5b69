"""The deep model: a small transformer beside the accurate model, and the pieces of words that it reads.

Its weights are in `annotators/network/deep`; `recipes.deep` trains it.
"""
