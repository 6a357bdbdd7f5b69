"""Read everything that a report shows, and score it: from paths to values."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from biaozhu.curation.agreement import FORMAT as AGREEMENT
from biaozhu.curation.bias import FORMAT as BIAS
from biaozhu.curation.frozen import read_gold
from biaozhu.data.diff import FORMAT as ROUND_TRIP
from biaozhu.data.diff import NOT_BY_PEOPLE, Kind
from biaozhu.data.errors import BiaozhuError, ReportInputError, UsageError, VersionError, raise_collected
from biaozhu.data.files import parse_json, read_bytes, sha256_of
from biaozhu.data.labels import DEFAULT, Label, read_labels
from biaozhu.data.layers import find_layers, read_layer
from biaozhu.data.ledger import read_ledger
from biaozhu.reading.article import read_article
from biaozhu.reading.holdout import group_sentences
from biaozhu.reading.sections import sections_of
from biaozhu.reporting.annotator_tables import agreement_tables, measure_agreeing, measure_following
from biaozhu.reporting.bias_tables import shown_bias
from biaozhu.reporting.page.strings import read_strings, translator
from biaozhu.scoring.evaluation import Setting, compare, evaluate
from biaozhu.scoring.scores_document import Input, scores_document
from biaozhu.scoring.seen import seen_by
from biaozhu.scoring.significance import Sampling
from biaozhu.scoring.value_scores import meaning_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from biaozhu.data.ledger import Entry
    from biaozhu.data.model import Article, Sentence
    from biaozhu.scoring.evaluation import Comparison, Evaluation

    Layer = tuple[Sentence, ...]

Value = TypeVar("Value")

LAYER_ROLES = frozenset({"gold", "layer", "train"})
UNNAMED_COLOR = "#5A5A5A"
RESULT_FORMATS = {
    "round trip": ROUND_TRIP,
    "agreement": AGREEMENT,
    "learning curve": "biaozhu.curve.v1",  # as in training.curve, whose import takes seconds
    "bias": BIAS,
}
SPAN = frozenset({"start", "end", "label"})


@dataclass(frozen=True, slots=True)
class Request:
    """What a report is to be made of.

    `layers` and `annotators` are NAME=PATH, a path being a JSONL file or a folder of them; the same name given
    again adds to the layer. Layers are scored and compared with the first; annotators are only shown. `held_out` is
    as in `biaozhu.scoring.run.Request`. Without a file of figures, agreement and bias are measured from the
    annotators' layers and status files.
    """

    layers: tuple[str, ...]
    articles: tuple[Path, ...] = ()
    gold: tuple[Path, ...] = ()
    annotators: tuple[str, ...] = ()
    train: tuple[Path, ...] = ()
    held_out: bool = False
    ledgers: tuple[Path, ...] = ()
    round_trip: Path | None = None
    agreement: Path | None = None
    curve: Path | None = None
    bias: Path | None = None
    values: Path | None = None
    places: Path | None = None
    labels: Path = DEFAULT
    resamples: int = 10_000
    seed: int = 1
    command: tuple[str, ...] = ("biaozhu", "report")


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that a report shows; what was not given is None or empty.

    `document` (scores.json) is None, and there are no evaluations, where there is no gold.
    """

    labels: tuple[Label, ...]
    articles: tuple[Article, ...]
    gold: Layer
    layers: Mapping[str, Layer]
    annotators: Mapping[str, Layer]
    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...]
    document: dict[str, Any] | None
    inputs: tuple[Input, ...]
    command: tuple[str, ...]
    ledger: tuple[Entry, ...] | None = None
    round_trip: dict[str, Any] | None = None
    agreement: dict[str, Any] | None = None
    curve: dict[str, Any] | None = None
    bias: dict[str, Any] | None = None
    meant: tuple[dict[str, Any], ...] = ()


