"""configs/*.cfg + gold -> a trained spaCy pipeline in a folder, with its model card."""

from __future__ import annotations

import configparser
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from confection import Config
from spacy import util
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from thinc.api import fix_random_seed

from biaozhu import __version__
from biaozhu.annotators.network.model_folder import LEARNED_KEY, META_KEY, SCHEMA
from biaozhu.annotators.trained import annotate_with
from biaozhu.data.errors import ConfigError, TrainingError, raise_collected
from biaozhu.data.files import read_bytes
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, with_spans
from biaozhu.data.shipped import find_owner, find_shipped
from biaozhu.data.strict_counts import StrictCounts
from biaozhu.nlp import bounds
from biaozhu.nlp.base_encoder import TRAINABLE_DEEP, pin_checksums
from biaozhu.nlp.torch_encoders.trainable import BERT
from biaozhu.training.card import HELD_OUT, IN_SAMPLE, describe_file, score_strictly, write_card
from biaozhu.training.choosing import Learned
from biaozhu.training.config_check import find_misspelt
from biaozhu.training.docbin_stream import READER as STREAM
from biaozhu.training.docbin_stream import AnnotatedText, DocBinStream, make_example
from biaozhu.training.gold import READER as GOLD
from biaozhu.training.gold import GoldCorpus, list_contradicted, make_examples
from biaozhu.training.solving import can_solve, solve
from biaozhu.training.whole_folder import check_replaceable, replace_folder

OnStep = Callable[[int, int, float], None]

# Architectures that need an extra at run time, too.
EXTRAS = {TRAINABLE_DEEP: "train", BERT: "transformer"}
# What spaCy, confection and their registries raise of a config.
CONFIG_ERRORS = (ValueError, OSError, KeyError, ImportError, configparser.Error)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained pipeline in memory, what could not be aligned, and what it changes against its start, if it has one."""

    nlp: Language
    entries: tuple[Entry, ...]
    learned: Learned | None


@dataclass(frozen=True, slots=True)
class Trained(Fitted):
    """Result of a training run: its folder, the size of its data, and strict scores on its first `scored` sentences.

    `contradicted` has of these the ids of those whose text is marked in another way before.
    """

    folder: Path
    sentences: int
    spans: int
    scores: Mapping[str, StrictCounts]
    scored: int
    contradicted: tuple[str, ...]


def read_config(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a training config, with `section.key` values in place of its own.

    ConfigError says that it is not a config, or that it or an override names something that there is not; all are reported together.
    A value that its setting cannot have is refused by what trains. Where the working folder has no such file, it is the package's own.
    """
    path = find_shipped(Path(path))
    where = str(path)
    try:
        text = read_bytes(path).decode("utf-8-sig")
        config: Config = util.load_config_from_str(text, interpolate=False)
        if (owner := find_owner(config)) != "train":
            advice = f"Give it to `biaozhu {owner}`; `biaozhu configs` lists those of `train`"
            raise ConfigError("this config is for another command", where=where, next_step=advice)
        config = Config().from_str(config.to_str(interpolate=False), interpolate=False, overrides=dict(overrides or {}))
    except UnicodeDecodeError as error:
        raise ConfigError("not UTF-8", where=f"{where}@{error.start}") from None
    except (ValueError, configparser.Error) as error:
        raise ConfigError(_shorten(error), where=where) from None
    raise_collected([ConfigError(problem, where=where) for problem in find_misspelt(config)])
    return config


