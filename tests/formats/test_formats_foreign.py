"""Files that other tools wrote: their ways, their offsets, and what cannot come over is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from format_material import sentences
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as DocSpan
from spacy.vocab import Vocab

from biaozhu.data.errors import BiaozhuError, FormatError
from biaozhu.data.model import Sentence
from biaozhu.formats.convert import export_layer, read_documents
from biaozhu.formats.doccano_jsonl import read_doccano
from biaozhu.formats.format_names import Format, Units
from biaozhu.formats.importing import settle
from biaozhu.formats.serialization import to_line, to_meta

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.formats.foreign_document import Document
    from biaozhu.formats.importing import Settled

TEXT = "𠮷野在白水县见林小满"  # one character outside the BMP: UTF-16 offsets are one more after it


def read(path: Path, content: str | bytes, form: Format, units: Units | None = None) -> tuple[Document, ...]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_documents(path, form, names={"地点": "PLACE"}, renamed={"LOC": "PLACE"}, units=units)


def found(settled: Settled) -> list[tuple[str, str]]:
    return [(one.text[span.start : span.end], span.label) for one in settled.sentences for span in one.spans]


@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "label": [[4, 7, "地点"]]},
        {"text": TEXT, "labels": [[4, 7, "LOC"]], "id": 3, "Comments": []},
        {
            "text": TEXT,
            "entities": [{"id": 1, "label": "LOC", "start_offset": 4, "end_offset": 7}],
            "relations": [],
        },
    ],
)
def test_formats_doccano_reads_each_way_in_utf16(tmp_path: Path, row: dict) -> None:
    documents = read(tmp_path / "a", json.dumps(row), Format.doccano)
    assert found(settle(documents)) == [("白水县", "PLACE")]
    (shifted,) = read(tmp_path / "a", json.dumps(row), Format.doccano, Units.codepoints)
    assert shifted.text[shifted.spans[0].start : shifted.spans[0].end] == "水县见"


def test_formats_doccano_names_what_does_not_fit(tmp_path: Path) -> None:
    spans = [[0, 1, "LOC"], [4, 7, "LOC"], [5, 9, "PER"], [8, 99, "PER"], [3, 3, "PER"], [4, 7, "LOC"]]
    settled = settle(read(tmp_path / "a", json.dumps({"text": TEXT, "label": spans}), Format.doccano))
    assert found(settled) == [("白水县", "PLACE")]
    assert sorted(entry.reason for entry in settled.entries) == [
        "it overlaps the span before it",
        "its offsets do not fit the text",
        "its offsets do not fit the text",
        "its offsets do not fit the text",
    ]


@given(sentences())
def test_formats_doccano_keeps_source_and_score_of_what_push_sent(made: list[Sentence]) -> None:
    names = {"PLACE": "地点", "PERSON": "人物", "AMOUNT": "数量"}
    lines = [to_line(one, to_meta(one, "a", by=1, batch="x.0"), names) for one in made]
    rows = [{"id": number, **json.loads(line), "Comments": []} for number, line in enumerate(lines)]
    assert all("biaozhu" in row and "pre" not in row for row in rows)
    data = "\n".join(json.dumps(row) for row in rows).encode()
    documents = read_doccano(data, where="a", names={name: label for label, name in names.items()})
    assert [(one.sid, one.spans, one.refused) for one in documents] == [
        (one.id, one.spans, ()) for one in made
    ]


@pytest.mark.parametrize("units", [False, True])
def test_formats_labelstudio_takes_the_counting_that_fits(tmp_path: Path, *, units: bool) -> None:
    start = 3 + units
    result = {
        "type": "labels",
        "value": {"start": start, "end": start + 3, "text": "白水县", "labels": ["LOC"]},
    }
    task = {"data": {"text": TEXT}, "annotations": [{"result": [result]}]}
    assert found(settle(read(tmp_path / "a", json.dumps([task]), Format.labelstudio))) == [
        ("白水县", "PLACE")
    ]


def test_formats_labelstudio_takes_one_version_and_names_the_rest(tmp_path: Path) -> None:
    def version(start: int, end: int, **more: object) -> dict:
        value = {"start": start, "end": end, "text": TEXT[start:end], "labels": ["PER"]}
        return {"result": [{"type": "labels", "value": value}], **more}

    choices = {"result": [{"type": "choices", "id": "c1", "value": {"choices": ["x"]}}]}
    task = {
        "data": {"body": TEXT},
        "annotations": [
            version(7, 10, ground_truth=True),
            version(7, 9, updated_at="2030-01-01"),
            version(0, 2, was_cancelled=True),
            choices,
        ],
        "predictions": [version(0, 1)],
    }
    settled = settle(read(tmp_path / "a", json.dumps([task]), Format.labelstudio))
    assert found(settled) == [("林小满", "PER")]
    assert sorted(entry.reason for entry in settled.entries) == [
        "a result of type 'choices' is no span of a text",
        "another version of the task has it",
    ]


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        ("白 B-LOC\n水 I-LOC\n# O\n见 O", [("白水", "PLACE")]),
        ("白\tB\tB-LOC\n水\tE\tE-LOC\n县\tS\tS-LOC", [("白水", "PLACE"), ("县", "PLACE")]),
        ("白 I-LOC\n水 I-LOC\n见 I-PER\n了 O", [("白水", "PLACE"), ("见", "PER")]),
        ("白 B-LOC\n水 M-LOC\n县 E-LOC\n村 B-LOC", [("白水县", "PLACE"), ("村", "PLACE")]),
        ("白 U-LOC\r\n水 B-LOC\r\n县 L-LOC\r\n\r\n见 O", [("白", "PLACE"), ("水县", "PLACE")]),
        ("-DOCSTART- -X- O O\n\n白水 NN B-LOC\n县 NN I-LOC", [("白水县", "PLACE")]),
        ("\\u{20} B-LOC\n# comment\n水 O", [("\\u{20}", "PLACE")]),
    ],
)
def test_formats_conll_reads_the_schemes_of_others(
    tmp_path: Path, lines: str, spans: list[tuple[str, str]]
) -> None:
    assert found(settle(read(tmp_path / "a", lines, Format.conll))) == spans


def brat(folder: Path, text: str, ann: str) -> Settled:
    (folder / "doc.txt").write_bytes(text.encode())
    (folder / "doc.ann").write_text(ann, encoding="utf-8")
    return settle(read_documents(folder, Format.brat, names={}, renamed={}))


def test_formats_brat_reads_fragments_and_names_what_is_no_span(tmp_path: Path) -> None:
    text = "在白水\n  县见林小满和林先生"
    settled = brat(
        tmp_path,
        text,
        "T1\tPLACE 1 3;6 7\t白水 县\nT2\tPERSON 8 9;11 12\t林 和\nT3\tPERSON 8 11\t林小\n"
        "R1\tKnows Arg1:T1 Arg2:T2\nT4\tPERSON 12 15\t林先生\n#1\tAnnotatorNotes T4\t谁？\n",
    )
    assert found(settled) == [("白水\n  县", "PLACE"), ("林先生", "PERSON")]
    assert [entry.reason for entry in settled.entries] == [
        "relations, events and attributes are no spans",
        "it is discontinuous",
        "its text is not what stands there",
    ]
    assert settled.raws == {"doc": text}


def test_formats_brat_names_what_crosses_our_sentences(tmp_path: Path) -> None:
    layer = [Sentence("a" * 12, 0, 4, "在白水县"), Sentence("a" * 12, 9, 12, "林小满")]
    made, _ = export_layer(layer, Format.brat, names={})
    for name, content in made.files.items():
        (tmp_path / name).write_bytes(content)
    ann = "T1\tPLACE 1 4\t白水县\nT2\tPERSON 3 4;5 7\t县 林小\nT3\tPERSON 5 8\t林大满\nA1\tSure T1\n"
    (tmp_path / f"{'a' * 12}.ann").write_text(ann, encoding="utf-8")
    settled = settle(read_documents(tmp_path, Format.brat, names={}, renamed={}))
    assert found(settled) == [("白水县", "PLACE")]
    assert [(one.sentence, one.start, one.end, one.reason) for one in settled.entries] == [
        (layer[0].id, 0, 0, "relations, events and attributes are no spans"),
        (layer[0].id, 3, 7, "it crosses a sentence's border"),
        (layer[1].id, 0, 3, "its text is not what stands there"),
    ]
    (tmp_path / f"{'a' * 12}.txt").write_text("别的", encoding="utf-8")
    with pytest.raises(FormatError, match="written for another text"):
        read_documents(tmp_path, Format.brat, names={}, renamed={})


@given(before=st.text(st.sampled_from("𠮷😀在\u0301\r\n"), max_size=6), units=st.booleans())
def test_formats_brat_takes_the_counting_that_fits(
    tmp_path_factory: pytest.TempPathFactory, before: str, *, units: bool
) -> None:
    start = len(before.encode("utf-16-le")) // 2 if units else len(before)
    text = f"{before}白水县"
    settled = brat(tmp_path_factory.mktemp("b"), text, f"T1\tPLACE {start} {start + 3}\t白水县\n")
    assert found(settled) == [("白水县", "PLACE")]
    assert settled.entries == ()


def test_formats_docbin_reads_words_and_names_groups(tmp_path: Path) -> None:
    doc = Doc(Vocab(), words=["Lin", "visited", "白水县"], spaces=[True, True, False])
    doc.ents = [DocSpan(doc, 2, 3, label="LOC")]
    doc.spans["sc"] = [DocSpan(doc, 0, 1, label="PER"), DocSpan(doc, 2, 3, label="LOC")]
    settled = settle(read(tmp_path / "a", DocBin(docs=[doc]).to_bytes(), Format.spacy))
    assert settled.sentences[0].text == "Lin visited 白水县"
    assert found(settled) == [("白水县", "PLACE")]
    assert [(entry.text, entry.reason) for entry in settled.entries] == [
        ("Lin", "it is in doc.spans['sc'] and no entity")
    ]


@pytest.mark.parametrize("form", [Format.doccano, Format.labelstudio, Format.conll, Format.spacy])
@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"nothing", b"[1]", b'{"text": 3}', b'[{"data": {"a": "x", "b": "y"}}]', b"\x00" * 20,
     b'{"text": "\\ud800", "label": []}', b'{"text": "x", "label": ["y"]}', b"[" * 100_000, b"x\xe2\x80\xa8y"],
)  # fmt: skip
def test_formats_refuse_other_files_in_one_line(tmp_path: Path, form: Format, content: bytes) -> None:
    with pytest.raises(FormatError) as problem:
        read(tmp_path / "a", content, form)
    assert len(str(problem.value).splitlines()) == 1


@given(
    content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)),
    form=st.sampled_from(Format),
)
def test_formats_raise_nothing_but_their_errors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, form: Format
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.ann"
    path.with_suffix(".txt").write_text(TEXT, encoding="utf-8")
    try:
        settled = settle(read(path, content, form))
    except BiaozhuError:
        return
    for sentence in settled.sentences:
        raw = next(iter(settled.raws.values()))
        assert raw[sentence.start : sentence.end] == sentence.text
