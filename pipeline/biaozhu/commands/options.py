"""Options that several commands have, each with its name and help in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from biaozhu.data.errors import UsageError
from biaozhu.data.files import check_target, descriptor_of
from biaozhu.data.layers import check_layer_name
from biaozhu.data.outputs import COMPRESSED, READ_SUFFIXES

LOCAL, LABELS = Path(".doccano"), Path("configs/labels.toml")
MAX_PROCESSES = 1024
# Names that end in these are meant for files.
FILE_SUFFIXES = (
    READ_SUFFIXES | COMPRESSED | {".json", ".csv", ".tsv", ".xlsx", ".conll", ".ann", ".spacy", ".zip", ".md"}
)


def layer_name(path: Path | None) -> Path | None:
    """Return the path of a layer to write; a UsageError before any work where no command would find its name."""
    if path is not None:
        check_layer_name(path)
    return path


def layer_or_folder(path: Path | None) -> Path | None:
    """Return the path of a layer, or of a folder for a layer by article; a UsageError where it is a file's of another kind."""
    if path is not None and path.suffix != ".jsonl":
        _refuse_file_name(path, "Name a folder, or NAME.jsonl")
    return layer_name(path)


def stdout_or_output(path: Path | None) -> Path | None:
    """Return the path of an output that is standard output where there is none, so that nothing is written beside it."""
    number = None if path is None else descriptor_of(path)
    return layer_or_folder(path) if number is None else None if number == 1 else path


def folder_name(path: Path | None) -> Path | None:
    """Return the path of a folder to write; a UsageError before any work where it is called as a file is."""
    if path is not None:
        _refuse_file_name(path, "Name a folder")
    return path


def _refuse_file_name(path: Path, advice: str) -> None:
    if str(path) == "-":
        raise UsageError("standard output is not a folder", where="-", next_step=advice)
    # What a file that exists is, the checks of outputs say.
    if path.suffix.lower() in FILE_SUFFIXES and not path.exists():
        raise UsageError(f"a folder in {path.suffix} would be taken for a file", where=path, next_step=advice)


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
