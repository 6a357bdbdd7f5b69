"""configs/*.cfg + gold -> a trained spaCy pipeline in a folder, with its model card."""

from __future__ import annotations

import configparser
import os
import random
import shutil
import tempfile
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.schemas import ConfigSchemaTraining
from spacy.util import load_config_from_str, load_model_from_config, registry, resolve_dot_names
from thinc.api import fix_random_seed

from biaozhu import __version__
from biaozhu.annotators.network.model_folder import META_KEY, SCHEMA
from biaozhu.annotators.trained import annotate_with
from biaozhu.data.errors import ConfigError, TrainingError, WriteError, raise_collected
from biaozhu.data.files import read_bytes
from biaozhu.data.model import with_spans
from biaozhu.nlp.checksums import pinned
from biaozhu.training.card import DataFile, count_strictly, write_card
from biaozhu.training.config_check import misspelt
from biaozhu.training.docbin_stream import READER, DocBinStream, example
from biaozhu.training.gold import GoldCorpus, make_examples
from biaozhu.training.replay import replay_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from confection import Config
    from spacy.language import Language
    from spacy.training import Example

    from biaozhu.data.ledger import Entry
    from biaozhu.data.model import Sentence
    from biaozhu.training.docbin_stream import Survey

    OnStep = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training run gave: where it lies, what it learned from, what could not be aligned, and the card's scores.

    `steps` and `loss` are those of the optimiser; `counts` are strict, on the training data itself: on its first
    `counted` sentences.
    """

    folder: Path
    sentences: int
    spans: int
    entries: tuple[Entry, ...]
    steps: int
    loss: float
    counts: Mapping[str, tuple[int, int, int]]
    counted: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained pipeline in memory, with what could not be aligned, the optimiser's steps and its last loss."""

    nlp: Language
    entries: tuple[Entry, ...]
    steps: int
    loss: float


