"""The names that the command line has for formats and for what offsets count."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """The formats."""

    doccano = "doccano"
    conll = "conll"
    spacy = "spacy"
    labelstudio = "labelstudio"
    brat = "brat"


class Units(StrEnum):
    """What offsets count."""

    codepoints = "codepoints"
    utf16 = "utf16"
