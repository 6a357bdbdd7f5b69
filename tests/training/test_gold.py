from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from training_material import invented_gold

from biaozhu.data.errors import ConfigError, DuplicateError, MissingFileError
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.gold import gold_corpus, list_contradicted, make_examples

if TYPE_CHECKING:
    from pathlib import Path

WORDS = spacy.blank("en")
CHARACTERS = spacy.blank("zh")
CHARACTERS.tokenizer = make_char_tokenizer()(CHARACTERS)


def test_gold_names_each_span_that_no_tokens_match_as_lost() -> None:
    sentence = Sentence("a" * 12, 0, 11, "abcdef ghij", (Span(0, 6, "X"), Span(7, 9, "Y"), Span(9, 11, "X")))
    (example,), entries = make_examples(WORDS, [sentence])
    assert [(one.start, one.end, one.label, one.text, one.severity) for one in entries] == [
        (7, 9, "Y", "gh", "loss"),
        (9, 11, "X", "ij", "loss"),
    ]
    assert entries[0].detail == "ghij"
    assert [(span.text, span.label_) for span in example.reference.ents] == [("abcdef", "X")]
    # What stands there is unknown, not nothing.
    assert [token.ent_iob_ for token in example.reference] == ["B", ""]


@given(st.text(st.sampled_from("王a 30𠮷，\u3000"), min_size=1, max_size=20), st.data())
def test_gold_loses_nothing_on_characters(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    (example,), entries = make_examples(CHARACTERS, [Sentence("a" * 12, 0, len(text), text, (Span(start, end, "X"),))])
    assert not entries
    (span,) = example.reference.ents
    assert (span.start_char, span.end_char, span.label_) == (start, end, "X")
    assert example.reference.text == text


def test_gold_reads_patterns_once_and_sorted(tmp_path: Path) -> None:
    write_layer(tmp_path / "b.jsonl", invented_gold(2, article="b" * 12))
    write_layer(tmp_path / "a.jsonl", invented_gold(3, article="a" * 12))
    # A regression test: a file that is called as a pattern is written was not found.
    write_layer(tmp_path / "other" / "[x].jsonl", invented_gold(1, article="c" * 12))
    assert len(gold_corpus(str(tmp_path / "other" / "[x].jsonl")).files()) == 1
    corpus = gold_corpus([str(tmp_path / "*.jsonl"), str(tmp_path / "a.jsonl")])
    assert [path.name for path in corpus.files()] == ["a.jsonl", "b.jsonl"]
    assert [sentence.article[0] for sentence in corpus.sentences()] == ["a", "a", "a", "b", "b"]
    assert len(list(corpus(CHARACTERS))) == 5


def test_gold_says_what_is_missing_or_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to read"):
        gold_corpus([]).files()
    with pytest.raises(MissingFileError, match="no such file"):
        gold_corpus([str(tmp_path / "*.jsonl")]).files()
    for name in ("one", "two"):
        write_layer(tmp_path / f"{name}.jsonl", invented_gold(1))
    with pytest.raises(DuplicateError) as caught:
        gold_corpus([str(tmp_path / "*.jsonl")]).sentences()
    assert caught.value.where == str(tmp_path / "two.jsonl")
    assert str(tmp_path / "one.jsonl") in caught.value.what
    assert caught.value.next_step != DuplicateError.advice


def test_gold_names_sentences_whose_text_is_marked_in_another_way_before() -> None:
    # A regression test: gold that contradicts itself was learned without a word.
    spans = [(Span(0, 2, "X"),), (Span(0, 2, "X", "other"),), (), (Span(0, 2, "Y"),)]
    gold = [Sentence("a" * 12, 3 * at, 3 * at + 3, "abc", some) for at, some in enumerate(spans)]
    assert list_contradicted(gold) == (gold[2].id, gold[3].id)
