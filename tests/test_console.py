"""Article text on a terminal: nothing in it moves the cursor, reorders a line or is read as markup."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from biaozhu.cli import run
from biaozhu.commands.console import finish, print_json, print_table, say, show_line
from biaozhu.commands.doccano.projects import HEADINGS
from biaozhu.data.errors import LineError, printable
from biaozhu.data.ledger import Entry
from biaozhu.data.translation import choose_language

ACTING = "\x1b[2J\x9b31m\r\x08\u202e\u2066\u200b\x07[bold]"
BARE = ("\x1b", "\x9b", "\r", "\x08", "\u202e", "\u2066", "\u200b", "\x07")

Capture = pytest.CaptureFixture[str]


def assert_harmless(text: str) -> None:
    assert [character for character in BARE if character in text] == []
    assert "[bold]" in text


def test_console_tables_and_notes_are_harmless(capsys: Capture) -> None:
    print_table(ACTING, ["text"], [[f"魏{ACTING}　县"]])
    show_line(ACTING)
    say(ACTING)
    captured = capsys.readouterr()
    assert_harmless(captured.out)
    assert_harmless(captured.err)
    assert "　县" in captured.out


def test_console_losses_are_harmless(capsys: Capture) -> None:
    with pytest.raises(BaseException):  # noqa: B017, PT011 — typer.Exit, whose class typer does not export as an exception type
        finish([Entry("s", "loss", ACTING, ACTING, 0, 1, ACTING, ACTING, ACTING, ACTING)])
    assert_harmless(capsys.readouterr().err)


def test_console_errors_are_harmless_and_of_bounded_length() -> None:
    line = str(LineError(ACTING + "x" * 5000, where=ACTING))
    assert_harmless(line)
    assert len(line) < 1000


@given(st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False) | st.none()))
def test_console_json_is_the_same_value_and_harmless(value: dict[str, object]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr("sys.stdout.write", written.append)
        print_json(value)
    text = "".join(written)
    assert json.loads(text) == value
    assert printable(text, keep="\n\u3000") == text


def test_console_breaks_no_title_and_names_the_row_of_all_labels(capsys: Capture) -> None:
    title = "a title wider than the table"
    print_table(title, ["label", "text"], [["ALL", "ALL"], ["PLACE", ""]])
    said = capsys.readouterr().out
    assert title in said
    assert "all labels" in said
    assert said.count("ALL") == 1


def test_console_says_what_was_left_out_and_decided_in_the_users_language(capsys: Capture) -> None:
    read = [Entry("read", "decision", reason, "s", 0, 1, "", "x") for reason in ("footer", "footer", "navigation")]
    decided = [Entry("combine", "decision", "amounts has AMOUNT there", "s", 0, 1, "PLACE", "x")]
    choose_language("zh")
    try:
        finish([*read, *decided])
        print_table("x", ["consistent"], [[True]])
    finally:
        choose_language("en")
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        "不属于正文，没有标注：2 × 页脚",
        "不属于正文，没有标注：1 × 导航",
        "找到但没有采用：1 × PLACE，amounts 在那里已标 AMOUNT",
    ]
    assert "是" in captured.out


WORDS = st.text("ab 县-", max_size=40)
CELLS = st.tuples(WORDS, st.floats(0, 1), st.integers(0, 10**6), WORDS, st.text("a1:-", max_size=22))
HEADS = ("report", "strict F1", "losses", "how to get it", "sentence")


@given(st.integers(1, 5), st.lists(CELLS, min_size=1, max_size=4), st.integers(40, 120))
def test_console_tables_fit_and_break_no_figure_and_no_head(
    columns: int, rows: list[tuple[object, ...]], width: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setenv("COLUMNS", str(width))
        patch.setattr("sys.stdout.write", written.append)
        print_table("Scores", HEADS[:columns], [row[:columns] for row in rows])
    text = "".join(written)
    assert max(map(cell_len, text.splitlines())) <= width
    assert all(head in text for head in HEADS[:columns])
    figures = [cell for row in rows for cell in row[1 : min(columns, 3)]]
    assert all((f"{one:.4f}" if isinstance(one, float) else str(one)) in text.split() for one in figures)


def test_console_table_without_rows_is_shown_in_any_width(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    print_table("progress", ("annotator", "sentences", "confirmed"), [])
    assert capsys.readouterr().out


@pytest.mark.parametrize("width", [30, 80, 90])
@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:8000/projects/12/sequence-labeling", "/articles/2026-11/county/annotations/layers/anna"]
)
def test_console_tables_break_no_path(path: str, width: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    # A regression test: a terminal of 80 columns showed an address that could not be clicked.
    monkeypatch.setenv("COLUMNS", str(width))
    print_table("progress", ("annotator", "sentences", "confirmed", "page"), [("anna", 59, 0, f"see {path} there")])
    assert path in capsys.readouterr().out


def test_console_tables_cut_no_word_between_chinese_signs(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    # A regression test: rich took it all for one word, and cut it where the column ended.
    monkeypatch.setenv("COLUMNS", "40")
    print_table("doctor", ("what", "state"), [("附加组件：push、pull、project、doccano", "missing for now")])
    assert {"push、", "project、", "doccano"} <= set(re.findall("[a-z]+、?", capsys.readouterr().out))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_console_table_of_a_pull_stands_side_by_side_in_80_columns(
    language: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A regression test: the head "edited, not confirmed" made a block of lines of each row.
    monkeypatch.setenv("COLUMNS", "80")
    keys = ("annotator", "confirmed", "edited", "untouched", "spans", "comments", "losses", "consistent")
    choose_language(language)
    try:
        print_table("layers", [HEADINGS.get(key, key) for key in keys], [("anna-and-ben", *range(150, 156), True)])
    finally:
        choose_language("en")
    _, heads, *_ = capsys.readouterr().out.splitlines()
    assert cell_len(heads.rstrip()) <= 80
    assert len(heads.split()) >= len(keys)


GOLD, LAYERS = Path("annotations/gold"), Path("annotations/layers")
SCORED = ["--gold", str(GOLD), "--resamples", "100"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("command", "heads"),
    [
        (["evaluate", *SCORED, "--layer", f"pre={LAYERS / 'annotator-a'}"], 12),
        (["compare", *SCORED, str(LAYERS / "annotator-a"), str(LAYERS / "annotator-b")], 9),
        (["agree", str(LAYERS / "annotator-a"), str(LAYERS / "annotator-b")], 5),
        (["summary", "REPORTS"], 8),
        (["history", "REPORTS"], 8),
        (["read", "seeds"], 5),
        (["table", "seeds", "--layer", str(GOLD)], 7),
        (["labels"], 5),
        (["configs"], 4),
        (["doctor"], 3),
    ],
)
def test_console_tables_of_commands_stand_side_by_side_in_80_columns(
    command: list[str],
    heads: int,
    language: str,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    if "REPORTS" in command:
        layer = ["--layer", f"pre={LAYERS / 'annotator-a'}", "--article", "seeds/handan-2020-07-02.txt"]
        assert run(["report", *SCORED, *layer, "-o", str(tmp_path / "seeds")]) == 0
        capsys.readouterr()
        command = [one.replace("REPORTS", str(tmp_path)) for one in command]
    choose_language(language)
    try:
        run(command)
    finally:
        choose_language("en")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= 80
    beside = [len(above.split()) for above, below in pairwise(lines) if "──" in below]
    assert heads <= max(beside)
