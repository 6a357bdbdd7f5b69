"""A folder that is written whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from biaozhu.data.errors import WriteError
from biaozhu.data.files import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def check_replaceable(output: Path, kind: str = "model", *, mark: str = "meta.json") -> None:
    """Check that a folder is not there, or holds the file that marks what may be replaced."""
    if output.exists() and not (output / mark).is_file():
        raise WriteError(
            f"this exists already and is not a {kind}", where=str(output), next_step="Choose another name"
        )


@contextmanager
def replace_folder(output: Path) -> Iterator[Path]:
    """Yield the path of a new folder, to be made, which takes the place of another at the end; not after an error.

    Beside it is room for other files, which go.
    """
    try:
        with temporary_folder(output) as room:
            yield room / "made"
            if output.exists():
                os.replace(output, room / "old")  # noqa: PTH105 — a rename
            os.replace(room / "made", output)  # noqa: PTH105 — as above
    except OSError as error:
        raise WriteError(f"cannot be written ({error.strerror})", where=str(output)) from None
