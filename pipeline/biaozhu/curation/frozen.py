"""Frozen gold: a manifest of checksums, so that a score always says which gold it was made with."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from biaozhu.data.errors import FrozenError, OutputError, raise_collected
from biaozhu.data.files import as_path, hold_folder, parse_json_as, read_bytes, sha256_of, write_json
from biaozhu.data.layers import find_layers, is_beside, join_layers, parse_layer
from biaozhu.data.model import Sentence
from biaozhu.data.storage import manifest
from biaozhu.data.storage.manifest import MANIFEST, FrozenFile, read_manifest


class GoldChange(NamedTuple):
    """A span that only one of two versions of a gold file has."""

    change: str
    sentence: str
    start: int
    end: int
    label: str
    text: str


def freeze_gold(folder: str | Path) -> dict[str, FrozenFile]:
    """Write the manifest of every gold file (`*.jsonl`) in a folder and of what is beside it, if all are valid, and return it."""
    folder = Path(folder)
    if not _list_gold(folder):
        raise FrozenError("no gold to freeze (*.jsonl)", where=folder, next_step="Make gold with `biaozhu adjudicate`")
    path = folder / MANIFEST
    with hold_folder(folder):
        contents = {one: read_bytes(one) for one in _list_gold(folder)}
        layers = {one: parse_layer(content, one) for one, content in contents.items()}
        join_layers(layers.items())
        files = {one.name: _describe_gold_file(contents[one], layer) for one, layer in layers.items()}
        beside = sorted(one for pattern in manifest.BESIDE for one in folder.glob(pattern))
        files |= {one.relative_to(folder).as_posix(): FrozenFile(sha256_of(one)) for one in beside}
        if path.is_file():
            ours = False
            with suppress(ValueError):
                ours = manifest.is_of_gold(parse_json_as(read_bytes(path), dict))
            if not ours:
                raise OutputError("a file that is not ours would be replaced by the gold's manifest", where=path)
        write_json(path, {"schema": manifest.SCHEMA, "files": {name: asdict(file) for name, file in files.items()}})
    return files


def check_frozen(folder: str | Path) -> dict[str, FrozenFile]:
    """Check a folder's gold files against its manifest, and return it; FrozenError reports all changes together."""
    folder = Path(folder)
    files = read_manifest(folder)
    problems = manifest.list_gone(folder)
    there = {path.name for path in _list_gold(folder)} | {name for name in files if (folder / name).exists()}
    for name in sorted(there):
        problems += manifest.find_change(folder, name, files)
    raise_collected(problems)
    return files


def read_version(path: str | Path) -> tuple[Sentence, ...]:
    """Read a gold file, or a folder, without asking the manifest beside it: to show what changed."""
    files = _list_gold(as_path(path)) or find_layers([path])
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


def _describe_gold_file(content: bytes, layer: tuple[Sentence, ...]) -> FrozenFile:
    spans = Counter(span.label for sentence in layer for span in sentence.spans)
    articles = sorted({sentence.article for sentence in layer})
    return FrozenFile(hashlib.sha256(content).hexdigest(), tuple(articles), len(layer), dict(sorted(spans.items())))
