"""Scores what spans mean: the value of each amount and the path of each place, against values read by people.

Gold values and paths are JSONL files beside the gold layer, one line per amount or place of it. A field is scored on
the gold's own spans (what reading a right span gives) and on a layer's (where a span that is not found is wrong too).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import BiaozhuError, MeaningFileError, raise_collected
from biaozhu.data.files import read_bytes
from biaozhu.data.layers import find_layers
from biaozhu.normalization.addresses import resolve_places
from biaozhu.normalization.subjects import paths_by_amount, subject_places
from biaozhu.normalization.values import AmountValue, read_amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.model import Article, Sentence
    from biaozhu.normalization.addresses import Place

AMOUNT, PLACE = "AMOUNT", "PLACE"
VALUE_FIELDS = ("value", "unit", "dimension", "approx", "bound", "per")
Key = tuple[str, int, int]
VALUE_KEYS = ("low", "high", "unit", "dimension", "approx", "bound", "per", "place")
PLACE_KEYS = ("path", "level", "also")


@dataclass(frozen=True, slots=True)
class GoldValue:
    """What an amount means by reading; `place` is the path of the place it is about, empty for none."""

    value: AmountValue
    place: str


@dataclass(frozen=True, slots=True)
class GoldPlace:
    """A place's path by reading, empty for what lies in no one division; `also` are paths that are as right."""

    path: str
    level: str
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldScore:
    """How often a field is right; `layer` None is the gold's own spans. `accuracy` is None where nothing is scored."""

    layer: str | None
    field: str
    correct: int
    of: int

    @property
    def accuracy(self) -> float | None:
        """Share of right ones."""
        return self.correct / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Meant:
    """Gold values and gold places of a gold layer, by sentence id, start and end; empty where none were given."""

    values: Mapping[Key, GoldValue]
    places: Mapping[Key, GoldPlace]


def read_gold_values(path: Path, gold: Sequence[Sentence]) -> dict[Key, GoldValue]:
    """Read gold values: one line for each amount of the gold layer.

    Args:
        path: a file, or a folder of them, which may lack articles of the gold and have others.
        gold: the gold layer.

    Raises:
        MissingFileError: there is no such file.
        MeaningFileError: lines that are no values, or amounts without a line or with two; reported together.
    """
    return {key: _gold_value(row, where) for key, row, where in _lines(path, gold, AMOUNT, VALUE_KEYS)}


def read_gold_places(path: Path, gold: Sequence[Sentence]) -> dict[Key, GoldPlace]:
    """Read gold paths: one line for each place of the gold layer; errors as of `read_gold_values`."""
    return {
        key: GoldPlace(row["path"], row["level"], tuple(row["also"]))
        for key, row, _ in _lines(path, gold, PLACE, PLACE_KEYS)
    }


def score_meaning(
    meant: Meant,
    sentences: Sequence[Sentence],
    *,
    layer: str | None,
    articles: Sequence[Article] = (),
) -> tuple[FieldScore, ...]:
    """Score what the spans of a layer mean.

    Args:
        meant: the gold values and places.
        sentences: the layer's sentences; spans of the same offsets and label as the gold's are read.
        layer: the layer's name; None for the gold layer itself.
        articles: the articles; without them the place that an amount is about is not scored.
    """
    by_article: dict[str, list[Sentence]] = {}
    for sentence in sorted(sentences, key=lambda one: (one.article, one.start)):
        by_article.setdefault(sentence.article, []).append(sentence)
    scores: list[FieldScore] = []
    resolved = {name: resolve_places(ones) for name, ones in by_article.items()}
    if meant.values:
        subjects: dict[tuple[str, int], str] | None = None
        if articles:
            subjects = {}
            for article in articles:
                ones = by_article.get(article.id, [])
                subjects |= paths_by_amount(subject_places(article, ones, resolved.get(article.id, ())))
        scores += _value_scores(meant.values, sentences, layer, subjects)
    if meant.places:
        places = {(p.sentence, p.start, p.end): p for ones in resolved.values() for p in ones}
        scores += _place_scores(meant.places, places, layer)
    return tuple(scores)


def meaning_rows(
    files: tuple[Path | None, Path | None],
    gold: Sequence[Sentence],
    layers: Mapping[str, Sequence[Sentence]],
    articles: Sequence[Article],
) -> list[dict[str, Any]]:
    """Score what the spans of the gold itself and of each layer mean, as `score_rows` gives it.

    Args:
        files: gold values and gold places, files or folders; what is None is not scored.
        gold: the gold layer.
        layers: the layers by name.
        articles: see `score_meaning`.

    Raises:
        MissingFileError, MeaningFileError: see `read_gold_values`.
    """
    values, places = files
    if values is None and places is None:
        return []
    meant = Meant(
        read_gold_values(values, gold) if values else {}, read_gold_places(places, gold) if places else {}
    )
    scores = list(score_meaning(meant, gold, layer=None, articles=articles))
    for name, layer in layers.items():
        scores += score_meaning(meant, layer, layer=name, articles=articles)
    return score_rows(scores)


def score_rows(scores: Sequence[FieldScore]) -> list[dict[str, Any]]:
    """Return scores as plain JSON values, as scores.schema.json describes them under `values`."""
    return [
        {"layer": s.layer, "field": s.field, "correct": s.correct, "of": s.of, "accuracy": s.accuracy}
        for s in scores
    ]


