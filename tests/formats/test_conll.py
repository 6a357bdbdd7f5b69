"""Columns with tags that other tools wrote, in their schemes."""

from __future__ import annotations

import pytest

from biaozhu.data.errors import BiaozhuError
from biaozhu.formats.conll import read_conll
from biaozhu.formats.convert import import_documents
from biaozhu.formats.documents import BREAKS, Document


def read(lines: str) -> tuple[Document, ...]:
    return read_conll(lines.encode(), where="a")


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        ("白 B-LOC\n水 I-LOC\n# O\n见 O", [("白水", "LOC")]),
        ("白\tB\tB-LOC\n水\tE\tE-LOC\n县\tS\tS-LOC", [("白水", "LOC"), ("县", "LOC")]),
        ("白 I-LOC\n水 I-LOC\n见 I-PER\n了 O", [("白水", "LOC"), ("见", "PER")]),
        ("白 B-LOC\n水 M-LOC\n县 E-LOC\n村 B-LOC", [("白水县", "LOC"), ("村", "LOC")]),
        ("白 U-LOC\r\n水 B-LOC\r\n县 L-LOC\r\n\r\n见 O", [("白", "LOC"), ("水县", "LOC")]),
        ("白 U-LOC\r水 B-LOC\r县 L-LOC\r\r见 O\r", [("白", "LOC"), ("水县", "LOC")]),
        ("白\tU-LOC\r水\tB-LOC\r县\tL-LOC", [("白", "LOC"), ("水县", "LOC")]),
        ("-DOCSTART- -X- O O\n\n白水 NN B-LOC\n县 NN I-LOC", [("白水县", "LOC")]),
        ("\\u{20} B-LOC\n# comment\n水 O", [("\\u{20}", "LOC")]),
    ],
)
def test_conll_reads_the_schemes_of_others(lines: str, spans: list[tuple[str, str]]) -> None:
    sentences = import_documents(read(lines)).sentences
    assert [(one.text[span.start : span.end], span.label) for one in sentences for span in one.spans] == spans


@pytest.mark.parametrize("between", [" ", "\t"])
@pytest.mark.parametrize("end", sorted(BREAKS - {"\t", "\n"}))
def test_conll_refuses_a_break_within_a_line(between: str, end: str) -> None:
    rows = end.join(f"{one}{between}B-LOC" for one in "白水")
    with pytest.raises(BiaozhuError) as problem:
        read(f"林{between}O\n{rows}\n")
    assert problem.value.code == "BZ060"


@pytest.mark.parametrize(
    ("begin", "names"),
    [
        (["-DOCSTART- -X- O O\n", "-DOCSTART- -X- O O"], ["1", "1", "2"]),
        (["# newdoc id = 甲", "# newdoc id=../乙"], ["甲", "甲", "2"]),
        (["# newdoc", f"# newdoc id = {'长' * 99}"], ["1", "1", "2"]),
        (["# newdoc", "# newdoc id = 1"], ["1", "1", "1-2"]),
        (["# newdoc id = a", "# newdoc id = A"], ["a", "a", "A-2"]),
        (["-DOCSTART-", "# a comment"], ["", "", ""]),
    ],
)
def test_conll_reads_several_articles(begin: list[str], names: list[str]) -> None:
    first, second = begin
    lines = f"{first}\n白 B-LOC\n\n水 O\n\n{second}\n见 O\n"
    documents = read(lines)
    assert [one.name for one in documents] == names
    assert len({one.article for one in import_documents(documents).sentences}) == len(set(names))


@pytest.mark.parametrize(
    ("lines", "texts", "losses"),
    [
        ("1-2\t白水\t_\t_\n1\t白\tNN\tB-LOC\n2\t水\tNN\tI-LOC\n\n1\t见\tVV\tO\n", ["白水", "见"], 0),
        ("0.1 无 _ O\n1 白 NN B-LOC\n2 水 NN I-LOC\n2.1 又 _ B-LOC\n3 见 VV O\n", ["白水见"], 1),
        ("1 白 NN B-LOC\n2 水 NN I-LOC\n\n3 见 VV O\n4 人 NN O\n", ["白水", "见人"], 0),
        ("1.5 CD B-AMOUNT\n元 M I-AMOUNT\n", ["1.5元"], 0),
        ("3-2 CD O\n4 CD O\n", ["3-24"], 0),
        ("白 B-LOC\n\u3000 O\n  O\n\xa0 O\n水 O\n", ["白\u3000 \xa0水"], 0),
        ("白 NN B-LOC\n\u3000 PU O\n  PU O\n水 NN O\n", ["白\u3000 水"], 0),
        ("1 白 B-LOC\n2   O\n3 \u3000 O\n4 水 O\n", ["白 \u3000水"], 0),
        ("  白    B-LOC\n  水    O\n", ["白水"], 0),
        ("白\u3000B-LOC\n水\u3000 O\n", ["白水"], 0),
    ],
)
def test_conll_reads_numbers_and_blanks_as_what_they_are(lines: str, texts: list[str], losses: int) -> None:
    documents = read(lines)
    assert [one.text for one in documents] == texts
    assert [entry.severity for one in documents for entry in one.entries] == ["loss"] * losses


@pytest.mark.parametrize("lines", ["1 白 B-LOC\n2 O\n3 水 O\n", "白 B-LOC\n O\n", "白 B-LOC\n\u3000\n"])
def test_conll_refuses_a_row_without_a_token(lines: str) -> None:
    with pytest.raises(BiaozhuError) as problem:
        read(lines)
    assert problem.value.code == "BZ060"


@pytest.mark.parametrize(
    ("lines", "decisions", "losses"),
    [
        ("白 B-LOC B-ORG\n水 I-LOC O\n县 O O\n\n见 O O\n人 B-ORG O", [], ["白水", "人"]),
        ("白 NP B-LOC\n水 O I-LOC", [], []),
        ("白 B-NP B-LOC\n水 I-NP I-LOC", ["白水"], []),
        ("白 B-LOC\n水 I-PER\n县 I-LOC", ["水", "县"], []),
        ("白 B-LOC\n水 O\n县 I-LOC", ["县"], []),
        ("白 I-LOC\n水 I-PER\n县 B-PER\n村 I-PER", [], []),
        ("白 B-LOC\n水 M-LOC\n县 O\n村 B-LOC\n人 E-LOC", ["白水"], []),
        ("白 B-LOC\n水 S-LOC\n县 M-LOC\n村 E-LOC", ["白", "县村"], []),
        ("白 B-LOC\n水 L-LOC\n县 L-LOC\n村 U-LOC", ["县"], []),
    ],
)
def test_conll_counts_broken_tags_and_other_columns(lines: str, decisions: list[str], losses: list[str]) -> None:
    entries = [entry for one in read(lines) for entry in one.entries]
    assert [entry.text for entry in entries if entry.severity == "decision"] == decisions
    assert [entry.text for entry in entries if entry.severity == "loss"] == losses
