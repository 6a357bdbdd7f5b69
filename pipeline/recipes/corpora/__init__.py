"""Corpora to train on, as sentence lines: put together or converted from files, and checked for leaks.

A corpus folder holds, for each of train, dev and test, a raw text file and a layer whose offsets point into it.
Nothing of a corpus is part of the repository: it is in the user's cache folder.
"""
