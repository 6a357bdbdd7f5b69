"""Assignment of sentences to annotators, with the blind ones, in stretches of connected text.

It is kept in a file: what was assigned stays, later runs only assign what is new.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from biaozhu.curation.status import check_annotators
from biaozhu.data.errors import LineError, UsageError
from biaozhu.data.files import parse_json, read_bytes, write_json
from biaozhu.data.model import Sentence, Span
from biaozhu.formats.serialization import spans_from_json, spans_to_json

Withheld = tuple[Span, ...] | None
_Shares = dict[str, dict[str, Withheld]]

SCHEMA = 1
STRETCH_SENTENCES = 25  # About how many sentences in a row one annotator gets where there are many
MAX_DIFFERENCE = 3  # Shares differ by fewer than this many sentences, where earlier assignments allow it
ANNOTATOR_NAME = re.compile(r"\w[\w.@+-]{0,59}")
PROJECT_NAME = re.compile(r"\w[\w. -]{0,38}")


@dataclass(frozen=True, slots=True)
class Assignment:
    """Shares: annotator -> sentence id -> the spans that are withheld there, or None."""

    project: str
    overlap: int
    blind: float
    annotators: _Shares


def check_names(project: str, annotators: Sequence[str], overlap: int, blind: float) -> None:
    """Check names that will name accounts and folders, and the numbers that go with them."""
    if not PROJECT_NAME.fullmatch(project):
        raise UsageError(f"{project!r} cannot name a project", next_step="Use up to 39 letters and digits")
    for name in annotators:
        if not ANNOTATOR_NAME.fullmatch(name):
            advice = "Use up to 60 letters, digits and .@+-_, beginning with a letter or digit"
            raise UsageError(f"{name!r} cannot be an annotator's name", next_step=advice)
    check_annotators(annotators)
    if len({name.casefold() for name in annotators}) < len(annotators):
        raise UsageError("two annotators have the same name", next_step="Give each a name of their own")
    if not 1 <= overlap <= len(annotators):
        what = f"{len(annotators)} annotators cannot give {overlap} annotations of each sentence"
        raise UsageError(what, next_step="Choose an --overlap from 1 to the number of annotators")
    if not 0 <= blind <= 1:
        raise UsageError(f"--blind {blind} is not a share", next_step="Give a number from 0 to 1")


def assign_sentences(
    project: str,
    sentences: Sequence[Sentence],
    annotators: Sequence[str],
    *,
    overlap: int = 1,
    blind: float = 0.0,
    previous: Assignment | None = None,
) -> Assignment:
    """Assign sentences in reading order to `overlap` annotators each, in even shares and with pairs of annotators mixed.

    `blind` is the share of each annotator's sentences without pre-annotations, chosen at random with the project's name as
    seed. What was assigned in `previous` stays, also to annotators who are no longer named.
    """
    check_names(project, annotators, overlap, blind)
    before = previous.annotators if previous else {}
    held = {name: dict(before.get(name, {})) for name in (*before, *annotators)}
    takers = Counter(sid for given in held.values() for sid in given)
    open_sentences = [sentence for sentence in sentences if takers[sentence.id] < overlap]
    pairs: Counter[frozenset[str]] = Counter()
    loads = {name: len(held[name]) for name in annotators}
    for stretch in _cut_stretches(open_sentences, len(annotators), takers):
        team = [name for name in held if stretch[0].id in held[name]]
        while len(team) < overlap:
            free = [name for name in annotators if name not in team]
            met = {name: sum(pairs[frozenset((name, one))] for one in team) for name in free}
            taker = min(free, key=lambda name: (loads[name], met[name]))
            team.append(taker)
            loads[taker] += len(stretch)
            held[taker] |= dict.fromkeys(sentence.id for sentence in stretch)
        pairs.update(frozenset((one, other)) for one in team for other in team if one < other)
    _even_out(held, annotators, before)
    plan = Assignment(project, overlap, blind, held)
    _withhold_spans(plan, sentences, before)
    return plan


def count_shares(assignment: Assignment, sentences: Sequence[Sentence]) -> list[dict[str, Any]]:
    """Count what each annotator got of these sentences: sentences, characters, blind sentences."""
    return [
        {
            "annotator": name,
            "sentences": sum(sentence.id in given for sentence in sentences),
            "characters": sum(len(sentence.text) for sentence in sentences if sentence.id in given),
            "blind": sum(given.get(sentence.id) is not None for sentence in sentences),
        }
        for name, given in assignment.annotators.items()
    ]


def write_assignment(path: Path, assignment: Assignment) -> None:
    """Write an assignment, one sentence a line, spans as in Doccano's metadata."""
    people = {
        name: {sid: None if spans is None else spans_to_json(spans) for sid, spans in given.items()}
        for name, given in assignment.annotators.items()
    }
    write_json(path, {"schema": SCHEMA, **asdict(replace(assignment, annotators={})), "annotators": people}, indent=0)


