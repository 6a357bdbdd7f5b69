"""Corpora that public packages carry, turned into sentence lines under our guideline: fetch, convert, cut, leak check.

A corpus folder holds, for each of train, dev and test, a raw text file and a layer whose offsets point into it.
Nothing of a corpus is part of the repository: it is in the user's cache folder.
"""
