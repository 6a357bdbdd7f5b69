"""A custom model that starts from a base model: the same spans and probabilities untrained, what is learned, the pin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import spacy
from base_models import TAGS, write_model
from hypothesis import given, settings
from hypothesis import strategies as st
from training_material import SMALL_CONFIG, invented_gold

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.trained import load_trained
from biaozhu.data.errors import MissingFileError, ModelDataError
from biaozhu.data.layers import write_layer
from biaozhu.nlp.base_encoder import base_encoder, checksum, pin_checksums
from biaozhu.nlp.crf_model import crf_model
from biaozhu.nlp.ner_component import SPANS_KEY, CrfNer
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.annotators.network.base import Base

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


@pytest.fixture(scope="module")
def both(tiny: Path) -> tuple[Base, spacy.Language]:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    model = crf_model(
        base_encoder(str(tiny), "states", 1), base_encoder(str(tiny), "scores"), prior_weight=1.0
    )
    part = CrfNer(nlp.vocab, model, "ner", l2=1.0, iterations=5)
    part.initialize(list, nlp=nlp, labels=["PLACE", "PERSON"])

    @spacy.Language.component("test_started")
    def started(doc: spacy.tokens.Doc) -> spacy.tokens.Doc:
        part.set_annotations([doc], part.predict([doc]))
        return doc

    nlp.add_pipe("test_started")
    return load_base(tiny, threads=1), nlp


def config_of(folder: Path, base: Path) -> Path:
    text = SMALL_CONFIG.replace('"gold.jsonl"', f'"{folder / "gold.jsonl"}"')
    text = text.replace("\n[components.ner.model.tok2vec]", PRIOR.format(folder=base))
    text = text.replace('"biaozhu.Crf.v1"', '"biaozhu.Crf.v1"\nprior_weight = 1.0')
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
