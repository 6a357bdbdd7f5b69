"""Annotations of the articles of a run: layers by name, gold that takes no part, annotators, their round trip."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from biaozhu.commands.console import name_first, say
from biaozhu.commands.doccano.projects import ROUND_TRIP
from biaozhu.commands.workspace.steps import LAYERS, NAMED, NO_ANNOTATORS
from biaozhu.curation.status import read_project
from biaozhu.data.layers import find_layers, read_layer
from biaozhu.data.model import Article


def say_unused_gold(about: Mapping[Path, Collection[str]], lacking: Mapping[str, str]) -> tuple[Path, ...]:
    """Name the gold that takes no part, and return that of articles that have no other, given by id and name."""
    dropped, strange = [], []
    for path, ids in about.items():
        if path.stem in lacking.values():
            say(f"{path}: the gold is about another version of {path.stem}, and takes no part")
            dropped.append(path)
        elif not lacking.keys().isdisjoint(ids):
            say(
                f"{path}: the gold is also about texts that are not here, and takes no part: cut it into a file an article"
            )
            dropped.append(path)
        else:
            strange.append(path)
    if strange:
        say(f"gold about texts that are not here takes no part ({len(strange)}): {name_first(strange, NAMED)}")
    return tuple(dropped)


def list_annotator_folders(articles: Iterable[Article]) -> list[Path]:
    """Return the folders of annotators who worked on one of the articles."""
    ids = {article.id for article in articles}
    theirs = [one for one in sorted(LAYERS.glob("*")) if one.name not in NO_ANNOTATORS and any(one.glob("*.jsonl"))]
    about = {one: (line.article for file in find_layers([one]) for line in read_layer(file)) for one in theirs}
    return [one for one in theirs if not ids.isdisjoint(about[one])]


def find_round_trip(name: str, annotators: Sequence[Path], articles: Iterable[str]) -> Path | None:
    """Return what `project pull` wrote of the way to Doccano and back: of the project of this name, else of the annotators'.

    One about other articles says nothing of these, and of several projects the last one that was pulled counts.
    """
    layers = [layer for one in articles for folder in annotators if (layer := folder / f"{one}.jsonl").is_file()]
    projects = {read_project(layer) for layer in layers}
    trips = (LAYERS / f"{one}{ROUND_TRIP}" for one in sorted(projects))
    found = [trip for trip in trips if trip.is_file()]
    own = LAYERS / f"{name}{ROUND_TRIP}"
    is_own = bool(annotators) and own.is_file()
    return own if is_own else max(found, key=lambda trip: trip.stat().st_mtime_ns, default=None)
