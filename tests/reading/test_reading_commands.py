"""`biaozhu read` and `split` as a user meets them: what goes where, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from biaozhu.cli import run
from biaozhu.data.layers import read_layer
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article

SEED = Path(__file__).parents[2] / "seeds" / "handan-2020-07-02.txt"
PROSE = (
    "春耕时节，云溪县的农技员走进田间，手把手教农户育秧。今年全县早稻面积预计达到三十万亩，比去年增加一成。"
)
HTML = f"<html><head><title>云溪春耕</title></head><body><article><h1>云溪春耕</h1><p>{PROSE}</p></article></body></html>"

Capture = pytest.CaptureFixture[str]


def test_reading_command_split_writes_sentence_lines(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "new" / "out.jsonl"
    assert run(["split", str(SEED), "-o", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "100 sentences of 1 article\n"
    assert read_layer(out) == split_article(read_article(SEED))
    assert run(["split", str(SEED)]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")


def test_reading_command_read_as_json_has_every_block(capsys: Capture) -> None:
    assert run(["read", "--json", str(SEED)]) == 0
    captured = capsys.readouterr()
    (shown,) = json.loads(captured.out)
    article = read_article(SEED)
    assert captured.err == ""
    assert shown["sha256"] == article.sha256
    assert shown["metadata"]["title"] == article.metadata.title
    assert len(shown["blocks"]) == len(article.blocks)
    assert all(article.raw[block["start"] : block["end"]] == block["text"] for block in shown["blocks"])


def test_reading_command_read_prints_a_table(capsys: Capture) -> None:
    assert run(["read", str(SEED)]) == 0
    out = capsys.readouterr().out
    assert all(kind in out for kind in ("furniture", "title", "heading", "caption", "paragraph"))
    assert read_article(SEED).metadata.time in out


def test_reading_command_table_shows_no_control_characters(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"题目\x1b[31m红\u202e[bold]\n{PROSE}", encoding="utf-8")
    assert run(["read", str(path)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\u001b[31m红\\u202e[bold]" in out


@pytest.mark.parametrize(
    ("codec", "said"), [("gb18030", "gb18030"), ("utf-8-sig", "utf-8-bom"), ("utf-16", "utf-16-le")]
)
def test_reading_command_says_another_encoding(
    tmp_path: Path, capsys: Capture, codec: str, said: str
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(PROSE.encode(codec))
    assert run(["split", str(path)]) == 0
    captured = capsys.readouterr()
    assert f"{path}: decoded as {said}\n" in captured.err
    assert [json.loads(line)["text"] for line in captured.out.splitlines()] == [
        f"{part}。" for part in PROSE.split("。")[:-1]
    ]


def test_reading_command_saves_the_text_of_a_page(tmp_path: Path, capsys: Capture) -> None:
    page, text = tmp_path / "x.html", tmp_path / "x.txt"
    page.write_text(HTML, encoding="utf-8")
    assert run(["split", str(page), "--text", str(text)]) == 0
    from_page = capsys.readouterr()
    assert "extracted text" in from_page.err
    assert run(["split", str(text)]) == 0
    assert capsys.readouterr().out == from_page.out
    for line in map(json.loads, from_page.out.splitlines()):
        assert text.read_text(encoding="utf-8")[line["start"] : line["end"]] == line["text"]


def test_reading_command_bad_files_are_named_together_and_nothing_is_written(
    tmp_path: Path, capsys: Capture
) -> None:
    out, binary = tmp_path / "out.jsonl", tmp_path / "x.bin"
    binary.write_bytes(b"PK\x03\x04")
    assert run(["split", str(SEED), str(tmp_path), str(binary), str(tmp_path / "none"), "-o", str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 4
    assert "folder" in captured.err
    assert "zip" in captured.err
    assert "no such file" in captured.err
    assert "3 problems found" in captured.err
    assert not out.exists()


def test_reading_command_text_of_several_files_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert run(["read", str(SEED), str(SEED), "--text", str(tmp_path / "x")]) == 2
    assert "--text saves the text of one article" in capsys.readouterr().err
    assert run(["split", str(SEED), str(SEED)]) == 2
    assert "BZ017" in capsys.readouterr().err
    assert run(["split"]) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_reading_command_output_that_cannot_be_written(capsys: Capture) -> None:
    assert run(["split", str(SEED), "-o", "/proc/none/out.jsonl"]) == 2
    assert "BZ004" in capsys.readouterr().err


def test_reading_command_stops_quietly_when_its_reader_has_gone() -> None:
    files = [str(SEED)]
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "biaozhu", "split", *files],
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write_end)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
