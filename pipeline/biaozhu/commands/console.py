"""Input and output that every command shares: results to stdout as a table or JSON, notes to stderr, the exit status of a ledger."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from typer import Exit

from biaozhu.data.errors import printable
from biaozhu.data.ledger import count_by_reason, losses
from biaozhu.data.translation import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.progress import Progress, TaskID

    from biaozhu.data.errors import BiaozhuError
    from biaozhu.data.ledger import Entry

LOSSES_SHOWN = 20
# Harmless, though Python does not count them as printable: the line feed and the ideographic space.
HARMLESS = "\n\u3000"
# Columns of tables with words of ours; other cells are the user's.
OUR_COLUMNS = frozenset({
    "what", "state", "status", "kind", "scheme", "metric", "reason", "change", "needs", "password kept", "consistent", "round trip",
    "how to get it, or where it is", "what it is",
})  # fmt: skip


def say(message: str) -> None:
    """Write a note to stderr, in the user's language; article text in it cannot act on the terminal."""
    sys.stderr.write(f"{printable(translate(message), keep=HARMLESS)}\n")


def show(line: str) -> None:
    """Write a line to stdout, in the user's language; article text in it cannot act on the terminal."""
    sys.stdout.write(f"{printable(translate(line), keep=HARMLESS)}\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, as_json: bool = False) -> None:
    """Print rows to stdout as a table, in which nothing acts on the terminal, or as a JSON list of objects."""
    rows = [list(row) for row in rows]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    said = Text(printable(translate(title), keep=HARMLESS))
    # Not narrower than its title, which would be broken over lines.
    table = Table(title=said, min_width=said.cell_len)
    for position, column in enumerate(columns):
        numeric = all(isinstance(row[position], int | float | None) for row in rows)
        table.add_column(translate(column), justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        # Text, not str: article text may hold what rich would read as markup.
        table.add_row(*(Text(_write_cell(*cell)) for cell in zip(columns, row, strict=True)))
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def print_json(value: Any) -> None:
    """Print a value to stdout as JSON, with escapes where a character would act on a terminal."""
    # Piece by piece: of a document of megabytes the text is several times as large while it is put together.
    for piece in json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(value):
        # Outside its strings JSON has printable characters and line feeds only.
        sys.stdout.write(piece if piece.isprintable() else "".join(map(_shown, piece)))
    sys.stdout.write("\n")


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr, or without `total` a count; what is yielded is told of the steps since its last call."""
    with _bar(title, total, counts=total is None) as (bar, task):
        yield lambda done: bar.advance(task, done)


@contextmanager
def progress_of_steps(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar; what is yielded is told how many steps are done, of how many, and what the next one is."""
    with _bar(title, None, counts=False) as (bar, task):
        yield lambda done, most, text: bar.update(task, completed=done, total=most, description=translate(text))


@contextmanager
def _bar(title: str, total: int | None, *, counts: bool) -> Iterator[tuple[Progress, TaskID]]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    count = "{task.description}: {task.completed:,.0f} " + translate("characters")
    counted = (SpinnerColumn(), TextColumn(count), TimeElapsedColumn())
    columns = counted if counts else Progress.get_default_columns()
    shown = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        yield bar, bar.add_task(translate(title), total=total)


def finish(entries: Iterable[Entry], *, left_out: Sequence[BiaozhuError] = ()) -> None:
    """Name what a command lost and which files it left out, and exit with status 1; return when there is nothing."""
    entries = tuple(entries)
    decided = [entry for entry in entries if entry.severity == "decision"]
    for reason, count in count_by_reason(entry for entry in decided if entry.step == "read").items():
        say(f"not annotated: {count} × {translate(reason.partition(': ')[2])}")
    for reason, count in count_by_reason(entry for entry in decided if entry.step != "read").items():
        step, _, what = reason.partition(": ")
        say(f"decided ({step}): {count} × {translate(what)}")
    lost = losses(entries)
    if not lost and not left_out:
        return
    for entry in lost[:LOSSES_SHOWN]:
        detail = f" ({entry.detail})" if entry.detail else ""
        place = f"{entry.sentence} {entry.start}-{entry.end} {entry.label}"
        say(f"lost: {place} {entry.text!r}: {entry.reason}{detail}")
    for reason, count in count_by_reason(lost).items():
        say(f"lost in all: {count} × {translate(reason)}")
    for problem in left_out:
        say(f"left out: {problem}")
    raise Exit(1)


def _shown(character: str) -> str:
    return character if character.isprintable() or character in HARMLESS else json.dumps(character)[1:-1]


def _write_cell(column: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return translate("yes" if value else "no")
    if column == "label" and value in ("all", "ALL"):
        return translate("all labels")
    if column in OUR_COLUMNS and isinstance(value, str):
        value = translate(value)
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value), keep=HARMLESS)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return translate("yes" if value else "no")
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value), keep=HARMLESS)
