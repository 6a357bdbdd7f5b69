"""An annotator's layer on disk: a folder named after the annotator with one JSONL file per article."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.curation.status import read_status, status_path
from biaozhu.data.layers import find_layers, read_layer

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.data.model import Sentence


def read_annotator(path: Path) -> tuple[str, tuple[Sentence, ...]]:
    """Read what one annotator did.

    Args:
        path: `layers/<annotator>/`, or one `layers/<annotator>/<article>.jsonl` of it.

    Returns:
        The annotator's name and the sentences of all files, in the order of the files' names.

    Raises:
        MissingFileError: there is no layer there.
        LineError, OffsetError, …: a file is not valid.
    """
    files = find_layers([path])
    return files[0].resolve().parent.name, tuple(sentence for file in files for sentence in read_layer(file))


def read_times(path: Path) -> dict[str, str]:
    """Read when an annotator confirmed each sentence (ISO 8601), from the status files beside the layers, if any.

    Raises:
        MissingFileError: there is no layer there.
        LineError: a status file is not valid.
    """
    files = [status_path(file) for file in find_layers([path])]
    return {
        status.sentence: status.confirmed_at
        for file in files
        if file.exists()
        for status in read_status(file)
        if status.confirmed_at
    }
