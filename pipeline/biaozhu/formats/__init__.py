"""Formats of other annotation tools: Doccano JSONL, CoNLL/BIO, spaCy DocBin, Label Studio, brat.

Each module writes sentences in its format and reads its format into `Document` values, in code points.
`convert` makes sentences of them, and an article where the file names none of biaozhu.
"""
