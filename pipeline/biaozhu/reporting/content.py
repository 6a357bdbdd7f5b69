"""Read everything that a report shows, and score it: from paths to values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from biaozhu.curation.agreement import FORMAT as AGREEMENT
from biaozhu.curation.agreement import Agreement, measure_agreement
from biaozhu.curation.bias import FORMAT as BIAS
from biaozhu.curation.bias import Bias, measure_bias, read_work
from biaozhu.curation.status import read_times
from biaozhu.data.diff import FORMAT as ROUND_TRIP
from biaozhu.data.diff import NOT_BY_PEOPLE, Change
from biaozhu.data.errors import ReportInputError, VersionError, raise_collected
from biaozhu.data.files import parse_json_as, read_bytes
from biaozhu.data.labels import DEFAULT, Label, read_labels
from biaozhu.data.layers import STATUS_SUFFIX
from biaozhu.data.ledger import Entry, read_ledger
from biaozhu.data.shipped import find_own
from biaozhu.reporting.authorship import About, GoldAuthor, list_authors, read_about
from biaozhu.reporting.page.strings import read_strings
from biaozhu.scoring import layer_scoring
from biaozhu.scoring.layer_scoring import Layer, ScoredLayers, ScoringInputs, ScoringRequest
from biaozhu.scoring.scores_document import InputFile

CURVE = "biaozhu.curve.v1"  # as in training.curve, whose import takes seconds

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Result of `pull --compare`: how many sentences came back, what changed and what was lost."""

    identical: bool
    sentences: int | None = None
    changes: tuple[Change, ...] = ()
    losses: tuple[Any, ...] = ()

    @property
    def whole(self) -> bool:
        """Nothing was lost or changed on the way; what people changed in Doccano is not an error."""
        return not self.losses and not any(change.kind in NOT_BY_PEOPLE for change in self.changes)

    @property
    def state(self) -> str:
        """The key of the words that say so."""
        said = "round_trip.same" if self.identical else "round_trip.edited"
        return said if self.whole else "round_trip.differs"


@dataclass(frozen=True, slots=True)
class ReportedPoint:
    """F1 after training on so many sentences, with its band; None where it is undefined."""

    sentences: float
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class CurveFit:
    """A point of the extrapolated curve."""

    sentences: float
    f1: float


@dataclass(frozen=True, slots=True)
class CurveFigures:
    """Output of `curve -o` that a report shows: points, extrapolation, the gain of 100 more sentences."""

    points: tuple[ReportedPoint, ...]
    fit: tuple[CurveFit, ...] = ()
    worth: float | None = None
    worth_low: float | None = None
    worth_high: float | None = None
    distinguishable: bool | None = None
    failure: str | None = None


# The format of each file, and the command that writes it.
EVIDENCE: dict[type, tuple[str, str]] = {
    RoundTrip: (ROUND_TRIP, "pull --compare LAYER --result"),
    Agreement: (AGREEMENT, "agree -o"),
    CurveFigures: (CURVE, "curve -o"),
    Bias: (BIAS, "bias -o"),
}


def read_evidence(path: Path, kind: type[Value]) -> Value:
    """Read what the command of this kind wrote; ReportInputError where it is not what this version writes."""
    form, command = EVIDENCE[kind]
    value = _read_object(path, form)
    if kind is Agreement and isinstance(articles := value.get("by_article"), dict):
        # Before there were months it wrote the bare F1 of each article.
        value["by_article"] = {
            name: {"comparisons": None, "strict": group} if isinstance(group, float) else group
            for name, group in articles.items()
        }
    try:
        found = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ReportInputError(f"not what `biaozhu {command}` writes: {error}", where=path) from None
    failure = found.failure if isinstance(found, CurveFigures) else None
    if failure and f"learning.failure.{failure}" not in read_strings():
        raise ReportInputError(f"not what `biaozhu {command}` writes: failure {failure!r}", where=path)
    return found