def gather(request: Request) -> Material:
    """Read the files of a request and score its layers.

    Articles that the gold does not cover are shown, and take no part in the scores.

    Raises:
        UsageError: a layer is not given as NAME=PATH.
        BiaozhuError: a file cannot be read or scored; everything that is wrong is reported together.
    """
    reader = _Reader([], [])
    articles = tuple(
        article for path in request.articles if (article := reader.read("article", "", path, read_article))
    )
    gold = tuple(line for path in request.gold for line in reader.read("gold", "", path, read_gold) or ())
    layers = reader.layers("layer", request.layers)
    annotators = reader.layers("layer", request.annotators)
    trained = [reader.read("train", "", path, read_layer) or () for path in request.train]
    ledgers = [reader.read("ledger", "", path, read_ledger) or () for path in request.ledgers]
    extra = {
        name: reader.read(name, "", path, check) if path else None
        for name, path, check in (
            ("round_trip", request.round_trip, _read_round_trip),
            ("agreement", request.agreement, _read_agreement),
            ("curve", request.curve, _read_curve),
            ("bias", request.bias, _read_bias),
        )
    }
    labels = reader.attempt(request.labels, read_labels) or ()
    reader.problems.extend(_of_other_articles(articles, gold, layers, annotators))
    raise_collected(reader.problems)
    if request.agreement is None:
        extra["agreement"] = measure_agreeing(request.annotators, annotators)
    if request.bias is None:
        extra["bias"] = measure_following(request.annotators, gold)
    labels = _with_unknown(labels, (gold, *layers.values(), *annotators.values()))
    groups = group_sentences(articles, gold) if request.held_out and gold else None
    setting = Setting(
        labels=tuple(label.id for label in labels),
        sections=_sections(articles, gold),
        seen=seen_by(trained, held_out=gold if groups else (), groups=groups) if trained or groups else None,
        sampling=Sampling(resamples=request.resamples, seed=request.seed),
    )
    evaluations = _score(gold, layers, setting) if gold else ()
    comparisons = tuple(
        compare(evaluations[0], later, sampling=setting.sampling) for later in evaluations[1:]
    )
    document = (
        scores_document(evaluations, comparisons, inputs=reader.inputs, command=request.command)
        if evaluations
        else None
    )
    scored = {one.name: restrict(layers[one.name], gold) for one in evaluations}
    meant = meaning_rows((request.values, request.places), gold, scored, articles) if gold else []
    if document and meant:
        document["values"] = meant
    return Material(
        labels=labels,
        articles=articles,
        gold=gold,
        layers=layers,
        annotators=annotators,
        evaluations=evaluations,
        comparisons=comparisons,
        document=document,
        inputs=tuple(reader.inputs),
        command=request.command,
        ledger=tuple(entry for found in ledgers for entry in found) if request.ledgers else None,
        meant=tuple(meant),
        **extra,
    )


def restrict(layer: Sequence[Sentence], gold: Sequence[Sentence]) -> Layer:
    """Return the layer's sentences of the articles that the gold covers."""
    covered = {sentence.article for sentence in gold}
    return tuple(sentence for sentence in layer if sentence.article in covered)


def _score(gold: Layer, layers: Mapping[str, Layer], setting: Setting) -> tuple[Evaluation, ...]:
    evaluations: list[Evaluation] = []
    problems: list[BiaozhuError] = []
    for name, layer in layers.items():
        try:
            # Where nothing is left of a layer it is of other articles, and scoring says so in one line.
            kept = restrict(layer, gold) or layer
            evaluations.append(evaluate(gold, kept, name=name, setting=setting))
        except BiaozhuError as error:
            problems += getattr(error, "problems", (error,))
    raise_collected(problems)
    return tuple(evaluations)


def _of_other_articles(
    articles: Sequence[Article],
    gold: Layer,
    layers: Mapping[str, Layer],
    annotators: Mapping[str, Layer],
) -> list[BiaozhuError]:
    """What shares no article with the rest was made of another version: shown beside it, it would say nothing."""
    files = {article.id for article in articles}
    scored = {one.article for one in gold}
    problems: list[BiaozhuError] = []
    if scored and files and scored.isdisjoint(files):
        problems.append(
            VersionError(f"the gold is of {_listed(scored)}, the articles given are {_listed(files)}")
        )
    shown = files | scored | {one.article for layer in layers.values() for one in layer}
    for name, layer in annotators.items():
        theirs = {one.article for one in layer}
        if theirs and theirs.isdisjoint(shown):
            problems.append(VersionError(f"{name} is of {_listed(theirs)}, this report of {_listed(shown)}"))
    return problems


def _listed(articles: Iterable[str]) -> str:
    return ", ".join(sorted(articles))


def _sections(articles: Sequence[Article], gold: Sequence[Sentence]) -> dict[str, str] | None:
    covered = {sentence.article for sentence in gold}
    given = [article for article in articles if article.id in covered]
    # Sections are a help where articles are few; without every file they are not known for all sentences.
    return sections_of(given, gold) if gold and len(given) == len(covered) else None


def _with_unknown(labels: Sequence[Label], layers: Sequence[Layer]) -> tuple[Label, ...]:
    known = {label.id for label in labels}
    found = {span.label for layer in layers for sentence in layer for span in sentence.spans}
    return (*labels, *(Label(one, one, UNNAMED_COLOR, "", "") for one in sorted(found - known)))


