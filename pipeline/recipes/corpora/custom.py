"""Other people's corpora, given as files: a sentence a line, `{"text": …, "entities": [[start, end, label], …]}`.

Universal NER is one (UNER_Chinese-GSDSIMP, CC BY-SA 4.0; Mayhew et al. 2024, https://arxiv.org/abs/2311.09122).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biaozhu.data.errors import BiaozhuError, CorpusError, OffsetError, OverlapError, UsageError, raise_collected
from biaozhu.data.files import parse_json, read_bytes
from biaozhu.data.model import Span, check_sentence
from recipes.corpora.corpus_store import NOTHING, PARTS, Part, make_part, store_corpus
from recipes.corpora.modern import NAME

# The names of the labels of this project; another label keeps its own.
SOURCE = "given"
MEND = "Fix the file and add it again"
LABELS = {"LOC": "PLACE", "PER": "PERSON"}


def add_corpus(
    name: str, files: Mapping[str, Path], *, licence: str, others: Mapping[str, str] = NOTHING
) -> dict[str, Any]:
    """Convert files train, dev and test, take leaks and what is in `others` out of train, and return the manifest.

    Lines that are not sentences with entities raise CorpusError, all together.
    """
    check_corpus_name(name)
    contents = {part: read_bytes(path) for part, path in files.items()}
    problems: list[BiaozhuError] = []
    parts = {part: _custom_part(contents[part], str(files[part]), problems) for part in PARTS}
    raise_collected(problems)
    digest = hashlib.sha256(b"".join(hashlib.sha256(contents[part]).digest() for part in PARTS)).hexdigest()
    facts = {
        "name": name,
        "package": "files given by the user",
        "package_sha256": digest,
        "licence": licence,
        "lost": 0,
    }
    return store_corpus(parts, facts, others, where=files["train"])


def check_corpus_name(name: str) -> None:
    """Raise UsageError if a new corpus may not have this name: one that `corpus fetch` has, or no name."""
    if name == NAME or not name.replace("-", "").replace("_", "").isalnum():
        advice = "Take letters and digits, and no name of `corpus fetch`"
        raise UsageError(f"{name!r} cannot be the corpus's name", next_step=advice)


def _custom_part(content: bytes, where: str, problems: list[BiaozhuError]) -> Part:
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        problems.append(CorpusError("it is not UTF-8", where=f"{where}@{error.start}", next_step=MEND))
        return Part("", ())
    places = [(f"{where}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()]
    read = [(place, row) for place, line in places if (row := _read_line(line, place, problems))]
    part = make_part(row for _, row in read)
    for (place, _), sentence in zip(read, part.sentences, strict=True):
        try:
            check_sentence(sentence)
        except (OffsetError, OverlapError) as error:
            problems.append(CorpusError(error.what, where=place, next_step=MEND))
    if not read and not problems:
        problems.append(CorpusError("it has no sentence", where=where, next_step=MEND))
    return part


def _read_line(line: str, where: str, problems: list[BiaozhuError]) -> tuple[str, tuple[Span, ...]] | None:
    try:
        row = parse_json(line)
        text, entities = row["text"], [tuple(one) for one in row["entities"]]
    except (ValueError, TypeError, KeyError):
        text, entities = "", []
    known = all(list(map(type, one)) == [int, int, str] and one[2] for one in entities)
    if not isinstance(text, str) or not text or "\n" in text or not known:
        what, advice = (
            'no {"text": …, "entities": [[start, end, label], …]}',
            "A sentence a line, offsets in code points, half open",
        )
        problems.append(CorpusError(what, where=where, next_step=advice))
        return None
    spans = (Span(start, end, LABELS.get(label, label), SOURCE) for start, end, label in entities)
    return text, tuple(sorted(spans, key=lambda span: span.start))
