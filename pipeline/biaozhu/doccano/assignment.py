"""Who annotates which sentence, and who sees no pre-annotation there: worked out once, kept in a file.

Sentences are dealt out in stretches, so that an annotator reads connected text. An assignment that was made stays:
later runs only deal out what is new.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import LineError, UsageError
from biaozhu.data.files import parse_json, read_bytes, write_text
from biaozhu.formats.serialization import spans_from_json, spans_to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence, Span

SCHEMA = 1
STRETCH = 25
"""About how many sentences in a row one annotator gets where there are many."""
MOST_APART = 3
"""Shares differ by less than this many sentences, where earlier assignments allow it."""
NAME = re.compile(r"\w[\w.@+-]{0,59}")
PROJECT = re.compile(r"\w[\w. -]{0,38}")


@dataclass(frozen=True, slots=True)
class Plan:
    """A project's assignments: annotator -> sentence id -> the spans withheld there, None where nothing is hidden."""

    project: str
    overlap: int
    blind: float
    annotators: Mapping[str, Mapping[str, tuple[Span, ...] | None]]


@dataclass(frozen=True, slots=True)
class Share:
    """What one annotator got of the sentences at hand: how many, how many characters, how many of them blind."""

    annotator: str
    sentences: int
    characters: int
    blind: int


def check_names(project: str, annotators: Sequence[str], overlap: int, blind: float) -> None:
    """Check what a user typed.

    Raises:
        UsageError: a name cannot be an account or a folder, two are alike, or a number is out of range.
    """
    if not PROJECT.fullmatch(project):
        raise UsageError(f"{project!r} cannot name a project", next_step="Use up to 39 letters and digits")
    for name in annotators:
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot be an annotator's name",
                next_step="Use up to 60 letters, digits and .@+-_, beginning with a letter or digit",
            )
    if len({name.casefold() for name in annotators}) < len(annotators):
        raise UsageError("two annotators have the same name", next_step="Give each a name of their own")
    if overlap < 1 or len(annotators) < overlap:
        raise UsageError(
            f"{len(annotators)} annotators cannot give {overlap} annotations of each sentence",
            next_step="Choose an --overlap from 1 to the number of annotators",
        )
    if not 0 <= blind <= 1:
        raise UsageError(f"--blind {blind} is no share", next_step="Give a number from 0 to 1")


def make_plan(
    project: str,
    sentences: Sequence[Sentence],
    annotators: Sequence[str],
    *,
    overlap: int = 1,
    blind: float = 0.0,
    previous: Plan | None = None,
) -> Plan:
    """Deal out sentences: each to `overlap` annotators, shares even, pairs of annotators mixed.

    Args:
        project: the project's name; it seeds the choice of the blind sentences.
        sentences: in reading order, with their pre-annotations.
        annotators: who takes part.
        overlap: how many annotate each sentence.
        blind: the share of each annotator's sentences without pre-annotations; chosen by chance, so that a
            sentence is mostly blind for one annotator and not for another.
        previous: what was assigned before; it stays, also to annotators who are no longer named.

    Raises:
        UsageError: see `check_names`.
    """
    check_names(project, annotators, overlap, blind)
    held: dict[str, dict[str, tuple[Span, ...] | None]] = {
        name: dict(given) for name, given in (previous.annotators if previous else {}).items()
    }
    for name in annotators:
        held.setdefault(name, {})
    takers = Counter(sid for given in held.values() for sid in given)
    open_ = [sentence for sentence in sentences if takers[sentence.id] < overlap]
    pairs: Counter[frozenset[str]] = Counter()
    loads = {name: len(held[name]) for name in annotators}
    for stretch in _stretches(open_, len(annotators), takers):
        team = [name for name in held if stretch[0].id in held[name]]
        while len(team) < overlap:
            free = [name for name in annotators if name not in team]
            team.append(
                min(free, key=lambda name: (loads[name], sum(pairs[frozenset((name, o))] for o in team)))
            )
            loads[team[-1]] += len(stretch)
            for sentence in stretch:
                held[team[-1]][sentence.id] = None
        pairs.update(frozenset((one, other)) for one in team for other in team if one < other)
    before = previous.annotators if previous else {}
    _even_out(held, annotators, before)
    _hide(project, sentences, held, {name: before.get(name, {}) for name in held}, blind)
    return Plan(project, overlap, blind, held)


