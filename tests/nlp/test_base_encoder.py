"""A custom model that starts from a base model: the same spans and probabilities untrained, what is learned, the pin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import spacy
from base_models import TAGS, write_model
from hypothesis import given, settings
from hypothesis import strategies as st
from training_material import SMALL_CONFIG, invented_gold, small_project

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.trained import annotate_with, load_trained
from biaozhu.data.errors import ConfigError, CorpusError, MissingFileError, ModelDataError
from biaozhu.data.layers import write_layer
from biaozhu.data.model import with_spans
from biaozhu.nlp.architectures import crf_model
from biaozhu.nlp.base_encoder import base_encoder
from biaozhu.nlp.ner_component import SPANS_KEY, CharNer
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.corpus_store import Part, article_id, write_corpus
from biaozhu.training.replay import replay_corpus, replay_of
from biaozhu.training.train import fit, read_config, train

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.annotators.network.base import Base

START = """
[components.ner.model.start]
@architectures = "biaozhu.BaseEncoder.v1"
folder = "{folder}"
part = "scores"

[components.ner.model.tok2vec]"""
REPLAY = """
[corpora.replay]
@readers = "biaozhu.ReplayCorpus.v1"
corpus = "made"
sentences = 7

[training]"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write_model(folder)
    return folder


@pytest.fixture(scope="module")
def both(tiny: Path) -> tuple[Base, spacy.Language]:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    model = crf_model(base_encoder(str(tiny), "states", 1), base_encoder(str(tiny), "scores"), trust=1.0)
    part = CharNer(nlp.vocab, model, "ner", penalty=1.0, iterations=5)
    part.initialize(list, nlp=nlp, labels=["PLACE", "PERSON"])

    @spacy.Language.component("test_started")
    def started(doc: spacy.tokens.Doc) -> spacy.tokens.Doc:
        part.set_annotations([doc], part.predict([doc]))
        return doc

    nlp.add_pipe("test_started")
    return load_base(tiny, threads=1), nlp


def config_of(folder: Path, base: Path, more: str = "[training]") -> Path:
    text = SMALL_CONFIG.replace('"gold.jsonl"', f'"{folder / "gold.jsonl"}"')
    text = text.replace("\n[components.ner.model.tok2vec]", START.format(folder=base))
    text = text.replace('"biaozhu.Crf.v1"', '"biaozhu.Crf.v1"\ntrust = 1.0').replace("\n[training]", more)
    (folder / "base.cfg").write_text(text, encoding="utf-8")
    return folder / "base.cfg"


