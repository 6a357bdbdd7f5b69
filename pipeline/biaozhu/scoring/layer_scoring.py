"""The one way from files to scores, for `evaluate`, `compare` and `report`: read the inputs, then score them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeVar

from biaozhu.data.errors import BiaozhuError, ManyProblemsError, UsageError, raise_collected
from biaozhu.data.files import sha256_of
from biaozhu.data.labels import DEFAULT, Label, read_labels
from biaozhu.data.layers import find_layers, join_layers, read_layer
from biaozhu.data.model import Article, Sentence
from biaozhu.scoring.breakdown import SeenNames
from biaozhu.scoring.evaluation import (
    Comparison,
    Evaluation,
    EvaluationOptions,
    compare_evaluations,
    evaluate_layer,
    evaluate_stream,
)
from biaozhu.scoring.scores import Missing
from biaozhu.scoring.scores_document import InputFile, make_scores_document
from biaozhu.scoring.significance import DEFAULT_SAMPLING, Sampling
from biaozhu.scoring.value_scores import score_value_files

Layer = tuple[Sentence, ...]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """Request for scores of `layers`, each PATH or NAME=PATH, files or folders, against files or folders of the gold.

    The same name given again adds to the layer. `articles` give sections, `train` are layers that training saw. `held_out`:
    the layers were predicted by models cross-validated on this gold, so what is seen occurs in another section (article,
    where there are several) of it. `missing` is as in `pair_layers`, or `skip`: score the sentences that all have. `strict`
    refuses layers with sentences that the gold lacks, which else take no part. `whole` refuses articles that are not all of
    the gold's; else, where one is missing, there are no sections.
    """

    gold: tuple[Path, ...]
    layers: tuple[str, ...]
    articles: tuple[Path, ...] = ()
    train: tuple[Path, ...] = ()
    held_out: bool = False
    values: Path | None = None
    places: Path | None = None
    missing: Missing | Literal["skip"] = "error"
    labels: Path | None = None
    strict: bool = False
    whole: bool = False
    sampling: Sampling = DEFAULT_SAMPLING
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoringInputs:
    """Content of the files: `gold` is scored, `skipped` not in all layers; `layers` are whole, `covered` is what is scored."""

    labels: tuple[Label, ...]
    articles: tuple[Article, ...]
    gold: Layer
    layers: Mapping[str, Layer]
    covered: Mapping[str, Layer]
    trained: tuple[Layer, ...]
    skipped: Layer = ()


@dataclass(frozen=True, slots=True)
class ScoredLayers:
    """Evaluations of the layers, the comparison of each later one with the first, and scores.json."""

    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class InputReader:
    """Reads files, and keeps the name and checksum of each, and what is wrong with them until all are read."""

    problems: list[BiaozhuError] = field(default_factory=list)
    inputs: list[InputFile] = field(default_factory=list)

    def attempt(self, read: Callable[[], Value]) -> Value | None:
        """Return what a function returns, or None where it raises a problem, which is kept."""
        try:
            return read()
        except ManyProblemsError as error:
            self.problems.extend(error.problems)
        except BiaozhuError as error:
            self.problems.append(error)
        return None

    def read(self, role: str, path: Path | None, read: Callable[[Path], Value]) -> Value | None:
        """Return what a function makes of a file, or None where there is no file or it cannot be read."""
        value = self.attempt(partial(read, path)) if path else None
        if path and value is not None:
            self.inputs.append(_describe_input(role, path))
        return value

    def read_layer(self, role: str, paths: Iterable[Path], *, name: str = "") -> Layer:
        """Return the sentences of files and folders, each of which must hold others."""
        found: list[tuple[Path, Layer]] = []
        for file in self.attempt(partial(find_layers, paths)) or ():
            layer = self.read(role, file, read_layer) or ()
            if layer:
                spans = sum(len(line.spans) for line in layer)
                read_in = self.inputs[-1]
                self.inputs[-1] = replace(read_in, name=name or file.stem, sentences=len(layer), spans=spans)
            found.append((file, layer))
        self.attempt(partial(join_layers, found))
        return tuple(line for _, layer in found for line in layer)

    def read_layers(self, layers: Sequence[str]) -> dict[str, Layer]:
        """Return layers by name, see `name_layers`."""
        named = name_layers(layers).items()
        return {name: self.read_layer("layer", paths, name=name) for name, paths in named}

    def read_articles(self, paths: Sequence[Path]) -> tuple[Article, ...]:
        """Return the articles of files and folders."""
        if not paths:
            return ()
        # Reading articles brings in the HTML extractor, which most runs need not wait for.
        from biaozhu.reading.article import find_articles, read_articles  # noqa: PLC0415 — see above

        files = find_articles(paths)
        articles = self.attempt(partial(read_articles, files))
        if articles is not None:
            self.inputs.extend(_describe_input("article", path) for path in files)
        return articles or ()


def _describe_input(role: str, path: Path, name: str = "") -> InputFile:
    return InputFile(role, name or path.stem, str(path), sha256_of(path))


def read_inputs(request: ScoringRequest, reader: InputReader) -> ScoringInputs:
    """Read the files of a request; problems stay in the reader."""
    path = request.labels or (DEFAULT if DEFAULT.exists() else None)
    labels = (path and reader.attempt(partial(read_labels, path))) or ()
    articles = reader.read_articles(request.articles)
    gold = reader.read_layer("gold", request.gold)
    layers = reader.read_layers(request.layers)
    trained = tuple(reader.read_layer("train", [path]) for path in request.train)
    ids = {sentence.id for sentence in gold}
    covered = layers
    if not request.strict:
        # Whole where nothing is left: scoring says why.
        covered = {name: _keep_sentences(layer, ids) or layer for name, layer in layers.items()}
    if request.missing == "skip":
        common = ids.intersection(*({sentence.id for sentence in layer} for layer in covered.values()))
        # Where nothing is common, scoring says why.
        if common:
            ids, covered = common, {name: _keep_sentences(layer, common) for name, layer in covered.items()}
    scored, skipped = _keep_sentences(gold, ids), tuple(one for one in gold if one.id not in ids)
    return ScoringInputs(labels, articles, scored, layers, covered, trained, skipped)


def _keep_sentences(layer: Layer, ids: Collection[str]) -> Layer:
    return tuple(sentence for sentence in layer if sentence.id in ids)


def score_inputs(
    request: ScoringRequest, given: ScoringInputs, labels: Sequence[Label], inputs: Sequence[InputFile]
) -> ScoredLayers:
    """Score layers; `labels` are in the order of reports, `inputs` all files of the document."""
    score = partial(evaluate_layer, given.gold, options=_choose_options(request, given, labels))
    reader = InputReader()
    found = [reader.attempt(partial(score, layer, name=name)) for name, layer in given.covered.items()]
    raise_collected(reader.problems)
    if trained := [one.name for one in found if one and one.in_sample] if request.held_out else ():
        what = "a layer has spans in sentences that its model was trained on, which `crossval` never gives"
        raise UsageError(what, where=trained[0], next_step="Give the layer of `crossval`, or leave out --held-out")
    gold = (*given.gold, *given.skipped)
    values = score_value_files(request.values, request.places, gold, given.covered, given.articles)
    scored = _join_scores(request, [one for one in found if one], inputs=inputs, values=values)
    if given.skipped:
        scored.document["skipped"] = [sentence.id for sentence in given.skipped]
    return scored


def score_streams(request: ScoringRequest) -> ScoredLayers:
    """Score layers that are read side by side with the gold, see `evaluate_stream`."""
    if request.articles or request.train or request.held_out or request.values or request.places:
        raise UsageError("--stream does not take --article, --train, --held-out, --values and --places")
    # Unlike in memory they must be known before.
    names = tuple(label.id for label in read_labels(request.labels or DEFAULT))
    options = EvaluationOptions(names, missing=_find_missing(request), sampling=request.sampling)
    (gold,) = request.gold
    layers = [(name, path) for name, paths in name_layers(request.layers).items() for path in paths]
    evaluations = [evaluate_stream(gold, path, name=name, options=options) for name, path in layers]
    inputs = [_describe_input("gold", gold), *(_describe_input("layer", path, name) for name, path in layers)]
    return _join_scores(request, evaluations, inputs=inputs)


def name_layers(layers: Sequence[str]) -> dict[str, list[Path]]:
    """Return the paths of each layer given as PATH or NAME=PATH by its name.

    A path without a name is called by its stem, with as many folders above it as tell it from all others.
    """
    given: list[tuple[str, Path]] = []
    for layer in layers:
        name, equals, rest = layer.partition("=")
        if not (rest if equals else layer):
            # An empty path would be the folder that one is in.
            raise UsageError(f"no path is given in {layer!r}", next_step="Give PATH or NAME=PATH")
        given.append((name, Path(rest)) if equals and not Path(layer).exists() else ("", Path(layer)))
    # The same path twice is one layer, whose reader refuses it.
    files = {path.parent.resolve() / path.name: _list_names(path) for name, path in given if not name}
    taken = Counter(chain({name for name, _ in given}, *files.values()))
    named: dict[str, list[Path]] = {}
    for name, path in given:
        unique = (one for one in _list_names(path) if taken[one] == 1)
        named.setdefault(name or next(unique, str(path)), []).append(path)
    return named


def _list_names(path: Path) -> dict[str, None]:
    """Return what a layer may be called, from the shortest; `model-1.0` and `model-1.1` are folders of one stem."""
    folders = path.parent.resolve().parts
    above = ["/".join(folders[at:]) for at in range(len(folders), -1, -1)]
    return {f"{folder}/{last}".removeprefix("/"): None for last in (path.stem, path.name) for folder in above}


def _find_missing(request: ScoringRequest) -> Missing:
    # What is to be skipped has been; a stream cannot look ahead for what all layers have.
    return "error" if request.missing == "skip" else request.missing


def _choose_options(request: ScoringRequest, given: ScoringInputs, labels: Iterable[Label]) -> EvaluationOptions:
    """Return the options, with the sections of the articles and the names that training has seen."""
    gold, ids = given.gold, {sentence.article for sentence in given.gold}
    # Of a folder's articles those without gold say nothing here.
    articles = tuple(one for one in given.articles if one.id in ids)
    if request.whole:
        articles = articles or given.articles
    elif len(articles) < len(ids) and not request.held_out:
        articles = ()
    if request.held_out and not articles:
        advice = "Give the articles with --article"
        raise UsageError("it is not known which sentences were held out together", next_step=advice)
    groups, sections, seen = dict[str, str](), None, None
    if articles:
        # As in `read_articles`.
        from biaozhu.reading.holdout import group_sentences, sections_of  # noqa: PLC0415 — see above

        groups = group_sentences(articles, gold) if request.held_out else {}
        sections = sections_of(articles, gold)
    if given.trained or groups:
        seen = SeenNames(given.trained, held_out=gold if groups else (), groups=groups)
    names = tuple(label.id for label in labels)
    if not names:
        # As a stream orders them, which has the package's label set where there is no other.
        sentences = chain(gold, *given.layers.values())
        occurring = {span.label for sentence in sentences for span in sentence.spans}
        names = tuple(label.id for label in read_labels() if label.id in occurring)
    return EvaluationOptions(names, sections, seen, _find_missing(request), request.sampling)


def _join_scores(request: ScoringRequest, evaluations: Sequence[Evaluation], **more: Any) -> ScoredLayers:
    compare = partial(compare_evaluations, evaluations[0], sampling=request.sampling)
    comparisons = tuple(map(compare, evaluations[1:]))
    document = make_scores_document(evaluations, comparisons, command=request.command, **more)
    return ScoredLayers(tuple(evaluations), comparisons, document)
