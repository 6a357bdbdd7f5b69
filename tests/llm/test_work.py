"""Asking a real server on loopback: what is wrong with answers, budget, cache, concurrency."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from chat_server import (
    ANSWER_TOKENS,
    PROMPT_TOKENS,
    Said,
    answers_to,
    failing,
    question_of,
    right,
    saying,
    spans_saying,
)

from biaozhu.data.errors import UsageError

if TYPE_CHECKING:
    from chat_server import ChatServer

SPANS = 6
SENTENCES = 3


def named(outcome: Any, texts: list[str]) -> list[tuple[str, str]]:
    """The spans of an outcome by their text, of the sentences in order."""
    return [
        (text[span.start : span.end], span.label)
        for text, spans in zip(texts, outcome.spans.values(), strict=True)
        for span in spans
    ]


def reasons(outcome: Any) -> Counter[str]:
    return Counter(entry.reason for entry in outcome.losses)


def span(text: str, label: str = "PLACE", occurrence: Any = 1) -> dict[str, Any]:
    return {"text": text, "label": label, "occurrence": occurrence}


def test_work_takes_right_answers(project: Any, server: ChatServer) -> None:
    outcome = project.ask()
    texts = ["青岛市农民王小明买了30斤种子。", "王小明说，李大海也去了济南。", "今天没有别的事情。"]
    assert named(outcome, texts) == [
        ("青岛市", "PLACE"),
        ("王小明", "PERSON"),
        ("30斤", "AMOUNT"),
        ("王小明", "PERSON"),
        ("李大海", "PERSON"),
        ("济南", "PLACE"),
    ]
    assert not outcome.losses
    assert outcome.figures["calls"] == len(server.requests) == 1
    assert outcome.figures["tokens"]["input"] == PROMPT_TOKENS
    assert server.requests[0]["response_format"]["type"] == "json_schema"
    assert server.requests[0]["path"] == "/v1/chat/completions"
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize(
    ("spans", "reason", "kept"),
    [
        ([span("北京市")], "not in the sentence", 0),
        ([span("３０斤", "AMOUNT")], "rewritten: the sentence writes it otherwise", 0),
        ([span("青岛市", occurrence=2)], "no such occurrence in the sentence", 0),
        ([span("青岛市", occurrence=10**9)], "no such occurrence in the sentence", 0),
        ([span("青岛市", occurrence=True)], "no such occurrence in the sentence", 0),
        ([span("青岛市", "CITY")], "unknown label", 0),
        ([span("青岛市"), span("岛市农")], "span overlaps another", 1),
        ([span("青岛市"), span("青岛市")], "span stated twice", 1),
        ([span("")], "span is empty or has white space at its ends", 0),
        ([{"text": "青岛市"}], "a span is not of the schema", 0),
        (["青岛市"], "a span is not of the schema", 0),
        ([span("\ud842")], "not in the sentence", 0),
    ],
)
def test_work_asks_once_again_about_a_wrong_span_and_then_loses_it(
    project: Any, server: ChatServer, spans: list[Any], reason: str, kept: int
) -> None:
    wrong = spans_saying(*spans)
    server.queue = [wrong, wrong]
    outcome = project.ask()
    assert len(server.requests) == 2
    again = question_of(server.requests[1])
    assert reason in str(again["problems"]["1"])
    assert [one["text"] for one in again["sentences"]] == ["青岛市农民王小明买了30斤种子。"]
    assert reasons(outcome) == {reason: 1}
    assert len(outcome.spans) == SENTENCES
    assert len(next(iter(outcome.spans.values()))) == kept


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (saying(""), "empty answer"),
        (saying(None), "empty answer"),
        (saying("抱歉，我不能处理这些内容。"), "no JSON in the answer"),
        (saying('{"answers": ['), "no JSON in the answer"),
        (saying("[" * 100_000), "no JSON in the answer"),
        (saying('{"answers": ' + "[" * 100_000), "no JSON in the answer"),
        (saying('{"answers": []}{"answers": []}'), "two answers in one"),
        (saying('{"answers": [], "answers": []}'), "two answers in one"),
        (saying('{"spans": []}'), "the answer is not of the schema"),
        (saying('{"answers": []}'), "no answer"),
        (saying('{"answers": [{"n": 0, "spans": []}]}'), "an answer for a sentence that was not asked about"),
        (
            saying('{"answers": [{"n": 1%s, "spans": []}]}' % ("0" * 5000)),
            "an answer for a sentence that was not asked about",
        ),
        (spans_saying(*[span("北京市")] * 1000), "more spans than the sentence has characters"),
        (saying('{"answers": [{"n": 1, "spans": 7}]}'), "the answer is not of the schema"),
        (
            saying('{"answers": [{"n": 1, "spans": []}, {"n": 1, "spans": []}]}'),
            "two answers for one sentence",
        ),
    ],
)
def test_work_asks_once_again_for_an_answer_and_then_loses_the_sentence(
    project: Any, server: ChatServer, first: Any, reason: str
) -> None:
    server.queue = [first]
    mended = project.ask()
    assert not mended.losses
    assert len(mended.spans) == SENTENCES
    (project.folder / "cache" / "answers.sqlite").unlink()
    server.queue = [first, first]
    lost = project.ask()
    assert reasons(lost)[reason] >= 1
    assert {entry.sentence for entry in lost.losses}.isdisjoint(lost.spans)
    assert len(lost.losses) <= SENTENCES
    assert max(len(json.dumps(body)) for body in server.requests) < 10_000


@pytest.mark.parametrize(
    "wrapped",
    ["```json\n{}\n```", "<think>让我想想 {不}</think>\n{}", "结果如下：\n{}", "{}\n希望有帮助。", "\n\n{}"],
)
def test_work_reads_an_answer_in_its_wrapping(project: Any, server: ChatServer, wrapped: str) -> None:
    server.queue = [
        lambda body: saying(wrapped.replace("{}", json.dumps({"answers": answers_to(body)}, ensure_ascii=False)))
    ]
    outcome = project.ask()
    assert not outcome.losses
    assert outcome.figures["calls"] == 1


def choosing(bad: str, said: Said) -> Any:
    """Say something where a text is among those asked about, and answer rightly else."""

    def behave(body: dict[str, Any]) -> Said:
        asked = [one["text"] for one in question_of(body)["sentences"]]
        return said if any(bad in one for one in asked) else right(body)

    return behave


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (saying('{"answers": [{"n"', "length"), "answer cut off"),
        (saying("", "content_filter"), "refused by the model"),
        (saying("", refusal="I can't"), "refused by the model"),
        (failing(400, "Content Exists Risk"), "refused by the server's filter"),
        (failing(413, "too large"), "request refused (413)"),
    ],
)
def test_work_narrows_a_refused_call_down_to_the_sentence_that_it_is_about(
    project: Any, server: ChatServer, said: Said, reason: str
) -> None:
    server.usual = choosing("李大海", said)
    outcome = project.ask()
    assert reasons(outcome) == {reason: 1}
    assert len(outcome.spans) == SENTENCES - 1
    assert "李大海" in outcome.losses[0].text


def test_work_stops_asking_a_server_that_fails_again_and_again(project: Any, server: ChatServer) -> None:
    project.write(batch_sentences=1, retries=0)
    server.queue = [right]
    server.usual = failing(500)
    outcome = project.ask("\n".join(f"第{number}天，王小明到了济南。" for number in range(9)))
    assert len(server.requests) == 4
    assert reasons(outcome) == {"server error (500)": 3, "not asked: the server had failed too often": 5}
    server.usual = right
    again = project.ask("\n".join(f"第{number}天，王小明到了济南。" for number in range(9)))
    assert not again.losses
    assert again.figures["cache_hits"] == 1


def test_work_never_passes_its_budget(project: Any, server: ChatServer) -> None:
    limit = 5 * (PROMPT_TOKENS + ANSWER_TOKENS)
    more = f"[parameters]\nmax_tokens = 10\n[budget]\ntokens = {limit + 1500}\n"
    project.write(more, batch_sentences=1, concurrency=4)

    def charge(body: dict[str, Any]) -> Said:
        said = right(body)
        said.body["usage"] = {"prompt_tokens": 600, "completion_tokens": 10}
        return said

    server.usual = charge
    text = "\n".join(f"第{number}天，王小明到了济南。" for number in range(9))
    outcome = project.ask(text)
    used = outcome.figures["tokens"]
    assert used["input"] + used["output"] <= limit + 1500
    assert 0 < len(outcome.spans) < 9
    assert set(reasons(outcome)) == {"not asked: the budget is used up"}
    project.write(batch_sentences=1)
    rest = project.ask(text)
    assert rest.figures["cache_hits"] == 0  # max_tokens is another: its answers are others
    project.write(more.replace(str(limit + 1500), "100000"), batch_sentences=1)
    rest = project.ask(text)
    assert rest.figures["cache_hits"] == len(outcome.spans)
    assert not rest.losses


def test_work_uses_its_budget_up_though_calls_under_way_had_more_set_aside(project: Any, server: ChatServer) -> None:
    # Room for one call with all that it may use, but for many as they are.
    project.write("[parameters]\nmax_tokens = 4000\n[budget]\ntokens = 6500\n", batch_sentences=1, concurrency=4)
    outcome = project.ask("\n".join(f"第{number}天，王小明到了济南。" for number in range(9)))
    assert len(outcome.spans) == 9
    assert server.busiest == 1


def test_work_counts_money(project: Any) -> None:
    project.write("[prices]\ninput = 2.0\noutput = 8.0\n[budget]\nmoney = 1.0\n")
    outcome = project.ask()
    assert outcome.figures["cost"] == pytest.approx((PROMPT_TOKENS * 2 + ANSWER_TOKENS * 8) / 1e6)


def test_work_says_what_10000_sentences_would_take(project: Any) -> None:
    project.write("[prices]\ninput = 2.0\noutput = 8.0\n")
    many = project.ask().figures["for_10000_sentences"]
    assert many["tokens"]["input"] == round(PROMPT_TOKENS * 10_000 / SENTENCES)
    assert many["cost"] == pytest.approx((PROMPT_TOKENS * 2 + ANSWER_TOKENS * 8) / 1e6 * 10_000 / SENTENCES, rel=1e-3)
    # What the cache had says nothing about the price.
    assert project.ask().figures["for_10000_sentences"] is None


def test_work_stops_at_its_money(project: Any, server: ChatServer) -> None:
    prices = "[prices]\ninput = 1000.0\noutput = 1000.0\n[budget]\nmoney = 2.5\n[parameters]\nmax_tokens = 10\n"
    project.write(prices, batch_sentences=1)
    outcome = project.ask("\n".join(f"第{number}天，王小明到了济南。" for number in range(40)))
    assert set(reasons(outcome)) == {"not asked: the budget is used up"}
    assert 0 < outcome.figures["cost"] <= 2.5
    assert len(server.requests) == outcome.figures["calls"] < 40


def test_work_refuses_a_budget_without_room_for_one_call(project: Any, server: ChatServer) -> None:
    project.write("[budget]\ntokens = 100\n")
    with pytest.raises(UsageError):
        project.ask()
    assert not server.requests


def test_work_asks_as_many_at_a_time_as_it_may(project: Any, server: ChatServer) -> None:
    project.write(batch_sentences=1, concurrency=3)

    def slowly(body: dict[str, Any]) -> Said:
        said = right(body)
        said.delay = 0.2
        return said

    server.usual = slowly
    project.ask("\n".join(f"第{number}天，王小明到了济南。" for number in range(9)))
    assert server.busiest == 3


def test_work_costs_nothing_the_second_time(project: Any, server: ChatServer) -> None:
    wrong = spans_saying(span("北京市"))
    server.queue = [wrong, wrong]
    first = project.ask()
    calls = len(server.requests)
    second = project.ask()
    assert len(server.requests) == calls
    assert second.spans == first.spans
    # A loss is not forgotten because its answer is known.
    assert second.losses == first.losses
    assert second.figures["cache_hits"] == SENTENCES


@pytest.mark.parametrize("other", [{"model": "another"}, {"context_chars": 0}, {"guideline": "guide.md"}])
def test_work_takes_no_answer_that_was_given_to_another_question(
    project: Any, server: ChatServer, other: dict[str, Any]
) -> None:
    (project.folder / "guide.md").write_text("只标地点。", encoding="utf-8")
    project.ask()
    project.write(**other)
    assert project.ask().figures["cache_hits"] == 0
    assert len(server.requests) == 2


def test_work_survives_a_damaged_answer_in_its_cache(project: Any) -> None:
    import sqlite3  # noqa: PLC0415 — only here

    project.ask()
    with sqlite3.connect(project.folder / "cache" / "answers.sqlite") as database:
        database.execute("""UPDATE answers SET answer = '{"spans": [[0, 999, "PLACE"]], "problems": []}'""")
    database.close()
    outcome = project.ask()
    assert outcome.figures["cache_hits"] == 0
    assert sum(map(len, outcome.spans.values())) == SPANS
