"""A folder that is written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from biaozhu.data.errors import OutputError, WriteError
from biaozhu.data.files import parse_json, read_bytes, report_unwritable, temporary_folder
from biaozhu.data.outputs import identify_file

MODEL_FILES = ("meta.json", "config.cfg", "README.md", "tokenizer", "vocab")
DESKTOP_FILES = (".DS_Store", "Thumbs.db")


def check_replaceable(output: Path, *, mark: str = MODEL_FILES[0], names: Collection[str] = ()) -> None:
    """Check that a folder is not there, or holds nothing but what a model of its kind is made of.

    `mark` is the file without which it is not such a model (WriteError), `names` are its files and folders, by default those of a spaCy
    pipeline, whose components its `meta.json` names; somebody's files beside them raise OutputError.
    """
    if not output.exists():
        return
    if not (output / mark).is_file():
        advice = "Remove it if nothing in it is needed, or choose another name"
        raise WriteError(
            "this exists already and is not a whole model of this kind", where=str(output), next_step=advice
        )
    known = {*(names or MODEL_FILES), *DESKTOP_FILES}
    if not names:
        with suppress(ValueError, KeyError, TypeError):
            known |= {str(name) for name in parse_json(read_bytes(output / mark))["components"]}
    for path in sorted(one for one in output.iterdir() if one.name not in known):
        # `train --ledger` may have written one there; where nothing was lost it is empty.
        if not path.is_file() or (path.stat().st_size and identify_file(path) != "ledger"):
            raise OutputError("this is no part of a model, and its folder would be replaced", where=str(path))


@contextmanager
def replace_folder(output: Path) -> Iterator[Path]:
    """Yield the path of a new folder, to be made, which takes the place of another at the end; not after an error.

    Beside it is room for other files, which go. A link to a folder stays a link.
    """
    place = Path(os.path.realpath(output))
    with report_unwritable(output), temporary_folder(place) as room:
        yield room / "made"
        if place.exists():
            shutil.copymode(place, room / "made")
            os.replace(place, room / "old")  # noqa: PTH105 — a rename
        os.replace(room / "made", place)  # noqa: PTH105 — as above
