"""A custom model that starts from a base model: the same spans and probabilities untrained, what is learned, the pin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import spacy
from base_models import write_model
from hypothesis import given, settings
from hypothesis import strategies as st
from training_material import SMALL_CONFIG, invented_gold

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.models import load_model, load_tagger
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.trained import load_trained
from biaozhu.data.errors import MissingFileError, ModelDataError, UsageError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.knowledge.lexicon import WIDTH
from biaozhu.nlp.base_encoder import base_encoder, checksum, pin_checksums
from biaozhu.nlp.crf_model import crf_model
from biaozhu.nlp.ner_component import CrfNer
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.train import train

if TYPE_CHECKING:
    from biaozhu.annotators.network.lac import Lac

GOLD = Path("annotations/gold/handan-2020-07-02.jsonl")
PRIOR = """
[components.ner.model.prior]
@architectures = "biaozhu.BaseEncoder.v1"
folder = "{folder}"
part = "scores"

[components.ner.model.tok2vec]"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write_model(folder)
    return folder


def untrained(folder: str) -> spacy.Language:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    states, scores = base_encoder(folder, "states", 1), base_encoder(folder, "scores", beside="large")
    part = CrfNer(nlp, "ner", crf_model(states, prior=scores, prior_weight=0.5), l2=1.0, iterations=5)
    part.initialize(list, nlp=nlp, labels=["PLACE", "PERSON", "AMOUNT"])

    @spacy.Language.component(f"test_started_{Path(folder).name}")
    def started(doc: spacy.tokens.Doc) -> spacy.tokens.Doc:
        part.set_annotations([doc], part.predict([doc]))
        return doc

    nlp.add_pipe(f"test_started_{Path(folder).name}")
    return nlp


@pytest.fixture(scope="module")
def both(tiny: Path) -> tuple[Lac, spacy.Language]:
    return load_base(tiny, threads=1), untrained(str(tiny))


def config_of(folder: Path, base: Path) -> Path:
    text = SMALL_CONFIG.replace('"gold.jsonl"', f'"{folder / "gold.jsonl"}"')
    text = text.replace("\n[components.ner.model.tok2vec]", PRIOR.format(folder=base))
    text = text.replace('"biaozhu.Crf.v1"', '"biaozhu.Crf.v1"\nprior_weight = 1.0')
    (folder / "base.cfg").write_text(text, encoding="utf-8")
    return folder / "base.cfg"


@given(text=st.text(alphabet="山河周青1１。𠮷x 斤亩两", min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_base_encoder_untrained_says_what_preannotation_says(both: tuple[Lac, spacy.Language], text: str) -> None:
    base, nlp = both
    (spans,) = annotate_combined([text], model=base)
    assert [(one.start, one.end, one.label_) for one in nlp(text).ents] == [one.key for one in spans]


@pytest.mark.parametrize("name", ["accurate", "deep"])
def test_base_encoder_untrained_says_what_preannotation_says_of_the_gold(name: str) -> None:
    nlp, texts = untrained(name), [one.text for one in read_layer(GOLD)]
    expected = annotate_combined(texts, model=load_model(name))
    assert sum(map(len, expected)) > 100
    found = [[(one.start, one.end, one.label_) for one in doc.ents] for doc in nlp.pipe(texts)]
    assert found == [[span.key for span in row] for row in expected]


@pytest.mark.parametrize(("part", "window", "width"), [("scores", 0, 13), ("states", 2, 256 + 5 * 5 + WIDTH)])
def test_base_encoder_gives_a_row_a_token(tiny: Path, part: str, window: int, width: int) -> None:
    model = base_encoder(str(tiny), part, window)  # type: ignore[arg-type]  # parametrised
    docs = [make_char_tokenizer()(spacy.blank("zh"))(text) for text in ("周青山。", "", "河" * 450)]
    for doc, rows in zip(docs, model.predict(docs), strict=True):
        assert rows.shape == (len(doc), width)
        assert np.isfinite(rows).all()


def test_base_encoder_gives_the_states_of_both_networks_of_deep() -> None:
    deep, accurate = load_tagger("deep", threads=1), load_tagger("accurate", threads=1)
    texts = ["周青山去了青山村。", "", "河" * 450]
    for rows, others in zip(deep.states(texts), accurate.states(texts), strict=True):
        own = rows[:, : deep.states_width]
        assert np.abs(own[:, -accurate.states_width :] - others[:, : accurate.states_width]).max(initial=0) < 1e-4
        assert rows.shape[1] == deep.states_width + len(deep.chain.kinds)
        # Each character has states of its own.
        assert len(np.unique(own[:9], axis=0)) == min(9, len(own))


def test_base_encoder_refuses_a_network_without_states() -> None:
    with pytest.raises(UsageError):
        base_encoder("fast")


def test_base_encoder_prior_learns_a_label_that_base_does_not_know(tiny: Path, tmp_path: Path) -> None:
    write_layer(tmp_path / "gold.jsonl", invented_gold())
    done = train(config_of(tmp_path, tiny), tmp_path / "model")
    # A network of random weights knows nothing of PLACE and PERSON, and has no AMOUNT at all.
    assert done.scores["all"].f1 == 1
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


def test_base_encoder_checksum_is_pinned_wherever_a_config_has_one(tiny: Path) -> None:
    encoder = {"@architectures": "biaozhu.BaseEncoder.v1", "folder": str(tiny), "part": "states"}
    pin_checksums({"components": {"ner": {"model": {"tok2vec": encoder}}}, "paths": {"train": "x"}})
    assert encoder["sha256"] == checksum(str(tiny))
