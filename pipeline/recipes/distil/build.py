"""Building the fast model from a config: text -> the teacher's shares -> training -> pipeline/annotators/fast/."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from biaozhu.annotators.labelled import OUTSIDE
from biaozhu.annotators.network.base import graph_checksum
from biaozhu.annotators.network.char_rows import frequent_pairs, make_pair_table, rows_of
from biaozhu.annotators.network.fast import FORMAT, PAIRS, load_fast
from biaozhu.annotators.network.lac_data import lac_start
from biaozhu.annotators.network.models import load_tagger
from biaozhu.annotators.network.runtime import GRAPH
from biaozhu.data.errors import ConfigError
from recipes.base.augment import collect_names, drawn
from recipes.base.data import MICRO, example, f1_by_label
from recipes.base.export import write_model
from recipes.base.network import gru_layer
from recipes.corpora.corpus_store import corpora_folder, read_corpus_manifest, read_part
from recipes.distil.graph import FastWeights, build_fast_graph
from recipes.distil.teacher import VARIED, joined, teach, told
from recipes.distil.text import distil_texts
from recipes.distil.train import DistilSettings, numbered, train_student, with_edges
from recipes.recipe_config import Watch, filled, read_sections

# A tag that does not exist.
NEVER = -1e4
MIN_SCORES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)


@dataclass(frozen=True, slots=True)
class Text:
    """Source text: files of a folder, characters at most, how often the corpus's own train part is in it, seed.

    `varied` copies of train more have other names in the place of many, from the tables and from train itself.
    """

    files: tuple[str, ...] = ()
    corpus: str = "modern"
    characters: int = 10_000_000
    copies: int = 2
    varied: int = 0
    seed: int = 1


def read_distil_config(path: Path) -> tuple[Text, DistilSettings]:
    """Read configs/fast.cfg; raises ConfigError for a section or key that is unknown or of the wrong type."""
    where = str(path)
    table = read_sections(path, ("text", "training"))
    section = dict(table["text"])
    files = section.pop("files", None)
    if not isinstance(files, list) or not files or not all(isinstance(name, str) for name in files):
        raise ConfigError("[text] needs files, a list of names", where=where)
    text = replace(filled(Text, section, f"{where} [text]"), files=tuple(files))
    return text, filled(DistilSettings, table["training"], f"{where} [training]")


def distil(
    path: Path, *, teacher: Path, texts: Path, output: Path, threads: int = 1, watch: Watch = lambda _: None
) -> dict[str, Any]:
    """Make the fast model, without the modern corpus's dev and test documents, and return its config."""
    text, settings = read_distil_config(path)
    torch.set_num_threads(threads)
    folder = corpora_folder() / text.corpus
    sentences = distil_texts(texts, text.files, characters=text.characters, seed=text.seed)
    taught = teach(
        sentences, load_tagger(str(teacher), threads=threads), watch=lambda count: watch({"characters": count})
    )
    train_part, dev_part = read_part(folder, "train"), read_part(folder, "dev")
    examples = [example(sentence, taught.tags) for sentence in train_part]
    own = [told(examples, taught.tags)] * text.copies
    if text.varied:
        names = collect_names(train_part)
        rngs = [np.random.default_rng(text.seed + copy) for copy in range(text.varied)]
        own += [told(drawn(examples, taught.tags, names, VARIED, rng), taught.tags) for rng in rngs]
    dev = told([example(sentence, taught.tags) for sentence in dev_part], taught.tags)
    both = joined([taught, *own])
    dictionary, lacs = lac_start()
    rows = rows_of(dictionary)
    keys = frequent_pairs(with_edges(rows[both.points], both.ends), settings.pairs)
    table = make_pair_table(keys)
    vectors = np.concatenate([lac.embedding[lac.rows] for lac in lacs], axis=1)
    student, history = train_student(
        settings, vectors, numbered(both, rows, table), numbered(dev, rows, table), watch=watch
    )
    arrays = {name: one.numpy() for name, one in student.state_dict().items()}
    manifest = read_corpus_manifest(folder)
    facts: dict[str, Any] = {
        "text": {"sentences": len(sentences), "taught": len(taught.points), **asdict(text)},
        "corpus": {key: manifest[key] for key in ("name", "package_sha256", "licence")},
        "teacher": graph_checksum(teacher),
        "training": asdict(settings),
        "history": history,
    }
    export = partial(export_fast, output, arrays, tags=taught.tags, dictionary=dictionary, keys=keys)
    export(facts=facts)
    found = load_fast(output, threads=threads).words([one.text for one in dev_part])
    named = [(number, word) for number, row in enumerate(found) for word in row if word.tag != OUTSIDE]
    gold = [(number, *span.key) for number, one in enumerate(dev_part) for span in one.spans]

    def f1(least: float) -> float:
        return f1_by_label(gold, ((number, *word[:3]) for number, word in named if word.score >= least))[MICRO]

    # The lowest of equals.
    facts["min_score"] = max(MIN_SCORES, key=f1)
    return export(facts=facts)


def export_fast(
    folder: Path,
    arrays: Mapping[str, np.ndarray],
    *,
    tags: Sequence[str],
    dictionary: Sequence[str],
    keys: np.ndarray,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the model and its card, and return its config; `keys` are the pairs in the order of their rows."""
    kinds, columns = _columns(tags)
    # A kind without an I tag gets a column that never wins.
    projection = np.pad(arrays["emit.weight"].T, ((0, 0), (0, 1)))
    bias = np.append(arrays["emit.bias"], NEVER)
    weights = FastWeights(
        arrays["chars.weight"],
        arrays["pairs.weight"],
        *gru_layer(arrays),
        projection[:, columns].astype(np.float32),
        bias[columns].astype(np.float32),
    )
    buffer = io.BytesIO()
    np.save(buffer, keys.astype(np.uint32), allow_pickle=False)
    contents = {GRAPH: build_fast_graph(weights), PAIRS: buffer.getvalue()}
    card = Path(__file__).with_name("fast.md.j2")
    return write_model(folder, contents, dictionary, {"format": FORMAT, "kinds": list(kinds)}, facts, card=card)


def _columns(tags: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    kinds = tuple(dict.fromkeys(tag.removesuffix("-B").removesuffix("-I") for tag in tags))
    place = {tag: number for number, tag in enumerate(tags)}
    firsts = [place.get(f"{kind}-B", place.get(kind, len(tags))) for kind in kinds]
    return kinds, np.array(firsts + [place.get(f"{kind}-I", len(tags)) for kind in kinds])
