"""Options that several commands have, each with its name and help in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from biaozhu.data.files import check_target
from biaozhu.data.layers import check_layer_name

LOCAL, LABELS = Path(".doccano"), Path("configs/labels.toml")
MAX_PROCESSES = 1024


def layer_name(path: Path | None) -> Path | None:
    """Return the path of a layer to write; a UsageError before any work where no command would find its name."""
    if path is not None:
        check_layer_name(path)
    return path


def target(path: Path | None) -> Path | None:
    """Return the path of a file to write beside the main output; a WriteError before any work where none can be put there."""
    if path is not None:
        check_target(path)
    return path


AsJson = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]
GoldLayers = Annotated[list[Path], Option("--gold", help="A gold layer. Repeatable.")]
Home = Annotated[Path, Option(help="Folder of the local server: database, logs, secrets.")]
LabelsFile = Annotated[Path, Option("--labels", help="The label set.")]
LayerFile = Annotated[Path, Option("-o", "--output", callback=layer_name, help="Write the layer here (.jsonl).")]
SentenceFiles = Annotated[list[Path], Argument(metavar="FILE", help="Articles, or sentence lines (.jsonl).")]
Yes = Annotated[bool, Option("--yes", "-y", help="Send texts to language models without asking.")]
