"""Read everything that a report shows, and score it: from paths to values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from biaozhu.curation.agreement import measure_agreement
from biaozhu.curation.bias import measure_bias, read_work
from biaozhu.curation.frozen import read_gold
from biaozhu.curation.status import SUFFIX, read_times
from biaozhu.data.errors import VersionError, raise_collected
from biaozhu.data.labels import DEFAULT, Label, read_labels
from biaozhu.data.ledger import read_ledger
from biaozhu.reporting.evidence import read_agreement, read_bias, read_curve, read_round_trip
from biaozhu.scoring.evaluation import EvaluationOptions
from biaozhu.scoring.layer_scoring import InputReader, add_context, keep_covered, name_layers, score_layers
from biaozhu.scoring.scores_document import make_document
from biaozhu.scoring.significance import DEFAULT_SAMPLING
from biaozhu.scoring.value_scores import score_value_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from biaozhu.curation.agreement import Agreement
    from biaozhu.curation.bias import Bias
    from biaozhu.data.ledger import Entry
    from biaozhu.data.model import Article, Sentence
    from biaozhu.reporting.evidence import CurveFigures, RoundTrip
    from biaozhu.scoring.evaluation import Comparison, Evaluation
    from biaozhu.scoring.scores_document import InputFile
    from biaozhu.scoring.significance import Sampling

    Layer = tuple[Sentence, ...]
    Paths = Mapping[str, Sequence[Path]]

UNNAMED_COLOR = "#5A5A5A"


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What to report on.

    `layers` and `annotators` are PATH or NAME=PATH, files or folders; the same name given again adds to the layer.
    Layers are scored and compared with the first; annotators are only shown. `held_out`, `values` and `places` are
    as in `EvaluationRequest`. Without a file of figures, agreement and bias are measured from the annotators' layers
    and status files.
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
    sampling: Sampling = DEFAULT_SAMPLING
    command: tuple[str, ...] = ("biaozhu", "report")


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that a report shows; what was not given is None or empty.

    Without gold there are no evaluations and no `document` (scores.json).
    """

    labels: tuple[Label, ...]
    articles: tuple[Article, ...]
    gold: Layer
    layers: Mapping[str, Layer]
    annotators: Mapping[str, Layer]
    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...]
    document: dict[str, Any] | None
    inputs: tuple[InputFile, ...]
    command: tuple[str, ...]
    ledger: tuple[Entry, ...] | None = None
    round_trip: RoundTrip | None = None
    agreement: Agreement | None = None
    curve: CurveFigures | None = None
    bias: Bias | None = None
    values: tuple[dict[str, Any], ...] = ()


def gather_content(request: ReportRequest) -> ReportContent:
    """Read the files of a request and score its layers.

    Articles that the gold does not cover are shown, and take no part in the scores.

    Raises:
        BiaozhuError: a file cannot be read or scored; everything that is wrong is reported together.
    """
    reader = InputReader()
    articles = reader.read_articles(request.articles)
    gold = reader.read_layer("gold", request.gold, read=read_gold)
    layers, annotators = (
        {name: reader.read_layer("layer", paths, name=name) for name, paths in _group_paths(given).items()}
        for given in (request.layers, request.annotators)
    )
    trained = [reader.read_layer("train", [path]) for path in request.train]
    ledgers = [reader.read("ledger", path, read_ledger) or () for path in request.ledgers]
    round_trip = reader.read("round_trip", request.round_trip, read_round_trip)
    agreement = reader.read("agreement", request.agreement, read_agreement)
    curve = reader.read("curve", request.curve, read_curve)
    bias = reader.read("bias", request.bias, read_bias)
    labels = reader.attempt(partial(read_labels, request.labels)) or ()
    reader.problems.extend(_find_foreign(articles, gold, layers, annotators))
    raise_collected(reader.problems)
    if not request.agreement:
        agreement = _measure_agreement(_group_paths(request.annotators), annotators)
    if not request.bias:
        bias = _measure_bias(_group_paths(request.annotators), gold)
    labels = (*labels, *_name_unknown(labels, (gold, *layers.values(), *annotators.values())))
    content = ReportContent(
        labels=labels,
        articles=articles,
        gold=gold,
        layers=layers,
        annotators=annotators,
        evaluations=(),
        comparisons=(),
        document=None,
        inputs=tuple(reader.inputs),
        command=request.command,
        ledger=tuple(entry for found in ledgers for entry in found) if request.ledgers else None,
        round_trip=round_trip,
        agreement=agreement,
        curve=curve,
        bias=bias,
    )
    return _add_scores(content, request, trained) if gold else content


