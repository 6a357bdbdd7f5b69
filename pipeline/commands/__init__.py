"""The commands, one thin function each, by area: reading, annotating, Doccano, judging, adjudicating, corpora, training and so on.

A module here imports only typer at the top; each command imports its library function when it runs.
Each module has `register(app)`; `register_all` calls them in the order in which data passes through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.commands import (
    adjudicating,
    annotating,
    biasing,
    choosing,
    corpora,
    doccano,
    formats,
    judging,
    meaning,
    reading,
    reporting,
    scoring,
    serving,
    team,
    training,
)

if TYPE_CHECKING:
    import typer


def register_all(app: typer.Typer) -> None:
    """Add every command to the app."""
    for area in (
        reading,
        annotating,
        doccano,
        team,
        formats,
        judging,
        adjudicating,
        biasing,
        choosing,
        corpora,
        training,
        meaning,
        scoring,
        reporting,
        serving,
    ):
        area.register(app)