def train(
    config_path: str | Path,
    output: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    held_out: Mapping[str, StrictCounts] | None = None,
    on_step: OnStep = lambda *_: None,
) -> Trained:
    """Train the pipeline of a config and write it, whole or not at all, with README.md as its card.

    Gold is read as a whole, DocBin shards are streamed; the output is replaced if it is a model. `overrides` are `section.key` -> value,
    `held_out` strict scores of a cross-validation for the card (see `score_strictly`); `on_step` is called after each step with its
    number, the most there can be, and the loss.
    """
    config_path, output = find_shipped(Path(config_path)), Path(output)
    check_replaceable(output)
    config = read_config(config_path, overrides)
    corpus = corpus_of(config, config_path)
    told: dict[str, Any] = {"name": output.name, "where": str(config_path), "on_step": on_step}
    if isinstance(corpus, DocBinStream):
        data, sample, first = corpus.survey()
        fitted = _fit_stream(config, corpus, sample, **told)
        files, sentences = [data], tuple(one.sentence for one in sample[:first])
    else:
        sentences = corpus.sentences()
        fitted = fit(config, sentences, **told)
        files = [describe_file(path) for path in corpus.files()]
    fitted.nlp.meta[META_KEY] = {"schema": SCHEMA, "version": __version__}
    if isinstance(corpus, GoldCorpus):
        fitted.nlp.meta[META_KEY][LEARNED_KEY] = [sentence.id for sentence in sentences]
    if fitted.learned is not None:
        fitted.nlp.meta[META_KEY]["learned"] = {"said": str(fitted.learned), **asdict(fitted.learned)}
    # What a package of the model must bring, for `spacy package`.
    named = [value for _, value in util.walk_dict(config["components"])]
    extras = ",".join(sorted(extra for name, extra in EXTRAS.items() if name in named))
    required = f"biaozhu{f'[{extras}]' if extras else ''}{util.get_minor_version_range(__version__)}"
    fitted.nlp.meta["requirements"] = [required]
    found = annotate_with(fitted.nlp, [sentence.text for sentence in sentences], source=output.name)
    predicted = [with_spans(sentence, spans) for sentence, spans in zip(sentences, found, strict=True)]
    scores = score_strictly(sentences, predicted)
    with replace_folder(output) as made:
        fitted.nlp.to_disk(made)
        write_card(
            made,
            fitted,
            config_path=config_path,
            overrides=overrides or {},
            files=files,
            scores={IN_SAMPLE: scores} | ({HELD_OUT: held_out} if held_out else {}),
            scored=len(sentences),
        )
    size, spans = sum(one.sentences for one in files), sum(one.spans for one in files)
    twice, same = list_contradicted(sentences), (fitted.nlp, fitted.entries, fitted.learned)
    return Trained(*same, output, size, spans, scores, len(sentences), twice)


def fit(
    config: Config,
    sentences: Sequence[Sentence],
    *,
    name: str = "model",
    where: str = "",
    on_step: OnStep = lambda *_: None,
) -> Fitted:
    """Train the pipeline of a config on sentences.

    What can be solved outright (see `can_solve`) is; all other components take part in gradient descent for the
    config's number of steps. There is no early stopping, so no data is looked at but these sentences.
    """
    if not any(sentence.spans for sentence in sentences):
        raise TrainingError("the gold has no spans to learn from", next_step="Give gold with spans")
    made = cache(lambda nlp: make_examples(nlp, sentences))
    nlp, settings = _begin(config, lambda nlp: made(nlp)[0], name=name, where=where)
    examples, entries = made(nlp)
    articles = [sentence.article for sentence in sentences]
    solved, learned = [], None
    for part, component in nlp.pipeline:
        if can_solve(component):
            most, numbers = component.cfg["iterations"], count(1)
            learned = (
                solve(
                    component,
                    examples,
                    articles,
                    make_doc=nlp.make_doc,
                    on_step=lambda loss: on_step(next(numbers), most, loss),  # noqa: B023 — called within this round
                )
                or learned
            )
            solved.append(part)
    if any(hasattr(component, "update") and part not in solved for part, component in nlp.pipeline):
        order, settings = list(examples), _end_with_epochs(config, nlp, settings, examples)

        def passes() -> Iterator[list[Example]]:
            while True:
                random.shuffle(order)
                yield order

        _descend(nlp, passes(), settings, solved, on_step)
    return Fitted(nlp, entries, learned)


def _fit_stream(
    config: Config, stream: DocBinStream, sample: Sequence[AnnotatedText], *, name: str, where: str, on_step: OnStep
) -> Fitted:
    nlp, settings = _begin(config, lambda nlp: [make_example(nlp, one) for one in sample], name=name, where=where)
    if whole := [part for part, component in nlp.pipeline if can_solve(component)]:
        what = f"{', '.join(whole)} is solved on all data at once, which a stream does not give"
        raise ConfigError(what, where=where, next_step="Take configs/stream.cfg")
    _descend(nlp, (stream(nlp, epoch) for epoch in count()), settings, [], on_step)
    # Code points always align, so there are no entries: `make_example` checks that they are the tokens.
    return Fitted(nlp, (), None)


