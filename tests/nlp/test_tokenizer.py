from __future__ import annotations

import spacy
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.nlp.tokenizer import make_char_tokenizer

NLP = spacy.blank("zh")
TOKENIZE = make_char_tokenizer()(NLP)


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \t\u3000\n\ufe0f𠮷"), max_size=40))
def test_tokenizer_keeps_each_code_point_as_a_token(text: str) -> None:
    doc = TOKENIZE(text)
    assert doc.text == text
    assert [token.idx for token in doc] == list(range(len(text)))
    assert [token.text for token in doc] == list(text)