def _value_scores(
    values: Mapping[Key, GoldValue],
    sentences: Sequence[Sentence],
    layer: str | None,
    subjects: Mapping[tuple[str, int], str] | None,
) -> list[FieldScore]:
    found = {
        (sentence.id, span.start, span.end): read_amount(sentence.text, span.start, span.end)
        for sentence in sentences
        for span in sentence.spans
        if span.label == AMOUNT
    }
    counts = dict.fromkeys((*VALUE_FIELDS, "all of these"), 0)
    places = 0
    for key, gold in values.items():
        value = found.get(key)
        right = {field: value is not None and _same(field, value, gold.value) for field in VALUE_FIELDS}
        for field, correct in right.items():
            counts[field] += correct
        counts["all of these"] += all(right.values())
        places += subjects is not None and key in found and subjects.get(key[:2], "") == gold.place
    scores = [FieldScore(layer, f"amount {field}", count, len(values)) for field, count in counts.items()]
    if subjects is not None:
        scores.append(FieldScore(layer, "amount place", places, len(values)))
    return scores


def _same(field: str, value: AmountValue, gold: AmountValue) -> bool:
    if field == "value":
        return (value.low, value.high) == (gold.low, gold.high)
    if field == "bound":
        return set(value.bound) == set(gold.bound)
    return bool(getattr(value, field) == getattr(gold, field))


def _place_scores(
    golds: Mapping[Key, GoldPlace], places: Mapping[Key, Place], layer: str | None
) -> list[FieldScore]:
    path = level = resolved = right = 0
    for key, gold in golds.items():
        place = places.get(key)
        if place is None:
            continue
        correct = "/".join(place.path) in (gold.path, *gold.also)
        # An empty path is right only for what has none.
        correct = correct and (bool(place.path) or place.status == "natural")
        path += correct
        level += place.level == gold.level
        resolved += place.status in ("known", "natural")
        right += correct and place.status in ("known", "natural")
    return [
        FieldScore(layer, "place path", path, len(golds)),
        FieldScore(layer, "place level", level, len(golds)),
        FieldScore(layer, "place path where one is given", right, resolved),
    ]


def _numbered(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for file in files:
        for number, line in enumerate(read_bytes(file).decode("utf-8", "replace").split("\n"), 1):
            if line.strip():
                yield f"{file}:{number}", line


def _lines(
    path: Path, gold: Sequence[Sentence], label: str, keys: tuple[str, ...]
) -> list[tuple[Key, dict[str, Any], str]]:
    wanted = {
        (sentence.id, span.start, span.end): sentence.text[span.start : span.end]
        for sentence in gold
        for span in sentence.spans
        if span.label == label
    }
    articles = {sentence.article for sentence in gold}
    problems: list[BiaozhuError] = []
    rows: dict[Key, tuple[dict[str, Any], str]] = {}
    for where, line in _numbered(find_layers([path])):
        try:
            row = json.loads(line)
            key = (row["sentence"], row["start"], row["end"])
            hash(key)  # JSON's lists and objects are no keys
            text = row["text"]
            missing = [name for name in keys if name not in row]
            if missing:
                raise MeaningFileError(f"the line lacks {', '.join(missing)}", where=where)  # noqa: TRY301 — collected with the others
            _typed(row, where)
        except MeaningFileError as error:
            problems.append(error)
            continue
        except (ValueError, TypeError, KeyError, RecursionError):
            problems.append(MeaningFileError("not a line of gold values or places", where=where))
            continue
        if path.is_dir() and str(key[0]).partition(":")[0] not in articles:
            continue
        if wanted.get(key) != text:
            problems.append(MeaningFileError(f"the gold layer has no {label} {text!r} there", where=where))
        elif key in rows:
            problems.append(MeaningFileError(f"{text!r} stands there twice", where=where))
        rows[key] = (row, where)
    # Where lines cannot be read, those that they would have been are not missing.
    raise_collected(problems)
    # A folder may lack whole articles of the gold, and have others: neither are scored.
    covered = {key[0].partition(":")[0] for key in (rows if path.is_dir() else wanted)}
    problems = [
        MeaningFileError(f"no line for the {label} {text!r}", where=f"{path}, {key[0]} {key[1]}-{key[2]}")
        for key, text in wanted.items()
        if key not in rows and key[0].partition(":")[0] in covered
    ]
    raise_collected(problems)
    return [(key, row, where) for key, (row, where) in rows.items()]


def _typed(row: dict[str, Any], where: str) -> None:
    lists = [name for name in ("bound", "also") if name in row]
    texts = [name for name in (*VALUE_KEYS, *PLACE_KEYS) if name in row and name not in lists]
    wrong = [name for name in texts if not isinstance(row[name], str)]
    wrong += [name for name in lists if not isinstance(row[name], list)]
    for name in ("low", "high"):
        try:
            Decimal(row.get(name, "0"))
        except (InvalidOperation, TypeError, ValueError):
            wrong.append(name)
    if wrong:
        raise MeaningFileError(f"{', '.join(dict.fromkeys(wrong))} cannot be read", where=where)


def _gold_value(row: dict[str, Any], _where: str) -> GoldValue:
    value = AmountValue(
        Decimal(row["low"]),
        Decimal(row["high"]),
        row["unit"],
        row["dimension"],
        row["approx"],
        tuple(row["bound"]),
        row["per"],
    )
    return GoldValue(value, row["place"])
