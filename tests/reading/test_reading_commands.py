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
from biaozhu.data.ledger import read_ledger
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article

SEED = Path(__file__).parents[2] / "seeds" / "handan-2020-07-02.txt"
PROSE = "春耕时节，云溪县的农技员走进田间，手把手教农户育秧。今年全县早稻面积预计达到三十万亩，比去年增加一成。"
HTML = (
    f"<html><head><title>云溪春耕</title></head><body><article><h1>云溪春耕</h1><p>{PROSE}</p></article></body></html>"
)

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
def test_reading_command_says_another_encoding(tmp_path: Path, capsys: Capture, codec: str, said: str) -> None:
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


@pytest.mark.parametrize("command", [["split"], ["preannotate"], ["read"], ["table"]])
def test_reading_command_goes_on_without_bad_files(tmp_path: Path, capsys: Capture, command: list[str]) -> None:
    folder, out = tmp_path / "in", tmp_path / "out.jsonl"
    folder.mkdir()
    (folder / "a.txt").write_text(PROSE, encoding="utf-8")
    (folder / "b.txt").write_bytes(b"PK\x03\x04")
    (folder / "c.txt").write_bytes(b"")
    (folder / "d.txt").write_text(PROSE, encoding="utf-8")
    (folder / "e.txt").write_text(PROSE[::-1], encoding="utf-8")
    writes = ["-o", str(out)] if command[0] in {"split", "preannotate"} else []
    assert run([*command, str(folder), *writes]) == 1
    captured = capsys.readouterr()
    said = [line for line in captured.err.splitlines() if line.startswith("left out: ")]
    assert [line.split()[2:4] for line in said] == [
        ["BZ010", f"{folder / 'b.txt'}:"],
        ["BZ011", f"{folder / 'c.txt'}:"],
        ["BZ017", f"{folder / 'd.txt'}:"],
    ]
    for name in ("b.txt", "c.txt"):
        (folder / name).unlink()
    # A copy is not a loss.
    assert run([*command, str(folder), *writes]) == 0
    if writes:
        wanted = {read_article(folder / name).id for name in ("a.txt", "e.txt")}
        assert {sentence.article for sentence in read_layer(out)} == wanted
    else:
        assert captured.out


@pytest.mark.parametrize("command", ["split", "preannotate"])
def test_reading_command_without_any_article_writes_nothing(tmp_path: Path, capsys: Capture, command: str) -> None:
    out, binary = tmp_path / "out.jsonl", tmp_path / "x.bin"
    binary.write_bytes(b"PK\x03\x04")
    assert run([command, str(tmp_path / "none"), str(binary), "-o", str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(code in captured.err for code in ("BZ003", "BZ010", "BZ001"))
    assert not out.exists()


def test_reading_command_shows_what_is_left_out_of_a_page(tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "x.html"
    page.write_text(
        HTML.replace("<article>", "<nav>网站导航</nav><article>").replace("</h1>", "</h1><p>来源：云溪日报</p>"),
        encoding="utf-8",
    )
    assert run(["read", str(page)]) == 0
    out = capsys.readouterr().out
    assert all(part in out for part in ("left out", "navigation", "网站导航"))
    assert run(["read", "--json", str(page)]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert {"text": "网站导航", "reason": "navigation"} in shown["left_out"]
    layer = tmp_path / "x.jsonl"
    assert run(["preannotate", str(page), "-o", str(layer), "--ledger"]) == 0
    entries = [one for one in read_ledger(layer.with_suffix(".ledger.jsonl")) if one.step == "read"]
    assert {(one.reason, one.severity, one.text) for one in entries} == {
        ("navigation", "decision", "网站导航"),
        ("source line", "decision", "来源：云溪日报"),
        ("a line around the text, such as its source, date or menu", "decision", "来源：云溪日报"),
    }


def test_reading_command_says_that_lines_are_joined(tmp_path: Path, capsys: Capture) -> None:
    path, text = tmp_path / "x.txt", tmp_path / "joined.txt"
    path.write_text("\n".join(PROSE[at : at + 20] for at in range(0, len(PROSE), 20)), encoding="utf-8")
    assert run(["split", str(path), "--text", str(text)]) == 0
    assert "joined" in capsys.readouterr().err
    assert text.read_text(encoding="utf-8") == PROSE


def test_reading_command_text_of_several_files_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert run(["read", str(SEED), str(SEED), "--text", str(tmp_path / "x")]) == 2
    assert "BZ002" in capsys.readouterr().err
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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.txt", "来源：云溪网\n2021-03-05 10:00\n"),
        ("x.html", "<html><body><nav><a>首页</a></nav><p>来源:云溪网 2021-03-05 10:00</p></body></html>"),
    ],
)
@pytest.mark.parametrize("output", [["-o", "out.jsonl"], ["-o", "out"], ["--shards", "shards"]])
def test_reading_goes_on_without_an_article_of_furniture_alone(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, name: str, text: str, output: list[str]
) -> None:
    # A regression test: its layer was empty, which every later command refused together with all others.
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in", name).write_text(text, encoding="utf-8")
    command = ["preannotate", "in", "--model", "fast", *output]
    assert run(command) == 2
    Path("in/good.txt").write_text(PROSE, encoding="utf-8")
    assert run(command) == 1
    assert "BZ011" in capsys.readouterr().err
    assert not list(Path().rglob("x.jsonl"))


def test_reading_names_an_article_that_is_furniture_for_the_most_part(tmp_path: Path, capsys: Capture) -> None:
    article = tmp_path / "x.txt"
    article.write_text("云溪茶\n来源：云溪日报 作者：周文清\n2021-03-05 10:00\n", encoding="utf-8")
    assert run(["split", str(article)]) == 0
    assert "hint: more than half of x " in capsys.readouterr().err
    article.write_text(PROSE, encoding="utf-8")
    assert run(["split", str(article)]) == 0
    assert "half" not in capsys.readouterr().err
