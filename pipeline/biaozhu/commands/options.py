"""Options that several commands have, each with its name and help in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from biaozhu.data.files import check_target
from biaozhu.data.layers import check_layer_name
from biaozhu.data.shipped import find_shipped

LOCAL = Path(".doccano")
MAX_PROCESSES = 1024


def layer_name(path: Path | None) -> Path | None:
    """Return the path of a layer to write, before any work is done for it.

    Raises:
        UsageError: no command would find a layer of this name.
    """
    if path is not None:
        check_layer_name(path)
    return path


def target(path: Path | None) -> Path | None:
    """Return the path of a file to write beside the main output, before any work is done for it.

    Raises:
        WriteError: no file can be put there.
    """
    if path is not None:
        check_target(path)
    return path


def shipped(path: Path) -> Path:
    """Return the path, or that of the package's own file where the working folder has none of this name."""
    return find_shipped(path)


AsJson = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]
GoldLayers = Annotated[list[Path], Option("--gold", help="A gold layer. Repeatable.")]
LabelsFile = Annotated[Path, Option("--labels", help="The label set.")]
LayerFile = Annotated[
    Path, Option("-o", "--output", callback=layer_name, help="Write the layer here (.jsonl).")
]
SentenceFiles = Annotated[list[Path], Argument(metavar="FILE…", help="Articles, or sentence lines (.jsonl).")]
Home = Annotated[Path, Option(help="Folder of the local server: database, logs, secrets.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Send texts to language models without asking.")]
