"""Building the base model from a config: corpus -> training -> test -> models/base/."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.lac import Lac, load_lac
from biaozhu.annotators.network.lac_data import HIDDEN, SIZES, lac_start
from biaozhu.annotators.network.runtime import CONFIG
from biaozhu.data.files import write_json, write_text
from biaozhu.knowledge.lexicon import WIDTH, lexicon_columns, lexicon_facts
from recipes.base.augment import Rates, collect_names, drawn
from recipes.base.begin import read_earlier_base
from recipes.base.data import Example, cut_examples, name_tags
from recipes.base.export import card, export_base, score_model
from recipes.base.train import BaseSettings, Vocabulary, calibrate, scores_of, strict_scores, train_base, weights_of
from recipes.corpora.corpus_store import KEPT_FACTS, corpora_folder, read_corpus_manifest, read_part
from recipes.recipe_config import Watch, filled, read_corpus_section, read_sections

# Sentences whose states are in memory in full precision at one time.
CHUNK = 2000
# What a model's config says of its corpus.
FACTS = ("name", *KEPT_FACTS, "parts", "self_training", "own_copies")


@dataclass(frozen=True, slots=True)
class BaseConfig:
    """Content of configs/base.cfg."""

    corpus: str
    labels: tuple[str, ...]
    settings: BaseSettings
    rates: Rates


def read_base_config(path: Path) -> BaseConfig:
    """Read a config; raises ConfigError for a section or key that is unknown or of the wrong type."""
    where = str(path)
    table = read_sections(path, ("corpus", "training", "augmentation"))
    return BaseConfig(
        *read_corpus_section(table, where),
        filled(BaseSettings, table["training"], f"{where} [training]"),
        filled(Rates, table["augmentation"], f"{where} [augmentation]"),
    )


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


def build_base(
    path: Path, *, output: Path, seed: int | None = None, threads: int = 1, watch: Watch = lambda _: None
) -> dict[str, Any]:
    """Build the model from a config, or go on where a killed build stopped; return its config, scores on test included."""
    config = read_base_config(path)
    if seed is not None:
        config = replace(config, settings=replace(config.settings, seed=seed))
    settings, tags = config.settings, name_tags(config.labels)
    torch.set_num_threads(threads)
    folder = corpora_folder() / config.corpus
    manifest = read_corpus_manifest(folder)
    # The same for the same config, as it prints, and train part only.
    key = hashlib.sha256(f"{config} {manifest['parts']['train']['sha256']}".encode()).hexdigest()[:12]
    work = corpora_folder().with_name("base") / key
    (dictionary, lac_weights), learning = lac_start(), int(settings.encoder_lr_factor != 0)
    tuned = lac_weights[0] if learning else None
    earlier = read_earlier_base(settings.begin, tuned, dictionary) if settings.begin else None
    tuned = earlier.lac if earlier else tuned
    lexicon = WIDTH * settings.lexicon
    vocabulary = Vocabulary(tags, rows_of(dictionary), 2 * HIDDEN * len(SIZES) + lexicon, tuned, earlier)
    lacs = [load_lac(size, threads=threads) for size in SIZES[learning:]]
    sentences = read_part(folder, "train")
    names, material = collect_names(sentences), cut_examples(sentences, tags)
    dev = with_states(cut_examples(read_part(folder, "dev"), tags), lacs, lexicon=settings.lexicon)

    def epoch_examples(epoch: int) -> list[Example]:
        # A generator of its own for each epoch: a run that goes on draws what it would have drawn.
        rng = np.random.default_rng((settings.seed, epoch))
        return with_states(drawn(material, tags, names, config.rates, rng), lacs, lexicon=settings.lexicon)

    network, history = train_base(settings, vocabulary, examples=epoch_examples, dev=dev, folder=work, watch=watch)
    found = calibrate(network, vocabulary, dev)
    facts: dict[str, Any] = {
        "labels": list(config.labels),
        "corpus": {key: manifest[key] for key in FACTS if key in manifest},
        # The folder's name alone: where it lies is nobody's business.
        "training": asdict(replace(settings, begin=Path(settings.begin).name)),
        "augmentation": asdict(config.rates),
        "history": history,
        **({"began_with": earlier.facts} if earlier else {}),
        **({"lexicon": lexicon_facts()} if lexicon else {}),
        "temperature": found.temperature,
        "min_score": found.min_score,
        "dev": found.scores,
        "dev_best_sequence": strict_scores(network, vocabulary, dev),
    }
    weights = weights_of(network, lac_weights[learning:], lexicon, found.temperature)
    scores = scores_of(network, found.temperature)
    done = export_base(output, weights, scores=scores, tags=tags, dictionary=dictionary, facts=facts)
    done["test"] = score_model(output, read_part(folder, "test"))
    write_json(output / CONFIG, done)
    write_text(output / "README.md", card(output, done))
    (work / "checkpoint.pt").unlink(missing_ok=True)
    return done
