"""The prompt: its checksum, and examples that never come from the article that is annotated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from chat_server import question_of

from biaozhu.data.labels import read_labels
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.llm.plan import draw_examples, make_prompt, read_example_pool
from biaozhu.reading.article import article_from_bytes
from biaozhu.reading.sentences import split_article

if TYPE_CHECKING:
    from pathlib import Path

    from chat_server import ChatServer

LABELS = ("PLACE", "PERSON", "AMOUNT")


def gold_of(text: str, *spans: tuple[str, str]) -> list[Sentence]:
    """The sentences of a text, each with those of the spans that stand in it."""
    sentences = split_article(article_from_bytes(text.encode(), name="x", where="x"))
    return [
        with_spans(
            one,
            [
                Span(one.text.index(part), one.text.index(part) + len(part), label)
                for part, label in spans
                if part in one.text
            ],
        )
        for one in sentences
    ]


GOLD = gold_of(
    "赵六到了苏州。\n苏州有12栋楼。\n没有别的事情可说。\n周青也来了。\n",
    ("赵六", "PERSON"),
    ("苏州", "PLACE"),
    ("12栋", "AMOUNT"),
    ("周青", "PERSON"),
)


def test_examples_have_each_label_in_turn_and_one_without() -> None:
    drawn = draw_examples(GOLD, (), 4, labels=LABELS)
    assert [bool(one.spans) for one in drawn].count(False) == 1
    assert {span.label for one in drawn for span in one.spans} == set(LABELS)
    assert drawn == draw_examples(GOLD, (), 4, labels=LABELS)
    assert len(draw_examples(GOLD, (), 99, labels=LABELS)) == len(GOLD)


def test_examples_never_come_from_the_annotated_article() -> None:
    assert draw_examples(GOLD, GOLD[:1], 4, labels=LABELS) == ()


def test_examples_never_come_from_the_annotated_article_saved_anew() -> None:
    text = "这是同一篇文章里的一个长句子，赵六到了苏州。\n周青也来了。\n"
    gold = gold_of(text, ("苏州", "PLACE"))
    again = split_article(article_from_bytes(f"另存的一篇\n\n{text}".encode(), name="y", where="y"))
    assert again[0].article != gold[0].article
    assert draw_examples(gold, again, 4, labels=LABELS) == ()


def test_prompt_shows_examples_as_right_answers(project: Any, server: ChatServer, tmp_path: Path) -> None:
    write_layer(tmp_path / "gold" / "x.jsonl", GOLD)
    project.write(gold=["gold"], examples=3)
    project.ask()
    system, asked, answered, question = (one["content"] for one in server.requests[0]["messages"])
    assert all(f"- {label}（" in system for label in LABELS)
    assert "青岛市" not in system + asked + answered
    assert '"occurrence": 1' in answered
    assert "青岛市" in question


def test_prompt_quotes_the_guideline(project: Any, server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text("\ufeff县内外不标。{labels}", encoding="utf-8")
    project.write(guideline="guide.md")
    project.ask()
    assert "县内外不标。{labels}" in server.requests[0]["messages"][0]["content"]


def test_prompt_checksum_tells_labels_guideline_and_examples_apart() -> None:
    labels = read_labels()
    made = [
        make_prompt(labels, "甲", GOLD[:2]),
        make_prompt(labels, "乙", GOLD[:2]),
        make_prompt(labels[:2], "甲", GOLD[:2]),
        make_prompt(labels, "甲", GOLD[:1]),
    ]
    assert len({one.checksum for one in made}) == len(made)
    assert made[0].checksum == make_prompt(labels, "甲", GOLD[:2]).checksum


@pytest.mark.parametrize("size", [0, 5, 10_000])
def test_prompt_has_the_text_around_its_sentences(project: Any, server: ChatServer, size: int) -> None:
    project.write(batch_sentences=1, context_chars=size)
    project.ask()
    first, second, _ = map(question_of, server.requests)
    assert first["before"] == ""
    assert second["before"] == "青岛市农民王小明买了30斤种子。"[-size:] * bool(size)
    assert second["after"] == "今天没有别的事情。"[:size]


def test_gold_is_read_once_for_each_text(tmp_path: Path) -> None:
    write_layer(tmp_path / "a.jsonl", GOLD)
    again = [Sentence("0" * 12, one.start, one.end, one.text, one.spans) for one in GOLD]
    write_layer(tmp_path / "b.jsonl", again)
    assert len(read_example_pool([tmp_path], labels=LABELS)) == len(GOLD)
