"""Commands: doctor, labels, configs."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from biaozhu import __version__
from biaozhu.commands.console import print_table, say
from biaozhu.commands.options import LOCAL, AsJson, LabelsFile
from biaozhu.data.errors import BiaozhuError, extra_advice
from biaozhu.data.files import cache_folder
from biaozhu.data.labels import read_labels
from biaozhu.data.shipped import find_owner, find_shipped, list_configs
from biaozhu.doccano.local.environment import find_venv

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = tuple[str, str, str]

OK, MISSING = "ok", "missing"
# What a working folder may have of its own; else the package's is used.
OWN_FILES = ("configs/labels.toml", "annotations/guideline.md")
EXTRAS = {
    "doccano": "push, pull, project, doccano",
    "train": "finetune.cfg, crf.cfg with CRFsuite",
    "transformer": "transformer.cfg",
    "table": "Parquet",
    "ray": "preannotate --engine ray",
    "remote": "s3://… and other object stores",
}
SECTION = re.compile(r"^\[([a-z]+)\]$", re.MULTILINE)
EXTRA_NAMED = re.compile(r"(?:biaozhu\[|extra `)([a-z]+)[\]`]")


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.command("doctor")(doctor)
    app.command("labels")(show_labels)
    app.command("configs")(show_configs)


def doctor(*, as_json: AsJson = False) -> None:
    """Say what is installed, what runs, what is missing and how to get it; exit status 1 where the core is not whole."""
    core = list(_check_core())
    rows = [*core, *_check_extras(), *_check_doccano(), *_check_folder()]
    print_table("doctor", ("what", "state", "how to get it, or where it is"), rows, as_json=as_json)
    if any(state != OK for _, state, _ in core):
        say("the core is not whole: nothing else can be relied on")
        raise typer.Exit(1)


def _check_core() -> Iterator[Row]:
    from biaozhu.annotators.network.lac_data import Size, lac_folder

    yield f"biaozhu {__version__}", OK, str(Path(__file__).resolve().parents[2])
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield (
        f"Python {platform.python_version()}",
        OK if fits else "not supported",
        "" if fits else "Take 3.11 to 3.13",
    )
    lacking = _list_lacking("")
    yield "packages of the core", OK if not lacking else MISSING, _describe_lacking("", lacking)
    sizes: tuple[Size, ...] = ("small", "large")
    for weights in sizes:
        try:
            lac_folder(weights)
        except BiaozhuError as error:
            yield f"weights of LAC, {weights}", MISSING, error.next_step
        else:
            yield f"weights of LAC, {weights}", OK, ""


def _check_extras() -> Iterator[Row]:
    for extra, use in EXTRAS.items():
        lacking = _list_lacking(extra)
        yield f"extra {extra}: {use}", OK if not lacking else MISSING, _describe_lacking(extra, lacking)


def _list_lacking(extra: str) -> list[str]:
    """Return the packages of an extra (of the core, where it is empty) that are missing or of another version."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    lacking = []
    for line in requires("biaozhu") or ():
        wanted = Requirement(line)
        of_extra = wanted.marker is not None and "extra" in str(wanted.marker)
        if of_extra != bool(extra) or (
            wanted.marker is not None and not wanted.marker.evaluate({"extra": extra})
        ):
            continue
        try:
            if not wanted.specifier.contains(version(wanted.name), prereleases=True):
                lacking.append(f"{wanted.name} {version(wanted.name)} (wanted {wanted.specifier})")
        except PackageNotFoundError:
            lacking.append(wanted.name)
    return lacking


def _describe_lacking(extra: str, lacking: list[str]) -> str:
    return f"{', '.join(lacking)}: {extra_advice(extra)}" if lacking else ""


def _check_doccano() -> Iterator[Row]:
    try:
        yield "Doccano's own environment", OK, str(find_venv())
    except BiaozhuError as error:
        yield "Doccano's own environment", MISSING, error.next_step
    if _list_lacking("doccano"):
        return
    from biaozhu.doccano.local.server import get_status

    found = get_status(home=LOCAL)
    state = OK if found.healthy else "not healthy" if found.running else "not running"
    yield "Doccano", state, found.url if found.running else "biaozhu doccano up"


def _check_folder() -> Iterator[Row]:
    for name in OWN_FILES:
        yield name, OK if find_shipped(Path(name)).exists() else MISSING, str(find_shipped(Path(name)))
    cache = cache_folder()
    nearest = next(one for one in (cache, *cache.absolute().parents) if one.exists())
    yield (
        "cache folder",
        OK if os.access(nearest, os.W_OK) else "not writable",
        f"{cache} (BIAOZHU_CACHE names another)",
    )
    encoding = (sys.stdout.encoding or "").upper()
    is_utf8 = encoding == "UTF-8"
    yield "terminal", OK if is_utf8 else "not UTF-8", encoding if is_utf8 else "LANG=C.UTF-8"


def show_labels(*, labels: LabelsFile = Path("configs/labels.toml"), as_json: AsJson = False) -> None:
    """List the labels: id, name, key, colour and definition; another label is a section more in the file."""
    rows = [(one.id, one.name, one.shortcut, one.color, one.definition) for one in read_labels(labels)]
    print_table("labels", ("id", "name", "key", "colour", "definition"), rows, as_json=as_json)
    say(f"from {find_shipped(labels)}")


def show_configs(*, as_json: AsJson = False) -> None:
    """List the configs that are included or in configs/: which command each is for, what it needs, what it is."""
    rows = []
    for path in list_configs():
        text = path.read_text("utf-8")
        command = f"biaozhu {find_owner(SECTION.findall(text))}"
        comment = " ".join(line[1:].strip() for line in text.splitlines()[:8] if line.startswith("#"))
        extra = EXTRA_NAMED.search(comment)
        needs = [f"extra {extra[1]}"] if extra else []
        needs += ["biaozhu segmenter"] if "biaozhu segmenter" in comment else []
        needs += ["a BERT's folder"] if "FOLDER" in comment and "BERT" in comment else []
        first = comment.partition(". ")[0].rstrip(".")
        rows.append((f"configs/{path.name}", command, ", ".join(needs), first))
    print_table("configs", ("config", "for", "needs", "what it is"), rows, as_json=as_json)
