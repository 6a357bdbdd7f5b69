"""An evaluation run from files: read gold, layers, articles and training layers, score, and make the document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import BiaozhuError, DuplicateError, ManyProblemsError, UsageError, raise_collected
from biaozhu.data.files import sha256_of, sha256_of_stream
from biaozhu.data.labels import DEFAULT, read_labels
from biaozhu.data.layers import find_layers, read_layer
from biaozhu.scoring.evaluation import Setting, compare, evaluate, evaluate_stream
from biaozhu.scoring.scores_document import Input, scores_document
from biaozhu.scoring.seen import seen_by
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.data.model import Sentence
    from biaozhu.scoring.evaluation import Comparison, Evaluation
    from biaozhu.scoring.scores import Missing


@dataclass(frozen=True, slots=True)
class Request:
    """What to score: `layers` are paths or NAME=PATH; `labels` None is configs/labels.toml, where there is one.

    Gold and layers are files or folders of them. Of a folder only the articles of the gold take part.
    `held_out` says that the layers were predicted by models cross-validated on this gold: seen is then what stands
    in another section (article, where there are several) of it. `stream` reads the files side by side.
    """

    verb: str
    gold: Path
    layers: tuple[str, ...]
    articles: tuple[Path, ...] = ()
    train: tuple[Path, ...] = ()
    held_out: bool = False
    missing: Missing = "error"
    labels: Path | None = None
    resamples: int = 10_000
    seed: int = 1
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a request; each layer after the first is compared with the first.

    `left_out` is how many sentences of a folder's layer are of articles that the gold lacks.
    """

    gold: tuple[Sentence, ...]
    layers: tuple[tuple[Sentence, ...], ...]
    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...]
    document: dict[str, Any]
    left_out: Mapping[str, int] = field(default_factory=dict)


def run_evaluation(request: Request) -> Run:
    """Read the files of a request and score them.

    Raises:
        BiaozhuError: a file cannot be read or compared; everything that is wrong with the files is reported together.
    """
    named = name_layers(request.layers)
    if request.stream:
        return _streamed(request, named)
    problems: list[BiaozhuError] = []

    def read(role: str, name: str, path: Path) -> tuple[Sentence, ...]:
        lines: list[Sentence] = []
        try:
            for file in find_layers([path]):
                layer = read_layer(file)
                inputs.append(_input(role, name or file.stem, file, layer))
                lines += layer
        except BiaozhuError as error:
            problems.append(error)
        return tuple(lines)

    inputs: list[Input] = []
    gold = read("gold", "", request.gold)
    layers = tuple(read("layer", name, path) for name, path in named)
    trained = tuple(read("train", "", path) for path in request.train)
    inputs += [_input("article", path.stem, path) for path in _article_files(request)]
    raise_collected([*problems, *_twice(gold, "the gold"), *_all_twice(named, layers)])
    whole = layers
    layers = tuple(_of_the_gold(layer, path, gold) for (_, path), layer in zip(named, whole, strict=True))
    left_out = {
        name: len(read) - len(kept)
        for (name, _), read, kept in zip(named, whole, layers, strict=True)
        if len(read) > len(kept)
    }
    sections, groups = _sections(request, gold)
    setting = Setting(
        labels=_labels(request.labels),
        sections=sections,
        seen=seen_by(trained, held_out=gold if groups else (), groups=groups) if trained or groups else None,
        missing=request.missing,
        sampling=Sampling(resamples=request.resamples, seed=request.seed),
    )
    evaluations: list[Evaluation] = []
    for (name, _), layer in zip(named, layers, strict=True):
        try:
            evaluations.append(evaluate(gold, layer, name=name, setting=setting))
        except ManyProblemsError as error:
            problems += error.problems
        except BiaozhuError as error:
            problems.append(error)
    raise_collected(problems)
    comparisons = tuple(
        compare(evaluations[0], later, sampling=setting.sampling) for later in evaluations[1:]
    )
    document = scores_document(evaluations, comparisons, inputs=inputs, command=_command(request))
    return Run(gold, layers, tuple(evaluations), comparisons, document, left_out)


def _of_the_gold(layer: tuple[Sentence, ...], path: Path, gold: Sequence[Sentence]) -> tuple[Sentence, ...]:
    if not path.is_dir():
        return layer
    covered = {sentence.article for sentence in gold}
    # Where nothing is left the layer is of other articles, and scoring says so in one line.
    return tuple(sentence for sentence in layer if sentence.article in covered) or layer


def _all_twice(
    named: Sequence[tuple[str, Path]], layers: Sequence[Sequence[Sentence]]
) -> list[DuplicateError]:
    return [
        error
        for (name, _), layer in zip(named, layers, strict=True)
        for error in _twice(layer, f"layer {name}")
    ]