def shares(plan: Plan, sentences: Sequence[Sentence]) -> tuple[Share, ...]:
    """State what each annotator got of these sentences."""
    return tuple(
        Share(
            name,
            sum(sentence.id in given for sentence in sentences),
            sum(len(sentence.text) for sentence in sentences if sentence.id in given),
            sum(given.get(sentence.id) is not None for sentence in sentences),
        )
        for name, given in plan.annotators.items()
    )


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan, one sentence a line, spans in the compact form of the wire."""
    people = []
    for name, given in plan.annotators.items():
        lines = [
            f"{json.dumps(sid)}: {json.dumps(None if spans is None else spans_to_json(spans), ensure_ascii=False)}"
            for sid, spans in given.items()
        ]
        people.append(json.dumps(name, ensure_ascii=False) + ": {\n" + ",\n".join(lines) + "\n}")
    head = json.dumps(
        {"schema": SCHEMA, "project": plan.project, "overlap": plan.overlap, "blind": plan.blind},
        ensure_ascii=False,
    )
    write_text(path, head[:-1] + ', "annotators": {\n' + ",\n".join(people) + "\n}}\n")


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        MissingFileError: there is none.
        LineError: it is no plan of this version.
    """
    try:
        data: Any = parse_json(read_bytes(path))
        if data["schema"] != SCHEMA:
            raise LineError(
                f"a plan of schema {data['schema']}, this version reads {SCHEMA}",
                where=str(path),
                next_step="Use the version of biaozhu that wrote it, or make another project with "
                "`biaozhu project create`",
            )
        people = {
            str(name): {sid: None if line is None else _spans(line) for sid, line in given.items()}
            for name, given in data["annotators"].items()
        }
        return Plan(str(data["project"]), int(data["overlap"]), float(data["blind"]), people)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LineError("not a plan of assignments", where=str(path), next_step="Restore the file") from None


def _spans(line: str) -> tuple[Span, ...]:
    spans = spans_from_json(line)
    if spans is None:
        raise ValueError(line)
    return spans


def _stretches(
    sentences: Sequence[Sentence], annotators: int, takers: Mapping[str, int]
) -> list[list[Sentence]]:
    """Cut into even stretches, a multiple of the number of annotators, so that shares come out even."""
    alike: list[list[Sentence]] = []
    for sentence in sentences:
        # What somebody has already goes one by one: its neighbours may have other annotators.
        if takers[sentence.id] or not alike or takers[alike[-1][0].id]:
            alike.append([])
        alike[-1].append(sentence)
    found: list[list[Sentence]] = []
    for run in alike:
        count = min(len(run), annotators * max(1, math.floor(len(run) / (annotators * STRETCH) + 0.5)))
        cuts = [len(run) * number // count for number in range(count + 1)]
        found += [run[start:end] for start, end in pairwise(cuts)]
    return found


def _even_out(
    held: dict[str, dict[str, tuple[Span, ...] | None]],
    annotators: Sequence[str],
    before: Mapping[str, Mapping[str, tuple[Span, ...] | None]],
) -> None:
    # Whole stretches leave shares up to a stretch apart; single sentences then change hands, but none given before.
    while True:
        most = max(annotators, key=lambda name: len(held[name]))
        least = min(annotators, key=lambda name: len(held[name]))
        movable = [sid for sid in held[most] if sid not in before.get(most, {}) and sid not in held[least]]
        if len(held[most]) - len(held[least]) < MOST_APART or not movable:
            return
        held[least][movable[-1]] = held[most].pop(movable[-1])


def _hide(
    project: str,
    sentences: Sequence[Sentence],
    held: Mapping[str, dict[str, tuple[Span, ...] | None]],
    before: Mapping[str, Mapping[str, tuple[Span, ...] | None]],
    blind: float,
) -> None:
    """Fill up each annotator's blind slice to its share, and keep what it hides up to date.

    Only a sentence that was never assigned before can become blind: of the others the annotator may have seen it.
    """
    by_id = {sentence.id: sentence for sentence in sentences}
    for name, given in held.items():
        for sid in given:
            if given[sid] is not None and sid in by_id:
                given[sid] = by_id[sid].spans
        fresh = [sid for sid in given if sid not in before[name]]
        short = math.floor(blind * len(given) + 0.5) - sum(spans is not None for spans in given.values())
        fresh.sort(key=lambda sid: hashlib.sha256(f"{project}\n{name}\n{sid}".encode()).digest())
        for sid in fresh[: max(0, short)]:
            given[sid] = by_id[sid].spans