# No white space: the layer `base` trims it off its spans.
@given(text=st.text(alphabet="山河周青1１。𠮷x", min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_base_encoder_untrained_says_what_the_base_model_says(
    both: tuple[Base, spacy.Language], text: str
) -> None:
    base, nlp = both
    (spans,) = base([text])
    doc = nlp(text)
    assert [(one.start, one.end, one.label_) for one in doc.ents] == [one.key for one in spans]
    # In the one BI, in the other BIOES tags: the same paths, so the same probabilities.
    np.testing.assert_allclose(doc.spans[SPANS_KEY].attrs["scores"], [one.score for one in spans], atol=2e-3)


@pytest.mark.parametrize(("part", "window", "width"), [("scores", 0, 5), ("states", 2, 5 * (256 + 5))])
def test_base_encoder_gives_a_row_a_token(tiny: Path, part: str, window: int, width: int) -> None:
    model = base_encoder(str(tiny), part, window)  # type: ignore[arg-type]  # parametrised
    docs = [make_char_tokenizer()(spacy.blank("zh"))(text) for text in ("周青山。", "", "河" * 450)]
    for doc, rows in zip(docs, model.predict(docs), strict=True):
        assert rows.shape == (len(doc), width)
        assert np.isfinite(rows).all()
    assert width % len(TAGS) == 0 or part == "states"


def test_base_encoder_start_learns_a_label_that_base_does_not_know(tiny: Path, tmp_path: Path) -> None:
    write_layer(tmp_path / "gold.jsonl", invented_gold())
    done = train(config_of(tmp_path, tiny), tmp_path / "model")
    # A network of random weights knows nothing of PLACE and PERSON, and has no AMOUNT at all.
    assert done.counts["all"] == (75, 75, 75)
    gold = invented_gold()[4]
    (spans,) = load_trained(tmp_path / "model")([gold.text])
    assert [span.key for span in spans] == [span.key for span in gold.spans]


def test_base_encoder_refuses_another_base_model_than_it_was_trained_on(tmp_path: Path) -> None:
    base = tmp_path / "base"
    write_model(base)
    write_layer(tmp_path / "gold.jsonl", invented_gold())
    train(config_of(tmp_path, base), tmp_path / "model")
    load_trained(tmp_path / "model")
    write_model(base, seed=5)
    with pytest.raises(ModelDataError, match="not the one that this model was trained on"):
        load_trained(tmp_path / "model")


def test_base_encoder_names_a_base_model_that_is_not_there(tmp_path: Path) -> None:
    config = config_of(tmp_path, tmp_path / "none")
    write_layer(tmp_path / "gold.jsonl", invented_gold())
    with pytest.raises(MissingFileError, match="none"):
        train(config, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def made_corpus(cache: Path) -> None:
    gold = invented_gold(30)
    raw = "".join(one.text for one in gold)
    parts = {
        name: Part(raw, tuple(type(one)(article_id(raw), one.start, one.end, one.text, one.spans) for one in gold))
        for name in ("train", "dev", "test")
    }  # fmt: skip
    facts = {"name": "made", "package": "made 1", "licence": "free", "near_duplicates": {"left_train": {}}}
    write_corpus(cache / "corpora" / "made", parts, facts)


def test_replay_is_drawn_by_its_seed_in_the_order_of_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path))
    made_corpus(tmp_path)
    drawn = replay_corpus("made", 7).sentences()
    assert drawn == replay_corpus("made", 7).sentences()
    assert drawn != replay_corpus("made", 7, seed=2).sentences()
    assert [one.start for one in drawn] == sorted(one.start for one in drawn)
    assert set(replay_corpus("made", 3).sentences()) <= set(drawn)
    assert replay_corpus("made", 0).sentences() == ()
    assert len(replay_corpus("made", 1000).sentences()) == 30
    assert replay_corpus("made", 7).facts()["licence"] == "free"
    assert [replay_corpus("made", count).facts()["sentences"] for count in (7, 1000)] == [7, 30]
    with pytest.raises(ConfigError, match="cannot be replayed"):
        replay_corpus("made", -1)
    with pytest.raises(CorpusError, match="no such corpus here"):
        replay_corpus("other", 7).sentences()


def test_replay_takes_part_in_training_and_stands_in_the_card(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    made_corpus(tmp_path / "cache")
    # Gold that knows persons only.
    gold = [
        with_spans(one, [span for span in one.spans if span.label == "PERSON"]) for one in invented_gold()
    ]
    write_layer(tmp_path / "gold.jsonl", gold)
    config = config_of(tmp_path, tiny, REPLAY)
    replay = replay_of(read_config(config))
    assert replay is not None
    assert replay.count == 7
    text = replay.sentences()[0].text

    def found(more: dict[str, int]) -> list[str]:
        (spans,) = annotate_with(fit(read_config(config, more), gold[:2]).nlp, [text], source="x")
        return [span.label for span in spans]

    assert found({}) == ["PERSON", "PLACE", "AMOUNT"]
    assert set(found({"corpora.replay.sentences": 0})) == {"PERSON"}
    train(config, tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "| made | train | 7 | 1 | free |" in card
    sha256 = json.loads((tmp_path / "cache" / "corpora" / "made" / "corpus.json").read_text())["parts"]
    assert sha256["train"]["sha256"] in card


def test_replay_of_a_config_without_one(tmp_path: Path) -> None:
    config, _ = small_project(tmp_path)
    assert replay_of(read_config(config)) is None
    other = {"corpora.replay": {"@readers": "biaozhu.GoldCorpus.v1", "paths": ["x"]}}
    with pytest.raises(ConfigError, match=r"is no biaozhu\.ReplayCorpus\.v1"):
        replay_of(read_config(config, other))
