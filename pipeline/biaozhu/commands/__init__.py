"""The commands, one thin function each, in groups: workspace, articles, Doccano, curation, models, scores.

A module here imports at the top only what is light (typer, `data`); each command imports its library function when it runs.
Each module has `register(app)`; `register_all` calls them in the order in which data passes through.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.commands.articles import formats, language_models, preannotating, reading, tables
from biaozhu.commands.curation import adjudicating, annotators, doubting, gold, looping, selecting
from biaozhu.commands.doccano import projects, server
from biaozhu.commands.models import predicting, serving, training
from biaozhu.commands.scores import reporting, scoring
from biaozhu.commands.workspace import checking, running, starting

if TYPE_CHECKING:
    import typer

SOURCE_ROOT = Path(__file__).resolve().parents[2]


def register_all(app: typer.Typer) -> None:
    """Add every command to the app, and those of the recipes in a checkout."""
    for area in (
        starting,
        running,
        checking,
        reading,
        preannotating,
        language_models,
        server,
        projects,
        formats,
        annotators,
        adjudicating,
        gold,
        doubting,
        selecting,
        training,
        predicting,
        looping,
        tables,
        scoring,
        reporting,
        serving,
    ):
        area.register(app)
    if has_recipes():
        importlib.import_module("recipes.commands").register(app)


def has_recipes() -> bool:
    """Tell whether the recipes of this very checkout are beside the package; a wheel does not carry them."""
    return (SOURCE_ROOT / "recipes" / "commands.py").is_file() and str(SOURCE_ROOT) in sys.path
