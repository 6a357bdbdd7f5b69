"""Distilling the fast model: what it is asked to read, what the teacher says of it, and what is exported."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.char_rows import make_pair_table
from biaozhu.annotators.network.crf_decoding import decode, make_chain, marginals
from biaozhu.annotators.network.fast import load_fast
from biaozhu.data.errors import ConfigError, CorpusError
from biaozhu.data.model import Sentence, Span
from recipes.base.augment import collect_names, drawn
from recipes.base.data import example, name_tags
from recipes.corpora.modern import checksum_sentence
from recipes.distil.teacher import FULL, VARIED, joined, teach, told
from recipes.distil.text import distil_texts

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "王大山在河东县种了１９９７亩树，1998年卖了30株。"
FILE = "texts/news"


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of texts; the corpus's dev part is cut from its second document."""
    monkeypatch.chdir(tmp_path)
    texts, offsets = tmp_path / "shared", tmp_path / "annotations/modern"
    (texts / "texts").mkdir(parents=True)
    offsets.mkdir(parents=True)
    documents = {
        "a": f"{TEXT}\n{TEXT}短。",
        "b": "这一篇文章留给评测,不能拿来学习。",
        "c": "抄来的:这一篇文章留给评测,不能拿来学习。",
    }
    lines = [json.dumps({"path": path, "text": text}, ensure_ascii=False) for path, text in documents.items()]
    (texts / f"{FILE}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    held = {
        "path": "b",
        "start": 0,
        "end": len(documents["b"]),
        "sha256": checksum_sentence(documents["b"]),
        "spans": [],
    }
    row = {"file": FILE, **held}
    for part in ("dev", "test"):
        (offsets / f"{part}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return texts


def test_distil_text_leaves_out_what_is_held_out_and_what_repeats_it(texts: Path) -> None:
    found = distil_texts(texts, [FILE], characters=1000, seed=1)
    assert found == [TEXT]
    assert distil_texts(texts, [FILE], characters=0, seed=1) == []


def test_distil_text_names_a_missing_file(texts: Path) -> None:
    with pytest.raises(CorpusError):
        distil_texts(texts, ["texts/none"], characters=1000, seed=1)


def test_distil_joins_what_is_told_with_what_the_teacher_says() -> None:
    sentence = Sentence("0" * 12, 0, len(TEXT), TEXT, (Span(0, 3, "PERSON"), Span(4, 7, "PLACE")))
    tags = name_tags(("PLACE", "PERSON"))
    examples = [example(sentence, tags)]
    both = joined([told(examples, tags), told(examples, tags)])
    assert both.ends.tolist() == [len(TEXT), 2 * len(TEXT)]
    own = both.shares[len(TEXT) :].argmax(axis=1)
    assert [tags[tag] for tag in own[:7].tolist()] == [
        "PERSON-B", "PERSON-I", "PERSON-I", "O", "PLACE-B", "PLACE-I", "PLACE-I",
    ]  # fmt: skip
    assert (both.shares.sum(axis=1) == FULL).all()


def test_distil_varies_names_and_keeps_their_labels() -> None:
    with_names = Sentence("0" * 12, 0, len(TEXT), TEXT, (Span(0, 3, "PERSON"), Span(4, 7, "PLACE")))
    sentences = [with_names, Sentence("0" * 12, 30, 32, "没有")]
    tags = name_tags(("PLACE", "PERSON"))
    examples = [example(sentence, tags) for sentence in sentences]
    names = collect_names(sentences)
    rngs = map(np.random.default_rng, range(20))
    seen = [one for rng in rngs for one in drawn(examples, tags, names, VARIED, rng)]
    assert len(seen) == 20  # the one without a name says nothing new
    texts = {"".join(map(chr, one.points.tolist())) for one in seen}
    assert len(texts) > 5
    assert all("在" in text and text.endswith(TEXT[7:]) for text in texts)
    assert all({tags[tag] for tag in one.tags.tolist()} >= {"PERSON-B", "PLACE-B"} for one in seen)


def test_distil_teacher_gives_the_shares_of_the_network() -> None:
    teacher = load_base(threads=1)
    texts = ["记者李建国", "3月5日", "好"]
    taught = teach(texts, teacher)
    assert taught.points.tolist() == [ord(one) for one in "".join(texts)]
    assert taught.ends.tolist() == [5, 9, 10]
    assert np.abs(taught.shares.sum(axis=1, dtype=np.int64) - FULL).max() < len(taught.tags) / 2
    names = [taught.tags[tag] for tag in taught.shares[2:5].argmax(axis=1)]
    assert names == ["PERSON-B", "PERSON-I", "PERSON-I"]


def test_decoding_marginals_sum_over_all_sequences() -> None:
    rng = np.random.default_rng(3)
    chain = make_chain(
        ("x-B", "x-I", "O"),
        start=rng.normal(size=3),
        stop=rng.normal(size=3),
        transitions=rng.normal(size=(3, 3)),
    )
    emissions = rng.normal(size=(3, 1, 3)).astype(np.float32)
    weights = np.zeros((3, 3, 3))
    for path in np.ndindex(3, 3, 3):
        score = chain.start[path[0]] + chain.stop[path[2]]
        score += sum(emissions[at, 0, tag] for at, tag in enumerate(path))
        score += chain.transitions[path[0], path[1]] + chain.transitions[path[1], path[2]]
        weights[path] = np.exp(score)
    weights /= weights.sum()
    wanted = [weights.sum(axis=(1, 2)), weights.sum(axis=(0, 2)), weights.sum(axis=(0, 1))]
    found = marginals(chain, emissions, np.array([3]))
    assert np.allclose(found[:, 0], wanted, atol=1e-6)
    assert len(decode(chain, emissions, np.array([3])).start) > 0


def test_distil_exports_what_it_trained(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from recipes.distil.build import export_fast  # noqa: PLC0415 — PyTorch may be absent
    from recipes.distil.train import DistilSettings, Numbers, StudentNetwork, train_student  # noqa: PLC0415 — as above

    keys = np.array([(2 << 16) | 3, (3 << 16) | 2], np.uint32)
    chars = np.array([2, 3, 2, 3, 3])
    pairs = make_pair_table(keys).rows_of(np.array([0, 2, 3, 2, 0, 3, 3, 0]))
    shares = np.zeros((5, 3), np.uint8)
    shares[[0, 1, 2, 3, 4], [0, 1, 2, 0, 1]] = FULL
    data = Numbers(chars, pairs.astype(np.int64), np.array([3, 5]), shares)
    settings = DistilSettings(epochs=30, warm_up=2, dropout=0, unseen=0, width=8, hidden=6, pairs=2, learn_rate=0.05)
    vectors = np.random.default_rng(1).normal(size=(4, 16)).astype(np.float32)
    network, history = train_student(settings, vectors, data, data)
    assert history[-1]["dev_loss"] < 0.1 < history[0]["dev_loss"]
    assert isinstance(network, StudentNetwork)
    assert (len(network.pairs.weight), network.emit.out_features) == (3, 3)
    facts = {
        "text": {"sentences": 2, "taught": 5, "files": ["texts/x"], "copies": 1},
        "corpus": {"name": "modern", "package_sha256": "0" * 64, "licence": "none"},
        "teacher": "0" * 64,
        "training": {"width": 8, "hidden": 6, "pairs": 2, "epochs": 30, "batch": 8},
        "history": history,
    }
    arrays = {name: one.numpy() for name, one in network.state_dict().items()}
    export_fast(tmp_path, arrays, tags=("x-B", "x-I", "O"), dictionary=("", "", "甲", "乙"), keys=keys, facts=facts)
    model = load_fast(tmp_path, threads=1)
    assert [[word[:3] for word in words] for words in model.words(["甲乙甲", "乙乙"])] == [
        [(0, 2, "x")],
        [(0, 2, "x")],
    ]
    with torch.no_grad():
        network.eval()
        logits = network(
            torch.tensor([[2], [3], [2]]), torch.tensor([[0], [1], [2], [0]]), torch.tensor([[2], [1], [0]])
        )
    found = model.shares(["甲乙甲"], np.array([3]))
    # Columns: B of x and O, then I of x, and of O, which has none. Tables are kept in bytes.
    assert np.allclose(found[:, [0, 2, 1]], torch.log_softmax(logits[:, 0], dim=1).numpy(), atol=0.1)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[text]\nfiles = []\n[training]\n", "files"),
        ("[text]\nfiles = ['x']\n", "sections"),
        ('[text]\nfiles = ["x"]\nlength = 3\n[training]\n', "length"),
        ('[text]\nfiles = ["x"]\n[training]\nlearn_rate = "high"\n', "learn_rate"),
    ],
)
def test_distil_config_says_what_is_wrong(tmp_path: Path, content: str, problem: str) -> None:
    pytest.importorskip("torch")
    from recipes.distil.build import read_distil_config  # noqa: PLC0415 — PyTorch may be absent

    path = tmp_path / "fast.cfg"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        read_distil_config(path)
