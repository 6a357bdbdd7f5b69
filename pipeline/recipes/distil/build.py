"""Building the fast model from a config: text -> the teacher's shares -> training -> pipeline/annotators/fast/."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.fast import FORMAT, PAIRS
from biaozhu.annotators.network.lac_weights import lac_start
from biaozhu.annotators.network.onnx_graph import in_onnx_order
from biaozhu.annotators.network.pair_rows import frequent_pairs, make_pair_table
from biaozhu.annotators.network.runtime import CONFIG, DICTIONARY, GRAPH
from biaozhu.data.errors import ConfigError
from biaozhu.data.files import sha256_of, write_text
from recipes.base.export import write_files
from recipes.corpora.corpus_store import corpora_folder, read_manifest, read_part
from recipes.distil.graph import FastWeights, build_fast_graph
from recipes.distil.text import distil_texts
from recipes.recipe_config import check_sections, filled, needing_torch, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from recipes.distil.train import Settings

SECTIONS = ("text", "training")
CARD = "README.md"
# A tag that does not exist.
NEVER = -1e4


@dataclass(frozen=True, slots=True)
class Text:
    """Source text: files of a folder, characters at most, how often the corpus's own train part is in it, seed."""

    files: tuple[str, ...] = ()
    corpus: str = "modern"
    characters: int = 10_000_000
    copies: int = 2
    seed: int = 1


@dataclass(frozen=True, slots=True)
class DistilConfig:
    """Content of configs/fast.cfg."""

    text: Text
    settings: Settings


def read_distil_config(path: Path) -> DistilConfig:
    """Read a config.

    Raises:
        MissingFileError: there is no such file.
        ConfigError: it is not a config, or has a section or a key that is unknown or of the wrong type.
        TrainingError: PyTorch is not installed.
    """
    with needing_torch("the fast model"):
        from recipes.distil.train import Settings  # noqa: PLC0415 — PyTorch is an extra
    where = str(path)
    table = read_table(path)
    check_sections(table, SECTIONS, where)
    section = dict(table["text"])
    files = section.pop("files", None)
    if not isinstance(files, list) or not files or not all(isinstance(name, str) for name in files):
        raise ConfigError("[text] needs files, a list of names", where=where)
    return DistilConfig(
        replace(filled(Text, section, f"{where} [text]"), files=tuple(files)),
        filled(Settings, table["training"], f"{where} [training]"),
    )


def distil(  # noqa: PLR0913 — a recipe names all that it reads
    path: Path,
    *,
    teacher: Path,
    texts: Path,
    output: Path,
    offsets: Path = Path("annotations/modern"),
    threads: int = 1,
    corpora: Path | None = None,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Make the fast model.

    Args:
        path: the config.
        teacher: the accurate model's folder.
        texts: the folder of the texts.
        output: the model's folder.
        offsets: of the modern corpus, whose dev and test documents are left out.
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

    from recipes.distil.teacher import joined, teach, told  # noqa: PLC0415 — as above
    from recipes.distil.train import numbered, train, with_edges  # noqa: PLC0415 — as above

    torch.set_num_threads(threads)
    text = config.text
    folder = (corpora or corpora_folder()) / text.corpus
    sentences = distil_texts(texts, text.files, offsets=offsets, characters=text.characters, seed=text.seed)
    network = load_base(teacher, threads=threads).network
    taught = teach(sentences, network, watch=lambda count: watch({"characters": count}))
    own = told(read_part(folder, "train"), taught.tags)
    dev = told(read_part(folder, "dev"), taught.tags)
    both = joined([taught, *[own] * text.copies])
    start = lac_start()
    rows = rows_of(start.dictionary)
    keys = frequent_pairs(with_edges(rows[both.points], both.ends), config.settings.pairs)
    table = make_pair_table(keys)
    vectors = np.concatenate([lac.embedding[lac.rows] for lac in start.lacs], axis=1)
    student, history = train(
        config.settings, vectors, numbered(both, rows, table), numbered(dev, rows, table), watch=watch
    )
    arrays = {name: one.numpy() for name, one in student.state_dict().items()}
    manifest = read_manifest(folder)
    facts = {
        "text": {"sentences": len(sentences), "taught": len(taught.points), **asdict(text)},
        "corpus": {key: manifest[key] for key in ("name", "package_sha256", "licence")},
        "teacher": sha256_of(teacher / CONFIG),
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
    files = "\n".join(f"- `{name}`: SHA-256 {checksum}" for name, checksum in config["files"].items())
    return f"""# The fast model

`--model fast`: places, persons and amounts from a small network that learned what an accurate model (config
`{config["teacher"][:16]}`) says of unlabelled text, and the train part of the modern corpus.

- Network: characters ({training["width"]} units) and pairs of neighbours ({training["pairs"]:,} pairs at most, {training["width"] // 2} units)
  as tables of bytes, one bidirectional GRU of {training["hidden"]} units each way, the share of each tag; no CRF. {size / 1e6:.1f} MB in all.
- Text: {text["sentences"]:,} sentences, {text["taught"]:,} characters of {", ".join(text["files"])} (sources and licences: NOTICE); no sentence
  of the documents that dev and test are cut from.
- Corpus: {config["corpus"]["name"]} (`{config["corpus"]["package_sha256"][:16]}`), {text["copies"]} times. Licence of its labels: MIT.
- Training: {training["epochs"]} epochs, {sum(one["steps"] for one in config["history"]):,} steps of {training["batch"]:,} characters. On the corpus's dev part
  {100 * last["dev_same_tag"]:.1f} % of the characters have the readers' tag.
- LAC's character vectors, which it starts from: Apache-2.0 (Baidu).
- Made by `biaozhu base distil configs/fast.cfg`; config.json says with what.

{files}
"""
