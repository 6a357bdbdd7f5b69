"""The commands themselves: files written, losses named, bad input in one line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from biaozhu.cli import run
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.ledger import read_ledger
from biaozhu.data.model import Sentence, Span
from biaozhu.data.outputs import CHANGED, UNMARKED
from biaozhu.formats.docbin import ATTRIBUTES
from biaozhu.reading.article import read_article

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "林小满在白水县有3万元。"
SPANS = (Span(0, 3, "PERSON", "a", 0.5), Span(4, 7, "PLACE", "b"), Span(8, 11, "AMOUNT", "c", 1.0))


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    path = tmp_path / "layer.jsonl"
    write_layer(path, [Sentence("a" * 12, 5, 5 + len(TEXT), TEXT, SPANS)])
    return path


@pytest.mark.parametrize("form", ["doccano", "spacy", "labelstudio", "brat"])
def test_formats_commands_bring_a_layer_there_and_back(tmp_path: Path, layer: Path, form: str) -> None:
    assert run(["export", str(layer), "-f", form, "-o", str(tmp_path / "other")]) == 0
    assert run(["import", str(tmp_path / "other"), "-f", form, "-o", str(tmp_path / "back.jsonl")]) == 0
    assert (tmp_path / "back.jsonl").read_bytes() == layer.read_bytes()


@pytest.mark.parametrize("more", [{}, {"Comments": []}, {"Comments": [], "label": []}])
def test_formats_commands_take_no_spans_of_metadata(tmp_path: Path, more: dict) -> None:
    # A regression test: pages were spans. Where Doccano has not written the row, they may be, and are named as lost.
    row = {"text": TEXT, "label": [[4, 7, "PLACE"]], "pages": [[0, 3, "上"]]} | more
    source, output = tmp_path / "foreign.jsonl", tmp_path / "layer.jsonl"
    source.write_text(json.dumps(row), "utf-8")
    assert run(["import", str(source), "-f", "doccano", "-o", str(output)]) == (0 if more else 1)
    assert [span.key for span in read_layer(output)[0].spans] == [(4, 7, "PLACE")][: len(row["label"])]


THEIR_TASK = {"id": 7, "data": {"text": TEXT, "sid": f"{'a' * 12}:5-17"}, "annotations": [{"id": 1, "result": []}]}


@pytest.mark.parametrize(
    ("form", "theirs"),
    [
        ("labelstudio", json.dumps([THEIR_TASK], indent=1)),
        ("labelstudio", '[{"data": [1, 2, 3]}]'),
        ("doccano", json.dumps({"id": 1, "text": TEXT, "label": [], "sid": "a", "pre": "[]", "Comments": []})),
        ("doccano", '{"text": "x", "label": 1}\n'),
        ("csv", "\ufeffarticle,sentence,start,end,text,remark\r\n"),
        ("conll", "# biaozhu ist toll\n白\tB-LOC\n"),
        ("spacy", DocBin(docs=[Doc(Vocab(), words=["x"])]).to_bytes()),
        ("spacy", DocBin(attrs=ATTRIBUTES, docs=[Doc(Vocab(), words=["x"])]).to_bytes()),
        ("brat", "T1\tPERSON 0 3\t林小满\n#1\tAnnotatorNotes T1\t?\n"),
    ],
)
def test_formats_commands_export_replaces_what_it_wrote_alone(
    tmp_path: Path, layer: Path, form: str, theirs: str | bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "other"
    command = ["export", str(layer), "-f", form, "-o", str(output)]
    assert run(command) == run(command) == 0
    write_layer(layer, [replace(one, spans=one.spans[1:]) for one in read_layer(layer)])
    assert run(command) == 0  # of the layer as it is now
    file = output / "layer.ann" if form == "brat" else output
    file.write_bytes(theirs if isinstance(theirs, bytes) else theirs.encode())
    before = file.read_bytes()
    capsys.readouterr()
    assert run(command) == 2
    assert capsys.readouterr().err.startswith(f"BZ008 {file}: ")
    assert file.read_bytes() == before


def test_formats_commands_export_takes_no_earlier_export_for_a_changed_one(
    tmp_path: Path, layer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", str(layer), "-f", "brat", "-o", str(tmp_path / "other")]
    assert run(command) == 0
    marks, _, rows = (sidecar := tmp_path / "other" / "layer.sentences.jsonl").read_bytes().partition(b"\n")
    sidecar.write_bytes(json.dumps({"text_sha": json.loads(marks)["text_sha"]}).encode() + b"\n" + rows)
    assert run(command) == 0  # it is the same still
    sidecar.write_bytes(json.dumps({"text_sha": json.loads(marks)["text_sha"]}).encode() + b"\n" + rows)
    write_layer(layer, [replace(one, spans=one.spans[1:]) for one in read_layer(layer)])
    capsys.readouterr()
    assert run(command) == 2
    said = capsys.readouterr().err
    assert (said.split()[0], CHANGED in said, UNMARKED in said) == ("BZ008", False, True)
    (tmp_path / "other" / "layer.ann").unlink()
    assert run(command) == 0


def their_version(*start_and_end: int, **more: object) -> dict:
    start, end = start_and_end or (0, 0)
    value = {"start": start, "end": end, "text": TEXT[start:end], "labels": ["PLACE"]}
    result = {"type": "labels", "value": value, "meta": {"text": ["不", "确定"] if end == 3 else []}}
    return {"result": [result] if start_and_end else None, **more}


BESIDE = {
    "annotations": [their_version(4, 7), their_version(4, 6, was_cancelled=True)],
    "drafts": [their_version(5, 7)],
}


@pytest.mark.parametrize(
    ("form", "files", "lost", "kept"),
    [
        ("brat", {"a.txt": TEXT, "a.ann": "#1\tAnnotatorNotes T1\t?\n", "b.txt": TEXT}, ["#1\tAnnotatorNotes T1\t?", "b.txt"], []),
        ("brat", {"a.txt": TEXT, "a.ann": "T1\tPLACE 4 7\t白水县\n", "sub/c.txt": TEXT, "sub/c.ann": "", "sub/d.txt": TEXT}, ["sub/c.ann", "sub/d.txt"], ["白水县"]),
        ("labelstudio", {"annotations": [], "drafts": [their_version(4, 7)]}, ["白水县"], []),
        ("labelstudio", {"annotations": [their_version(4, 7, was_cancelled=True)]}, ["白水县"], []),
        ("labelstudio", {"predictions": [their_version(4, 6), their_version(4, 7)]}, ["白水"], ["白水县"]),
        ("labelstudio", BESIDE | {"predictions": [their_version(4, 7), their_version(0, 2)]}, ["水县", "白水"], ["白水县"]),
        ("labelstudio", {"annotations": [their_version(0, 3)]}, ["不 确定"], ["林小满"]),
        ("doccano", {"Comments": ["不确定", "?"], "cats": ["x"]}, ["不确定", "?", "x"], []),
        ("doccano", {"comments": "不确定", "Cats": {"x": 1}}, ["不确定", '{"x": 1}'], []),
    ],
)  # fmt: skip
def test_formats_commands_name_each_loss(
    tmp_path: Path, form: str, files: dict, lost: list[str], kept: list[str]
) -> None:
    source, output = tmp_path / "theirs", tmp_path / "layer.jsonl"
    if form == "brat":
        (source / "sub").mkdir(parents=True)
        for name, content in files.items():
            (source / name).write_text(content, encoding="utf-8")
    else:
        row = {"text": TEXT, **files} if form == "doccano" else {"data": {"text": TEXT}, **files}
        source.write_text(json.dumps(row), encoding="utf-8")
    assert run(["import", str(source), "-f", form, "-o", str(output), "--ledger"]) == 1
    entries = read_ledger(output.with_suffix(".ledger.jsonl"))
    assert [(entry.severity, entry.text) for entry in entries] == [("loss", text) for text in lost]
    assert [one.text[span.start : span.end] for one in read_layer(output) for span in one.spans] == kept


def test_formats_commands_name_the_folder_of_brat_within_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    within = tmp_path / "theirs" / "empty" / "sub"
    within.mkdir(parents=True)
    (within / "a.txt").write_text(TEXT, encoding="utf-8")
    command = ["import", str(tmp_path / "theirs"), "-f", "brat", "-o", str(tmp_path / "layer.jsonl")]
    for named in (False, True):
        assert run(command) == 2
        assert (said := capsys.readouterr().err).startswith("BZ060 ")
        assert (str(within) in said) is named
        (within / "a.ann").touch()


def test_formats_commands_make_an_article_of_foreign_texts(tmp_path: Path) -> None:
    rows = [
        {"text": TEXT, "label": [[4, 7, "LOC"], [5, 8, "PER"]]},
        {"text": TEXT, "label": []},
        {"text": ""},
    ]
    source = tmp_path / "foreign.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    output = tmp_path / "out" / "layer.jsonl"
    assert run(["import", str(source), "-f", "doccano", "-o", str(output), "--map", "LOC=PLACE", "--ledger"]) == 1
    article = read_article(output.with_suffix(".txt"))
    sentences = read_layer(output)
    assert [sentence.article for sentence in sentences] == [article.id, article.id]
    assert [article.raw[one.start : one.end] for one in sentences] == [TEXT, TEXT]
    assert [span.key for span in sentences[0].spans] == [(4, 7, "PLACE")]
    lost, empty = read_ledger(tmp_path / "out" / "layer.ledger.jsonl")
    assert (lost.sentence, lost.start, lost.end, lost.text) == (sentences[0].id, 5, 8, "水县有")
    assert (empty.severity, empty.sentence) == ("decision", "document 3")


@pytest.mark.parametrize("content", ["", '{"text": ""}\n', '{"text": ""}\n{"text": "", "label": []}\n'])
def test_formats_commands_import_no_layer_without_text(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "foreign.jsonl", tmp_path / "layer.jsonl"
    source.write_text(content, encoding="utf-8")
    assert run(["import", str(source), "-f", "doccano", "-o", str(output), "--ledger"]) == 2
    assert capsys.readouterr().err.startswith(f"BZ060 {source}: ")
    assert list(tmp_path.iterdir()) == [source]


def test_formats_commands_overwrite_no_other_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = tmp_path / "foreign.jsonl", tmp_path / "seed.jsonl"
    source.write_text(json.dumps({"text": TEXT, "label": []}), encoding="utf-8")
    (tmp_path / "seed.txt").write_text("别的文章。", encoding="utf-8")
    assert run(["import", str(source), "-f", "doccano", "-o", str(output)]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert (tmp_path / "seed.txt").read_text("utf-8") == "别的文章。"
    assert not output.exists()
    (tmp_path / "seed.txt").write_text(TEXT, encoding="utf-8")
    assert run(["import", str(source), "-f", "doccano", "-o", str(output)]) == 0


def test_formats_commands_find_foreign_texts_in_the_article(tmp_path: Path) -> None:
    seed = tmp_path / "seed.txt"
    seed.write_text(f"标题\r\n　　{TEXT}{TEXT}\r\n", encoding="utf-8", newline="")
    source = tmp_path / "bio"
    source.write_text("\n\n".join("\n".join(f"{one} O" for one in TEXT) for _ in range(2)), encoding="utf-8")
    output = tmp_path / "layer.jsonl"
    assert run(["import", str(source), "-f", "conll", "-o", str(output), "--article", str(seed)]) == 0
    first, second = read_layer(output)
    assert (first.start, second.start) == (6, 6 + len(TEXT))
    assert first.article == read_article(seed).id


@pytest.mark.parametrize(
    ("said", "starts", "decided"),
    [(("中国", "再来一句。"), [8, 11], []), (("再来一句。", "人民", "很好。"), [11, 2, 4], ["很好。"])],
)
def test_formats_commands_say_where_a_text_has_several_places(
    tmp_path: Path, said: tuple[str, ...], starts: list[int], decided: list[str]
) -> None:
    seed, source, output = tmp_path / "seed.txt", tmp_path / "rows.jsonl", tmp_path / "layer.jsonl"
    seed.write_text("中国人民很好。\n中国\n再来一句。\n他很好。他也很好。", encoding="utf-8")
    source.write_text("".join(json.dumps({"text": text, "label": []}) + "\n" for text in said), encoding="utf-8")
    command = ["import", str(source), "-f", "doccano", "-o", str(output), "--article", str(seed), "--ledger"]
    assert run(command) == 0
    assert [one.start for one in read_layer(output)] == starts
    entries = read_ledger(output.with_suffix(".ledger.jsonl"))
    assert [(entry.severity, entry.text) for entry in entries] == [("decision", text) for text in decided]


COMMENTS = ("# text = 血型是 O", "# 血型是 B-PERSON", "# x = O")


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        *((f"{one}\n白 B-PLACE\n# I-PLACE", ["白#"]) for one in COMMENTS),
        *((f"{one}\n白\tB-PLACE\n#\tI-PLACE", ["白#"]) for one in (*COMMENTS, "# 型\tO", "# O")),
        ("# text = A\n1\t白\tNR\tB-PLACE\n2\t水\tNR\tI-PLACE\n\n1\t见\tVV\tB-PERSON", ["白水", "见"]),
        ("-DOCSTART- -X- O\n\n0 白 B-PLACE\n1 水 I-PLACE", ["白水"]),
        ("1 CD B-PLACE\n2 CD I-PLACE\n\n年 NT O", ["12"]),
        ("1 B-PLACE\n2 I-PLACE", ["12"]),
    ],
)
def test_formats_commands_take_no_comment_and_no_number_for_a_token_of_conll(
    tmp_path: Path, lines: str, spans: list[str]
) -> None:
    (tmp_path / "gold.bio").write_text(lines, encoding="utf-8")
    output = tmp_path / "layer.jsonl"
    assert run(["import", str(tmp_path / "gold.bio"), "-f", "conll", "-o", str(output)]) == 0
    assert [one.text[span.start : span.end] for one in read_layer(output) for span in one.spans] == spans


@pytest.mark.parametrize("own", [False, True])
def test_formats_commands_say_where_a_label_is_added(
    tmp_path: Path, layer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, own: bool
) -> None:
    # A regression test: elsewhere it named a file that is not there.
    monkeypatch.chdir(tmp_path)
    if own:
        assert run(["new", "."]) == 0
        capsys.readouterr()
    assert run(["import", str(layer), "-f", "doccano", "-o", "x.jsonl", "--map", "LOC=CROP"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("BZ015 ")
    assert ("`biaozhu new .`" in said) is not own
    assert run(["labels"]) == 0
    assert ("`biaozhu new .`" in capsys.readouterr().err) is not own


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["import", "{layer}", "-f", "conll", "-o", "x.jsonl"], "BZ060"),
        (["import", "{layer}", "-f", "doccano", "-o", "x.txt"], "BZ002"),
        (["import", "{layer}", "-f", "doccano", "-o", "x.jsonl", "--map", "LOC"], "BZ002"),
        (["import", "{layer}", "-f", "doccano", "-o", "x.jsonl", "--map", "A=PLACE", "--map", "A=PERSON"], "BZ002"),
        (["import", "{layer}", "-f", "doccano", "-o", "x.jsonl", "--map", "LOC=PLACES"], "BZ015"),
        (["import", "{layer}", "-f", "csv", "-o", "x.jsonl"], "BZ002"),
        (["import", "nowhere", "-f", "conll", "-o", "x.jsonl"], "BZ003"),
        (["import", "nowhere", "-f", "brat", "-o", "x.jsonl"], "BZ003"),
        (["export", "{layer}", "{layer}", "-f", "conll", "-o", "x"], "BZ017"),
    ],
)
def test_formats_commands_refuse_in_one_line(
    layer: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run([one.format(layer=layer) for one in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(says)


def test_formats_commands_refuse_another_article(
    tmp_path: Path, layer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("别的文章。\n", encoding="utf-8")
    run(["export", str(layer), "-f", "doccano", "-o", str(tmp_path / "d")])
    output = tmp_path / "back.jsonl"
    assert run(["import", str(tmp_path / "d"), "-f", "doccano", "-o", str(output), "--article", str(other)]) == 2
    assert "BZ016" in capsys.readouterr().err
    assert not output.exists()


def test_formats_commands_write_a_row_for_each_span(tmp_path: Path) -> None:
    text = "=1+1。在白水县。"
    spans = (Span(0, 4, "AMOUNT", "c", 0.5), Span(6, 9, "PLACE", "b"))
    sentences = [Sentence("a" * 12, 0, 2, "没有"), Sentence("a" * 12, 5, 5 + len(text), text, spans)]
    write_layer(tmp_path / "forum.jsonl", sentences)
    command = ["export", str(tmp_path / "forum.jsonl"), "-f", "csv", "-o", str(tmp_path / "spans.csv")]
    assert run(command) == run(command) == 0  # it takes its own file for one of its kind
    with (tmp_path / "spans.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == ["2", "2"]
    assert [(row["article"], row["text"], row["label"], row["source"], row["score"]) for row in rows] == [
        ("forum", "'=1+1", "AMOUNT", "c", "0.5"),
        ("forum", "白水县", "PLACE", "b", ""),
    ]
    assert [text[int(row["start"]) : int(row["end"])] for row in rows] == ["=1+1", "白水县"]


@pytest.mark.parametrize(
    ("options", "hints"), [([], ["--split"]), (["--split"], []), (["--map", "LOC=PLACE"], ["--split"])]
)
def test_formats_commands_say_what_to_do_next(
    tmp_path: Path, options: list[str], hints: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "doc.txt").write_text("林小满在白水县。\n她种茶。\n茶很好。\n", encoding="utf-8")
    (tmp_path / "doc.ann").write_text("T1\tLOC 4 7\t白水县\rT2\tLOC 0 3\t林小满\r", encoding="utf-8", newline="")
    command = ["import", str(tmp_path / "doc.ann"), "-f", "brat", "-o", str(tmp_path / "out.jsonl"), *options]
    assert run(command) == 0
    said = capsys.readouterr().err
    assert [hint for hint in ("--split",) if hint in said] == hints
    assert ("configs/labels.toml" in said) is ("--map" not in options)


@pytest.mark.parametrize(
    ("row", "units", "status"),
    [
        ({"text": TEXT, "annotations": [{"label": "LOC", "start_offset": 4, "end_offset": 7}]}, (), 0),
        ({"text": TEXT, "tags": [[4, 7, "LOC"], "draft"]}, (), 1),
        ({"text": TEXT, "label": [[3, 7, "LOC"]], "relations": [{"id": 1}]}, (), 1),
        ({"text": f"😀{TEXT}", "label": [[5, 8, "LOC"]]}, (), 1),
        ({"text": f"😀{TEXT}", "label": [[5, 8, "LOC"]]}, ("--units", "codepoints"), 0),
        ({"text": f" {TEXT} ", "label": [[0, 4, "LOC"]]}, (), 0),
    ],
)
def test_formats_commands_end_with_status_1_where_something_did_not_come_in(
    tmp_path: Path, row: dict, units: tuple[str, ...], status: int
) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(row, indent=2), encoding="utf-8")
    output = tmp_path / "layer.jsonl"
    assert run(["import", str(tmp_path / "rows.json"), "-f", "doccano", "-o", str(output), *units]) == status
    assert len(read_layer(output)[0].spans) == ("😀" not in row["text"] or bool(units))
