from __future__ import annotations

import json

import pytest
from doccano_layers import make_layer
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import RoundTripError
from biaozhu.data.model import Sentence, Span
from biaozhu.formats.serialization import (
    DoccanoExample,
    RemoteSpan,
    from_remote_spans,
    is_ours,
    make_import_line,
    make_meta,
    pack_meta,
    rebuild_sentence,
    spans_from_json,
    spans_to_json,
    unpack_meta,
)

NAMES = {"PLACE": "地点", "PERSON": "人物", "AMOUNT": "数量"}
IDS = {name: label for label, name in NAMES.items()}
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(st.integers(0, 30))
def test_wire_brings_a_sentence_back_as_it_was(seed: int) -> None:
    for sentence in make_layer("wire", 5, seed=seed):
        line = json.loads(make_import_line(sentence, make_meta(sentence, "wire", by=1, batch="x.0"), NAMES))
        text, label = line.pop("text"), line.pop("label")
        assert line.keys() == {"sid", "article", "biaozhu"}
        example = DoccanoExample(7, text, unpack_meta(line), tuple(RemoteSpan(*row) for row in label))
        spans, refused = from_remote_spans(example, IDS)
        assert refused == ()
        assert rebuild_sentence(example, spans) == sentence


def test_wire_sends_only_ascii_and_the_same_keys_in_every_line() -> None:
    sentences = make_layer("wire", 30)
    lines = [make_import_line(s, make_meta(s, "文章", by=1, batch="x.0"), NAMES) for s in sentences]
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
    example = DoccanoExample(1, "𠮷野村", {}, tuple(RemoteSpan(*span) for span in spans))
    kept, refused = from_remote_spans(example, IDS)
    assert [why for _, why in refused] == [reason]
    assert len(kept) + len(refused) == len(spans)


def test_wire_gives_what_a_person_drew_a_source_of_its_own() -> None:
    sent = (Span(0, 2, "PLACE", "lac", 0.5),)
    example = DoccanoExample(
        1, "白水县林小满", {"pre": spans_to_json(sent)}, (RemoteSpan(0, 2, "地点"), RemoteSpan(3, 6, "人物"))
    )
    assert from_remote_spans(example, IDS)[0] == (*sent, Span(3, 6, "PERSON", "doccano"))


@pytest.mark.parametrize("line", [None, "", "{}", "[1]", "[[1,2]]", '[["a",1,"L","s",null]]', 3])
def test_wire_takes_no_damaged_record_for_spans(line: object) -> None:
    assert spans_from_json(line) is None


@pytest.mark.parametrize("text", ["白水县在", "白水县林"])
def test_wire_notices_a_text_that_was_edited_on_the_server(text: str) -> None:
    sentence = Sentence("0" * 12, 0, 3, "白水县")
    meta = make_meta(sentence, "a", by=1, batch="x.0")
    with pytest.raises(RoundTripError):
        rebuild_sentence(
            DoccanoExample(1, text[:3] if text.endswith("林") else text, {**meta, "text_sha": "0" * 12}), ()
        )
    with pytest.raises(RoundTripError):
        rebuild_sentence(DoccanoExample(1, text, meta), ())


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
def test_wire_packs_metadata_into_three_rows_and_back(spans: list[Span], article: str, more: set[str]) -> None:
    meta = make_meta(Sentence("0" * 12, 0, 3, "白水县"), article, by=1, batch="x.0")
    meta["pre"] = spans_to_json(spans)
    meta |= dict.fromkeys(more, spans_to_json(spans[:1]))
    packed = pack_meta(meta)
    assert list(packed) == ["sid", "article", *more, "biaozhu"]  # its row is hidden as the last
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
