"""The guideline as Doccano shows it: one text, with its pictures inside, since Doccano serves no files to annotators."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.data.files import read_bytes
from biaozhu.data.shipped import find_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.data.labels import Label

PICTURE = re.compile(r"!\[(?P<alt>[^\]\n]*)\]\((?P<path>[^)\s]+\.png)\)\n*")
MAX_PICTURE_BYTES = 100_000
"""A larger picture is left out: Doccano sends the guideline with every list of projects."""


def embed_pictures(text: str, folder: Path) -> str:
    """Put the PNG pictures that a guideline in this folder links to into its text; one that is not there is left out.

    The picture of the package's own guideline is found in the package too.
    """

    def embed(match: re.Match[str]) -> str:
        if "://" in match["path"]:
            return match[0]
        path = folder / match["path"]
        if not path.is_file():
            path = find_own(Path("docs/pictures") / path.name)
        if not path.is_file() or path.stat().st_size > MAX_PICTURE_BYTES:
            return ""
        data = b64encode(read_bytes(path)).decode("ascii")
        return f"![{match['alt']}](data:image/png;base64,{data})\n\n"

    return PICTURE.sub(embed, text)


def describe_work(labels: Sequence[Label]) -> str:
    """Return what the list of projects tells annotators: the keys, and how a sentence is done."""
    keys = "、".join(f"{label.shortcut} {label.name}" for label in labels)
    return f"先按键（{keys}），再划过文字；看完一句点左上的 ✕，变成 ✓ 才算做完。指南在工具栏左起第四个按钮。"
