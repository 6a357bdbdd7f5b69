"""The scorer that spaCy's commands call: strict, on characters, whatever the tokens of either side."""

from __future__ import annotations

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from biaozhu.nlp.scorer import score_spans

VOCAB = spacy.blank("zh").vocab
ENTS = {"set_ents": True, "spans_key": "x"}


def make_doc(words: list[str], *spans: tuple[int, int, str], missing: tuple[int, ...] = ()) -> Doc:
    doc = Doc(VOCAB, words=words, spaces=[False] * len(words))
    entities = [Span(doc, start, end, label=label) for start, end, label in spans]
    doc.set_ents(entities, missing=[doc[at : at + 1] for at in missing])
    return doc


@st.composite
def ents(draw: st.DrawFn) -> list[tuple[int, int, str]]:
    cuts = sorted(draw(st.sets(st.integers(0, 8), max_size=6)))
    return [(a, b, draw(st.sampled_from("AB"))) for a, b in zip(cuts[::2], cuts[1::2], strict=False) if a < b]


@settings(max_examples=40)
@given(st.lists(st.tuples(ents(), ents(), st.sets(st.integers(0, 7))), min_size=1, max_size=4))
def test_scorer_agrees_with_spacys_own_on_the_same_tokens(
    pairs: list[tuple[list[tuple[int, int, str]], list[tuple[int, int, str]], set[int]]],
) -> None:
    examples = []
    for found, gold, missing in pairs:
        free = missing - {at for start, end, _ in gold for at in range(start, end)}
        reference = make_doc(list("甲乙丙丁戊己庚辛"), *gold, missing=tuple(sorted(free)))
        examples.append(Example(make_doc(list("甲乙丙丁戊己庚辛"), *found), reference))
    ours, theirs = score_spans(examples, **ENTS), get_ner_prf(examples)
    for name in ("ents_p", "ents_r", "ents_f"):
        assert ours[name] == (None if theirs[name] is None else pytest.approx(theirs[name]))
    for label, figures in (ours["ents_per_type"] or {}).items():
        assert figures == pytest.approx(theirs["ents_per_type"][label])


def test_scorer_compares_characters_not_tokens() -> None:
    predicted = make_doc(list("在青岛市买"), (1, 4, "PLACE"))
    same, shorter = (
        make_doc(["在", "青岛市", "买"], (1, 2, "PLACE")),
        make_doc(["在青岛", "市买"], (0, 1, "PLACE")),
    )
    assert score_spans([Example(predicted, same)], **ENTS)["ents_f"] == 1
    assert score_spans([Example(predicted, shorter)], **ENTS)["ents_f"] == 0


def test_scorer_reads_the_group_where_the_component_sets_no_entities() -> None:
    predicted, reference = make_doc(list("在青岛")), make_doc(list("在青岛"), (1, 3, "PLACE"))
    predicted.spans["x"] = [Span(predicted, 1, 3, label="PLACE")]
    example = Example(predicted, reference)
    assert score_spans([example], **ENTS)["ents_r"] == 0
    assert score_spans([example], set_ents=False, spans_key="x")["ents_r"] == 1
    assert score_spans([Example(predicted, Doc(VOCAB, words=["在"]))], **ENTS)["ents_f"] is None