def _begin(
    config: Config, examples: Callable[[Language], Sequence[Example]], *, name: str, where: str
) -> tuple[Language, Mapping[str, Any]]:
    """Return the initialized pipeline of a config and its resolved training settings."""
    try:
        config = config.interpolate()
        pin_checksums(config)
        nlp = util.load_model_from_config(config, auto_fill=True)
        settings = util.registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)
        fix_random_seed(settings["seed"])
        # It sets up the tokenizer before it asks for examples.
        nlp.initialize(lambda: examples(nlp))
    except CONFIG_ERRORS as error:
        raise ConfigError(_shorten(error), where=where or name) from None
    nlp.meta["name"] = name
    return nlp, settings


def _end_with_epochs(
    config: Config, nlp: Language, settings: Mapping[str, Any], examples: Sequence[Example]
) -> Mapping[str, Any]:
    """Return training settings whose `max_steps` is no more than the epochs make, with what the config derives from it."""
    if settings["max_epochs"] < 1:
        return settings
    batches = sum(1 for _ in settings["batcher"](examples))
    whole = Config(nlp.config).merge(Config({"training": config["training"]}))
    whole["training"]["max_steps"] = min(settings["max_steps"], settings["max_epochs"] * batches)
    settled: Mapping[str, Any] = util.registry.resolve(whole.interpolate()["training"], schema=ConfigSchemaTraining)
    return settled


def _descend(
    nlp: Language, passes: Iterator[Iterable[Example]], settings: Mapping[str, Any], exclude: list[str], on_step: OnStep
) -> None:
    optimizer, most = settings["optimizer"], settings["max_steps"]
    if most < 1:
        raise ConfigError("max_steps must be at least 1", where="training")
    epochs, dropout = settings["max_epochs"], settings["dropout"]
    chosen = islice(passes, epochs if epochs > 0 else None)
    batches = chain.from_iterable(map(settings["batcher"], chosen))
    for step, batch in enumerate(islice(batches, most), start=1):
        losses: dict[str, float] = {}
        drop = float(dropout(step - 1) if callable(dropout) else dropout)
        nlp.update(batch, drop=drop, sgd=optimizer, losses=losses, exclude=exclude)
        optimizer.step_schedules()
        on_step(step, most, sum(losses.values()))
    if optimizer.averages:
        with nlp.use_params(optimizer.averages):
            averaged = nlp.to_bytes(exclude=["tokenizer"])
        nlp.from_bytes(averaged, exclude=["tokenizer"])


def corpus_of(config: Config, path: Path) -> GoldCorpus | DocBinStream:
    """Return the training corpus that a config names."""
    try:
        whole = config.interpolate()
        name = whole["training"]["train_corpus"]
        (corpus,) = util.resolve_dot_names(whole, [name])
    except (ValueError, KeyError, configparser.Error) as error:
        raise ConfigError(_shorten(error), where=str(path)) from None
    if not isinstance(corpus, GoldCorpus | DocBinStream):
        raise ConfigError(f"{name} is neither {GOLD} nor {STREAM}", where=str(path))
    return corpus


# configparser's words for a variable that nothing sets.
_UNSET = re.compile(r".*option '(.+)' in section '(.+)' contains an interpolation key '(.+)' which is not .*")
# confection's words for a value that a setting cannot have.
_REFUSED = re.compile(r"Config (?:validation error|error for '\S+') (\S+(?: -> \S+)+?)(?: at root:)? (.*)")
# What 1.x says for a type of ours, whose bounds it does not know.
_BOUNDED = re.compile(r"<class 'biaozhu\.nlp\.bounds\.(\w+)'>")


def _shorten(error: Exception) -> str:
    # confection's errors are tables of several lines with the config behind them: the reader wants one line.
    text = " ".join(str(error).split()).partition(" {'")[0]
    if unset := _UNSET.fullmatch(text):
        return f"[{unset[2]}] {unset[1]} names ${{{unset[3]}}}, which the config does not have"
    if "Couldn't serialize" in text or "E961" in text:
        return "a number is too large for a config, or none (NaN)"
    if refused := _REFUSED.fullmatch(text):
        said = _BOUNDED.sub(lambda one: str(getattr(bounds, one[1]).__doc__), refused[2])
        text = f"{refused[1].replace(' -> ', '.')}: {said}"
    return text.rstrip(". ") or type(error).__name__
