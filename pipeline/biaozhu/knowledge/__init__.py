"""Data that is true of Chinese in general, each with its source: `gazetteer`, `measures`, `surnames`.

Nothing here knows of any article; the annotators read it.
"""