def _add_scores(
    content: ReportContent, request: ReportRequest, trained: Sequence[Sequence[Sentence]]
) -> ReportContent:
    gold = content.gold
    covered = {sentence.article for sentence in gold}
    given = tuple(article for article in content.articles if article.id in covered)
    # Sections are a help where articles are few; without every file they are not known for all sentences.
    context = given if len(given) == len(covered) or request.held_out else ()
    options = add_context(
        EvaluationOptions(labels=tuple(label.id for label in content.labels), sampling=request.sampling),
        gold,
        articles=context,
        trained=trained,
        held_out=request.held_out,
    )
    layers = {name: keep_covered(layer, gold) for name, layer in content.layers.items()}
    evaluations, comparisons = score_layers(gold, layers, options)
    values = score_value_files(request.values, request.places, gold, layers, content.articles)
    return replace(
        content,
        evaluations=evaluations,
        comparisons=comparisons,
        values=tuple(values),
        document=make_document(
            evaluations, comparisons, values=values, inputs=content.inputs, command=content.command
        ),
    )


def _group_paths(given: Sequence[str]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for name, path in name_layers(given):
        found.setdefault(name, []).append(path)
    return found


def _find_foreign(
    articles: Sequence[Article], gold: Layer, layers: Mapping[str, Layer], annotators: Mapping[str, Layer]
) -> Iterator[VersionError]:
    """Yield a problem for each input that shares no article with the rest: it was made from another version."""
    files = {article.id for article in articles}
    scored = {one.article for one in gold}
    if scored and files and scored.isdisjoint(files):
        yield VersionError(f"the gold is about {_join(scored)}, the articles given are {_join(files)}")
    shown = files | scored | {one.article for layer in layers.values() for one in layer}
    for name, layer in annotators.items():
        theirs = {one.article for one in layer}
        if theirs and theirs.isdisjoint(shown):
            yield VersionError(f"{name} is about {_join(theirs)}, this report about {_join(shown)}")


def _join(articles: Iterable[str]) -> str:
    return ", ".join(sorted(articles))


def _name_unknown(labels: Sequence[Label], layers: Iterable[Layer]) -> list[Label]:
    found = {span.label for layer in layers for sentence in layer for span in sentence.spans}
    unknown = sorted(found - {label.id for label in labels})
    return [Label(one, one, UNNAMED_COLOR, "", "") for one in unknown]


def _measure_agreement(paths: Paths, layers: Mapping[str, Layer]) -> Agreement | None:
    """Return the agreement of the annotators on the sentences that each two of them have; None where none do."""
    ids = [{sentence.id for sentence in layer} for layer in layers.values()]
    if not any(one & other for one, other in combinations(ids, 2)):
        return None
    times = {
        name: {key: time for path in ones for key, time in read_times(path).items()}
        for name, ones in paths.items()
    }
    return measure_agreement(layers, common=True, times=times)


def _measure_bias(paths: Paths, gold: Layer) -> Bias | None:
    """Return how the annotators treat pre-annotations; None where no folder holds what `project pull` writes."""
    work = [
        replace(item, annotator=name)
        for name, ones in paths.items()
        for path in ones
        if any(path.glob(f"*{SUFFIX}"))
        for item in read_work(path)
    ]
    return measure_bias(work, gold=gold) if work else None
