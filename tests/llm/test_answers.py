"""Answers against texts: offsets are true whatever the text holds, and nothing that does not stand in it comes through."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biaozhu.data.model import Sentence, Span, sentence_from_line, sentence_to_line, with_spans
from biaozhu.llm.answers import check_answer, find_occurrence
from biaozhu.llm.plan import PromptBatch, Question, make_prompt

LABELS = ("PLACE", "PERSON", "AMOUNT")
TEXTS = st.text(st.sampled_from('中国人𠮷😀👨‍👩‍👧é\u0301 \t\r\n\u2028"\\{}aA１1'), min_size=1, max_size=30)


def stated(text: str, spans: list[Span]) -> str:
    """What a model that makes no mistake says of spans."""
    found = []
    for span in spans:
        part = text[span.start : span.end]
        number = sum(text.startswith(part, at) for at in range(span.start + 1))
        found.append({"text": part, "label": span.label, "occurrence": number})
    return json.dumps({"answers": [{"n": 1, "spans": found}]}, ensure_ascii=False)


@given(TEXTS, st.data())
@example("𠮷野家在𠮷野😀𠮷野", None)
def test_answers_give_back_the_offsets_that_they_state(text: str, data: st.DataObject | None) -> None:
    cuts = [0, 2, 4, 6, 7, 9] if data is None else sorted(data.draw(st.sets(st.integers(0, len(text)))))
    spans = [
        Span(start, end, "PLACE")
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        if text[start:end] == text[start:end].strip()
    ]
    (checked,) = check_answer(stated(text, spans), [text], labels=LABELS)
    assert checked.spans == tuple(spans)
    assert not checked.problems


@given(
    TEXTS,
    st.lists(
        st.fixed_dictionaries(
            {"text": TEXTS, "label": st.sampled_from((*LABELS, "X")), "occurrence": st.integers(-1, 9)}
        )
    ),
)
def test_answers_let_only_disjoint_spans_of_the_text_through(text: str, spans: list[dict[str, object]]) -> None:
    (checked,) = check_answer(json.dumps({"answers": [{"n": 1, "spans": spans}]}), [text], labels=LABELS)
    if len(spans) > len(text):
        assert not checked.answered
    else:
        assert len(checked.spans) + len(checked.problems) == len(spans)
    sentence = with_spans(Sentence("0" * 12, 0, len(text), text), checked.spans)
    assert sentence_from_line(sentence_to_line(sentence)) == sentence
    assert all(one.label in LABELS for one in checked.spans)


@given(st.text())
def test_answers_take_any_text_for_one(content: str) -> None:
    assert len(check_answer(content, ["甲", "乙"], labels=LABELS)) == 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["n", "spans", "text", "label", "occurrence"]), inner)
        ),
    )
)
def test_answers_take_any_json_for_one(value: object) -> None:
    content = json.dumps({"answers": value})
    assert len(check_answer(content, ["甲", "乙"], labels=LABELS)) == 2


@pytest.mark.parametrize("inner", ['[{"n": 1, "spans": [%s]}]', '[{"n": 1, "spans": [{"text": %s}]}]', "%s"])
def test_answers_of_any_depth_are_wrong_answers(inner: str) -> None:
    # Some depths can be read, but not written again.
    for depth in (10, *range(900, 1100)):
        content = '{"answers": %s}' % (inner % ("[" * depth + "]" * depth))
        (checked,) = check_answer(content, ["甲"], labels=LABELS)
        assert not checked.answered


@pytest.mark.parametrize(
    ("text", "part", "number", "at"), [("哈哈哈", "哈哈", 2, 1), ("甲乙甲", "甲", 2, 2), ("甲", "甲", 2, -1)]
)
def test_answers_count_occurrences_from_each_letter(text: str, part: str, number: int, at: int) -> None:
    assert find_occurrence(text, part, number) == at


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_prompt_carries_texts_as_they_are(texts: list[str]) -> None:
    asked = tuple(Question(Sentence("0" * 12, 0, len(one), one), "前", "后", "") for one in texts)
    question = json.loads(PromptBatch(make_prompt((), "", ()), asked).messages()[-1]["content"])
    assert [one["text"] for one in question["sentences"]] == texts
