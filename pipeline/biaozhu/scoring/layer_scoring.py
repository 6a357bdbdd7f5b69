"""The one way from files to scores: read gold, layers, articles and training layers, score them, make the document.

`evaluate` and `compare` go through `score_files`; `report` reads more besides and goes through `score_layers`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from biaozhu.data.errors import BiaozhuError, DuplicateError, ManyProblemsError, UsageError, raise_collected
from biaozhu.data.files import sha256_of, sha256_of_stream
from biaozhu.data.labels import DEFAULT, read_labels
from biaozhu.data.layers import find_layers, read_layer
from biaozhu.scoring.evaluation import (
    EvaluationOptions,
    compare_evaluations,
    evaluate_layer,
    evaluate_stream,
)
from biaozhu.scoring.scores_document import InputFile, make_document
from biaozhu.scoring.seen import collect_seen
from biaozhu.scoring.significance import DEFAULT_SAMPLING
from biaozhu.scoring.value_scores import score_value_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from biaozhu.data.model import Article, Sentence
    from biaozhu.scoring.evaluation import Comparison, Evaluation
    from biaozhu.scoring.scores import Missing
    from biaozhu.scoring.significance import Sampling

    Layer = tuple[Sentence, ...]

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What to score: `layers` are paths or NAME=PATH; `labels` None is configs/labels.toml, where there is one.

    Gold and layers are files or folders of them. Of a folder only the articles of the gold take part.
    `held_out` says that the layers were predicted by models cross-validated on this gold: seen is then what occurs
    in another section (article, where there are several) of it. `values` and `places` are files or folders of gold
    values and paths. `stream` reads gold and layers side by side. `command` is what the document says.
    """

    gold: Path
    layers: tuple[str, ...]
    articles: tuple[Path, ...] = ()
    train: tuple[Path, ...] = ()
    held_out: bool = False
    values: Path | None = None
    places: Path | None = None
    missing: Missing = "error"
    labels: Path | None = None
    sampling: Sampling = DEFAULT_SAMPLING
    stream: bool = False
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoredFiles:
    """What came of a request; each layer after the first is compared with the first.

    `left_out` counts a folder's sentences about articles that the gold lacks.
    """

    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...]
    document: dict[str, Any]
    left_out: Mapping[str, int] = field(default_factory=dict)


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
        if path is None:
            return None
        value = self.attempt(partial(read, path))
        if value is not None:
            self.inputs.append(InputFile(role, path.stem, str(path), sha256_of(path)))
        return value

    def read_layer(
        self, role: str, paths: Iterable[Path], *, name: str = "", read: Callable[[Path], Layer] = read_layer
    ) -> Layer:
        """Return the sentences of files and folders, each of which must hold others."""
        lines: list[Sentence] = []
        for file in self.attempt(partial(find_layers, paths)) or ():
            layer = self.attempt(partial(read, file))
            if layer is not None:
                spans = sum(len(line.spans) for line in layer)
                self.inputs.append(
                    InputFile(role, name or file.stem, str(file), sha256_of(file), len(layer), spans)
                )
                lines += layer
        again = sorted(key for key, count in Counter(line.id for line in lines).items() if count > 1)
        if again:
            what = f"{len(again)} sentences are in two files of {name or role}, the first is {again[0]}"
            self.problems.append(DuplicateError(what, next_step="Give each article's file once"))
        return tuple(lines)

    def read_articles(self, paths: Sequence[Path]) -> tuple[Article, ...]:
        """Return the articles of files and folders."""
        if not paths:
            return ()
        # Reading articles brings in the HTML extractor, which most runs need not wait for.
        from biaozhu.reading.article import find_articles, read_articles  # noqa: PLC0415 — see above

        files = find_articles(paths)
        articles = self.attempt(partial(read_articles, files))
        if articles is not None:
            self.inputs.extend(InputFile("article", path.stem, str(path), sha256_of(path)) for path in files)
        return articles or ()


def score_files(request: EvaluationRequest) -> ScoredFiles:
    """Read the files of a request and score them.

    Raises:
        BiaozhuError: a file cannot be read or compared; everything that is wrong with the files is reported together.
    """
    named = name_layers(request.layers)
    for name, count in Counter(name for name, _ in named).items():
        if count > 1:
            raise UsageError(
                f"{count} layers have the name {name}",
                next_step="Name each of them, as in --layer first=PATH",
            )
    options = EvaluationOptions(
        labels=_read_label_ids(request.labels), missing=request.missing, sampling=request.sampling
    )
    if request.stream:
        return _score_streams(request, dict(named), options)
    reader = InputReader()
    gold = reader.read_layer("gold", [request.gold])
    whole = {name: reader.read_layer("layer", [path], name=name) for name, path in named}
    trained = [reader.read_layer("train", [path]) for path in request.train]
    articles = reader.read_articles(request.articles)
    raise_collected(reader.problems)
    layers = {name: keep_covered(whole[name], gold) if path.is_dir() else whole[name] for name, path in named}
    # Of a folder's articles those without gold say nothing here.
    covered = {sentence.article for sentence in gold}
    articles = tuple(one for one in articles if one.id in covered) or articles
    options = add_context(options, gold, articles=articles, trained=trained, held_out=request.held_out)
    evaluations, comparisons = score_layers(gold, layers, options)
    document = make_document(
        evaluations,
        comparisons,
        values=score_value_files(request.values, request.places, gold, layers, articles),
        inputs=reader.inputs,
        command=request.command,
    )
    left_out = {name: len(whole[name]) - len(layer) for name, layer in layers.items()}
    return ScoredFiles(
        evaluations, comparisons, document, {name: count for name, count in left_out.items() if count}
    )


