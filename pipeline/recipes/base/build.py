"""Building the base model from a config: corpus -> training -> test -> models/base/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.lac import Lac, load_lac
from biaozhu.annotators.network.lac_data import HIDDEN, Size
from biaozhu.annotators.network.lac_weights import SIZES, LacWeights, Start, lac_start
from biaozhu.data.errors import ConfigError
from biaozhu.data.files import write_text
from biaozhu.data.model import Sentence
from biaozhu.knowledge.lexicon import WIDTH, lexicon_columns, lexicon_facts
from recipes.base.augment import Rates, drawn
from recipes.base.begin import Earlier, read_earlier
from recipes.base.card import card, score_model
from recipes.base.corpus import FACTS, Auxiliary, corpus_examples, read_auxiliary, work_folder
from recipes.base.export import export_base
from recipes.corpora.corpus_store import corpora_folder, read_manifest, read_part
from recipes.recipe_config import check_sections, corpus_of, filled, needing_torch, read_table

if TYPE_CHECKING:
    from recipes.base.data import Example
    from recipes.base.train import Settings, Vocabulary

# Sentences whose states are in memory in full precision at one time.
CHUNK = 2000
SECTIONS = ("corpus", "training", "augmentation")
AUXILIARY = "auxiliary"


@dataclass(frozen=True, slots=True)
class BaseConfig:
    """Content of configs/base.cfg; `auxiliary` is a second corpus, a task beside ours, and the share an epoch sees."""

    corpus: str
    labels: tuple[str, ...]
    settings: Settings
    rates: Rates
    auxiliary: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """Data of a training: examples of train and dev, names for augmentation, tags, rows and weights.

    `others`: the auxiliary corpus's examples and tags, and its manifest with the sentences that left it. `frozen`:
    the LACs that stay as they are. `tuned`: the one that learns too. `lexicon`: whether the lexicon's columns are beside LAC's states.
    `earlier`: the model whose weights training begins with.
    """

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    names: Any
    tags: tuple[str, ...]
    words: tuple[str, ...]
    rows: np.ndarray
    start: Start
    others: Auxiliary | None = None
    frozen: tuple[Size, ...] = SIZES
    tuned: LacWeights | None = None
    lexicon: bool = False
    earlier: Earlier | None = None


def read_config(path: Path) -> BaseConfig:
    """Read a config; raises ConfigError for a section or key that is unknown or of the wrong type, or TrainingError."""
    with needing_torch("the base model"):
        from recipes.base.train import Settings  # noqa: PLC0415 — PyTorch is an extra
    where = str(path)
    table = read_table(path)
    check_sections(table, SECTIONS, where, allowed=(AUXILIARY,))
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


def read_material(config: BaseConfig, *, corpora: Path | None = None) -> Material:
    """Read the corpus's train and dev parts and what training starts from; raises CorpusError."""
    folder = (corpora or corpora_folder()) / config.corpus
    start, others = lac_start(), None
    if config.auxiliary is not None:
        name, _ = config.auxiliary
        kept_apart = {part: [one.text for one in read_part(folder, part)] for part in ("dev", "test")}
        others = read_auxiliary((corpora or corpora_folder()) / name, kept_apart)
    tuned = start.lacs[0] if config.settings.encoder_lr_factor else None
    earlier = read_earlier(config.settings.begin, tuned, start.dictionary) if config.settings.begin else None
    return Material(
        *corpus_examples(folder, config.labels),
        rows_of(start.dictionary),
        start,
        others,
        SIZES[1:] if config.settings.encoder_lr_factor else SIZES,
        tuned if earlier is None else earlier.head.lac,
        config.settings.lexicon,
        earlier,
    )


def with_states(examples: Sequence[Example], lacs: Sequence[Lac], *, lexicon: bool = False) -> list[Example]:
    """Return the examples with LAC's states, 512 bytes a character for each LAC, and then the lexicon's columns."""
    found: list[Example] = []
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        texts = ["".join(map(chr, one.points.tolist())) for one in chunk]
        parts = [[one[:, : 2 * HIDDEN].astype(np.float16) for one in lac.states(texts)] for lac in lacs]
        if lexicon:
            parts.append([one.astype(np.float16) for one in lexicon_columns(texts)])
        found += [
            replace(one, states=np.concatenate(states, axis=1)) for one, *states in zip(chunk, *parts, strict=True)
        ]
    return found


def vocabulary_of(material: Material) -> Vocabulary:
    """Return what the network's numbers mean."""
    from recipes.base.train import Vocabulary  # noqa: PLC0415 — PyTorch is an extra

    others = () if material.others is None else material.others.tags
    lacs = len(material.frozen) + (material.tuned is not None)
    width = 2 * HIDDEN * lacs + WIDTH * material.lexicon
    return Vocabulary(material.tags, material.words, material.rows, width, others, material.tuned, material.earlier)


