"""Frozen gold: a manifest of checksums, so that a score always says which gold it was made with."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from biaozhu.data.errors import BiaozhuError, FrozenError, OutputError, raise_collected
from biaozhu.data.files import parse_json_as, read_bytes, sha256_of, write_text
from biaozhu.data.layers import is_beside, read_layer

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.data.model import Sentence

MANIFEST = "MANIFEST.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """One gold file: its checksum, the articles it is about (first 12 hex digits) and how many spans of each label."""

    sha256: str
    articles: tuple[str, ...]
    sentences: int
    spans: dict[str, int]


class GoldChange(NamedTuple):
    """A span that only one of two versions of a gold file has."""

    kind: str
    sentence: str
    start: int
    end: int
    label: str
    text: str


def freeze_gold(folder: Path) -> dict[str, FrozenFile]:
    """Write the manifest of every gold file (`*.jsonl`) in a folder, if all are valid, and return it."""
    files = {path.name: _describe_file(path) for path in _list_gold(folder)}
    if not files:
        advice = "Make gold with `biaozhu adjudicate`"
        raise FrozenError("no gold to freeze (*.jsonl)", where=str(folder), next_step=advice)
    path = folder / MANIFEST
    if path.is_file():
        found: dict[str, Any] = {}
        with suppress(ValueError):
            found = parse_json_as(read_bytes(path), dict)
        if found.keys() != {"schema", "files"}:
            what = "a file that is not ours would be replaced by the gold's manifest"
            raise OutputError(what, where=str(path))
    manifest = {"schema": SCHEMA, "files": {name: asdict(file) for name, file in files.items()}}
    write_text(path, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    return files


def read_manifest(folder: Path) -> dict[str, FrozenFile]:
    """Read a folder's manifest."""
    path = folder / MANIFEST
    try:
        data: dict[str, Any] = parse_json_as(read_bytes(path), dict)
        if data["schema"] == SCHEMA:
            return msgspec.convert(data["files"], dict[str, FrozenFile])
    except (ValueError, KeyError, msgspec.ValidationError) as error:
        raise FrozenError(f"not a manifest: {error}", where=str(path)) from None
    what = f"a manifest of schema {data['schema']}, this version reads {SCHEMA}"
    advice = "Look at the gold, then freeze it again with `biaozhu gold freeze`"
    raise FrozenError(what, where=str(path), next_step=advice)


def check_frozen(folder: Path) -> dict[str, FrozenFile]:
    """Check a folder's gold files against its manifest, and return it; FrozenError reports all changes together."""
    files = read_manifest(folder)
    problems: list[BiaozhuError] = []
    present = {path.name for path in _list_gold(folder)}
    for name in sorted(files.keys() | present):
        if name not in present:
            problems.append(FrozenError("in the manifest but not in the folder", where=str(folder / name)))
        else:
            problems += _find_change(folder / name, files)
    raise_collected(problems)
    return files


def read_gold(path: Path) -> tuple[Sentence, ...]:
    """Read a gold file, checked against the manifest beside it where there is one."""
    if (path.parent / MANIFEST).exists():
        raise_collected(_find_change(path, read_manifest(path.parent)))
    return read_layer(path)


def diff_gold(old: tuple[Sentence, ...], new: tuple[Sentence, ...]) -> tuple[GoldChange, ...]:
    """Return the spans that only one of two versions of a gold file has, in the order of the article."""
    before, after = ({sentence.id: sentence for sentence in layer} for layer in (old, new))
    return tuple(
        GoldChange(kind, one.id, *span.key, mine[one.id].text[span.start : span.end])
        for one in sorted({**after, **before}.values(), key=lambda one: (one.article, one.start))
        for kind, mine, theirs in (("removed", before, after), ("added", after, before))
        if one.id in mine
        for span in mine[one.id].spans
        if one.id not in theirs or span.key not in {other.key for other in theirs[one.id].spans}
    )


def _list_gold(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.jsonl")) if not is_beside(path)]


def _find_change(path: Path, files: dict[str, FrozenFile]) -> list[BiaozhuError]:
    if path.name not in files:
        return [FrozenError("not in the manifest", where=str(path))]
    if sha256_of(path) != files[path.name].sha256:
        return [FrozenError("changed since it was frozen", where=str(path))]
    return []


def _describe_file(path: Path) -> FrozenFile:
    layer = read_layer(path)
    spans = Counter(span.label for sentence in layer for span in sentence.spans)
    articles = sorted({sentence.article for sentence in layer})
    return FrozenFile(sha256_of(path), tuple(articles), len(layer), dict(sorted(spans.items())))
