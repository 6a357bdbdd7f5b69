from __future__ import annotations

import json

import pytest
from doccano_layers import make_layer
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import RoundTripError
from biaozhu.data.model import Sentence, Span
from biaozhu.formats.serialization import (
    Example,
    RemoteSpan,
    from_units,
    is_ours,
    local_spans,
    pack_meta,
    spans_from_json,
    spans_to_json,
    to_line,
    to_meta,
    to_sentence,
    to_units,
    unpack_meta,
)

NAMES = {"PLACE": "地点", "PERSON": "人物", "AMOUNT": "数量"}
IDS = {name: label for label, name in NAMES.items()}
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(TEXTS, st.data())
def test_wire_units_are_those_of_utf16_and_come_back(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    units = to_units(text, offset)
    assert units == len(text[:offset].encode("utf-16-le")) // 2
    assert from_units(text, units) == offset


@pytest.mark.parametrize(
    ("text", "units", "expected"),
    [
        ("𠮷野", 1, None),
        ("𠮷野", 2, 1),
        ("𠮷野", 3, 2),
        ("𠮷野", 4, None),
        ("", 0, 0),
        ("😀", 2, 1),
        ("野", -1, None),
    ],
)
def test_wire_refuses_offsets_inside_a_character(text: str, units: int, expected: int | None) -> None:
    assert from_units(text, units) == expected


@given(st.integers(0, 30))
def test_wire_brings_a_sentence_back_as_it_was(seed: int) -> None:
    for sentence in make_layer("wire", 5, seed=seed):
        line = json.loads(to_line(sentence, to_meta(sentence, "wire", by=1, batch="x.0"), NAMES))
        text, label = line.pop("text"), line.pop("label")
        assert line.keys() == {"sid", "article", "biaozhu"}
        example = Example(7, text, unpack_meta(line), tuple(RemoteSpan(*row) for row in label))
        spans, refused = local_spans(example, IDS)
        assert refused == ()
        assert to_sentence(example, spans) == sentence


def test_wire_sends_only_ascii_and_the_same_keys_in_every_line() -> None:
    sentences = make_layer("wire", 30)
    lines = [to_line(s, to_meta(s, "文章", by=1, batch="x.0"), NAMES) for s in sentences]
    assert all(line.isascii() and "\n" not in line for line in lines)
    assert len({tuple(json.loads(line)) for line in lines}) == 1
    assert all(isinstance(v, str) for line in lines for k, v in json.loads(line).items() if k != "label")


@pytest.mark.parametrize(
    ("spans", "reason"),
    [
        ([(0, 1, "地点")], "its offsets do not fit the text"),
        ([(2, 9, "地点")], "its offsets do not fit the text"),
        ([(2, 3, "机构")], "the label is not in the labels file"),
        ([(0, 3, "地点"), (2, 4, "人物")], "it overlaps the span before it"),
    ],
)
def test_wire_names_each_span_that_cannot_come_back(spans: list[tuple[int, int, str]], reason: str) -> None:
    example = Example(1, "𠮷野村", {}, tuple(RemoteSpan(*span) for span in spans))
    kept, refused = local_spans(example, IDS)
    assert [why for _, why in refused] == [reason]
    assert len(kept) + len(refused) == len(spans)


def test_wire_gives_what_a_person_drew_a_source_of_its_own() -> None:
    sent = (Span(0, 2, "PLACE", "lac", 0.5),)
    example = Example(
        1, "白水县林小满", {"pre": spans_to_json(sent)}, (RemoteSpan(0, 2, "地点"), RemoteSpan(3, 6, "人物"))
    )
    assert local_spans(example, IDS)[0] == (*sent, Span(3, 6, "PERSON", "doccano"))


@pytest.mark.parametrize("line", [None, "", "{}", "[1]", "[[1,2]]", '[["a",1,"L","s",null]]', 3])
def test_wire_takes_no_damaged_record_for_spans(line: object) -> None:
    assert spans_from_json(line) is None


@pytest.mark.parametrize("text", ["白水县在", "白水县林"])
def test_wire_notices_a_text_that_was_edited_on_the_server(text: str) -> None:
    sentence = Sentence("0" * 12, 0, 3, "白水县")
    meta = to_meta(sentence, "a", by=1, batch="x.0")
    with pytest.raises(RoundTripError):
        to_sentence(Example(1, text[:3] if text.endswith("林") else text, {**meta, "text_sha": "0" * 12}), ())
    with pytest.raises(RoundTripError):
        to_sentence(Example(1, text, meta), ())


SPANS = st.lists(
    st.builds(
        Span,
        st.integers(0, 9),
        st.integers(10, 20),
        st.sampled_from(sorted(NAMES)),
        TEXTS,
        st.none() | st.floats(0, 1),
    ),
    max_size=4,
)


@given(SPANS, TEXTS, st.sampled_from([set(), {"next"}]))
def test_wire_packs_metadata_into_three_rows_and_back(
    spans: list[Span], article: str, more: set[str]
) -> None:
    meta = to_meta(Sentence("0" * 12, 0, 3, "白水县"), article, by=1, batch="x.0")
    meta["pre"] = spans_to_json(spans)
    meta |= dict.fromkeys(more, spans_to_json(spans[:1]))
    packed = pack_meta(meta)
    assert list(packed)[:3] == ["sid", "article", "biaozhu"]
    assert packed.keys() - {"sid", "article", "biaozhu"} == more
    assert all(isinstance(value, str) for value in packed.values())
    assert unpack_meta(packed) == meta
    assert unpack_meta(json.loads(json.dumps(packed))) == meta
    # The form before had a key for each: it is read as it stands.
    assert unpack_meta(meta) == meta
    assert is_ours(packed)
    assert is_ours(meta)


@pytest.mark.parametrize(
    "record", ["", "[]", "{}", "3", "null", '["a","b"]', '["a","b","c",1]', "[", 7, None, "[" * 100_000]
)
def test_wire_leaves_a_record_that_is_damaged_alone(record: object) -> None:
    assert unpack_meta({"sid": "x", "biaozhu": record}) == {"sid": "x", "biaozhu": record}
    assert pack_meta({"sid": "x", "biaozhu": record}) == {"sid": "x", "biaozhu": record}
    assert is_ours({"sid": "x", "biaozhu": record})


def test_wire_tells_examples_of_other_makers() -> None:
    assert not is_ours({})
    assert not is_ours({"wikiPageID": 1})