def _twice(layer: Sequence[Sentence], name: str) -> list[DuplicateError]:
    again = sorted(key for key, count in Counter(sentence.id for sentence in layer).items() if count > 1)
    if not again:
        return []
    what = f"{len(again)} sentences stand in two files of {name}, the first is {again[0]}"
    return [DuplicateError(what, next_step="Give each article's file once")]


def _streamed(request: Request, named: Sequence[tuple[str, Path]]) -> Run:
    labels = _labels(request.labels)
    if request.articles or request.train or request.held_out:
        raise UsageError("--stream goes without --article, --train and --held-out")
    if not labels:
        raise UsageError("a stream's labels must be known before", next_step="Give --labels")
    setting = Setting(
        labels=labels,
        missing=request.missing,
        sampling=Sampling(resamples=request.resamples, seed=request.seed),
    )
    evaluations = tuple(
        evaluate_stream(request.gold, path, name=name, setting=setting) for name, path in named
    )
    comparisons = tuple(
        compare(evaluations[0], later, sampling=setting.sampling) for later in evaluations[1:]
    )
    inputs = [Input("gold", request.gold.stem, str(request.gold), sha256_of_stream(request.gold))]
    inputs += [Input("layer", name, str(path), sha256_of_stream(path)) for name, path in named]
    document = scores_document(evaluations, comparisons, inputs=inputs, command=_command(request))
    return Run((), (), evaluations, comparisons, document)


def name_layers(layers: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """Return the name and path of each layer given as PATH or NAME=PATH.

    Without a name a layer is called by its file's stem, with the folder before it where stems are equal.

    Raises:
        UsageError: two layers have the same name.
    """
    given: list[tuple[str, Path]] = []
    for layer in layers:
        name, equals, path = layer.partition("=")
        given.append((name, Path(path)) if equals and not Path(layer).exists() else ("", Path(layer)))
    stems = Counter(path.stem for name, path in given if not name)
    named = tuple(
        (name or (path.stem if stems[path.stem] == 1 else f"{path.parent.name}/{path.stem}"), path)
        for name, path in given
    )
    for name, count in Counter(name for name, _ in named).items():
        if count > 1:
            raise UsageError(
                f"{count} layers are called {name}", next_step="Name each of them, as in --layer first=PATH"
            )
    return named


def _labels(path: Path | None) -> tuple[str, ...]:
    if path is None and not DEFAULT.exists():
        return ()
    return tuple(label.id for label in read_labels(path or DEFAULT))


def _sections(
    request: Request, gold: Sequence[Sentence]
) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """Return the sections of the gold's sentences, and the groups that were held out together."""
    if not request.articles:
        if request.held_out:
            raise UsageError(
                "which sentences were held out together is not known",
                next_step="Give the articles with --article",
            )
        return None, None
    # Reading articles brings in the HTML extractor, which most runs need not wait for.
    from biaozhu.reading.article import find_articles, read_articles  # noqa: PLC0415 — see above
    from biaozhu.reading.holdout import group_sentences  # noqa: PLC0415 — as above
    from biaozhu.reading.sections import sections_of  # noqa: PLC0415 — as above

    articles = read_articles(find_articles(request.articles))
    covered = {sentence.article for sentence in gold}
    # Of a folder's articles those without gold say nothing here.
    articles = tuple(one for one in articles if one.id in covered) or articles
    groups = group_sentences(articles, gold) if request.held_out else None
    return sections_of(articles, gold), groups


def _article_files(request: Request) -> tuple[Path, ...]:
    if not request.articles:
        return ()
    from biaozhu.reading.article import find_articles  # noqa: PLC0415 — as in _sections

    # What is not there is refused where it is read.
    return tuple(path for path in find_articles(request.articles) if path.is_file())


def _input(role: str, name: str, path: Path, layer: Sequence[Sentence] | None = None) -> Input:
    if layer is None:
        return Input(role, name, str(path), sha256_of(path))
    return Input(role, name, str(path), sha256_of(path), len(layer), sum(len(one.spans) for one in layer))


def _command(request: Request) -> list[str]:
    words = ["biaozhu", request.verb]
    words += request.layers if request.verb == "compare" else []
    words += ["--gold", str(request.gold)]
    words += [] if request.verb == "compare" else _options("--layer", request.layers)
    words += _options("--article", request.articles)
    words += _options("--train", request.train)
    words += ["--held-out"] * request.held_out
    words += ["--stream"] * request.stream
    if request.missing != "error":
        words += ["--missing", request.missing]
    if request.labels is not None:
        words += ["--labels", str(request.labels)]
    return [*words, "--resamples", str(request.resamples), "--seed", str(request.seed)]


def _options(name: str, values: Sequence[object]) -> list[str]:
    return [word for value in values for word in (name, str(value))]
