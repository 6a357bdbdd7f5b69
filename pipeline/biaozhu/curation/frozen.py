"""Frozen gold: a manifest of checksums, so that a score always says which gold it was made with."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from biaozhu.data.errors import FrozenError, OutputError, raise_collected
from biaozhu.data.files import hold_folder, parse_json_as, read_bytes, write_json
from biaozhu.data.layers import find_layers, is_beside, join_layers, parse_layer
from biaozhu.data.model import Sentence
from biaozhu.data.storage.manifest import KEYS, MANIFEST, SCHEMA, FrozenFile, find_change, list_gone, read_manifest


class GoldChange(NamedTuple):
    """A span that only one of two versions of a gold file has."""

    kind: str
    sentence: str
    start: int
    end: int
    label: str
    text: str


def freeze_gold(folder: str | Path) -> dict[str, FrozenFile]:
    """Write the manifest of every gold file (`*.jsonl`) in a folder, if all are valid, and return it."""
    folder = Path(folder)
    if not _list_gold(folder):
        advice = "Make gold with `biaozhu adjudicate`"
        raise FrozenError("no gold to freeze (*.jsonl)", where=str(folder), next_step=advice)
    path = folder / MANIFEST
    with hold_folder(folder):
        files = {one.name: _describe_file(one) for one in _list_gold(folder)}
        if path.is_file():
            found: dict[str, Any] = {}
            with suppress(ValueError):
                found = parse_json_as(read_bytes(path), dict)
            if found.keys() != KEYS:
                what = "a file that is not ours would be replaced by the gold's manifest"
                raise OutputError(what, where=str(path))
        write_json(path, {"schema": SCHEMA, "files": {name: asdict(file) for name, file in files.items()}})
    return files


def check_frozen(folder: str | Path) -> dict[str, FrozenFile]:
    """Check a folder's gold files against its manifest, and return it; FrozenError reports all changes together."""
    folder = Path(folder)
    files = read_manifest(folder)
    problems = list_gone(folder)
    for path in _list_gold(folder):
        problems += find_change(path, files)
    raise_collected(problems)
    return files


def read_version(path: Path) -> tuple[Sentence, ...]:
    """Read a gold file, or a folder, without asking the manifest beside it: to show what changed."""
    files = _list_gold(path) or find_layers([path])
    return join_layers((file, parse_layer(read_bytes(file), file)) for file in files)


def diff_gold(old: tuple[Sentence, ...], new: tuple[Sentence, ...]) -> tuple[GoldChange, ...]:
    """Return the spans that only one of two versions of a gold file has, in the order of the articles in them."""
    order = {article: at for at, article in enumerate(dict.fromkeys(one.article for one in (*old, *new)))}
    before, after = ({sentence.id: sentence for sentence in layer} for layer in (old, new))
    return tuple(
        GoldChange(kind, one.id, *span.key, mine[one.id].text[span.start : span.end])
        for one in sorted({**after, **before}.values(), key=lambda one: (order[one.article], one.start))
        for kind, mine, theirs in (("removed", before, after), ("added", after, before))
        if one.id in mine
        for span in mine[one.id].spans
        if one.id not in theirs or span.key not in {other.key for other in theirs[one.id].spans}
    )


def _list_gold(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.jsonl")) if not is_beside(path)]


def _describe_file(path: Path) -> FrozenFile:
    content = read_bytes(path)
    layer = parse_layer(content, path)
    spans = Counter(span.label for sentence in layer for span in sentence.spans)
    articles = sorted({sentence.article for sentence in layer})
    return FrozenFile(hashlib.sha256(content).hexdigest(), tuple(articles), len(layer), dict(sorted(spans.items())))
