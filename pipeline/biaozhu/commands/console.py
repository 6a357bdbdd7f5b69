"""Input and output that every command shares: results to stdout as a table or JSON, notes to stderr, the exit status of a ledger."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from typer import Exit

from biaozhu.data.errors import BiaozhuError, printable
from biaozhu.data.ledger import Entry, count_by_reason, losses, write_ledger
from biaozhu.data.translation import translate

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


def quote(*words: object) -> str:
    """Return words of a command as a shell takes them apart again, for a note that says what to run next."""
    return shlex.join(map(str, words))


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
    with _bar(title, total, counts=total is None) as update:
        yield lambda done: update(advance=done)


@contextmanager
def progress_of_steps(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar; what is yielded is told how many steps are done, of how many, and what the next one is."""
    with _bar(title, None, counts=False) as update:
        yield lambda done, most, text: update(completed=done, total=most, description=translate(text))


@contextmanager
def _bar(title: str, total: int | None, *, counts: bool) -> Iterator[Callable[..., None]]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    count = TextColumn("{task.description}: {task.completed:,.0f} " + translate("characters"))
    columns = (SpinnerColumn(), count, TimeElapsedColumn()) if counts else Progress.get_default_columns()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        yield partial(bar.update, bar.add_task(translate(title), total=total))


def finish(
    entries: Iterable[Entry], *, left_out: Sequence[BiaozhuError] = (), ledger: Path | None = None, failed: bool = False
) -> None:
    """Write the ledger, name what was lost and left out, and exit with status 1 for that, or where the command has failed."""
    entries = tuple(entries)
    if ledger is not None:
        write_ledger(ledger, entries)
    decided = count_by_reason(entry for entry in entries if entry.severity == "decision")
    # First of the articles themselves.
    for reason in sorted(decided, key=lambda one: not one.startswith("read: ")):
        step, _, what = reason.partition(": ")
        count, what = decided[reason], translate(what)
        say(f"not annotated: {count} × {what}" if step == "read" else f"decided ({step}): {count} × {what}")
    lost = losses(entries)
    for entry in lost[:LOSSES_SHOWN]:
        detail = f" ({entry.detail})" if entry.detail else ""
        place = f"{entry.sentence} {entry.start}-{entry.end} {entry.label}"
        say(f"lost: {place} {entry.text!r}: {entry.reason}{detail}")
    for reason, count in count_by_reason(lost).items():
        say(f"lost in all: {count} × {translate(reason)}")
    for problem in left_out:
        say(f"left out: {problem}")
    if lost or left_out or failed:
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
