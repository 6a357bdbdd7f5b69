"""The commands, one thin function each, in groups: workspace, articles, Doccano, curation, models, scores.

A module here imports at the top only what loads no heavy package (tests/test_cli.py lists them); each command imports the rest when it runs.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from typer import Typer

from biaozhu.commands import models, scores
from biaozhu.commands.articles import converting, files, language_models, preannotating
from biaozhu.commands.curation import adjudicating, rounds
from biaozhu.commands.doccano import projects, server, syncing
from biaozhu.commands.help_pages import DocumentedCommand
from biaozhu.commands.workspace import running, starting

# In the order in which data passes through.
COMMANDS: dict[str, Callable[..., None]] = {
    "new": starting.new, "run": running.run, "doctor": starting.doctor, "labels": starting.show_labels,
    "configs": starting.show_configs, "read": files.read, "split": files.split, "preannotate": preannotating.preannotate,
    "llm": language_models.llm, "push": syncing.push, "pull": syncing.pull, "export": converting.export,
    "import": converting.import_,
    "agree": adjudicating.agree, "bias": adjudicating.bias, "adjudicate": adjudicating.adjudicate, "doubt": rounds.doubt,
    "select": rounds.select, "train": models.train, "crossval": models.crossval, "curve": models.curve,
    "predict": models.predict, "segmenter": models.segmenter, "loop": rounds.loop, "table": files.table,
    "evaluate": scores.evaluate, "compare": scores.compare, "report": scores.report, "summary": scores.summary,
    "history": scores.history, "serve": models.serve,
}  # fmt: skip
# Each with its help and its commands.
COMMAND_GROUPS: dict[str, tuple[str, tuple[Callable[..., None], ...]]] = {
    "doccano": (
        "Start, stop and inspect a local Doccano, on loopback.",
        (server.up, server.down, server.status, server.backup, server.restore, server.suggest),
    ),
    "project": (
        "Several annotators, each with a layer of their own.",
        (projects.create, projects.pull, projects.enter, projects.status, projects.accounts),
    ),
    "gold": (
        "Freeze the gold, check it, and show what changed.",
        (adjudicating.freeze, adjudicating.check, adjudicating.diff),
    ),
}


def register_all(app: Typer) -> None:
    """Add every command to the app, and those of the recipes in a checkout."""
    for name, command in COMMANDS.items():
        app.command(name, cls=DocumentedCommand)(command)
    for name, (text, commands) in COMMAND_GROUPS.items():
        group = Typer(help=text, no_args_is_help=True)
        for command in commands:
            group.command(command.__name__, cls=DocumentedCommand)(command)
        app.add_typer(group, name=name)
    # The recipes of this very checkout are beside the package; a wheel does not carry them.
    root = Path(__file__).resolve().parents[2]
    if (root / "recipes" / "commands.py").is_file() and str(root) in sys.path:
        importlib.import_module("recipes.commands").register(app)
