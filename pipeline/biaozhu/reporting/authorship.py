"""Authors of the gold, the time, and layers that are in sample: from `about.toml` beside the gold."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from biaozhu.data.errors import ReportInputError
from biaozhu.data.files import parse_toml
from biaozhu.data.model import IN_SAMPLE_MARK, Sentence

ABOUT = "about.toml"
EVERY_LAYER = "*"
# `a+b`, `adjudicated:a+b/decider` and `network>adjudicated:new` all name those who drew or decided the span.
MARKS = re.compile(r"[+:/>]")
NO_NAMES = frozenset({"", "adjudicated", "new", "gold", IN_SAMPLE_MARK[1:]})

SOURCES = frozenset({"network", "amounts", "repair", "repeated"})
"""Annotators of the package whose spans the report explains; others stand under their own names."""

AuthorKind = Literal["person", "model", "unknown"]
# The name before `>` proposed the span, and the annotators behind it kept it.
GoldAuthorKind = Literal["person", "model", "unknown", "pre"]


@dataclass(frozen=True, slots=True)
class Author:
    """An annotator as `about.toml` describes it: the name that the gold's spans carry, person or model, and when."""

    name: str
    kind: AuthorKind = "unknown"
    when: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """The content of `about.toml`; `in_sample` says for a layer (or `*`) why it is not a blind test, by language."""

    annotator: tuple[Author, ...] = ()
    in_sample: dict[str, dict[str, str]] = field(default_factory=dict)

    def explain_in_sample(self, layer: str, language: str) -> str:
        """Return why a layer is in sample, in this language or else in any; empty where nothing is stated."""
        found = self.in_sample.get(layer) or self.in_sample.get(EVERY_LAYER) or {}
        return found.get(language) or next(iter(found.values()), "")


@dataclass(frozen=True, slots=True)
class GoldAuthor:
    """An annotator of the gold at hand: how many articles and spans carry the name, and what is stated of it."""

    name: str
    kind: GoldAuthorKind
    when: str
    articles: int
    spans: int


def read_about(paths: Iterable[Path]) -> About:
    """Read the `about.toml` of each gold folder (or of a gold file's folder) and join them; ReportInputError where one is not such a file."""
    files = dict.fromkeys((path if path.is_dir() else path.parent) / ABOUT for path in paths)
    found = [_read_about_file(path) for path in files if path.is_file()]
    in_sample = {layer: why for one in found for layer, why in one.in_sample.items()}
    return About(tuple(author for one in found for author in one.annotator), in_sample)


def list_authors(gold: Iterable[Sentence], about: About, times: Mapping[str, str]) -> tuple[GoldAuthor, ...]:
    """Return the annotators that the gold's spans name, those of most spans first; `times` is when by name."""
    marked: defaultdict[str, list[str]] = defaultdict(list)
    annotators = set[str]()
    for sentence in gold:
        for span in sentence.spans:
            names = set(MARKS.split(span.source)) - NO_NAMES
            annotators |= names & set(MARKS.split(span.source.rpartition(">")[2]))
            for name in names:
                marked[name].append(sentence.article)
    known = {author.name: author for author in about.annotator}
    found = []
    for name, articles in sorted(marked.items(), key=lambda one: (-len(one[1]), one[0])):
        one = known.get(name) or Author(name)
        kind = one.kind if name in known or name in annotators else "pre"
        found.append(GoldAuthor(name, kind, one.when or times.get(name, ""), len(set(articles)), len(articles)))
    return tuple(found)


def _read_about_file(path: Path) -> About:
    try:
        table = parse_toml(path)
        if unknown := sorted(set(table) - {"annotator", "in_sample"}):
            raise ValueError(f"unknown key {unknown[0]}")  # noqa: TRY301 — one error for all
        return msgspec.convert(table, About)
    except (ValueError, msgspec.ValidationError) as error:
        advice = 'Write [[annotator]] with name, kind ("person" or "model") and when, and [in_sample]'
        raise ReportInputError(f"not a description of gold: {error}", where=path, next_step=advice) from None
