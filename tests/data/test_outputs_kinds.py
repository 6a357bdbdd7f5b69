"""Kinds of files that commands write, told by what is in them."""

from __future__ import annotations

import codecs
import hashlib
import json
import zlib
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import OutputError
from biaozhu.data.outputs import (
    BRAT_SIDECAR,
    CHANGED,
    CONLL,
    DOCBIN_COLUMNS,
    HEAD_BYTES,
    KEYS_OF_LINES,
    PAGE_POLICY,
    UNMARKED,
    check_output,
    identify_file,
)
from biaozhu.formats.convert import _SpanRow
from biaozhu.normalization.names import NameRow
from biaozhu.normalization.table import Row

if TYPE_CHECKING:
    from pathlib import Path

SENTENCE = "0123456789ab:0-1"
IDENTIFIER = b"\xa7biaozhu\x83\xa2id"
PAGE = b'<!doctype html><meta content="' + PAGE_POLICY
HEADERS = [",".join(one.name for one in fields(kind)).encode() for kind in (Row, NameRow, _SpanRow)]
STATUS = b'{"schema": 1, "annotator": "anna", "sentences": ['


def tasks(*, sid: object = SENTENCE, more: str = "") -> bytes:
    return f'[\n {{\n  "data": {{\n   "text": "风", "sid": {json.dumps(sid)}}}, "annotations": []{more}}}]'.encode()


def line(*keys: str) -> bytes:
    return json.dumps(dict.fromkeys(sorted(keys))).encode() + b"\n{"


def docbin(*parts: bytes) -> bytes:
    return zlib.compress(b"".join(parts))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", ""),
        (b'{\n "format": "biaozhu.round-trip.v1"', "round-trip"),
        (b' {"format": "biaozhu.scores.v1"}', ""),
        *(
            (header + end, kind)
            for header in HEADERS
            for end, kind in ((b"\n1,", "csv"), (b",notes\n", ""), (b"\r\n", ""))
        ),
        (HEADERS[0].removesuffix(b",context") + b"\n", "csv"),
        (HEADERS[1].removesuffix(b",may_be") + b"\n", ""),
        (b"PAR1" + HEADERS[0], ""),
        (CONLL, "conll"),
        (tasks(), "labelstudio"),
        *((tasks(sid=sid), "") for sid in ("x", 1)),
        (tasks(more=', "id": 1'), ""),
        (tasks().replace(b"sid", b"id"), ""),
        (tasks()[:-1], ""),
        (PAGE + b"script-src", "page"),
        (PAGE, "history"),
        (b"<!doctype html>script-src", ""),
        (b" " + PAGE, ""),
        (STATUS, "status"),
        (STATUS.replace(b"annotator", b"name"), ""),
        (STATUS.replace(b"sentences", b"texts"), ""),
        (STATUS.replace(b"schema", b"version"), ""),
        ("### x · y".encode(), "summary"),
        (b"### x", ""),
        ("x · y".encode(), ""),
        (docbin(DOCBIN_COLUMNS, IDENTIFIER), "spacy"),
        (docbin(DOCBIN_COLUMNS, IDENTIFIER.replace(b"\x83", b"\x84")), "spacy"),
        (docbin(DOCBIN_COLUMNS, b" " * (HEAD_BYTES - len(DOCBIN_COLUMNS) - 5), IDENTIFIER), "spacy"),
        (docbin(DOCBIN_COLUMNS, b" " * HEAD_BYTES * 3, IDENTIFIER), "spacy"),
        (docbin(DOCBIN_COLUMNS), ""),
        (docbin(b" " * 64, DOCBIN_COLUMNS, IDENTIFIER), ""),
        (docbin(b" " * 50, DOCBIN_COLUMNS, IDENTIFIER), "spacy"),
        (docbin(DOCBIN_COLUMNS, IDENTIFIER)[1:], ""),
        (b"x", ""),
        *((line(*keys), kind) for kind, keys in KEYS_OF_LINES.items()),
        *((line(*sorted(keys)[1:]), "") for keys in KEYS_OF_LINES.values()),
        (codecs.BOM_UTF8 + line(*KEYS_OF_LINES["ledger"]), "ledger"),
        (line(*KEYS_OF_LINES["layer"], "more"), "layer"),
        (line(*KEYS_OF_LINES["doccano"], "text_sha"), "doccano"),
        (line(*KEYS_OF_LINES["doccano"], "id"), ""),
        (line(*KEYS_OF_LINES["brat"], "ann_sha"), "brat"),
        (line(*KEYS_OF_LINES["brat"], "id"), ""),
        (b"7", ""),
        (b"[" * 100_000, ""),
        (b"\xff", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_outputs_are_known_by_what_is_in_them(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert identify_file(path) == kind


@pytest.mark.parametrize("name", ["", "none"])
def test_outputs_that_cannot_be_read_are_of_no_kind(tmp_path: Path, name: str) -> None:
    assert identify_file(tmp_path / name) == ""


@pytest.mark.parametrize(
    ("suffix", "mark", "is_marked", "kind"),
    [
        (".txt", "{}", False, "brat"),
        (".txt", "other", False, CHANGED),
        (".ann", "{}", True, "brat"),
        (".ann", "other", True, CHANGED),
        (".ann", "other", False, UNMARKED),
        (".csv", "{}", True, ""),
    ],
)
def test_outputs_of_brat_are_known_until_somebody_works_in_them(
    tmp_path: Path, suffix: str, mark: str, kind: str, *, is_marked: bool
) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"T1")
    marks = {"text_sha": mark.format(hashlib.sha256(b"T1").hexdigest()[:12]), **({"ann_sha": ""} if is_marked else {})}
    path.with_suffix(BRAT_SIDECAR).write_text(f"{json.dumps(marks)}\n", "utf-8")
    assert identify_file(path) == kind


def test_outputs_that_people_may_have_worked_in_come_with_advice_of_their_own(tmp_path: Path) -> None:
    frozen, old, other = (tmp_path / name for name in ("x.jsonl", "x.ann", "y.jsonl"))
    for path in (frozen, old, other):
        path.write_bytes(b"7")
    old.with_suffix(BRAT_SIDECAR).write_bytes(b"{}")
    (tmp_path / "MANIFEST.json").write_text('{"schema": 1, "files": {"x.jsonl": {"sha256": "0", "articles": []}}}')
    advice = []
    for path in (frozen, old, other):
        with pytest.raises(OutputError) as caught:
            check_output(path, "layer")
        advice.append(caught.value.next_step)
    assert ["MANIFEST.json" in one for one in advice] == [True, False, False]
    assert [".ann" in one for one in advice] == [False, True, False]
    assert advice[2] == OutputError.advice
