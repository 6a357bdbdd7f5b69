"""Annotation formats that people come from and go to: Doccano JSONL, CoNLL/BIO, spaCy DocBin, Label Studio, brat.

Each module reads its format into `Document` values, in code points, and writes sentences as its format; `settling`
makes sentences of documents, with an article beside them where the file names none of ours.
"""
