"""Files that are wrong in one way each, and a folder in which everything else is right."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training_material import SMALL_CONFIG

from biaozhu.cli import run
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span, sentence_to_line
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

LABELS = Path(__file__).parents[2] / "configs" / "labels.toml"
ARTICLE = "春耕时节\n\n在青岛市，王小明买了30斤种子。李秀英在桐庐县种了8.5亩油菜。\n\n二、农机下田\n\n赵铁柱在雅安市有5台农机。\n"
MARKS = {
    "PLACE": ("青岛市", "桐庐县", "雅安市"),
    "PERSON": ("王小明", "李秀英", "赵铁柱"),
    "AMOUNT": ("30斤", "8.5亩", "5台"),
}


@dataclass(frozen=True, slots=True)
class Bad:
    """A bad file: its name, its bytes (None where there is none, or `folder`), and what stderr must say of it."""

    name: str
    content: bytes | None
    expected: str
    folder: bool = False

    def write(self, path: Path) -> None:
        if self.folder:
            path.mkdir()
        elif self.content is not None:
            path.write_bytes(self.content)


def make_workplace(folder: Path) -> None:
    """Write an article, its gold, two annotators' layers, a config and the labels: all of them right."""
    (folder / "configs").mkdir()
    shutil.copyfile(LABELS, folder / "configs" / "labels.toml")
    (folder / "good.txt").write_text(ARTICLE, encoding="utf-8")
    gold = good_layer(folder)
    write_layer(folder / "good.jsonl", gold)
    for name in ("anna", "bert"):
        write_layer(folder / name / "good.jsonl", gold)
    config = SMALL_CONFIG.replace("gold.jsonl", "good.jsonl").replace("iterations = 60", "iterations = 5")
    (folder / "good.cfg").write_text(config, encoding="utf-8")


def good_layer(folder: Path) -> tuple[Sentence, ...]:
    """The gold of the workplace's article."""
    found = []
    for one in split_article(read_article(folder / "good.txt")):
        spans = [
            Span(one.text.index(word), one.text.index(word) + len(word), label, "made")
            for label, words in MARKS.items()
            for word in words
            if word in one.text
        ]
        found.append(Sentence(one.article, one.start, one.end, one.text, tuple(sorted(spans))))
    return tuple(found)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, hidden ones too; folders with None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def bad_articles() -> tuple[Bad, ...]:
    """What is given as an article and is none."""
    prose = ARTICLE.encode()
    return (
        Bad("missing", None, r"BZ003 bad\.txt: no such file\. Check the path\."),
        Bad("folder", None, r"BZ003 bad\.txt: this is a folder.*\. Check the path\.", folder=True),
        Bad("empty", b"", r"BZ011 bad\.txt: the file is empty\. Check"),
        Bad("white", "\u3000 \n\n\t\n".encode(), r"BZ011 bad\.txt: nothing but white space\. Check"),
        Bad(
            "zip",
            b"PK\x03\x04" + bytes(60),
            r"BZ010 bad\.txt: this is a zip archive .*\. Save its text as UTF-8",
        ),
        Bad("program", b"\x7fELF" + bytes(60), r"BZ010 bad\.txt: this is a program, not text\."),
        Bad(
            "nul",
            prose[:9] + b"\0" + prose[9:],
            r"BZ010 bad\.txt@3: a NUL character.*\. Save the file as UTF-8",
        ),
        Bad("controls", b"\x01\x02\x03\x04abc", r"BZ010 bad\.txt: binary: 4 control characters\."),
        Bad(
            "korean",
            ("안녕하세요 오늘은 날씨가 좋습니다. " * 9).encode("euc-kr"),
            r"BZ010 bad\.txt@0: neither UTF-8 .* nor GB18030",
        ),
        Bad("cut", prose[:-3] + prose[-2:], r"BZ010 bad\.txt@\d+: neither UTF-8"),
        Bad("utf16 without mark", ARTICLE.encode("utf-16-le"), r"BZ010 bad\.txt(@\d+)?: "),
        Bad("broken utf16", b"\xff\xfe\x00\xd8\x41\x00", r"BZ010 bad\.txt@2: broken UTF-16"),
        Bad("utf32", ARTICLE.encode("utf-32"), r"BZ010 bad\.txt: UTF-32\."),
        Bad("surrogate", b"\xed\xa0\x80" + prose, r"BZ010 bad\.txt@0: neither UTF-8"),
    )


