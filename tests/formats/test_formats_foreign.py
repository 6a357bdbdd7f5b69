"""Files that other tools wrote: their ways, their offsets, and what cannot come over is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

import pytest
from format_material import sentences
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as DocSpan
from spacy.vocab import Vocab

from biaozhu.data.errors import BiaozhuError, FormatError
from biaozhu.data.model import Sentence
from biaozhu.formats.convert import export_layer, import_documents, read_documents
from biaozhu.formats.documents import Format, OffsetUnit
from biaozhu.formats.json_rows import read_doccano
from biaozhu.formats.serialization import make_import_line, make_meta

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.formats.convert import ImportedLayer
    from biaozhu.formats.documents import Document

TEXT = "𠮷野在白水县见林小满"  # one character outside the BMP: UTF-16 offsets are one more after it


def read(path: Path, content: str | bytes, form: Format, unit: OffsetUnit | None = None) -> tuple[Document, ...]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_documents(path, form, names={"地点": "PLACE"}, renamed={"LOC": "PLACE"}, unit=unit)


def found(imported: ImportedLayer) -> list[tuple[str, str]]:
    return [(one.text[span.start : span.end], span.label) for one in imported.sentences for span in one.spans]


@pytest.mark.parametrize(
    "row",
    [
        {"data": TEXT, "label": [[4, 7, "地点"]]},
        {"text": TEXT, "labels": [[4, 7, "LOC"]], "id": 3, "Comments": []},
        {
            "text": TEXT,
            "entities": [{"id": 1, "label": "LOC", "start_offset": 4, "end_offset": 7}],
            "relations": [],
        },
    ],
)
def test_formats_doccano_reads_each_way_in_utf16(tmp_path: Path, row: dict) -> None:
    documents = read(tmp_path / "a", json.dumps(row), "doccano")
    assert found(import_documents(documents)) == [("白水县", "PLACE")]
    (shifted,) = read(tmp_path / "a", json.dumps(row), "doccano", "codepoints")
    assert shifted.text[shifted.spans[0].start : shifted.spans[0].end] == "水县见"


def test_formats_doccano_names_what_does_not_fit(tmp_path: Path) -> None:
    spans = [[0, 1, "LOC"], [4, 7, "LOC"], [5, 9, "PER"], [8, 99, "PER"], [3, 3, "PER"], [4, 7, "LOC"]]
    imported = import_documents(read(tmp_path / "a", json.dumps({"data": TEXT, "label": spans}), "doccano"))
    assert found(imported) == [("白水县", "PLACE")]
    assert sorted(entry.reason for entry in imported.entries) == [
        "it overlaps the span before it",
        "its offsets do not fit the text",
        "its offsets do not fit the text",
        "its offsets do not fit the text",
    ]


@given(sentences())
def test_formats_doccano_keeps_source_and_score_of_what_push_sent(made: list[Sentence]) -> None:
    names = {"PLACE": "地点", "PERSON": "人物", "AMOUNT": "数量"}
    lines = [make_import_line(one, make_meta(one, "a", by=1, batch="x.0"), names) for one in made]
    rows = [{"id": number, **json.loads(line), "Comments": []} for number, line in enumerate(lines)]
    assert all("biaozhu" in row and "pre" not in row for row in rows)
    data = "\n".join(json.dumps(row) for row in rows).encode()
    documents = read_doccano(data, where="a", names={name: label for label, name in names.items()})
    assert [(one.sentence_id, one.spans, one.entries) for one in documents] == [(one.id, one.spans, ()) for one in made]


@pytest.mark.parametrize("units", [False, True])
def test_formats_labelstudio_takes_the_counting_that_fits(tmp_path: Path, *, units: bool) -> None:
    start = 3 + units
    result = {
        "type": "labels",
        "value": {"start": start, "end": start + 3, "text": "白水县", "labels": ["LOC"]},
    }
    task = {"data": {"text": TEXT}, "annotations": [{"result": [result]}]}
    assert found(import_documents(read(tmp_path / "a", json.dumps([task]), "labelstudio"))) == [("白水县", "PLACE")]


@pytest.mark.parametrize("key", ["drafts", "predictions"])
@pytest.mark.parametrize(
    ("annotations", "losses"), [([{"result": []}], []), ([], ["7"]), ([{"was_cancelled": True}], ["7"])]
)
def test_formats_labelstudio_names_ids_where_nobody_finished(
    tmp_path: Path, key: str, annotations: list, losses: list[str]
) -> None:
    task = {"data": {"text": TEXT}, "annotations": annotations, "drafts": [], "predictions": [], key: [7]}
    (document,) = read(tmp_path / "a", json.dumps([task]), "labelstudio")
    assert [(one.severity, one.text) for one in document.entries] == [("loss", f"{key} {one}") for one in losses]


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
    imported = import_documents(read(tmp_path / "a", json.dumps([task]), "labelstudio"))
    assert found(imported) == [("林小满", "PER")]
    assert sorted(entry.reason for entry in imported.entries) == [
        "a result of type 'choices' is not a span of a text",
        *["another version of the task has it"] * 2,
    ]


@pytest.mark.parametrize("form", ["doccano", "labelstudio", "conll"])
def test_formats_say_once_that_a_file_is_of_another_format(tmp_path: Path, form: Format) -> None:
    content = '[\n {"a": 1},\n {"b": 2}\n]' if form == "conll" else "白\tB-LOC\n水\tO\n" * 50
    with pytest.raises(BiaozhuError) as problem:
        read(tmp_path / "a", content, form)
    assert problem.value.code == "BZ060"


def brat(folder: Path, text: str, ann: str) -> ImportedLayer:
    (folder / "doc.txt").write_bytes(text.encode())
    (folder / "doc.ann").write_text(ann, encoding="utf-8")
    return import_documents(read_documents(folder, "brat", names={}, renamed={}))


def test_formats_brat_reads_fragments_and_names_what_is_no_span(tmp_path: Path) -> None:
    text = "在白水\n  县见林小满和林先生"
    imported = brat(
        tmp_path,
        text,
        "T1\tPLACE 1 3;6 7\t白水 县\nT2\tPERSON 8 9;11 12\t林 和\nT3\tPERSON 8 11\t林大满\n"
        "R1\tKnows Arg1:T1 Arg2:T2\nT4\tPERSON 12 15\t林先生\n#1\tAnnotatorNotes T4\t谁？\n",
    )
    assert found(imported) == [("白水\n  县", "PLACE"), ("林先生", "PERSON")]
    assert [entry.reason for entry in imported.entries] == [
        "notes are not spans",
        "relations, events and attributes are not spans",
        "it is discontinuous",
        "its text is not the text at its offsets",
    ]
    assert imported.raws == {"doc": text}


def test_formats_brat_names_what_crosses_our_sentences(tmp_path: Path) -> None:
    layer = [Sentence("a" * 12, 0, 4, "在白水县"), Sentence("a" * 12, 9, 12, "林小满")]
    made = export_layer(layer, "brat", names={})
    for name, content in made.files.items():
        (tmp_path / name).write_bytes(content)
    ann = "T1\tPLACE 1 4\t白水县\nT2\tPERSON 3 4;5 7\t县 林小\nT3\tPERSON 5 8\t林大满\nA1\tSure T1\n"
    (tmp_path / f"{'a' * 12}.ann").write_text(ann, encoding="utf-8")
    imported = import_documents(read_documents(tmp_path, "brat", names={}, renamed={}))
    assert found(imported) == [("白水县", "PLACE")]
    assert [(one.sentence, one.start, one.end, one.reason) for one in imported.entries] == [
        (layer[0].id, 0, 0, "relations, events and attributes are not spans"),
        (layer[0].id, 3, 7, "it crosses a sentence's border"),
        (layer[1].id, 0, 3, "its text is not the text at its offsets"),
    ]
    (tmp_path / f"{'a' * 12}.txt").write_text("别的", encoding="utf-8")
    with pytest.raises(FormatError):
        read_documents(tmp_path, "brat", names={}, renamed={})


@given(before=st.text(st.sampled_from("𠮷😀在\u0301\r\n"), max_size=6), units=st.booleans())
def test_formats_brat_takes_the_counting_that_fits(
    tmp_path_factory: pytest.TempPathFactory, before: str, *, units: bool
) -> None:
    start = len(before.encode("utf-16-le")) // 2 if units else len(before)
    text = f"{before}白水县"
    imported = brat(tmp_path_factory.mktemp("b"), text, f"T1\tPLACE {start} {start + 3}\t白水县\n")
    assert found(imported) == [("白水县", "PLACE")]
    assert imported.entries == ()


def test_formats_count_ids_that_come_twice(tmp_path: Path) -> None:
    rows = [{"id": one, "text": PLAIN, "label": [[1, 4, label]]} for one, label in [(1, "LOC"), (1, "PER"), (2, "PER")]]
    of_rows = import_documents(read(tmp_path / "a", "\n".join(map(json.dumps, rows)), "doccano"))
    of_lines = brat(tmp_path, "在白水县", "T1\tLOC 1 3\t白水\nT2\tLOC 3 4\t县\nT1\tLOC 0 1\t在\n")
    for imported in (of_rows, of_lines):
        assert len(found(imported)) == 3
        assert [entry.severity for entry in imported.entries] == ["decision"]


def test_formats_docbin_reads_words_and_names_groups(tmp_path: Path) -> None:
    doc = Doc(Vocab(), words=["Lin", "visited", "白水县"], spaces=[True, True, False])
    doc.ents, doc.cats = [DocSpan(doc, 2, 3, label="LOC")], {"news": 1.0}
    doc.spans["sc"] = [DocSpan(doc, 0, 1, label="PER"), DocSpan(doc, 2, 3, label="LOC")]
    imported = import_documents(read(tmp_path / "a", DocBin(docs=[doc]).to_bytes(), "spacy"))
    assert imported.sentences[0].text == "Lin visited 白水县"
    assert found(imported) == [("白水县", "PLACE")]
    assert [(entry.text, entry.reason) for entry in imported.entries] == [
        ("news", "categories are not spans"),
        ("Lin", "it is in doc.spans['sc'] and no entity"),
    ]


@pytest.mark.parametrize("form", ["doccano", "labelstudio", "conll", "spacy"])
@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"nothing", b"[1]", b'{"text": 3}', b'[{"data": {"a": "x", "b": "y"}}]', b"\x00" * 20,
     b'{"text": "\\ud800", "label": []}', b'{"text": "x", "label": [[0, 1, "A"]], "label": []}', b"[" * 100_000, b"x\xe2\x80\xa8y"],
)  # fmt: skip
def test_formats_refuse_other_files_in_one_line(tmp_path: Path, form: Format, content: bytes) -> None:
    with pytest.raises(FormatError) as problem:
        read(tmp_path / "a", content, form)
    assert len(str(problem.value).splitlines()) == 1


def test_formats_doccano_names_an_indented_row_once(tmp_path: Path) -> None:
    rows = b'{\n "text": "x",\n "label": [\n  [0, 1, "A"],,\n ]\n}\n{"text": "y", "label": []}\n7\n'
    with pytest.raises(BiaozhuError) as problem:
        read(tmp_path / "a", rows, "doccano")
    assert [line.split()[0] for line in str(problem.value).splitlines()] == ["BZ060", "BZ060", "BZ001"]


@given(
    content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)),
    form=st.sampled_from(get_args(Format)),
)
def test_formats_raise_nothing_but_their_errors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, form: Format
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.ann"
    path.with_suffix(".txt").write_text(TEXT, encoding="utf-8")
    try:
        imported = import_documents(read(path, content, form))
    except BiaozhuError:
        return
    for sentence in imported.sentences:
        raw = next(iter(imported.raws.values()))
        assert raw[sentence.start : sentence.end] == sentence.text


@pytest.mark.parametrize("key", ["label", "labels", "Label", "entities", "annotations", "spans"])
@pytest.mark.parametrize("value", ["y", {"a": 1}, ["y"], [[0, 1]], [{"start": 0, "label": "LOC"}], [["a", "b", "c"]]])
def test_formats_doccano_refuses_what_is_no_span_where_spans_should_be(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(FormatError):
        read(tmp_path / "a", json.dumps({"text": TEXT, key: value}), "doccano")


PLAIN = "去曲阳县看林小满"
PLACE = [("曲阳县", "PLACE")]


@pytest.mark.parametrize(
    "row",
    [
        *({"text": PLAIN, key: [[1, 4, "LOC"]]} for key in ("annotations", "spans", "tags", "Label", "ner")),
        {"text": PLAIN, "annotations": [{"label": "LOC", "start_offset": 1, "end_offset": 4}]},
        {"text": PLAIN, "spans": [{"start": 1, "end": 4, "label": "LOC", "token_start": 1, "token_end": 3}]},
        {"text": PLAIN, "spans": [{"start": 1, "end": 4, "type": "LOC", "text": "曲阳县"}], "tokens": [{"text": "去", "start": 0, "end": 1, "id": 0, "tag": "VV"}]},
        {"text": PLAIN, "prediction": [["LOC", 1, 4, 0.5]], "meta": {"page": 3}, "topics": ["a", "b"]},
        {"text": PLAIN, "label": [{"start": "1", "end": "4", "text": "曲阳县", "labels": ["LOC"]}]},
        {"content": PLAIN, "entities": [{"begin": 1, "end": 4, "entity_group": "LOC", "score": 0.5}]},
        [PLAIN, {"entities": [[1, 4, "LOC"]]}],
    ],
)  # fmt: skip
def test_formats_doccano_reads_spans_under_any_key(tmp_path: Path, row: object) -> None:
    imported = import_documents(read(tmp_path / "a", json.dumps(row), "doccano"))
    assert found(imported) == PLACE
    assert imported.entries == ()


def test_formats_doccano_names_what_stands_among_spans_and_is_none(tmp_path: Path) -> None:
    row = {
        "text": PLAIN,
        "tags": [[1, 4, "LOC"], "draft", [9]],
        "relations": [{"id": 1, "from_id": 1, "to_id": 2}],
    }
    imported = import_documents(read(tmp_path / "a", json.dumps(row), "doccano"))
    assert found(imported) == PLACE
    assert [entry.severity for entry in imported.entries] == ["loss"] * 3


@pytest.mark.parametrize("form", ["doccano", "labelstudio"])
def test_formats_json_is_read_over_any_number_of_lines(tmp_path: Path, form: Format) -> None:
    span = {"start": 1, "end": 4, "text": "曲阳县", "labels": ["LOC"]}
    rows = [{"text": f"{PLAIN}{number}", "label": [span]} for number in range(3)]
    lines = "\n".join(json.dumps(row) for row in rows)
    objects = "\n".join(json.dumps(row, indent=1) for row in rows)
    for content in (json.dumps(rows), json.dumps(rows, indent=2), lines, objects):
        documents = read(tmp_path / "a", content, form)
        assert [document.text for document in documents] == [row["text"] for row in rows]
        assert found(import_documents(documents)) == PLACE * 3
    with pytest.raises(BiaozhuError) as problem:
        read(tmp_path / "a", f"{lines}\n{{\n[1]\n{lines}", form)
    assert str(problem.value).count("BZ060") == 2


def test_formats_labelstudio_takes_one_version_of_a_task_in_json_min(tmp_path: Path) -> None:
    def row(start: int, end: int, time: str) -> dict:
        span = {"start": start, "end": end, "text": PLAIN[start:end], "labels": ["LOC"]}
        return {"id": 1, "text": PLAIN, "ner": [span], "annotator": 2, "updated_at": time}

    rows = [row(1, 4, "2030-01-02"), row(1, 3, "2030-01-01"), {"id": 2, "text": PLAIN, "ner": ["LOC"]}]
    imported = import_documents(read(tmp_path / "a", json.dumps(rows), "labelstudio"))
    assert found(imported) == PLACE
    assert [(entry.severity, entry.text) for entry in imported.entries] == [("loss", "曲阳"), ("loss", "LOC")]


@pytest.mark.parametrize(
    ("text", "start", "end", "said", "expected"),
    [
        ("去年\r\n在曲阳县\r\n看", 4, 7, "曲阳县", 5),  # offsets that count CR LF as one
        ("曲阳县\r\n\r\n曲阳县\r\n\r\n\r\n曲阳县", 11, 14, "曲阳县", 16),
        ("去曲阳县", 1, 5, "曲阳县", 1),  # the end beyond the text
        ("去曲阳县，看曲阳县", 2, 5, "曲阳县", 1),  # one too many, and another mention further on
        ("去曲阳县", 90, 93, "曲阳县", 1),
        ("在曲阳\r\n县", 1, 5, "曲阳\n县", 1),
        ("曲阳县，看看，曲阳县", 4, 7, "曲阳县", None),  # either may be meant
        ("人人人人", 9, 10, "人", None),
        ("看哈哈哈", 7, 9, "哈哈", None),  # either may be meant, though they overlap
        ("看哈哈哈", 0, 2, "哈哈", 1),
        ("哈哈哈看", 9, 11, "哈哈", None),
        ("\r\n\r\n在曲阳县", 0, 3, "曲阳县", 5),
        ("去曲阳县", 1, 4, "唐县", None),
    ],
)
def test_formats_move_a_span_to_its_stated_text_where_only_one_place_is_meant(
    tmp_path: Path, text: str, start: int, end: int, said: str, expected: int | None
) -> None:
    value = {"start": start, "end": end, "text": said, "labels": ["LOC"]}
    task = {"data": {"text": text}, "annotations": [{"result": [{"type": "labels", "value": value}]}]}
    (document,) = read(tmp_path / "a", json.dumps([task]), "labelstudio")
    assert [span.start for span in document.spans] == ([] if expected is None else [expected])
    moved = bool(expected is not None and document.entries)
    assert [entry.severity for entry in document.entries] == ["decision" if moved else "loss"] * (
        moved or expected is None
    )


@pytest.mark.parametrize("edges", [" ", "\u3000", "\r\n", "\t \n"])
def test_formats_cut_white_space_at_edges_and_say_so(tmp_path: Path, edges: str) -> None:
    text = f"去{edges}曲阳县{edges}看"
    spans = [[1, 4 + 2 * len(edges), "LOC"], [1, 1 + len(edges), "PER"]]
    row = {"text": text, "label": spans}
    imported = import_documents(read(tmp_path / "a", json.dumps(row), "doccano"))
    assert found(imported) == PLACE
    assert sorted(entry.severity for entry in imported.entries) == ["decision", "loss"]


def test_formats_doccano_takes_no_code_points_for_utf16(tmp_path: Path) -> None:
    row = {"text": TEXT, "label": [[3, 6, "LOC"], [0, 2, "PER"]]}
    (document,) = read(tmp_path / "a", json.dumps(row), "doccano")
    # Both units fit at different places.
    assert document.spans == ()
    assert [entry.severity for entry in document.entries] == ["loss", "loss"]
    for unit, said in (("codepoints", "白水县"), ("utf16", "在白水")):
        (document,) = read(tmp_path / "a", json.dumps(row), "doccano", unit)
        assert document.text[document.spans[0].start : document.spans[0].end] == said
        assert document.entries == ()
    # An offset within a character, beyond the text, or a stated text leaves one unit.
    for more in ([1, 2, "PER"], [9, 11, "PER"], {"start": 3, "end": 6, "label": "LOC", "text": "白水县"}):
        rows = {"text": TEXT, "label": [*row["label"], more]}
        (document,) = read(tmp_path / "a", json.dumps(rows), "doccano")
        assert len(document.spans) == 3
