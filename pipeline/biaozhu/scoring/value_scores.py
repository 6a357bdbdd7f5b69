"""Scores of what spans mean: the value of each amount and the path of each place, against values written by people.

Gold values and paths are JSONL files beside the gold layer, a line for each amount or place. A field is scored on the
gold's own spans (is a correct span read correctly?) and on a layer's (a span that is not found counts as wrong).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 — msgspec reads the annotations when it runs
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from biaozhu.data.errors import BiaozhuError, MeaningFileError, raise_collected
from biaozhu.data.files import parse_json_as, read_bytes
from biaozhu.data.layers import find_layers, split_lines
from biaozhu.data.model import Article, Sentence
from biaozhu.data.storage.manifest import check_unchanged
from biaozhu.data.strict_counts import divide
from biaozhu.normalization.addresses import resolve_places
from biaozhu.normalization.places import Place
from biaozhu.normalization.subjects import Subject, subject_places
from biaozhu.normalization.values import read_amount

# Sentence id, start and end.
Where = tuple[str, int, int]
# Of each field, how many are correct, of how many.
Tallies = dict[str, tuple[int, int]]

AMOUNT, PLACE = "AMOUNT", "PLACE"
# What must be equal for a field of an amount to be correct; an AmountValue and a GoldValue have the same names.
FIELDS: Mapping[str, Callable[[Any], object]] = {
    "value": attrgetter("low", "high"),
    "unit": attrgetter("unit"),
    "dimension": attrgetter("dimension"),
    "approx": attrgetter("approx"),
    "bound": lambda value: frozenset(value.bound),
    "per": attrgetter("per"),
}
WHOLE = "all of these"


@dataclass(frozen=True, slots=True)
class _GoldSpan:
    sentence: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class GoldValue(_GoldSpan):
    """The value of an amount; `place` is the path of the place it is about, empty for none."""

    low: Decimal
    high: Decimal
    unit: str
    dimension: str
    approx: str
    bound: tuple[str, ...]
    per: str
    place: str


@dataclass(frozen=True, slots=True)
class GoldPlace(_GoldSpan):
    """The path of a place, empty for one that is not in a single division; paths in `also` are correct as well."""

    path: str
    level: str
    also: tuple[str, ...]


GoldLine = TypeVar("GoldLine", GoldValue, GoldPlace)


def score_values(
    values: Mapping[Where, GoldValue],
    places: Mapping[Where, GoldPlace],
    sentences: Sequence[Sentence],
    *,
    layer: str | None,
    articles: Sequence[Article] = (),
) -> list[dict[str, Any]]:
    """Score the values and paths of a layer's spans (None: the gold itself), those with the gold's offsets and label.

    Of each field it says how many are `correct`, `of` how many, and the `accuracy`, None of nothing. No gold values or places
    leave amounts or places out; the place that an amount is about is scored where its article is given.
    """
    by_article: defaultdict[str, list[Sentence]] = defaultdict(list)
    for sentence in sorted(sentences, key=attrgetter("article", "start")):
        by_article[sentence.article].append(sentence)
    resolved = {article: resolve_places(ones) for article, ones in by_article.items()}
    counts: Tallies = {}
    if values:
        counts = _count_values(values, sentences)
        if articles:
            subjects: dict[tuple[str, int], Subject] = {}
            for one in articles:
                subjects |= subject_places(one, by_article[one.id], resolved.get(one.id, ()))
            ids = {one.id for one in articles}
            asked = {where: one for where, one in values.items() if where[0].partition(":")[0] in ids}
            found = asked.keys() & _find_spans(sentences, AMOUNT)
            correct = sum(subjects[where[:2]].path == asked[where].place for where in found)
            counts["amount place"] = correct, len(asked)
    if places:
        read = {(one.sentence, one.start, one.end): one for ones in resolved.values() for one in ones}
        counts |= _count_places(places, read)
    return [
        {"layer": layer, "field": field, "correct": correct, "of": of, "accuracy": divide(correct, of)}
        for field, (correct, of) in counts.items()
    ]


def score_value_files(
    values: Path | None,
    places: Path | None,
    gold: Sequence[Sentence],
    layers: Mapping[str, Sequence[Sentence]],
    articles: Sequence[Article],
) -> list[dict[str, Any]]:
    """Score the gold itself and each layer against files of gold values and paths, as `values` of scores.json has it."""
    wanted = (
        read_gold_lines(values, gold, GoldValue) if values else {},
        read_gold_lines(places, gold, GoldPlace) if places else {},
    )
    if not any(wanted):
        return []
    scored = [(None, gold), *layers.items()]
    return [one for name, layer in scored for one in score_values(*wanted, layer, layer=name, articles=articles)]


def _find_spans(sentences: Sequence[Sentence], label: str) -> dict[Where, str]:
    return {
        (sentence.id, span.start, span.end): sentence.text[span.start : span.end]
        for sentence in sentences
        for span in sentence.spans
        if span.label == label
    }


def _count_values(values: Mapping[Where, GoldValue], sentences: Sequence[Sentence]) -> Tallies:
    texts = {sentence.id: sentence.text for sentence in sentences}
    correct = dict.fromkeys((*FIELDS, WHOLE), 0)
    for sentence, start, end in values.keys() & _find_spans(sentences, AMOUNT):
        gold, found = values[sentence, start, end], read_amount(texts[sentence], start, end)
        same = {field: found is not None and read(found) == read(gold) for field, read in FIELDS.items()}
        for field, equal in (*same.items(), (WHOLE, all(same.values()))):
            correct[field] += equal
    return {f"amount {field}": (count, len(values)) for field, count in correct.items()}


def _count_places(golds: Mapping[Where, GoldPlace], places: Mapping[Where, Place]) -> Tallies:
    correct: Counter[str] = Counter()
    for where in golds.keys() & places.keys():
        gold, place = golds[where], places[where]
        # An empty path is correct only for a place that has none.
        right = "/".join(place.path) in (gold.path, *gold.also) and (bool(place.path) or place.status == "natural")
        given = place.status in ("known", "natural")
        same = {"path": right, "level": place.level == gold.level, "given": given, "both": right and given}
        correct.update(name for name, equal in same.items() if equal)
    return {
        "place path": (correct["path"], len(golds)),
        "place level": (correct["level"], len(golds)),
        "place path where one is given": (correct["both"], correct["given"]),
    }


def read_gold_lines(path: Path, gold: Sequence[Sentence], kind: type[GoldLine]) -> dict[Where, GoldLine]:
    """Read a line for each amount or place of the gold layer (of a folder only its articles); or MeaningFileError."""
    label = AMOUNT if kind is GoldValue else PLACE
    wanted = _find_spans(gold, label)
    articles = {sentence.article for sentence in gold}
    problems: list[BiaozhuError] = []
    rows: dict[Where, GoldLine] = {}
    for file in find_layers([path]):
        content = read_bytes(file)
        check_unchanged(file, content)
        for number, line in split_lines(content, file):
            try:
                row = parse_json_as(line, kind)
            except ValueError as error:
                problems.append(MeaningFileError(f"not a line of gold: {error}", where=f"{file}:{number}"))
                continue
            where = row.sentence, row.start, row.end
            if path.is_dir() and row.sentence.partition(":")[0] not in articles:
                continue
            if wanted.get(where) != row.text:
                what = f"the gold layer has no {label} {row.text!r} there"
                problems.append(MeaningFileError(what, where=f"{file}:{number}"))
            elif where in rows:
                problems.append(MeaningFileError(f"a second line for {row.text!r}", where=f"{file}:{number}"))
            rows[where] = row
    # Of a line that cannot be read it is not known which amount or place it is about.
    raise_collected(problems)
    covered = {where[0].partition(":")[0] for where in (rows if path.is_dir() else wanted)}
    for where, text in wanted.items():
        if where not in rows and where[0].partition(":")[0] in covered:
            place = f"{path}, {where[0]} {where[1]}-{where[2]}"
            problems.append(MeaningFileError(f"no line for the {label} {text!r}", where=place))
    raise_collected(problems)
    return rows
