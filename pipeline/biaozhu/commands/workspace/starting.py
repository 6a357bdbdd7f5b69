"""Command: new, your own project outside the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biaozhu.commands.console import say
from biaozhu.data.errors import MissingFileError, printable
from biaozhu.data.files import read_bytes, write_bytes
from biaozhu.data.shipped import find_own
from biaozhu.data.translation import translate

ARTICLES = "seeds"
FILES = ("configs/labels.toml", "configs/ner.cfg", "configs/crf.cfg", "annotations/guideline.md")
README = """# {name}

    seeds/         your articles: .txt, .html
    configs/       labels.toml, the label set; ner.cfg, the model that `biaozhu run` trains once there is gold
    annotations/   guideline.md, what annotators read; pre/, layers/, gold/ come into being
    models/ reports/

In this folder:

    biaozhu run                  # everything that needs nobody, and what comes next
    biaozhu doctor               # what is installed, what is missing
    biaozhu doccano up           # a Doccano of your own
    biaozhu project create annotations/pre --project seeds --annotators anna,ben
    biaozhu project status seeds
    biaozhu project pull --project seeds
    biaozhu agree annotations/layers/anna annotations/layers/ben
    biaozhu adjudicate annotations/layers/anna annotations/layers/ben --common --questions questions.jsonl
    biaozhu adjudicate annotations/layers/anna annotations/layers/ben --common --decisions questions.jsonl -o annotations/gold
    biaozhu gold freeze annotations/gold
    biaozhu run                  # now with gold: a model, its scores, the report
"""
IGNORED = """.doccano/
.venv-doccano/
annotations/pre/
models/
reports/
"""


def register(app: typer.Typer) -> None:
    """Add the command of this area."""
    app.command("new")(new)


def new(
    folder: Annotated[Path, typer.Argument(help="The folder to lay out; it may have articles already.")],
) -> None:
    """Lay out your own project: label set, guideline, configs, and a place for the articles.

    Nothing that is there is replaced. Articles in the folder itself stay there: move them into seeds/.
    """
    if folder.exists() and not folder.is_dir():
        raise MissingFileError("this is a file, a folder is needed", where=str(folder))
    name = printable(folder.resolve().name)
    wanted = {one: read_bytes(find_own(Path(one))) for one in FILES}
    wanted |= {"README.md": translate(README.format(name=name)).encode(), ".gitignore": IGNORED.encode()}
    written = [one for one in wanted if not (folder / one).exists()]
    for one in written:
        write_bytes(folder / one, wanted[one])
    (folder / ARTICLES).mkdir(parents=True, exist_ok=True)
    kept = len(wanted) - len(written)
    say(f"{folder}: {len(written)} files written" + (f", {kept} were there and stay" if kept else ""))
    say(f"next: put articles (.txt, .html) into {folder / ARTICLES}, then `cd {folder} && biaozhu run`")