def add_context(
    options: EvaluationOptions,
    gold: Sequence[Sentence],
    *,
    articles: Sequence[Article],
    trained: Sequence[Sequence[Sentence]],
    held_out: bool,
) -> EvaluationOptions:
    """Return the options with the sections of the articles and the names that training has seen.

    Raises:
        UsageError: something was held out, but there are no articles.
        BiaozhuError: the articles are not those of the gold.
    """
    if held_out and not articles:
        raise UsageError(
            "it is not known which sentences were held out together",
            next_step="Give the articles with --article",
        )
    groups: dict[str, str] = {}
    if articles:
        # As in `read_articles`.
        from biaozhu.reading.holdout import group_sentences  # noqa: PLC0415 — see above
        from biaozhu.reading.sections import sections_of  # noqa: PLC0415 — see above

        groups = group_sentences(articles, gold) if held_out else {}
        options = replace(options, sections=sections_of(articles, gold))
    if not trained and not held_out:
        return options
    return replace(options, seen=collect_seen(trained, held_out=gold if held_out else (), groups=groups))


def score_layers(
    gold: Layer, layers: Mapping[str, Layer], options: EvaluationOptions
) -> tuple[tuple[Evaluation, ...], tuple[Comparison, ...]]:
    """Score layers by name, and compare each later one with the first.

    Raises:
        BiaozhuError: layers cannot be compared with the gold; all are reported together.
    """
    reader = InputReader()
    found = [
        reader.attempt(partial(evaluate_layer, gold, layer, name=name, options=options))
        for name, layer in layers.items()
    ]
    raise_collected(reader.problems)
    evaluations = tuple(one for one in found if one is not None)
    return evaluations, _compare_with_first(evaluations, options.sampling)


def keep_covered(layer: Layer, gold: Sequence[Sentence]) -> Layer:
    """Return a layer's sentences about the articles that the gold covers; all where there are none.

    A layer about other articles only is thus refused by scoring, in one line.
    """
    covered = {sentence.article for sentence in gold}
    return tuple(sentence for sentence in layer if sentence.article in covered) or layer


def name_layers(layers: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """Return the name and path of each layer given as PATH or NAME=PATH.

    Without a name a layer is called by its file's stem, with the folder before it where stems are equal.
    """
    given: list[tuple[str, Path]] = []
    for layer in layers:
        name, equals, path = layer.partition("=")
        given.append((name, Path(path)) if equals and not Path(layer).exists() else ("", Path(layer)))
    stems = Counter(path.stem for name, path in given if not name)
    return tuple(
        (name or (path.stem if stems[path.stem] == 1 else f"{path.parent.name}/{path.stem}"), path)
        for name, path in given
    )


def _score_streams(
    request: EvaluationRequest, layers: Mapping[str, Path], options: EvaluationOptions
) -> ScoredFiles:
    if request.articles or request.train or request.held_out or request.values or request.places:
        raise UsageError("--stream goes without --article, --train, --held-out, --values and --places")
    if not options.labels:
        raise UsageError("the labels of a stream must be known before", next_step="Give --labels")
    evaluations = tuple(
        evaluate_stream(request.gold, path, name=name, options=options) for name, path in layers.items()
    )
    comparisons = _compare_with_first(evaluations, options.sampling)
    files = [("gold", request.gold.stem, request.gold), *(("layer", *one) for one in layers.items())]
    inputs = [InputFile(role, name, str(path), sha256_of_stream(path)) for role, name, path in files]
    document = make_document(evaluations, comparisons, inputs=inputs, command=request.command)
    return ScoredFiles(evaluations, comparisons, document)


def _compare_with_first(evaluations: Sequence[Evaluation], sampling: Sampling) -> tuple[Comparison, ...]:
    return tuple(compare_evaluations(evaluations[0], later, sampling=sampling) for later in evaluations[1:])


def _read_label_ids(path: Path | None) -> tuple[str, ...]:
    if path is None and not DEFAULT.exists():
        return ()
    return tuple(label.id for label in read_labels(path or DEFAULT))
