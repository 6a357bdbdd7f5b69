"""Examples, augmentation, config; with PyTorch also the network and the training loop."""

from __future__ import annotations

import importlib.util
import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from base_models import random_weights, write_model
from hypothesis import given, settings
from hypothesis import strategies as st

from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.crf_decoding import flat_chain
from biaozhu.annotators.network.lac import load_lac
from biaozhu.annotators.network.lac_data import SIZES, lac_start
from biaozhu.annotators.network.runtime import make_session
from biaozhu.cli import run
from biaozhu.data.errors import ConfigError
from biaozhu.data.model import Sentence, Span
from biaozhu.knowledge.word_tables import SURNAMES
from recipes.base.augment import Names, Rates, augmented, collect_names, words_like_names
from recipes.base.data import (
    LONGEST,
    Example,
    example,
    name_tags,
    pad_examples,
    plan,
    shortened,
    tagged_spans,
)
from recipes.base.export import card
from recipes.base.graph import build_base_graph

if TYPE_CHECKING:
    from pathlib import Path

TAGS = name_tags(["PLACE", "PERSON", "AMOUNT"])
TEXT = "１２日，周青山在曲阳县收购“红薯”３０００斤。"
SENTENCE = Sentence(
    "0" * 12,
    0,
    len(TEXT),
    TEXT,
    (Span(4, 7, "PERSON"), Span(8, 11, "PLACE"), Span(17, 22, "AMOUNT")),
)
CONFIG = """
[corpus]
name = "tiny"
labels = ["PLACE"]
[training]
seed = 2
[augmentation]
marks = 0.5
"""


def spans_in(one: Example) -> list[tuple[str, str]]:
    text = "".join(map(chr, one.points.tolist()))
    found = []
    for start, number in enumerate(one.tags.tolist()):
        if TAGS[number].endswith("-B"):
            end = start + 1
            while end < len(text) and one.tags[end] == number + 1:
                end += 1
            found.append((text[start:end], TAGS[number][:-2]))
    return found


@pytest.fixture(scope="module")
def names() -> Names:
    return collect_names([SENTENCE])


def test_example_holds_the_spans() -> None:
    assert spans_in(example(SENTENCE, TAGS)) == [("周青山", "PERSON"), ("曲阳县", "PLACE"), ("３０００斤", "AMOUNT")]


def test_shortened_cuts_no_span() -> None:
    text = "好" * (LONGEST - 1) + "曲阳县" + "好" * 10
    sentence = Sentence("0" * 12, 0, len(text), text, (Span(LONGEST - 1, LONGEST + 2, "PLACE"),))
    pieces = shortened(example(sentence, TAGS), TAGS)
    assert [len(piece.points) for piece in pieces] == [LONGEST - 1, 13]
    assert spans_in(pieces[1]) == [("曲阳县", "PLACE")]


def test_batches_hold_each_example_once_and_keep_to_the_size() -> None:
    examples = [Example(np.full(size, 65), np.zeros(size, np.int64), np.ones((size, 2))) for size in range(1, 60)]
    rows = np.full(0x110000, 5)
    groups = plan(examples, 200, np.random.default_rng(1))
    made = [pad_examples([examples[index] for index in group], rows) for group in groups]
    assert len(plan(examples, 200)) <= len(made)
    assert sorted(int(size) for batch in made for size in batch.lengths) == list(range(1, 60))
    assert all(batch.ids.size < 201 or batch.ids.shape[1] == 1 for batch in made)
    assert all((batch.ids != 0).sum() == batch.lengths.sum() for batch in made)
    assert all(batch.states.sum() == 2 * batch.lengths.sum() for batch in made)


