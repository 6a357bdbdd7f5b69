"""Other people's corpora, given as files: a sentence a line, `{"text": …, "entities": [[start, end, label], …]}`.

Universal NER is one (UNER_Chinese-GSDSIMP, CC BY-SA 4.0; Mayhew et al. 2024, https://arxiv.org/abs/2311.09122).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import CorpusError, OffsetError, OverlapError, UsageError, raise_collected
from biaozhu.data.files import parse_json, read_bytes
from biaozhu.data.model import Sentence, Span, check_sentence
from recipes.corpora.corpus_store import PARTS, Part, article_id, corpora_folder, write_corpus
from recipes.corpora.fetch import PACKAGES, without_leaks
from recipes.corpora.leaks import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from biaozhu.data.errors import BiaozhuError

# The names of the labels of this project; another label keeps its own.
SOURCE = "given"
MEND = "Fix the file and add it again"
LABELS = {"LOC": "PLACE", "PER": "PERSON"}


def add_corpus(
    name: str,
    files: Mapping[str, Path],
    *,
    licence: str,
    folder: Path | None = None,
    others: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Convert a corpus that is already cut into parts, take leaks out of train, and write it to the cache folder.

    Args:
        name: of the corpus, from now on.
        files: `train`, `dev` and `test`.
        licence: what its data may be used for; is in every model card.
        folder: where to write; None takes the cache folder's own.
        others: name -> text that must not be in train (articles that are annotated here).

    Returns:
        The manifest.

    Raises:
        UsageError: a part is missing, or the name is one that `corpus fetch` has, or no name.
        MissingFileError: there is no such file.
        CorpusError: lines are not sentences with entities (all are reported together), or all of train leaks.
    """
    if set(files) != set(PARTS):
        raise UsageError(f"a corpus needs {', '.join(PARTS)}")
    check_corpus_name(name)
    contents = {part: read_bytes(path) for part, path in files.items()}
    problems: list[BiaozhuError] = []
    parts = {part: _part(contents[part], str(files[part]), problems) for part in PARTS}
    raise_collected(problems)
    parts, leaks = without_leaks(parts, others or {})
    if not parts["train"].sentences:
        raise CorpusError(
            "nothing is left of train: all of it is in other parts",
            where=str(files["train"]),
            next_step="Give a corpus that is cut into parts",
        )
    digest = hashlib.sha256(b"".join(hashlib.sha256(contents[part]).digest() for part in PARTS)).hexdigest()
    facts = {
        "name": name,
        "package": "files given by the user",
        "package_sha256": digest,
        "licence": licence,
        "near_duplicates": {"likeness": THRESHOLD, "left_train": leaks},
        "lost": 0,
    }
    return write_corpus(folder or corpora_folder() / name, parts, facts)


def check_corpus_name(name: str) -> None:
    """Check that a new corpus may have this name.

    Raises:
        UsageError: it is one that `corpus fetch` has, or no name.
    """
    if name in PACKAGES or not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError(
            f"{name!r} cannot be the corpus's name",
            next_step="Take letters and digits, and no name of `corpus fetch`",
        )


def _part(content: bytes, where: str, problems: list[BiaozhuError]) -> Part:
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        problems.append(CorpusError("it is not UTF-8", where=f"{where}@{error.start}", next_step=MEND))
        return Part("", ())
    rows = [
        (f"{where}:{number}", _row(line, f"{where}:{number}", problems))
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    read = [(place, row) for place, row in rows if row is not None]
    raw = "".join(f"{text}\n" for _, (text, _) in read)
    article = article_id(raw)
    sentences: list[Sentence] = []
    offset = 0
    for place, (text, spans) in read:
        sentence = Sentence(article, offset, offset + len(text), text, spans)
        try:
            check_sentence(sentence)
        except (OffsetError, OverlapError) as error:
            problems.append(CorpusError(error.what, where=place, next_step=MEND))
        sentences.append(sentence)
        offset += len(text) + 1
    if not sentences and not problems:
        problems.append(CorpusError("it has no sentence", where=where, next_step=MEND))
    return Part(raw, tuple(sentences))


def _row(line: str, where: str, problems: list[BiaozhuError]) -> tuple[str, tuple[Span, ...]] | None:
    try:
        row = parse_json(line)
        text, entities = row["text"], [tuple(one) for one in row["entities"]]
    except (ValueError, TypeError, KeyError):
        text, entities = "", []
    known = all(list(map(type, one)) == [int, int, str] and one[2] for one in entities)
    if not isinstance(text, str) or not text or "\n" in text or not known:
        problems.append(
            CorpusError(
                'no {"text": …, "entities": [[start, end, label], …]}', where=where,
                next_step="A sentence a line, offsets in code points, half open",
            )
        )  # fmt: skip
        return None
    spans = (Span(start, end, LABELS.get(label, label), SOURCE) for start, end, label in entities)
    return text, tuple(sorted(spans, key=lambda span: span.start))