@dataclass(frozen=True, slots=True)
class _Reader:
    problems: list[BiaozhuError]
    inputs: list[Input]

    def attempt(self, path: Path, read: Callable[[Path], Value]) -> Value | None:
        try:
            return read(path)
        except BiaozhuError as error:
            self.problems.extend(getattr(error, "problems", (error,)))
            return None

    def read(self, role: str, name: str, path: Path, read: Callable[[Path], Value]) -> Value | None:
        value = self.attempt(path, read)
        if value is not None:
            counts = (
                (len(value), sum(len(line.spans) for line in value))
                if isinstance(value, tuple) and role in LAYER_ROLES
                else (None, None)
            )
            self.inputs.append(Input(role, name or path.stem, str(path), sha256_of(path), *counts))
        return value

    def layers(self, role: str, given: Sequence[str]) -> dict[str, Layer]:
        found: dict[str, list[Sentence]] = defaultdict(list)
        for item in given:
            name, equals, where = item.partition("=")
            if not (name and equals and where):
                raise UsageError(
                    f"{item!r} does not name a layer", next_step="Give each layer as NAME=FILE or NAME=FOLDER"
                )
            found[name] += [
                line
                for path in self.attempt(Path(where), lambda path: find_layers([path])) or ()
                for line in self.read(role, name, path, read_layer) or ()
            ]
        return {name: _once(lines, name) for name, lines in found.items()}


def _once(lines: Sequence[Sentence], name: str) -> Layer:
    seen: set[str] = set()
    for line in lines:
        if line.id in seen:
            raise UsageError(
                f"layer {name} has the sentence {line.id} twice", next_step="Give each article's file once"
            )
        seen.add(line.id)
    return tuple(lines)


def _read_json(path: Path, name: str) -> dict[str, Any]:
    try:
        value = parse_json(read_bytes(path))
    except ValueError as error:
        raise ReportInputError(f"not JSON ({error})", where=str(path)) from None
    if not isinstance(value, dict):
        raise ReportInputError(f"not a {name} file", where=str(path))
    wanted = RESULT_FORMATS[name]
    # Files of before these were named have no format.
    if value.pop("format", wanted) != wanted:
        raise ReportInputError(f"a {name} file that is not of the format {wanted}", where=str(path))
    return value


def is_whole(round_trip: Mapping[str, Any]) -> bool:
    """Say whether the way to Doccano and back lost and changed nothing; what people changed there is no fault."""
    made = {change["kind"] for change in round_trip.get("changes", ())}
    return not round_trip.get("losses") and not made & NOT_BY_PEOPLE


def _read_round_trip(path: Path) -> dict[str, Any]:
    value = _read_json(path, "round trip")
    changes = value.get("changes", [])
    if (
        not isinstance(value.get("identical"), bool)
        or not isinstance(changes, list)
        or not all(isinstance(change, dict) and _is_change(change) for change in changes)
        or not isinstance(value.get("losses", []), list)
    ):
        raise ReportInputError("not what `biaozhu pull --compare LAYER --json` prints", where=str(path))
    return value


def _read_agreement(path: Path) -> dict[str, Any]:
    value = _read_json(path, "agreement")
    try:
        tables = agreement_tables(value, {}, translator("en"))
        figures = [figure for row in tables.pop("rows") for figure in row[2:]]
        figures += [figure for table in tables.values() for row in table for figure in row[1:]]
    except (KeyError, TypeError, AttributeError):
        figures = [""]
    if not all(one is None or _is_number(one) for one in figures):
        raise ReportInputError("not what `biaozhu agree -o` writes", where=str(path))
    return value


def _read_curve(path: Path) -> dict[str, Any]:
    value = _read_json(path, "learning curve")
    points, line = value.get("points"), value.get("fit", [])
    worth = [value.get(key) for key in ("worth", "worth_low", "worth_high")]
    if (
        not _are_numbers(points, ("sentences",), ("mean", "low", "high"))
        or not _are_numbers(line, ("sentences", "f1"), ())
        or not all(one is None or _is_number(one) for one in worth)
        or not (value.get("failure") is None or f"learning.failure.{value['failure']}" in read_strings())
    ):
        raise ReportInputError("not what `biaozhu curve -o` writes", where=str(path))
    return value


def _read_bias(path: Path) -> dict[str, Any]:
    value = _read_json(path, "bias")
    try:
        shown = shown_bias(value, {}, translator("en"))
        figures = [figure for rate in shown["rates"] for figure in (rate.count, rate.of, rate.rate)]
        figures += [figure for one in shown["contrasts"] for figure in astuple(one)[1:]]
    except (KeyError, TypeError, AttributeError, ValueError):
        figures = [""]
    if not all(one is None or _is_number(one) for one in figures):
        raise ReportInputError("not what `biaozhu bias -o` writes", where=str(path))
    return value


def _are_numbers(rows: Any, needed: Sequence[str], or_null: Sequence[str]) -> bool:
    return isinstance(rows, list) and all(
        isinstance(row, dict)
        and all(_is_number(row.get(key)) for key in needed)
        and all(key in row and (row[key] is None or _is_number(row[key])) for key in or_null)
        for row in rows
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_change(change: Mapping[str, Any]) -> bool:
    spans = (change.get("before"), change.get("after"))
    return (
        isinstance(change.get("sentence"), str)
        and change.get("kind") in get_args(Kind)
        and isinstance(change.get("text") or "", str)
        and all(span is None or (isinstance(span, dict) and span.keys() >= SPAN) for span in spans)
    )
