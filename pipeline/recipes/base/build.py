"""Building the base model from a config: corpus -> training -> test -> models/base/.

An auxiliary corpus marks other things than our guideline, so it has a layer of its own over the same states (multi-task
learning, Caruana 1997) and its labels never reach the model's output.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.lac import Lac, load_lac
from biaozhu.annotators.network.lac_data import HIDDEN, SIZES, LacWeights, lac_start
from biaozhu.annotators.network.runtime import CONFIG
from biaozhu.data.errors import ConfigError
from biaozhu.data.files import write_json, write_text
from biaozhu.data.model import Sentence
from biaozhu.knowledge.lexicon import WIDTH, lexicon_columns, lexicon_facts
from recipes.base.augment import Names, Rates, collect_names, drawn
from recipes.base.begin import read_earlier
from recipes.base.card import card, score_model
from recipes.base.data import Example, example, name_tags, shortened, word_tags
from recipes.base.export import export_base
from recipes.base.network import BaseNetwork
from recipes.base.train import Settings, Vocabulary, calibrate, scores_of, strict_scores, train, weights_of
from recipes.corpora.corpus_store import KEPT_FACTS, corpora_folder, read_manifest, read_part
from recipes.corpora.leaks import find_leaks
from recipes.recipe_config import corpus_of, filled, read_table

# Sentences whose states are in memory in full precision at one time.
CHUNK = 2000
AUXILIARY = "auxiliary"
# What a model's config says of its corpus.
FACTS = ("name", *KEPT_FACTS, "parts", "self_training", "own_copies")


@dataclass(frozen=True, slots=True)
class BaseConfig:
    """Content of configs/base.cfg; `auxiliary` is a second corpus, a task beside ours, and the share an epoch sees."""

    corpus: str
    labels: tuple[str, ...]
    settings: Settings
    rates: Rates
    auxiliary: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """An auxiliary corpus's examples (not `ours`, names in `words`), its tags, and what the model card says of it."""

    examples: Sequence[Example] = ()
    tags: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Material:
    """Data of a training: `dev` has its states, which `lacs` give, those that stay as they are, and the lexicon."""

    train: list[Example]
    dev: list[Example]
    names: Names
    vocabulary: Vocabulary
    dictionary: tuple[str, ...]
    frozen: tuple[LacWeights, ...]
    lacs: list[Lac]
    others: Auxiliary


def read_config(path: Path) -> BaseConfig:
    """Read a config; raises ConfigError for a section or key that is unknown or of the wrong type."""
    where = str(path)
    table = read_table(path, ("corpus", "training", "augmentation"), allowed=(AUXILIARY,))
    return BaseConfig(
        *corpus_of(table, where),
        filled(Settings, table["training"], f"{where} [training]"),
        filled(Rates, table["augmentation"], f"{where} [augmentation]"),
        _auxiliary(table[AUXILIARY], where) if AUXILIARY in table else None,
    )