def test_flat_chain_allows_inside_only_after_its_own_kind() -> None:
    chain = flat_chain(TAGS)
    allowed, first = chain.transitions == 0, chain.start == 0
    for (i, one), (j, other) in itertools.product(enumerate(TAGS), repeat=2):
        assert allowed[i, j] == (not other.endswith("-I") or one[:-2] == other[:-2])
    assert [tag for tag, may in zip(TAGS, first, strict=True) if not may] == [
        "PLACE-I",
        "PERSON-I",
        "AMOUNT-I",
    ]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_augmented_keeps_labels_and_what_it_does_not_change(names: Names, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = augmented(example(SENTENCE, TAGS), TAGS, names, Rates(1, 0.5, 0.5, 0.5, 0.5, 0.5), rng)
    assert len(one.points) == len(one.tags)
    found = spans_in(one)
    labels = [label for _, label in found]
    assert labels[0] == "PERSON"
    assert set(labels[1:-1]) == {"PLACE"}
    assert labels[-1] == "AMOUNT"
    assert found[-1][0] in {"３０００斤", "3000斤"}
    assert len(found[1][0]) > 0


def test_augmented_gives_persons_the_names_of_words() -> None:
    names = collect_names([SENTENCE])
    words = words_like_names()
    assert {"黄河", "马上", "包容"} <= set(words)
    assert not {name for name in words if name[0] not in SURNAMES or len(name) != 2}
    one = augmented(example(SENTENCE, TAGS), TAGS, names, Rates(1, 0, 0, 0, 0, 1, word=1), np.random.default_rng(1))
    persons = [one.text[start:end] for start, end, label in tagged_spans(one.tags, TAGS) if label == "PERSON"]
    assert persons
    assert set(persons) <= set(words)


def test_augmented_with_all_rates_zero_changes_nothing(names: Names) -> None:
    one = example(SENTENCE, TAGS)
    same = augmented(one, TAGS, names, Rates(1, 0, 0, 0, 0, 0), np.random.default_rng(1))
    assert same == one or (same.points.tolist(), same.tags.tolist()) == (
        one.points.tolist(),
        one.tags.tolist(),
    )


def test_collect_names_splits_chinese_names_only(names: Names) -> None:
    assert (names.surnames, names.given) == (("周",), ("青山",))
    assert "曲阳县" in {one.name for one in names.counties}
    assert "灵山镇" in {one.name for one in names.townships}


def test_lac_start_knows_the_rows_that_each_network_has() -> None:
    dictionary, (large, small) = lac_start()
    assert (large.reset_after, small.reset_after) == (True, False)
    assert len(large.rows) == len(small.rows) == len(dictionary)
    assert dictionary[:2] == ("", "")
    characters = "".join(dictionary)
    assert len(set(characters)) == len(characters)
    assert "\n" not in characters
    rows = rows_of(dictionary)
    assert rows[ord("１")] == rows[ord("1")] != rows[ord("2")]
    assert rows[ord("山")] not in {0, 1}


def test_base_graph_of_lac_gives_lac_states() -> None:
    dictionary, lacs = lac_start()
    text = "周青山在曲阳县收购红薯３０００斤。"
    weights = replace(random_weights(1), lacs=lacs)
    ids = rows_of(dictionary)[[ord(one) for one in text]].astype(np.int32)[:, None]
    states = np.concatenate([load_lac(size, threads=1).states([text])[0][:, :256] for size in SIZES], axis=1)
    narrow = states @ weights.narrow[0] + weights.narrow[1]
    matrix = weights.emit[0].copy()
    matrix[:256] = 0
    changed = replace(weights, emit=(matrix, weights.emit[1]))
    session = make_session(build_base_graph(changed), 1)
    (emissions,) = session.run(["emissions"], {"ids": ids, "lengths": np.array([len(text)], np.int32)})
    np.testing.assert_allclose(emissions[:, 0], narrow @ matrix[256:] + weights.emit[1], atol=0.1)


def test_read_config_needs_pytorch_or_reads_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "base.cfg"
    path.write_text(CONFIG)
    if importlib.util.find_spec("torch") is None:
        assert run(["base", "build", str(path), "-o", str(tmp_path / "model")]) == 2
        assert "PyTorch" in capsys.readouterr().err
        return
    from recipes.base.build import read_base_config  # noqa: PLC0415 — PyTorch may be absent

    config = read_base_config(path)
    assert (config.corpus, config.labels, config.settings.seed, config.rates.marks) == (
        "tiny",
        ("PLACE",),
        2,
        0.5,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("seed = 2", "sed = 2", "unknown key"),
        ("seed = 2", "seed = true", "must be a int"),
        ("[augmentation]", "[more]", "sections"),
        ('labels = ["PLACE"]', "", "name and labels"),
        ("seed = 2", "seed 2", "not a config"),
    ],
)
def test_read_config_says_what_is_wrong(tmp_path: Path, old: str, new: str, what: str) -> None:
    pytest.importorskip("torch")
    from recipes.base.build import read_base_config  # noqa: PLC0415 — PyTorch may be absent

    path = tmp_path / "base.cfg"
    path.write_text(CONFIG.replace(old, new))
    with pytest.raises(ConfigError, match=what):
        read_base_config(path)


def config_of_run(folder: Path, seed: int, f1: float, *, dropout: float = 0.3) -> None:
    write_model(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    figures = {"precision": f1, "recall": f1, "f1": f1, "interval": [f1, f1], "gold": 10}
    config |= {
        "labels": ["PLACE"],
        "corpus": {
            "name": "tiny", "package": "none 0", "package_sha256": "0", "licence": "made up", "parts": {},
            "near_duplicates": {"likeness": 0.7, "left_train": {}},
        },
        "training": {"seed": seed, "dropout": dropout},
        "augmentation": {},
        "history": [{"epoch": 1, "micro": f1 - 0.1}],
        "test": {
            "scores": {"ALL": figures}, "load_s": 0.1, "characters_per_s": 9, "calibration_error": None, "sentences": 3,
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize(
    ("corpus", "has", "has_not"),
    [
        (
            "modern-self",
            ["the corpus modern-self", "annotations/modern", "adjudicated"],
            ["corpus add", "as they were given"],
        ),
        ("tiny", ["corpus add tiny", "tiny: made up."], ["modern", "adjudicated"]),
    ],
)
def test_card_claims_of_a_corpus_nothing_that_holds_for_another(
    tmp_path: Path, corpus: str, has: list[str], has_not: list[str]
) -> None:
    config_of_run(tmp_path / "1", 1, 0.9)
    config = json.loads((tmp_path / "1" / "config.json").read_text(encoding="utf-8"))
    config["corpus"]["name"] = corpus
    written = card(tmp_path / "1", config)
    assert [part for part in has if part not in written] == []
    assert [part for part in has_not if part in written] == []
