"""The modern corpus: annotations/modern keeps offsets and checksums, the texts come from a folder of theirs.

A line of a part is one sentence, keys in this order: `file` and `path` (where its document is in the folder), `start` and
`end` (code points into the document), `sha256` (first 16 hex digits, of the sentence's UTF-8 bytes), `kind` of text, `by` (the
readers; `adjudicated` where two of them were compared), `spans` as [start, end, label]. Texts that are free to pass on or were
written for the corpus are beside the offsets (`own/`).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from biaozhu.data.errors import CorpusError
from biaozhu.data.files import parse_json, read_bytes, sha256_of
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Span
from recipes.corpora.corpus_store import NOTHING, PARTS, Part, make_part, store_corpus

NAME, SOURCE, OWN = "modern", "readers", "own/"
OFFSETS = Path("annotations/modern")
CHECKSUM_DIGITS = 16
BREAKS = str.maketrans("\t\r\n", "   ")
LICENCE = (
    "offsets and labels MIT; the texts as their sources state (official documents, CC BY-SA, CC0, Apache-2.0, and press whose "
    "rights are not cleared): they are not part of the project"
)
READERS = "read under annotations/guideline.md by language models, each from the plain text"


def fetch_modern(
    offsets: Path, texts: Path, *, own_copies: int = 1, others: Mapping[str, str] = NOTHING
) -> tuple[dict[str, Any], tuple[Entry, ...]]:
    """Put the corpus together from offsets and a folder of texts, and check every sentence against its checksum.

    The files that the offsets (annotations/modern) name may be packed by gzip; `own_copies` is how often
    train has the sentences of own/, `others` are name -> text that must not be in train. Returned are the manifest, and an entry for each sentence whose text is not there or is another one; damaged
    offsets, and a part without a sentence, raise CorpusError.
    """
    documents = Documents((texts, offsets))
    lost: list[Entry] = []
    parts: dict[str, Part] = {}
    for part in PARTS:
        found: list[tuple[str, list[Span]]] = []
        for where, row in read_offsets(offsets / f"{part}.jsonl"):
            text = documents.sentence(row)
            if text is None:
                place, why = f"{row['file']} {row['path']}", "its text is not in the folder"
                lost.append(Entry("corpus", "loss", why, where, row["start"], row["end"], "", place))
            else:
                spans = [Span(start, end, label, SOURCE) for start, end, label in row["spans"]]
                own = part == "train" and row["file"].startswith(OWN)
                found += [(text, spans)] * (own_copies if own else 1)
        if not found:
            raise CorpusError("no sentence of this part is in the folder", where=f"{texts} {part}")
        parts[part] = make_part(found)
    checksums = " ".join(sha256_of(offsets / f"{part}.jsonl") for part in PARTS)
    facts = {
        "name": NAME,
        "package": READERS,
        "package_sha256": hashlib.sha256(checksums.encode()).hexdigest(),
        "licence": LICENCE,
        "lost": len(lost),
        "own_copies": own_copies,
    }
    return store_corpus(parts, facts, others), tuple(lost)


def read_offsets(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where each line of a part stands, and what it says."""
    for number, line in enumerate(read_bytes(path).decode("utf-8").splitlines(), 1):
        row = parse_json(line)
        if not isinstance(row, dict) or {"file", "path", "start", "end", "sha256", "spans"} - row.keys():
            raise CorpusError("this is not a line of offsets", where=f"{path}:{number}")
        yield f"{path}:{number}", row


def checksum_sentence(text: str) -> str:
    """Return the first hex digits of a sentence's SHA-256."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:CHECKSUM_DIGITS]


class Documents:
    """The documents of the folders, a file read when it is first named."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self.files: dict[str, dict[str, list[str]]] = {}

    def sentence(self, row: Mapping[str, Any]) -> str | None:
        """Return the text of a row with its breaks as spaces, None where it is not there or is another one."""
        if row["file"] not in self.files:
            self.files[row["file"]] = self._read(row["file"])
        for document in self.files[row["file"]].get(row["path"], ()):
            text = document[row["start"] : row["end"]]
            if checksum_sentence(text) == row["sha256"]:
                return text.translate(BREAKS)
        return None

    def _read(self, name: str) -> dict[str, list[str]]:
        found = defaultdict(list)
        files = [folder / f"{name}{ending}" for folder in self.folders for ending in (".jsonl", ".jsonl.gz")]
        path = next((file for file in files if file.is_file()), None)
        for where, text in read_corpus_file(path) if path else ():
            found[where].append(text)
        return found


def read_corpus_file(path: Path) -> Iterator[tuple[str, str]]:
    """Yield path and text of each document of a file, which may be packed by gzip."""
    data = gzip.decompress(read_bytes(path)) if path.suffix == ".gz" else read_bytes(path)
    for number, line in enumerate(data.decode("utf-8").splitlines()):
        document = json.loads(line)
        # Rows of the labelled sets have no path of their own: their number is one.
        yield document.get("path") or f"#{number}", document["text"]