def frozen_lacs(material: Material, *, threads: int = 1) -> list[Lac]:
    """Return the LACs that stay as they are."""
    return [load_lac(size, threads=threads) for size in material.frozen]


def train_base(
    config: BaseConfig,
    material: Material,
    *,
    folder: Path,
    threads: int = 1,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> tuple[list[Any], list[dict[str, Any]]]:
    """Train, or go on where a killed run stopped; see `recipes.base.train.train`."""
    from recipes.base.train import train  # noqa: PLC0415 — PyTorch is an extra

    lacs = frozen_lacs(material, threads=threads)
    vocabulary = vocabulary_of(material)

    def epoch_examples(epoch: int) -> list[Example]:
        # A generator of its own for each epoch: a run that goes on draws what it would have drawn.
        rng = np.random.default_rng((config.settings.seed, epoch))
        seen = drawn(material.train, material.tags, material.names, config.rates, rng)
        if material.others is not None and config.auxiliary is not None:
            seen += [one for one in material.others.examples if rng.random() < config.auxiliary[1]]
        return with_states(seen, lacs, lexicon=material.lexicon)

    return train(
        config.settings,
        vocabulary,
        examples=epoch_examples,
        dev=with_states(material.dev, lacs, lexicon=material.lexicon),
        folder=folder,
        watch=watch,
    )


def _alone(network: Any, material: Material, dev: Sequence[Example], test: Sequence[Sentence]) -> dict[str, Any]:
    """Return what one member scores without the others, as a model of its own."""
    with TemporaryDirectory() as place:
        found = export_members(Path(place), [network], material, dev, {})
        scores = score_model(Path(place), test)["scores"]
    return {"dev": found["dev"]["micro"], "test": {label: figures["f1"] for label, figures in scores.items()}}


def export_members(
    output: Path, networks: Sequence[Any], material: Material, dev: Sequence[Example], facts: dict[str, Any]
) -> dict[str, Any]:
    """Choose temperature and least probability on dev, and export; returns the model's config."""
    from recipes.base.calibration import calibrate, cooled  # noqa: PLC0415 — PyTorch is an extra
    from recipes.base.train import scores_of, strict_scores, weights_of  # noqa: PLC0415 — as above

    vocabulary = vocabulary_of(material)
    found = calibrate(networks, vocabulary, dev)
    by_size = dict(zip(SIZES, material.start.lacs, strict=True))
    frozen = tuple(by_size[size] for size in material.frozen)
    return export_base(
        output,
        cooled(weights_of(networks, frozen, WIDTH * material.lexicon), found.temperature),
        scores={name: array / found.temperature for name, array in scores_of(networks).items()},
        tags=material.tags,
        dictionary=material.start.dictionary,
        facts={
            **facts,
            "members": len(networks),
            **({"lexicon": lexicon_facts()} if material.lexicon else {}),
            "temperature": found.temperature,
            "min_score": found.min_score,
            "dev": found.scores,
            "dev_best_sequence": strict_scores(networks, vocabulary, dev),
        },
    )


def build_base(
    path: Path,
    *,
    output: Path,
    seed: int | None = None,
    threads: int = 1,
    corpora: Path | None = None,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Build the model from a config, or go on where a killed build stopped; return its config, scores included.

    The members become one model; it and each member alone are scored on test, and the card is written.
    """
    config = read_config(path)
    if seed is not None:
        config = replace(config, settings=replace(config.settings, seed=seed))
    import torch  # noqa: PLC0415 — PyTorch is an extra

    torch.set_num_threads(threads)
    corpora = corpora or corpora_folder()
    folder = corpora / config.corpus
    work = work_folder(config, folder)
    material = read_material(config, corpora=corpora)
    networks, history = train_base(config, material, folder=work, threads=threads, watch=watch)
    manifest = read_manifest(folder)
    facts: dict[str, Any] = {
        "labels": list(config.labels),
        "corpus": {key: manifest[key] for key in FACTS if key in manifest},
        # The folder's name alone: where it lies is nobody's business.
        "training": asdict(replace(config.settings, begin=Path(config.settings.begin).name)),
        "augmentation": asdict(config.rates),
        "history": list(history),
    }
    if material.earlier is not None:
        facts["began_with"] = material.earlier.facts
    if material.others is not None and config.auxiliary is not None:
        facts["auxiliary"] = {**material.others.facts, "share": config.auxiliary[1]}
    test = read_part(folder, "test")
    dev = with_states(material.dev, frozen_lacs(material), lexicon=material.lexicon)
    if len(networks) > 1:
        seeds = range(config.settings.seed, config.settings.seed + len(networks))
        facts["runs"] = {
            str(seed): _alone(network, material, dev, test) for seed, network in zip(seeds, networks, strict=True)
        }
    facts = export_members(output, networks, material, dev, facts)
    facts["test"] = score_model(output, test)
    done = export_members(output, networks, material, dev, facts)
    write_text(output / "README.md", card(output, done))
    (work / "checkpoint.pt").unlink(missing_ok=True)
    return done
