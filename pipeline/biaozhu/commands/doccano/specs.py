"""Parts that the commands on Doccano share: options, the project's spec, the login, and checks of names from the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from biaozhu.commands.console import print_json, print_table, say
from biaozhu.commands.options import target
from biaozhu.data.errors import EncodingError, RoundTripError
from biaozhu.data.files import is_file_name, read_bytes
from biaozhu.data.labels import read_labels
from biaozhu.data.shipped import find_shipped

if TYPE_CHECKING:
    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import ProjectSpec

GUIDELINE = Path("annotations/guideline.md")

LayerPaths = Annotated[list[Path], Argument(metavar="LAYER", help="Layers (.jsonl) to annotate, in order, or folders.")]
GuidelineFile = Annotated[Path, Option(help="Guideline in Markdown, shown to annotators.")]
LedgerFile = Annotated[Path | None, Option(callback=target, help="Write what could not be brought back to this file.")]
Port = Annotated[int | None, Option(min=1, max=65535, help="Port on 127.0.0.1; else a free one.")]


def read_spec(project: str, labels: Path, guideline: Path | None = None) -> ProjectSpec:
    """Read the label set and the guideline; the default guideline may be missing."""
    from biaozhu.doccano.project import ProjectSpec, embed_pictures, list_unexplained

    text, is_default = "", guideline == GUIDELINE
    found = find_shipped(GUIDELINE) if is_default else guideline
    if found is not None and is_default and not found.exists():
        say(f"no guideline: there is no {found}")
    elif found is not None:
        try:
            text = embed_pictures(read_bytes(found).decode("utf-8-sig"), found.parent)
        except UnicodeDecodeError as error:
            raise EncodingError("the guideline is not UTF-8", where=f"{found}@{error.start}") from None
    known = read_labels(labels)
    if text and (lacking := list_unexplained(known, text)):
        names = ", ".join(f"{one.id} {one.name}" for one in lacking)
        say(
            f"the guideline {found} has nothing on {names}: write the rules into {GUIDELINE if is_default else found}, then run this again"
        )
    return ProjectSpec(project, known, text)


def log_in(home: Path) -> Connection:
    """Log in to the Doccano of the environment, or the local one of this home folder."""
    from biaozhu.doccano.connection import connect, find_account

    return connect(find_account(home=home))


def check_file_names(names: Iterable[str], advice: str) -> None:
    """Check names that come from the server: none may lead out of the folder; `advice` is what to do then."""
    for name in names:
        if name.startswith(".") or not is_file_name(name):
            raise RoundTripError(f"the article's name {name!r} is not a file name", next_step=advice)


def print_values(title: str, data: Mapping[str, Any], *, as_json: bool) -> None:
    """Print named values as a table of two columns, or as a JSON object."""
    if as_json:
        print_json(data)
    else:
        print_table(title, ("what", "value"), list(data.items()))
