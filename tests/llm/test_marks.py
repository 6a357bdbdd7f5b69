"""Marked text: offsets are true whatever the text holds, and rewritten text is a loss with a name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from chat_server import Said, completion, question_of, right, saying, spans_of
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.model import Sentence, Span
from biaozhu.llm.answers import check_marks, mark_sentences

if TYPE_CHECKING:
    from chat_server import ChatServer

LABELS = ("PLACE", "PERSON", "AMOUNT")
TEXTS = st.text(st.sampled_from('中国人𠮷😀👨‍👩‍👧é\u0301 \t\r\n\u2028"\\{}<>/1aAB１'), min_size=1, max_size=30)


def spanned(text: str, cuts: list[int]) -> tuple[Span, ...]:
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return tuple(Span(a, b, LABELS[a % 3]) for a, b in pairs if text[a:b] == text[a:b].strip())


@given(st.lists(st.tuples(TEXTS, st.sets(st.integers(0, 30))), min_size=1, max_size=3))
def test_marks_give_back_the_offsets_that_they_state(drawn: list[tuple[str, set[int]]]) -> None:
    sentences = [
        Sentence("0" * 12, 0, len(text), text, spanned(text, sorted(at for at in cuts if at <= len(text))))
        for text, cuts in drawn
    ]
    checked = check_marks(mark_sentences(sentences), [one.text for one in sentences], labels=LABELS)
    for one, answer in zip(sentences, checked, strict=True):
        # Text that has numbered marks of its own may be lost, by name, but never be marked in a wrong place.
        assert answer.problems if not answer.answered else answer.spans == one.spans


@given(st.text(st.sampled_from("<>/12PLACE中𠮷 \n"), max_size=60), TEXTS)
def test_marks_take_any_text_for_one(content: str, text: str) -> None:
    for answer in check_marks(content, [text, "甲"], labels=("P", "A")):
        assert answer.answered or not answer.spans


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        ("<1>青岛市農民<PERSON>王小明</PERSON></1>", "the text comes back rewritten"),
        ("<1>青岛市农民<PERSON>王小明</PERSON>。</1>", "the text comes back rewritten"),
        ("<1>青岛市农民王小</1>", "the text comes back rewritten"),
        ("<1><PLACE>青岛市农民<PERSON>王小明</PERSON></PLACE></1>", "marks are nested or not closed"),
        ("<1>青岛市农民<PERSON>王小明</1>", "marks are nested or not closed"),
        ("<1>青岛市农民王小明</PERSON></1>", "marks are nested or not closed"),
        ("<1>青岛市农民<CITY>王小明</CITY></1>", "unknown label"),
        ("<1><PLACE></PLACE>青岛市农民王小明</1>", "span is empty or has white space at its ends"),
        ("<1>青岛市农民王小明</1><1>青岛市农民王小明</1>", "two answers for one sentence"),
        ("<2>青岛市农民王小明</2>", "an answer for a sentence that was not asked about"),
        ("抱歉，我不能处理。", "no marked text in the answer"),
        ("", "empty answer"),
    ],
)
def test_marks_name_what_is_wrong(marked: str, reason: str) -> None:
    (answer,) = check_marks(marked, ["青岛市农民王小明"], labels=LABELS)
    assert [one.reason for one in answer.problems] == [reason]


def test_marks_are_not_taken_from_the_sentence_itself() -> None:
    text = "他写了<b>青岛</b>，又写<PLACE>。"
    marked = "他写了<b><PLACE>青岛</PLACE></b>，又写<PLACE>。"
    (answer,) = check_marks(f"<1>{marked}</1>", [text], labels=LABELS)
    assert [one.reason for one in answer.problems] == ["the sentence itself has such marks"]
    (answer,) = check_marks("<1>写<b><PLACE>青岛</PLACE></b></1>", ["写<b>青岛</b>"], labels=LABELS)
    assert answer.spans == (Span(4, 6, "PLACE"),)


def marking(body: dict[str, Any]) -> Said:
    """Answer with marked text, as a good model does."""
    blocks = []
    for one in question_of(body)["sentences"]:
        text = one["text"]
        for name in {span["text"]: span["label"] for span in spans_of(text)}.items():
            text = text.replace(name[0], f"<{name[1]}>{name[0]}</{name[1]}>")
        blocks.append(f"<{one['n']}>{text}</{one['n']}>")
    return Said(completion("\n".join(blocks)))


@pytest.mark.parametrize("raw", ["𠮷田村😀王小明\r\n去了𠮷田村，又去 济南。\r\n", "王小明买了30斤。\n" * 3])
def test_work_takes_marked_text_from_a_server_without_structured_output(
    project: Any, server: ChatServer, raw: str
) -> None:
    project.write(answer="marks")
    server.usual = marking
    marked = project.ask(raw)
    assert not marked.losses
    assert "response_format" not in server.requests[0]
    assert json.dumps(server.requests[0]["messages"]).count("<PLACE>") == 1
    found = [[span.key for span in spans] for spans in marked.spans.values()]
    project.write()
    server.usual = right
    assert found == [[span.key for span in spans] for spans in project.ask(raw).spans.values()]


def test_work_asks_once_again_about_rewritten_text_and_then_loses_it(project: Any, server: ChatServer) -> None:
    project.write(answer="marks", batch_sentences=1)
    rewritten = saying("<1>青島市農民王小明買了30斤種子。</1>")
    server.queue = [rewritten, rewritten]
    server.usual = marking
    outcome = project.ask()
    assert [one.reason for one in outcome.losses] == ["the text comes back rewritten"]
    assert "rewritten" in str(question_of(server.requests[1])["problems"])
    assert len(outcome.spans) == 2


@pytest.mark.parametrize(
    "answer",
    [
        "<1>" * 16_000,
        "<9" + "9" * 5_000 + ">",
        "<1><2>" * 8_000,
        "</1>" * 16_000,
        "<1>a</1>" * 8_000,
        "```" + "\n" * 100_000 + "x",
        "<1>" + "<X></X>" * 9 + "山东省</1>",
    ],
)
def test_marks_of_a_model_that_repeats_itself_are_no_answer(answer: str) -> None:
    (checked,) = check_marks(answer, ["山东省"], labels={"PLACE"})
    assert checked.spans == ()
    assert checked.problems