def read_config(path: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a training config, with `section.key` values in place of its own.

    Raises:
        MissingFileError: there is no such file.
        ConfigError: it is no config, or it or an override names something that there is not; all reported together.
    """
    where = str(path)
    try:
        text = read_bytes(path).decode("utf-8-sig")
        config: Config = load_config_from_str(text, overrides=dict(overrides or {}), interpolate=False)
    except UnicodeDecodeError as error:
        raise ConfigError("not UTF-8", where=f"{where}@{error.start}") from None
    except (ValueError, configparser.Error) as error:
        raise ConfigError(_first_line(error), where=where) from None
    raise_collected(misspelt(config, where=where))
    return config


def train(
    config_path: Path,
    output: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    held_out: Mapping[str, tuple[int, int, int]] | None = None,
    on_step: OnStep | None = None,
) -> Trained:
    """Train the pipeline of a config and write it, whole or not at all, with README.md as its card.

    Gold is read as a whole, DocBin shards are streamed: no more of them is in memory at a time than `stream` says.

    Args:
        config_path: a spaCy config.
        output: the folder to write; what is there is replaced if it is a model.
        overrides: `section.key` -> value.
        held_out: strict counts of a cross-validation, for the card; see `count_strictly`.
        on_step: called after each step with its number, the most there can be, and the loss.

    Raises:
        BiaozhuError: the config, the gold or the folder cannot be used; nothing is written then.
    """
    check_output(output)
    config = read_config(config_path, overrides)
    corpus = corpus_of(config, config_path)
    where = str(config_path)
    if isinstance(corpus, DocBinStream):
        survey = corpus.survey()
        fitted = _fit_stream(config, corpus, survey, name=output.name, where=where, on_step=on_step)
        files = [survey.data]
        sentences = survey.shown()
    else:
        sentences = corpus.sentences()
        fitted = fit(config, sentences, name=output.name, where=where, on_step=on_step)
        files = [DataFile.of(path) for path in corpus.files()]
    fitted.nlp.meta[META_KEY] = {"schema": SCHEMA, "version": __version__}
    found = annotate_with(fitted.nlp, [sentence.text for sentence in sentences], source=output.name)
    predicted = [with_spans(sentence, spans) for sentence, spans in zip(sentences, found, strict=True)]
    counts = count_strictly(sentences, predicted)
    replay = replay_of(config)
    _write_folder(
        fitted.nlp,
        output,
        lambda folder: write_card(
            folder,
            nlp=fitted.nlp,
            config_path=config_path,
            overrides=overrides or {},
            files=files,
            counts={"in-sample": counts} | ({"held-out": held_out} if held_out else {}),
            counted=len(sentences),
            replay=replay.facts() if replay and replay.count else None,
        ),
    )
    total, spans = sum(one.sentences for one in files), sum(one.spans for one in files)
    return Trained(output, total, spans, fitted.entries, fitted.steps, fitted.loss, counts, len(sentences))


def check_output(output: Path) -> None:
    """Check that a model may be written to a folder.

    Raises:
        WriteError: something else than a model is there.
    """
    if output.exists() and not (output / "meta.json").is_file():
        raise WriteError(
            "this is there already and is no model", where=str(output), next_step="Choose another name"
        )


def fit(
    config: Config,
    sentences: Sequence[Sentence],
    *,
    name: str = "model",
    where: str = "",
    on_step: OnStep | None = None,
) -> Fitted:
    """Train the pipeline of a config on sentences, and on the sample that it names as [corpora.replay].

    What can be solved outright (a `fit` method, over an encoder without parameters) is; all other components take
    part in gradient descent for the config's number of steps. There is no early stopping, so no data is looked at
    but these sentences.

    Raises:
        ConfigError: the config does not make a pipeline.
        TrainingError: there is nothing to learn from.
    """
    if not any(sentence.spans for sentence in sentences):
        raise TrainingError("the gold has no spans to learn from", next_step="Give gold with spans")
    cache: list[tuple[list[Example], tuple[Entry, ...]]] = []

    def examples() -> list[Example]:
        # Made late: nlp.initialize sets up the tokenizer before it asks.
        if not cache:
            cache.append(make_examples(nlp, (*sentences, *replayed)))
        return cache[0][0]

    replayed: tuple[Sentence, ...] = ()
    try:
        replay = replay_of(config)
        if replay:
            replayed = replay.sentences()
        nlp, settings = _load(config)
        nlp.initialize(examples)
    except (ValueError, OSError, KeyError, ImportError) as error:
        raise ConfigError(_first_line(error), where=where or name) from None
    nlp.meta["name"] = name
    solved, steps, loss = _solve(nlp, examples(), on_step)
    rest = [part for part, component in nlp.pipeline if hasattr(component, "update") and part not in solved]
    if rest:
        order = list(examples())

        def passes() -> Iterator[list[Example]]:
            while True:
                random.shuffle(order)
                yield order

        steps, loss = _descend(nlp, passes(), settings, solved, on_step)
    return Fitted(nlp, cache[0][1], steps, loss)


def _fit_stream(
    config: Config,
    stream: DocBinStream,
    survey: Survey,
    *,
    name: str,
    where: str,
    on_step: OnStep | None,
) -> Fitted:
    # On code points nothing can fail to align, so there are no entries: `example` checks that they are the tokens.
    try:
        if replay_of(config):
            raise ConfigError("a stream takes no replayed sample: give the corpus as a shard", where=where)
        nlp, settings = _load(config)
        nlp.initialize(lambda: [example(nlp, taught) for taught in survey.sample])
    except (ValueError, OSError, KeyError, ImportError) as error:
        raise ConfigError(_first_line(error), where=where or name) from None
    whole = [part for part, component in nlp.pipeline if getattr(component, "is_frozen_below", False)]
    if whole:
        raise ConfigError(
            f"{', '.join(whole)} is solved on all data at once, which a stream does not give",
            where=where,
            next_step="Take configs/stream.cfg",
        )
    nlp.meta["name"] = name
    steps, loss = _descend(nlp, (stream.examples(nlp, epoch) for epoch in count()), settings, [], on_step)
    return Fitted(nlp, (), steps, loss)


def _load(config: Config) -> tuple[Language, Mapping[str, Any]]:
    config = config.interpolate()
    pinned(config)
    nlp = load_model_from_config(config, auto_fill=True)
    settings = registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)
    fix_random_seed(settings["seed"])
    return nlp, settings


def _solve(nlp: Language, examples: list[Example], on_step: OnStep | None) -> tuple[list[str], int, float]:
    solved, steps, loss = [], 0, 0.0
    pipeline: list[tuple[str, Any]] = nlp.pipeline
    for part, component in pipeline:
        if not getattr(component, "is_frozen_below", False):
            continue
        most = component.cfg["iterations"]
        result = component.fit(examples, on_step=_counted(most, on_step) if on_step else None)
        solved.append(part)
        steps, loss = steps + int(result["steps"]), result["loss"]
    return solved, steps, loss


def _counted(most: int, on_step: OnStep) -> Callable[[float], None]:
    steps = count(1)
    return lambda loss: on_step(next(steps), most, loss)


def _descend(
    nlp: Language,
    passes: Iterator[Iterable[Example]],
    settings: Mapping[str, Any],
    exclude: list[str],
    on_step: OnStep | None,
) -> tuple[int, float]:
    optimizer, most = settings["optimizer"], settings["max_steps"]
    losses: dict[str, float] = {}
    step = 0
    for batch in _batches(passes, settings):
        losses = {}
        nlp.update(
            batch, drop=_value(settings["dropout"], step), sgd=optimizer, losses=losses, exclude=exclude
        )
        optimizer.step_schedules()
        step += 1
        if on_step:
            on_step(step, most, sum(losses.values()))
        if step >= most:
            break
    if optimizer.averages:
        with nlp.use_params(optimizer.averages):
            averaged = nlp.to_bytes(exclude=["tokenizer"])
        nlp.from_bytes(averaged, exclude=["tokenizer"])
    return step, float(sum(losses.values()))


def _batches(passes: Iterator[Iterable[Example]], settings: Mapping[str, Any]) -> Iterator[list[Example]]:
    if settings["max_steps"] < 1:
        raise ConfigError("max_steps must be at least 1", where="training")
    epochs = settings["max_epochs"]
    for examples in islice(passes, epochs if epochs > 0 else None):
        yield from settings["batcher"](examples)


def _value(schedule: Any, step: int) -> float:
    return float(schedule(step)) if callable(schedule) else float(schedule)


def gold_of(config: Config, path: Path) -> GoldCorpus:
    """Return the gold that a config names.

    Raises:
        ConfigError: it names none, or another kind.
    """
    corpus = corpus_of(config, path)
    if not isinstance(corpus, GoldCorpus):
        raise ConfigError("its training corpus is no biaozhu.GoldCorpus.v1", where=str(path))
    return corpus


def corpus_of(config: Config, path: Path) -> GoldCorpus | DocBinStream:
    """Return the training corpus that a config names.

    Raises:
        ConfigError: it names none, or another kind.
    """
    try:
        whole = config.interpolate()
        name = whole["training"]["train_corpus"]
        (corpus,) = resolve_dot_names(whole, [name])
    except (ValueError, KeyError) as error:
        raise ConfigError(_first_line(error), where=str(path)) from None
    if not isinstance(corpus, GoldCorpus | DocBinStream):
        raise ConfigError(f"{name} is no biaozhu.GoldCorpus.v1 and no {READER}", where=str(path))
    return corpus


def _write_folder(nlp: Language, output: Path, add: Callable[[Path], None]) -> None:
    temporary = ""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent)
        made = Path(temporary) / "made"
        nlp.to_disk(made)
        add(made)
        if output.exists():
            os.replace(output, Path(temporary) / "old")  # noqa: PTH105 — the name is a plain string from mkdtemp
        os.replace(made, output)  # noqa: PTH105 — as above
    except OSError as error:
        raise WriteError(f"cannot be written ({error.strerror})", where=str(output)) from None
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _first_line(error: Exception) -> str:
    # confection's errors are tables of several lines with the config behind them: the reader wants one line.
    text = " ".join(str(error).split()).partition(" {'")[0]
    return text.rstrip(". ") or type(error).__name__
