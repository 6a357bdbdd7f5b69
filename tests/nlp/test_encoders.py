from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from biaozhu.data.errors import ConfigError
from biaozhu.nlp.encoders import (
    class_encoder,
    lac_encoder,
    layer_encoder,
    remembering,
    set_neighbours_beside,
)
from biaozhu.nlp.tokenizer import make_char_tokenizer

if TYPE_CHECKING:
    from thinc.api import Model

NLP = spacy.blank("zh")
CHARACTERS = make_char_tokenizer()(NLP)
TEXTS = ["王小明在青岛市买了30斤苹果。", "", " 他走了", "雅" * 450]
LAYERS = ["network", "amounts"]
LABELS = ["PLACE", "PERSON", "AMOUNT"]


@pytest.mark.parametrize(
    "model",
    [
        lac_encoder("large", 2),
        lac_encoder("small", 0, words=True),
        layer_encoder("fast", LAYERS, LABELS, 1),
        layer_encoder("accurate", ["network", "combined"], LABELS, 1),
        class_encoder(2),
    ],
    ids=lambda model: model.name,
)
def test_encoder_gives_a_row_a_character_whatever_stands_beside_it(
    model: spacy.util.SimpleFrozenList,
) -> None:
    docs = [CHARACTERS(text) for text in TEXTS]
    together = model.predict(docs)
    for doc, rows in zip(docs, together, strict=True):
        assert rows.shape == (len(doc), model.get_dim("nO"))
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()
        (alone,) = model.predict([doc])
        np.testing.assert_allclose(rows, alone, atol=1e-5)


@pytest.mark.parametrize(
    "made",
    [
        (lac_encoder("small", 0), lac_encoder("small", 1)),
        (layer_encoder("fast", LAYERS, LABELS, 1), layer_encoder("fast", LAYERS[:1], LABELS, 1)),
    ],
    ids=["lac", "layers"],
)
def test_encoder_remembers_each_text_of_each_encoder_while_wanted(made: tuple[Model, Model]) -> None:
    docs = [CHARACTERS(text) for text in TEXTS]
    fresh = [model.predict(docs) for model in made]
    with remembering():
        for _ in range(2):
            for model, rows in zip(made, fresh, strict=True):
                for one, other in zip(model.predict([docs[0], *docs]), [rows[0], *rows], strict=True):
                    np.testing.assert_array_equal(one, other)
        kept = model.predict(docs[:1])[0]
        # What a caller does to its vectors must not reach the memory.
        kept += 1
        np.testing.assert_array_equal(model.predict(docs[:1])[0], rows[0])


def test_encoder_gives_a_word_the_mean_of_its_characters() -> None:
    words = Doc(NLP.vocab, words=["青岛市", "有", "海"], spaces=[False, True, False])
    (by_word,) = class_encoder(1).predict([words])
    (by_character,) = class_encoder(1).predict([CHARACTERS(words.text)])
    np.testing.assert_allclose(by_word[0], by_character[:3].mean(axis=0))
    np.testing.assert_allclose(by_word[1], by_character[3:5].mean(axis=0))
    np.testing.assert_allclose(by_word[2], by_character[5])


def test_encoder_marks_what_annotators_found() -> None:
    (rows,) = layer_encoder("fast", ["amounts"], ["AMOUNT"], 0).predict([CHARACTERS("他买了120元的米。")])
    begin, inside, end, single = rows.T
    assert begin.nonzero()[0].tolist() == [3]
    assert inside.nonzero()[0].tolist() == [4, 5]
    assert end.nonzero()[0].tolist() == [6]
    assert not single.any()
    assert begin[3] <= 1


def test_encoder_refuses_an_annotator_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="no annotator oracle"):
        layer_encoder("fast", ["oracle"], LABELS, 0)


def test_encoder_sets_neighbours_beside_each_row() -> None:
    rows = np.array([[1.0], [2.0], [3.0]])
    assert set_neighbours_beside(rows, 1).tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 0]]
    assert set_neighbours_beside(rows[:0], 2).shape == (0, 5)


def test_encoder_combines_annotators_as_preannotation_does() -> None:
    texts = ["王小明在青岛市买了30斤苹果。", "", "他走了。"]
    model = layer_encoder("fast", ["combined"], LABELS, 0)
    rows = model.predict([CHARACTERS(text) for text in texts])
    starts = {label: (rows[0][:, 4 * place] > 0).nonzero()[0].tolist() for place, label in enumerate(sorted(LABELS))}
    assert starts == {"PLACE": [4], "PERSON": [0], "AMOUNT": [9]}
    assert [len(one) for one in rows] == [len(text) for text in texts]
    assert not rows[2].any()
