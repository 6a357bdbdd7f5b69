"""Data that is true of Chinese in general, each with its source: `gazetteer`, `measures`, `word_tables`.

Nothing here knows of any article; the annotators read it.
"""