def bad_layers(folder: Path) -> tuple[Bad, ...]:
    """What is given as a layer and is none; the third line is wrong where it is one line that is."""
    lines = [sentence_to_line(one) for one in good_layer(folder)]
    third = json.loads(lines[2])

    def changed(name: str, change: Callable[[dict[str, Any]], object], expected: str) -> Bad:
        line = json.loads(json.dumps(third))
        change(line)
        text = json.dumps(line, ensure_ascii=name.startswith("surrogate"))
        return Bad(name, "\n".join([*lines[:2], text, *lines[3:], ""]).encode(), expected)

    def span(line: dict[str, Any], **values: Any) -> None:
        line["spans"][0] |= values

    def overlap(line: dict[str, Any]) -> None:
        first = line["spans"][0]
        line["spans"].insert(1, {**first, "start": first["start"] + 1, "text": first["text"][1:]})

    at = r"bad\.jsonl:3: "
    whole = ("\n".join([*lines, ""])).encode()
    return (
        Bad("missing", None, r"BZ003 bad\.jsonl: no such file\. Check the path\."),
        Bad("folder", None, r"BZ003 bad\.jsonl: (no layer|this is a folder).*\. Check the path\.", folder=True),
        Bad("empty", b"", r"BZ0\d\d bad\.jsonl: .*(empty|no sentence)"),
        Bad("binary", b"\x7fELF\xff\xfe" + bytes(99), r"BZ013 bad\.jsonl@\d+: not UTF-8"),
        Bad("gb18030", whole.decode().encode("gb18030"), r"BZ013 bad\.jsonl@\d+: not UTF-8"),
        Bad("utf16", whole.decode().encode("utf-16"), r"BZ013 bad\.jsonl@0: UTF-16"),
        Bad("nul", whole[:30] + b"\0" + whole[30:], r"BZ013 bad\.jsonl:1: not JSON"),
        Bad(
            "broken",
            "\n".join([*lines[:2], lines[2][:-9], *lines[3:]]).encode(),
            rf"BZ013 {at}not JSON \(.*\)\. Fix or remove the line\.",
        ),
        Bad(
            "no object",
            "\n".join([*lines[:2], "7", *lines[3:]]).encode(),
            rf"BZ013 {at}a sentence line is a JSON object",
        ),
        Bad("nested", "\n".join([*lines[:2], "[" * 100_000, *lines[3:]]).encode(), rf"BZ013 {at}not JSON"),
        changed("lacks", lambda line: line.pop("article"), rf"BZ013 {at}the sentence line lacks article"),
        changed("unknown key", lambda line: line.update(note=""), rf"BZ013 {at}the sentence line has unknown note"),
        changed(
            "surrogate",
            lambda line: line.update(text="\ud800" + line["text"][1:]),
            rf"BZ013 {at}the text holds a lone surrogate",
        ),
        changed("surrogate in source", lambda line: span(line, source="\ud800"), rf"BZ013 {at}"),
        changed(
            "not a number", lambda line: line.update(start="7"), rf"BZ013 {at}start is '7', a whole number is needed"
        ),
        changed("huge number", lambda line: line.update(start=10**400), rf"BZ012 {at}the id"),
        changed("score", lambda line: span(line, score=7), rf"BZ013 {at}a span's score is '7', a number from"),
        changed("nan", lambda line: span(line, score=float("nan")), rf"BZ013 {at}"),
        changed(
            "out of range",
            lambda line: span(line, end=999),
            rf"BZ012 {at}span \d+-999 \w+ is outside the sentence",
        ),
        changed("negative", lambda line: span(line, start=-1), rf"BZ012 {at}span -1-\d+ \w+ is outside"),
        changed(
            "reversed",
            lambda line: span(line, start=4, end=1),
            rf"BZ012 {at}span 4-1 \w+ is outside the sentence or empty",
        ),
        changed("text", lambda line: span(line, text="泸定县"), rf"BZ012 {at}span \d+-\d+ says '泸定县' where"),
        changed("overlapping", overlap, rf"BZ014 {at}span \d+-\d+ \w+ overlaps the one before"),
        changed(
            "id",
            lambda line: line.update(id="../../etc/passwd"),
            rf"BZ012 {at}the id '\.\./\.\./etc/passwd' is not",
        ),
        changed(
            "article",
            lambda line: line.update(article="../../../x", id=f"../../../x:{line['start']}-{line['end']}"),
            rf"BZ012 {at}the article id '\.\./\.\./\.\./x' is not 12 hex",
        ),
        Bad(
            "twice",
            "\n".join([*lines, lines[1], ""]).encode(),
            rf"BZ017 bad\.jsonl:{len(lines) + 1}: .* is in line 2 too",
        ),
    )


def other_version(folder: Path) -> bytes:
    """The gold of the same article before somebody added a line to it."""
    (folder / "older").mkdir()
    (folder / "older" / "good.txt").write_text("春播\n\n" + ARTICLE, encoding="utf-8")
    lines = [sentence_to_line(one) for one in good_layer(folder / "older")]
    shutil.rmtree(folder / "older")
    return "\n".join([*lines, ""]).encode()


def write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their paths below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def refuse(workplace: Path, capsys: pytest.CaptureFixture[str], command: str, expected: str) -> None:
    """Run a command that must say one line, end with status 2, and leave everything as it was."""
    before = snapshot(workplace)
    status = run(shlex.split(command))
    said = capsys.readouterr()
    # That there is no guideline to show is a note, no problem.
    lines = [line for line in said.err.splitlines() if not line.startswith("no guideline: ")]
    assert len(lines) == 1, said.err
    assert re.match(expected, lines[0]), lines[0]
    assert lines[0].endswith(".")
    assert status == 2
    assert said.out == ""
    assert snapshot(workplace) == before