def _auxiliary(section: Any, where: str) -> tuple[str, float]:
    name, share = (section.get("corpus"), section.get("share")) if isinstance(section, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(share, (int, float)) or len(section) > 2:  # noqa: PLR2004 — corpus and share
        raise ConfigError(f"[{AUXILIARY}] needs corpus and share and nothing else", where=where)
    return name, float(share)


def read_material(config: BaseConfig, *, threads: int) -> Material:
    """Read the corpus's train and dev parts and what training starts from; raises CorpusError."""
    folder, settings = corpora_folder() / config.corpus, config.settings
    start, others = lac_start(), Auxiliary()
    if config.auxiliary is not None:
        kept_apart = {part: [one.text for one in read_part(folder, part)] for part in ("dev", "test")}
        others = read_auxiliary(corpora_folder() / config.auxiliary[0], kept_apart)
    learning = int(settings.encoder_lr_factor != 0)
    tuned = start.lacs[0] if learning else None
    earlier = read_earlier(settings.begin, tuned, start.dictionary) if settings.begin else None
    tuned = earlier.head.lac if earlier else tuned
    tags = name_tags(config.labels)
    has_words = "words" in read_manifest(folder)["parts"]["train"]
    words = {one.id: one for one in read_part(folder, "train", words=True)} if has_words else {}
    pos = word_tags([span.label for one in words.values() for span in one.spans])

    def examples(sentences: Sequence[Sentence]) -> list[Example]:
        whole = (example(sentence, tags, words.get(sentence.id), pos) for sentence in sentences)
        return [piece for one in whole for piece in shortened(one, tags)]

    train_part = read_part(folder, "train")
    width = 2 * HIDDEN * len(SIZES) + WIDTH * settings.lexicon
    vocabulary = Vocabulary(tags, pos, rows_of(start.dictionary), width, others.tags, tuned, earlier)
    lacs = [load_lac(size, threads=threads) for size in SIZES[learning:]]
    dev = with_states(examples(read_part(folder, "dev")), lacs, lexicon=settings.lexicon)
    names, frozen = collect_names(train_part), start.lacs[learning:]
    return Material(examples(train_part), dev, names, vocabulary, start.dictionary, frozen, lacs, others)


def read_auxiliary(folder: Path, kept_apart: Mapping[str, Sequence[str]]) -> Auxiliary:
    """Read a corpus's train part but for sentences nearly in texts (by name) on which the model is chosen or scored."""
    manifest = read_manifest(folder)
    sentences = read_part(folder, "train")
    gone = find_leaks([one.text for one in sentences], kept_apart)
    tags = name_tags(sorted({span.label for one in sentences for span in one.spans}))
    examples: list[Example] = []
    for number, sentence in enumerate(sentences):
        if number not in gone and sentence.text:
            one = example(sentence, tags)
            other = replace(one, tags=np.zeros_like(one.tags), words=one.tags, ours=False)
            examples += shortened(other, tags)
    facts = {key: manifest[key] for key in ("name", "package", "package_sha256", "licence")}
    facts["train_sha256"] = manifest["parts"]["train"]["sha256"]
    facts["left_out"] = {name: list(gone.values()).count(name) for name in kept_apart}
    facts["sentences"] = len(sentences) - len(gone)
    return Auxiliary(examples, tags, facts)


def with_states(examples: Sequence[Example], lacs: Sequence[Lac], *, lexicon: bool) -> list[Example]:
    """Return the examples with LAC's states, 512 bytes a character for each LAC, and then the lexicon's columns."""
    found: list[Example] = []
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        texts = [one.text for one in chunk]
        parts = [[one[:, : 2 * HIDDEN].astype(np.float16) for one in lac.states(texts)] for lac in lacs]
        if lexicon:
            parts.append([one.astype(np.float16) for one in lexicon_columns(texts)])
        rows = zip(chunk, *parts, strict=True)
        found += [replace(one, states=np.concatenate(states, axis=1)) for one, *states in rows]
    return found


def train_base(
    config: BaseConfig, material: Material, folder: Path, watch: Callable[[dict[str, Any]], None]
) -> tuple[list[BaseNetwork], list[dict[str, Any]]]:
    """Train, or go on where a killed run stopped; see `recipes.base.train.train`."""

    def epoch_examples(epoch: int) -> list[Example]:
        # A generator of its own for each epoch: a run that goes on draws what it would have drawn.
        rng = np.random.default_rng((config.settings.seed, epoch))
        seen = drawn(material.train, material.vocabulary.tags, material.names, config.rates, rng)
        if config.auxiliary is not None:
            seen += [one for one in material.others.examples if rng.random() < config.auxiliary[1]]
        return with_states(seen, material.lacs, lexicon=config.settings.lexicon)

    return train(
        config.settings, material.vocabulary, examples=epoch_examples, dev=material.dev, folder=folder, watch=watch
    )


def _alone(network: BaseNetwork, material: Material, test: Sequence[Sentence]) -> dict[str, Any]:
    """Return what one member scores without the others, as a model of its own."""
    with TemporaryDirectory() as place:
        found = export_members(Path(place), [network], material, {})
        scores = score_model(Path(place), test)["scores"]
    return {"dev": found["dev"]["micro"], "test": {label: figures["f1"] for label, figures in scores.items()}}


def export_members(
    output: Path, networks: Sequence[BaseNetwork], material: Material, facts: dict[str, Any]
) -> dict[str, Any]:
    """Choose temperature and least probability on dev, and export; returns the model's config."""
    found = calibrate(networks, material.vocabulary, material.dev)
    lexicon = networks[0].lexicon
    return export_base(
        output,
        weights_of(networks, material.frozen, lexicon, found.temperature),
        scores=scores_of(networks, found.temperature),
        tags=material.vocabulary.tags,
        dictionary=material.dictionary,
        facts={
            **facts,
            "members": len(networks),
            **({"lexicon": lexicon_facts()} if lexicon else {}),
            "temperature": found.temperature,
            "min_score": found.min_score,
            "dev": found.scores,
            "dev_best_sequence": strict_scores(networks, material.vocabulary, material.dev),
        },
    )


def build_base(
    path: Path,
    *,
    output: Path,
    seed: int | None = None,
    threads: int = 1,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Build the model from a config, or go on where a killed build stopped; return its config, scores included.

    The members become one model; it and each member alone are scored on test, and the card is written.
    """
    config = read_config(path)
    if seed is not None:
        config = replace(config, settings=replace(config.settings, seed=seed))
    torch.set_num_threads(threads)
    folder = corpora_folder() / config.corpus
    manifest = read_manifest(folder)
    # The same for the same config, as it prints, and train part only.
    key = hashlib.sha256(f"{config} {manifest['parts']['train']['sha256']}".encode()).hexdigest()[:12]
    work = corpora_folder().with_name("base") / key
    material = read_material(config, threads=threads)
    networks, history = train_base(config, material, work, watch)
    facts: dict[str, Any] = {
        "labels": list(config.labels),
        "corpus": {key: manifest[key] for key in FACTS if key in manifest},
        # The folder's name alone: where it lies is nobody's business.
        "training": asdict(replace(config.settings, begin=Path(config.settings.begin).name)),
        "augmentation": asdict(config.rates),
        "history": history,
    }
    if material.vocabulary.earlier is not None:
        facts["began_with"] = material.vocabulary.earlier.facts
    if config.auxiliary is not None:
        facts["auxiliary"] = {**material.others.facts, "share": config.auxiliary[1]}
    test = read_part(folder, "test")
    if len(networks) > 1:
        runs = enumerate(networks, config.settings.seed)
        facts["runs"] = {str(seed): _alone(network, material, test) for seed, network in runs}
    done = export_members(output, networks, material, facts)
    done["test"] = score_model(output, test)
    write_json(output / CONFIG, done)
    write_text(output / "README.md", card(output, done))
    (work / "checkpoint.pt").unlink(missing_ok=True)
    return done
