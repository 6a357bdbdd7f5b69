"""The sentence line: written and read back with every offset checked."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import (
    BiaozhuError,
    DuplicateError,
    LabelError,
    LineError,
    MissingFileError,
    OffsetError,
    OverlapError,
    UsageError,
)
from biaozhu.data.layers import find_layers, read_layer, write_layer
from biaozhu.data.model import (
    LINE_KEYS,
    SPAN_KEYS,
    Sentence,
    Span,
    check_against_raw,
    sentence_from_line,
    sentence_to_line,
    with_spans,
)
from biaozhu.data.storage.layer_stream import _parsed, stream_layer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = tuple(
        Span(start, end, draw(st.sampled_from(["PLACE", "AMOUNT"])), "test", draw(st.none() | st.floats(0, 1)))
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    )
    start = draw(st.integers(0, 10**6))
    return Sentence("0123456789ab", start, start + len(text), text, spans)


@given(sentences())
def test_model_line_round_trips(sentence: Sentence) -> None:
    assert sentence_from_line(sentence_to_line(sentence)) == sentence


@given(st.lists(sentences(), min_size=1, max_size=5, unique_by=lambda sentence: sentence.id))
def test_model_layer_round_trips(tmp_path_factory: pytest.TempPathFactory, layer: list[Sentence]) -> None:
    path = tmp_path_factory.mktemp("layer") / "layer.jsonl"
    write_layer(path, layer)
    assert read_layer(path) == tuple(layer)


def test_model_line_keys_are_in_the_contract_order() -> None:
    written = sentence_to_line(Sentence("0123456789ab", 5, 8, "易县的", (Span(0, 2, "PLACE", "lac", 0.98),)))
    assert '"易县的"' in written
    line = json.loads(written)
    assert tuple(line) == LINE_KEYS
    assert tuple(line["spans"][0]) == SPAN_KEYS
    assert line["id"] == "0123456789ab:5-8"
    assert line["spans"][0]["text"] == "易县"


GOOD = {
    "id": "0123456789ab:0-3",
    "article": "0123456789ab",
    "start": 0,
    "end": 3,
    "text": "易县的",
    "spans": [{"start": 0, "end": 2, "label": "PLACE", "text": "易县", "source": "lac", "score": 0.5}],
}


def span(**changes: object) -> dict[str, object]:
    (good,) = GOOD["spans"]
    return {"spans": [{**good, **changes}]}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"text": "易县"}, OffsetError),
        ({"start": 1}, OffsetError),
        ({"id": "0123456789ab:-1-2", "start": -1, "end": 2}, OffsetError),
        ({"id": "0123456789ab:0-0", "end": 0, "text": "", "spans": []}, OffsetError),
        ({"id": "0123456789ab:0-4"}, OffsetError),
        ({"article": "xyz", "id": "xyz:0-3"}, OffsetError),
        ({"start": True}, LineError),
        ({"start": "0"}, LineError),
        ({"end": 3.0}, LineError),
        ({"spans": None}, LineError),
        ({"article": 7}, LineError),
        ({"text": 7}, LineError),
        ({"more": 1}, LineError),
        ({"text": "魏\ud800的"}, LineError),
        (span(text="沛县"), OffsetError),
        # Python counts a negative start from the end: the text would fit.
        (span(start=-3), OffsetError),
        (span(start=2, end=1, text=""), OffsetError),
        (span(start=1, end=1, text=""), OffsetError),
        (span(end=9, text="易县的"), OffsetError),
        (span(start=True, end=2, text="县"), LineError),
        (span(start=0.0), LineError),
        (span(score=2), LineError),
        (span(score=-0.1), LineError),
        (span(score=True), LineError),
        (span(score="1"), LineError),
        (span(score=float("nan")), LineError),
        (span(label=""), LineError),
        (span(label=7), LineError),
        *((span(label=one), LabelError) for one in ("ALL", "all", "micro", "Micro", "O")),
        (span(label="PLACE\udfff"), LineError),
        (span(source=7), LineError),
        (span(source="lac\ud800"), LineError),
        (span(note=""), LineError),
        ({"spans": [{"start": 0, "end": 2}]}, LineError),
        ({"spans": ["PLACE"]}, LineError),
        ({"spans": [*GOOD["spans"], *GOOD["spans"]]}, OverlapError),
    ],
)
def test_model_bad_line_is_refused(change: dict[str, object], error: type[BiaozhuError]) -> None:
    with pytest.raises(BiaozhuError) as caught:
        sentence_from_line(json.dumps({**GOOD, **change}), where="x.jsonl:7")
    assert type(caught.value) is error
    assert caught.value.where == "x.jsonl:7"


@pytest.mark.parametrize("line", ["[" * 100_000, '{"a":' * 100_000, "7", "", "{}", "not json"])
def test_model_line_that_is_no_object_is_refused(line: str) -> None:
    with pytest.raises(LineError):
        sentence_from_line(line)


@pytest.mark.parametrize("text", ["云州的", '"的"'])
@pytest.mark.parametrize(
    ("key", "again"),
    [
        ('"start": 0', '"start": 0, "start": 0'),
        ('"label": ', '"label": "PERSON", "label": '),
        ('"label": ', '"label" : "PERSON", "label" : '),
        ('"source": ', '"s\\u006furce": "lac", "source": '),
        ('"spans": [', '"spans": [], "spans": ['),
        ('"score": ', '"score": 1, "score": '),
    ],
)
def test_model_line_with_a_key_twice_is_refused(text: str, key: str, again: str) -> None:
    # Regression tests: the last of two values was taken without a word.
    line = sentence_to_line(Sentence("0123456789ab", 0, 3, text, (Span(0, 2, "PLACE", "lac", 0.5),)))
    assert sentence_from_line(line).text == _parsed(line.encode(), "").text == text
    twice = line.replace(key, again)
    assert twice != line
    for read in (partial(sentence_from_line, twice), partial(_parsed, twice.encode(), "x")):
        with pytest.raises(LineError):
            read()


@pytest.mark.parametrize("score", [0, 1, 0.5, None])
def test_model_score_is_a_number_or_nothing(score: float | None) -> None:
    (read,) = sentence_from_line(json.dumps({**GOOD, **span(score=score)})).spans
    assert read.score == score
    assert not isinstance(read.score, int)


def test_model_spans_of_a_line_may_stand_in_any_order() -> None:
    (first,) = GOOD["spans"]
    last = {"start": 2, "end": 3, "label": "AMOUNT", "text": "的", "source": "", "score": None}
    read = sentence_from_line(json.dumps({**GOOD, "spans": [last, first]}))
    assert [one.start for one in read.spans] == [0, 2]
    unsorted = replace(read, spans=read.spans[::-1])
    with pytest.raises(OverlapError, match="not sorted"):
        sentence_to_line(unsorted)


def test_model_spans_that_stand_twice_in_a_line_are_refused() -> None:
    line = json.dumps(GOOD)
    assert sentence_from_line(line).spans
    with pytest.raises(LineError):
        sentence_from_line(line[:-1] + ', "spans": []}')
    # In a text the word is no key.
    text = f'说"spans"和"spans"{GOOD["text"]}'
    quoted = Sentence(GOOD["article"], 0, len(text), text, ())
    assert sentence_from_line(sentence_to_line(quoted)) == quoted


@given(st.text(max_size=80))
def test_model_any_line_is_read_or_refused(line: str) -> None:
    with contextlib.suppress(BiaozhuError):
        assert sentence_to_line(sentence_from_line(line))


def test_model_message_is_one_line_whatever_stands_in_it() -> None:
    assert str(LineError("a\nb\x1b[31m\u202e", where="x\r:1")).isprintable()


def test_model_layer_reports_all_problems_at_once(tmp_path: Path) -> None:
    path = tmp_path / "layer.jsonl"
    good = json.dumps(GOOD, ensure_ascii=False)
    path.write_text(f"{good}\nnot json\n{good}\n", encoding="utf-8")
    with pytest.raises(BiaozhuError) as caught:
        read_layer(path, labels={"PERSON"})
    message = str(caught.value)
    assert f"{path}:2" in message
    assert "4 problems" in message
    for kind in (DuplicateError, LabelError, LineError):
        assert kind.code in message


@pytest.mark.parametrize("read", [read_layer, lambda path: tuple(stream_layer(path, labels=None))])
def test_model_layer_with_a_byte_order_mark_and_blank_lines_is_read(
    tmp_path: Path, read: Callable[[Path], tuple[Sentence, ...]]
) -> None:
    path = tmp_path / "layer.jsonl"
    path.write_text(f"\ufeff{json.dumps(GOOD)}\n\n  \n", encoding="utf-8")
    (sentence,) = read(path)
    assert sentence.text == GOOD["text"]


@pytest.mark.parametrize("data", [b"", b" \n", "\ufeff\n".encode(), json.dumps(GOOD).encode("utf-16"), b"\xff\n"])
def test_model_layer_without_a_sentence_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "layer.jsonl"
    path.write_bytes(data)
    with pytest.raises(LineError) as caught:
        read_layer(path)
    assert caught.value.where.startswith(str(path))


def test_model_check_against_raw_names_the_sentence() -> None:
    sentence = Sentence("0123456789ab", 1, 3, "易县")
    check_against_raw([sentence], "在易县。")
    with pytest.raises(OffsetError, match="BZ012"):
        check_against_raw([sentence], "易县。。")


def test_model_with_spans_sorts_and_checks() -> None:
    sentence = Sentence("0123456789ab", 0, 4, "易县沛县")
    assert with_spans(sentence, [Span(2, 4, "PLACE"), Span(0, 2, "PLACE")]).spans[0].start == 0
    with pytest.raises(OverlapError):
        with_spans(sentence, [Span(0, 3, "PLACE"), Span(2, 4, "PLACE")])


@pytest.mark.parametrize("name", ["x.ledger.jsonl", "x.failed.jsonl", "failed.jsonl"])
def test_model_a_layer_is_never_written_where_none_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(UsageError, match=rf"BZ002 .*{name}: .* is for ledgers"):
        write_layer(path, [])
    assert not path.exists()
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(MissingFileError, match="no layer"):
        find_layers([tmp_path])