def read_assignment(path: Path) -> Assignment:
    """Read an assignment."""
    try:
        data: Any = parse_json(read_bytes(path))
        if data["schema"] != SCHEMA:
            what = f"an assignment of schema {data['schema']}, this version reads {SCHEMA}"
            advice = "Use the version of biaozhu that wrote it, or make another project with `biaozhu project create`"
            raise LineError(what, where=path, next_step=advice)
        people: dict[str, dict[str, Withheld]] = {}
        for name, given in data["annotators"].items():
            people[str(name)] = {sid: spans_from_json(line) for sid, line in given.items()}
            if any(line is not None and people[str(name)][sid] is None for sid, line in given.items()):
                raise ValueError(name)  # noqa: TRY301 — one error for all that is damaged
        return Assignment(str(data["project"]), int(data["overlap"]), float(data["blind"]), people)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LineError("not a plan of assignments", where=path, next_step="Restore the file") from None


def _cut_stretches(sentences: Sequence[Sentence], annotators: int, takers: Counter[str]) -> list[list[Sentence]]:
    """Cut into even stretches, a multiple of the number of annotators, so that the shares come out even."""
    runs: list[list[Sentence]] = []
    for sentence in sentences:
        # What somebody has already goes one by one: its neighbours may have other annotators.
        if takers[sentence.id] or not runs or takers[runs[-1][0].id]:
            runs.append([])
        runs[-1].append(sentence)
    found: list[list[Sentence]] = []
    for run in runs:
        multiple = max(1, math.floor(len(run) / (annotators * STRETCH_SENTENCES) + 0.5))
        count = min(len(run), annotators * multiple)
        cuts = [len(run) * number // count for number in range(count + 1)]
        found += [run[start:end] for start, end in pairwise(cuts)]
    return found


def _even_out(held: _Shares, annotators: Sequence[str], before: _Shares) -> None:
    """Let single sentences that are new change hands, since whole stretches leave shares up to a stretch apart."""
    while True:
        most = max(annotators, key=lambda name: len(held[name]))
        least = min(annotators, key=lambda name: len(held[name]))
        movable = [sid for sid in held[most] if sid not in before.get(most, {}) and sid not in held[least]]
        if len(held[most]) - len(held[least]) < MAX_DIFFERENCE or not movable:
            return
        held[least][movable[-1]] = held[most].pop(movable[-1])


def _withhold_spans(plan: Assignment, sentences: Sequence[Sentence], before: _Shares) -> None:
    """Fill each blind slice up to its share with sentences not assigned before, and keep what it withholds up to date."""
    by_id = {sentence.id: sentence for sentence in sentences}
    for name, given in plan.annotators.items():
        for sid in given:
            if given[sid] is not None and sid in by_id:
                given[sid] = by_id[sid].spans
        missing = math.floor(plan.blind * len(given) + 0.5) - sum(spans is not None for spans in given.values())
        fresh = [sid for sid in given if sid not in before.get(name, {})]
        fresh.sort(key=lambda sid: hashlib.sha256(f"{plan.project}\n{name}\n{sid}".encode()).digest())
        for sid in fresh[: max(0, missing)]:
            given[sid] = by_id[sid].spans
