"""Frozen gold: a manifest of checksums, so that a score always says which gold it was made with."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import BiaozhuError, FrozenError, raise_collected
from biaozhu.data.files import parse_json, read_bytes, sha256_of, write_text
from biaozhu.data.layers import read_layer

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.data.model import Sentence

MANIFEST = "MANIFEST.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """One gold file: its checksum, the articles it is about (first 12 hex digits) and what it holds."""

    sha256: str
    articles: tuple[str, ...]
    sentences: int
    spans: dict[str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """A span that two versions of a gold file do not share; offsets are code points into the sentence."""

    kind: str
    sentence: str
    start: int
    end: int
    label: str
    text: str


def freeze_gold(folder: Path) -> dict[str, FrozenFile]:
    """Write the manifest of every gold file (`*.jsonl`) in a folder and return it.

    Raises:
        FrozenError: the folder holds no gold.
        LineError, OffsetError, …: a gold file is not valid; nothing is written.
    """
    files = {path.name: _describe(path) for path in sorted(folder.glob("*.jsonl"))}
    if not files:
        raise FrozenError(
            "no gold to freeze (*.jsonl)", where=str(folder), next_step="Make gold with `biaozhu adjudicate`"
        )
    manifest = {"schema": SCHEMA, "files": {name: asdict(file) for name, file in files.items()}}
    write_text(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    return files


def read_manifest(folder: Path) -> dict[str, FrozenFile]:
    """Read a folder's manifest.

    Raises:
        MissingFileError: there is none.
        FrozenError: it cannot be understood.
    """
    path = folder / MANIFEST
    try:
        data: Any = parse_json(read_bytes(path))
        if data["schema"] != SCHEMA:
            raise FrozenError(
                f"manifest of schema {data['schema']}, this version reads {SCHEMA}",
                where=str(path),
                next_step="Look at the gold, then freeze it again with `biaozhu gold freeze`",
            )
        return {
            name: FrozenFile(file["sha256"], tuple(file["articles"]), file["sentences"], dict(file["spans"]))
            for name, file in data["files"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FrozenError("not a manifest", where=str(path)) from None


def check_frozen(folder: Path) -> dict[str, FrozenFile]:
    """Check every gold file in a folder against its manifest, and return the manifest.

    Raises:
        FrozenError: a file has changed, is missing, or is not in the manifest; all are reported together.
    """
    files = read_manifest(folder)
    problems: list[BiaozhuError] = []
    present = {path.name for path in folder.glob("*.jsonl")}
    for name in sorted(files.keys() | present):
        where = str(folder / name)
        if name not in present:
            problems.append(FrozenError("in the manifest but not there", where=where))
        elif name not in files:
            problems.append(FrozenError("not in the manifest", where=where))
        elif sha256_of(folder / name) != files[name].sha256:
            problems.append(FrozenError("changed since it was frozen", where=where))
    raise_collected(problems)
    return files


def read_gold(path: Path) -> tuple[Sentence, ...]:
    """Read a gold file, checked against the manifest beside it where there is one.

    Raises:
        FrozenError: the file is not what its manifest says.
        LineError, OffsetError, …: it is no layer.
    """
    manifest = path.parent / MANIFEST
    if manifest.exists():
        frozen = read_manifest(path.parent).get(path.name)
        if frozen is None:
            raise FrozenError("not in the manifest beside it", where=str(path))
        if sha256_of(path) != frozen.sha256:
            raise FrozenError("changed since it was frozen", where=str(path))
    return read_layer(path)


def diff_gold(old: tuple[Sentence, ...], new: tuple[Sentence, ...]) -> tuple[Change, ...]:
    """Return the spans that only one of two versions of a gold file holds, in the order of the article."""
    before, after = ({sentence.id: sentence for sentence in layer} for layer in (old, new))
    changes: list[Change] = []
    for key in sorted(before.keys() | after.keys(), key=_position):
        changes += _only_in_first("removed", before.get(key), after.get(key))
        changes += _only_in_first("added", after.get(key), before.get(key))
    return tuple(changes)


def _only_in_first(kind: str, sentence: Sentence | None, other: Sentence | None) -> list[Change]:
    if sentence is None:
        return []
    kept = {span.key for span in other.spans} if other else set()
    return [
        Change(kind, sentence.id, *span.key, sentence.text[span.start : span.end])
        for span in sentence.spans
        if span.key not in kept
    ]


def _describe(path: Path) -> FrozenFile:
    layer = read_layer(path)
    return FrozenFile(
        sha256=hashlib.sha256(read_bytes(path)).hexdigest(),
        articles=tuple(sorted({sentence.article for sentence in layer})),
        sentences=len(layer),
        spans=dict(sorted(Counter(span.label for sentence in layer for span in sentence.spans).items())),
    )


def _position(sentence_id: str) -> tuple[str, int]:
    article, _, offsets = sentence_id.partition(":")
    return article, int(offsets.partition("-")[0])
