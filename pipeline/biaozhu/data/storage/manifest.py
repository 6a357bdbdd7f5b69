"""Manifest of frozen gold: checksums in a file beside the gold, which every reader of a layer asks."""

from __future__ import annotations

import hashlib
import os
import shlex
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

from biaozhu.data.errors import BiaozhuError, FrozenError, raise_collected
from biaozhu.data.files import as_path, parse_json_as, read_bytes, sha256_of

MANIFEST = "MANIFEST.json"
SCHEMA = 1
KEYS = {"schema", "files"}
# What says how gold was made and what its spans mean, frozen with it where it is there.
BESIDE = ("about.toml", "values/*.jsonl", "places/*.jsonl")


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """One gold file: its checksum, the articles it is about (first 12 hex digits) and how many spans of each label.

    Of a file beside the gold (values, places, `about.toml`) there is the checksum alone.
    """

    sha256: str
    articles: tuple[str, ...] = ()
    sentences: int = 0
    spans: dict[str, int] = field(default_factory=dict)


def read_manifest(folder: str | Path) -> dict[str, FrozenFile]:
    """Read a folder's manifest."""
    path = as_path(folder) / MANIFEST
    try:
        data: dict[str, Any] = parse_json_as(read_bytes(path), dict)
        if data["schema"] == SCHEMA:
            return msgspec.convert(data["files"], dict[str, FrozenFile])
    except (ValueError, KeyError, msgspec.ValidationError) as error:
        raise FrozenError(f"not a manifest: {error}", where=path) from None
    what = f"a manifest of schema {data['schema']!r}, this version reads {SCHEMA}"
    raise FrozenError(what, where=path, next_step="Look at the gold, then freeze it again with `biaozhu gold freeze`")


def check_unchanged(path: str | Path, content: bytes | None = None) -> None:
    """Raise FrozenError where a manifest of gold is beside a layer and gives it another checksum; `content` spares reading it."""
    path = as_path(path)
    # Only such files are frozen; an address has no manifest that we write.
    if isinstance(cast("Any", path), Path) and path.suffix == ".jsonl":
        # A link is as frozen as the file that it leads to.
        for one in dict.fromkeys((path, Path(os.path.realpath(path)))):
            if (files := find_manifest(one.parent)) is not None:
                raise_collected(find_change(one.parent, one.name, files, content))
            name = f"{one.parent.name}/{one.name}"
            # No other folder above: its manifest may be any program's.
            is_beside = any(fnmatch(name, pattern) for pattern in BESIDE)
            if is_beside and name in (files := find_manifest(one.parent.parent) or {}):
                raise_collected(find_change(one.parent.parent, name, files, content))


def list_gone(folder: str | Path) -> list[BiaozhuError]:
    """Return an error for each file that a folder's manifest of gold names and the folder lacks."""
    paths = [as_path(folder) / name for name in find_manifest(folder) or ()]
    return [FrozenError("in the manifest but not in the folder", where=path) for path in paths if not path.exists()]


def find_manifest(folder: str | Path) -> dict[str, FrozenFile] | None:
    """Return a folder's manifest, or None where it has none, or another program's; FrozenError where it may be one that was damaged."""
    path = as_path(folder) / MANIFEST
    if not path.is_file():
        return None
    found = path.stat()
    return _read_once(path.parent, found.st_mtime_ns, found.st_ino, found.st_size)


# Every file of a folder asks for the same one: read anew each time, many files would take quadratic time.
@lru_cache(maxsize=8)
def _read_once(folder: Path, *_version: int) -> dict[str, FrozenFile] | None:
    with suppress(ValueError):
        # Shards have a file of this name too, and so may other programs; one that is damaged may be the gold's.
        if not is_of_gold(parse_json_as(read_bytes(folder / MANIFEST), dict)):
            return None
    return read_manifest(folder)


def is_of_gold(data: dict[str, Any]) -> bool:
    """Tell a manifest of gold, also one with a key too many or too few, from those of shards and other programs."""
    files = data.get("files", {})
    rows = files.values() if isinstance(files, dict) else [files]
    wanted = FrozenFile.__dataclass_fields__.keys()
    return any(isinstance(row, dict) and len(wanted & row) > 1 for row in rows) if files else data.keys() <= KEYS


def find_change(
    folder: Path, name: str, files: dict[str, FrozenFile], content: bytes | None = None
) -> list[BiaozhuError]:
    """Return what is wrong with a file of a folder that has this manifest."""
    path = folder / name
    if name not in files:
        quoted = shlex.quote(str(folder))
        advice = f"Look at it, then freeze it too with `biaozhu gold freeze {quoted}`, or move it away"
        return [FrozenError("not in the manifest", where=path, next_step=advice)]
    found = sha256_of(path) if content is None else hashlib.sha256(content).hexdigest()
    return [FrozenError("changed since it was frozen", where=path)] if found != files[name].sha256 else []