def _read_object(path: Path, form: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = parse_json_as(read_bytes(path), dict)
    except ValueError as error:
        raise ReportInputError(f"not a JSON object ({error})", where=path) from None
    # The first versions wrote no format.
    if value.get("format", form) != form:
        raise ReportInputError(f"the format is {value['format']}, not {form}", where=path)
    return value


UNNAMED_COLOR = "#5A5A5A"


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Request for a report; without a file of figures, agreement and bias are measured from the annotators' layers."""

    scoring: ScoringRequest
    annotators: tuple[str, ...] = ()
    ledgers: tuple[Path, ...] = ()
    round_trip: Path | None = None
    agreement: Path | None = None
    curve: Path | None = None
    bias: Path | None = None


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that a report shows."""

    request: ScoringRequest
    inputs: tuple[InputFile, ...]
    labels: tuple[Label, ...]
    given: ScoringInputs
    annotators: Mapping[str, Layer]
    scores: ScoredLayers | None
    ledger: tuple[Entry, ...] | None
    round_trip: RoundTrip | None
    agreement: Agreement | None
    curve: CurveFigures | None
    bias: Bias | None
    about: About
    authors: tuple[GoldAuthor, ...]


def gather_content(request: ReportRequest) -> ReportContent:
    """Read the files of a request and score its layers on the gold; everything that is wrong is reported together."""
    reader = layer_scoring.InputReader()
    given = layer_scoring.read_inputs(request.scoring, reader)
    annotators = reader.read_layers(request.annotators)

    def read(role: str, path: Path | None, kind: type[Value]) -> Value | None:
        return reader.read(role, path, partial(read_evidence, kind=kind))

    ledgers = [reader.read("ledger", path, read_ledger) or () for path in request.ledgers]
    round_trip = read("round_trip", request.round_trip, RoundTrip)
    agreement = read("agreement", request.agreement, Agreement)
    curve = read("curve", request.curve, CurveFigures)
    bias = read("bias", request.bias, Bias)
    reader.problems.extend(_find_foreign(given, annotators))
    raise_collected(reader.problems)
    paths, about = layer_scoring.name_layers(request.annotators), read_about(request.scoring.gold)
    labels = (*given.labels, *_name_unknown(given, annotators))
    return ReportContent(
        request=request.scoring,
        inputs=tuple(reader.inputs),
        labels=labels,
        given=given,
        annotators=annotators,
        scores=layer_scoring.score_inputs(request.scoring, given, labels, reader.inputs) if given.gold else None,
        ledger=tuple(chain(*ledgers)) if request.ledgers else None,
        round_trip=round_trip,
        agreement=agreement or _measure_agreement(paths, annotators),
        curve=curve,
        bias=bias or _measure_bias(paths, given.gold),
        about=about,
        authors=list_authors(given.gold, about, _find_months(paths)),
    )


def _find_foreign(given: ScoringInputs, annotators: Mapping[str, Layer]) -> Iterator[VersionError]:
    """Yield a problem for each input that shares no article with the rest: it was made from another version."""
    files = {article.id for article in given.articles}
    scored = {one.article for one in given.gold}
    if scored and files and scored.isdisjoint(files):
        yield VersionError(f"the gold is about {_join_ids(scored)}, the articles given are {_join_ids(files)}")
    about = {name: {one.article for one in layer} for name, layer in given.layers.items()}
    shown = files | scored or set().union(*about.values())
    for name, theirs in (about | {name: {one.article for one in layer} for name, layer in annotators.items()}).items():
        if theirs and theirs.isdisjoint(shown):
            yield VersionError(f"{name} is about {_join_ids(theirs)}, this report about {_join_ids(shown)}")


def _join_ids(articles: Iterable[str]) -> str:
    return ", ".join(sorted(articles))


def _name_unknown(given: ScoringInputs, annotators: Mapping[str, Layer]) -> list[Label]:
    sentences = chain(given.gold, *given.layers.values(), *annotators.values())
    unknown = {span.label for one in sentences for span in one.spans} - {label.id for label in given.labels}
    # A folder without a label set of its own: the package's labels keep their names there.
    shipped = [label for label in read_labels(find_own(DEFAULT)) if label.id in unknown]
    others = sorted(unknown - {label.id for label in shipped})
    return [*shipped, *(Label(one, one, UNNAMED_COLOR, "", "") for one in others)]


def _find_months(paths: Mapping[str, Iterable[Path]]) -> dict[str, str]:
    """Return the first and last month in which each annotator, by folder name, confirmed a sentence."""
    found: dict[str, str] = {}
    for path in chain(*paths.values()):
        folder = path if path.is_dir() else path.parent
        if months := sorted({time[:7] for time in read_times(path).values()}):
            found[folder.resolve().name] = " – ".join(dict.fromkeys((months[0], months[-1])))
    return found


def _measure_agreement(paths: Mapping[str, Iterable[Path]], layers: Mapping[str, Layer]) -> Agreement | None:
    """Return the agreement of the annotators on the sentences that each two of them have; None where none do."""
    ids = [{sentence.id for sentence in layer} for layer in layers.values()]
    if not any(one & other for one, other in combinations(ids, 2)):
        return None
    items = {name: (one for path in ones for one in read_times(path).items()) for name, ones in paths.items()}
    return measure_agreement(layers, common=True, times={name: dict(of_name) for name, of_name in items.items()})


def _measure_bias(paths: Mapping[str, Iterable[Path]], gold: Layer) -> Bias | None:
    """Return how the annotators treat pre-annotations; None where no folder holds what `project pull` writes."""
    folders = [(name, path) for name, ones in paths.items() for path in ones if any(path.glob(f"*{STATUS_SUFFIX}"))]
    work = [replace(item, annotator=name) for name, path in folders for item in read_work(path)]
    return measure_bias(work, gold=gold) if work else None
