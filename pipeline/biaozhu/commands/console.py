"""Input and output that every command shares: results to stdout as a table or JSON, notes to stderr, the exit status of a ledger."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from typer import Exit

from biaozhu.data.errors import BiaozhuError, DuplicateError, printable
from biaozhu.data.labels import DEFAULT, read_labels
from biaozhu.data.ledger import Entry, count_by_reason, losses, write_ledger
from biaozhu.data.translation import translate

LOSSES_SHOWN = 20
PIPE_WIDTH = 140
# Cells: the widest name, number or id that is not broken over lines, and what is left at least of a text.
MOST_WORD, LEAST_TEXT = 24, 12
# A path or an address, which opens no more where it is broken over lines.
PATH = re.compile(r"(?<!\S)'?(?:\w+:/)?/\S+")
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


def say_unknown_labels(found: Iterable[str], path: Path | None = None) -> None:
    """Name the labels that a label set, or that of the working folder if it has one, lacks: other commands refuse them."""
    path = path or DEFAULT
    if path.exists() and (strange := sorted(set(found) - {label.id for label in read_labels(path)})):
        say(f"not in the label set {path}, `export` and `push` refuse them: {', '.join(strange)}")


def quote(*words: object) -> str:
    """Return words of a command as a shell takes them apart again, for a note that says what to run next."""
    return shlex.join(map(str, words))


def name_first(names: Sequence[object], most: int) -> str:
    """Return the first names, with commas between them, and a mark where there are more."""
    return ", ".join(map(str, names[:most])) + " …" * (len(names) > most)


def show_line(line: str) -> None:
    """Write a line to stdout, in the user's language; article text in it cannot act on the terminal."""
    sys.stdout.write(f"{printable(translate(line), keep=HARMLESS)}\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, as_json: bool = False) -> None:
    """Print rows to stdout as a table, in which nothing acts on the terminal, or as a JSON list of objects.

    Where the columns do not fit side by side each row is a block of lines, one a cell. No path is broken, were it wider than all.
    """
    rows = [list(row) for row in rows]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from biaozhu.commands.help_pages import wrap_columns

    # A pipe has no width, but for one that is asked for.
    console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH)
    heads = [translate(column) for column in columns]
    cells = [[_write_cell(*cell) for cell in zip(columns, row, strict=True)] for row in rows]
    gap, widths = _fit_columns(list(zip(heads, *cells, strict=True)), console.width)
    if not widths:
        longest = max(map(cell_len, heads)) + 1 + max(map(_measure_path, chain(*cells)), default=0)
        console.width = max(console.width, longest)
    said = Text(printable(translate(title), keep=HARMLESS))
    # Not narrower than its title, which would be broken over lines.
    look: dict[str, Any] = {"box": SIMPLE_HEAD, "show_edge": False, "pad_edge": False, "padding": (0, gap - 1, 0, 0)}
    table = Table(title=said, min_width=min(said.cell_len, console.width), show_header=bool(widths), **look)
    for position, width in enumerate(widths):
        numeric = rows and all(isinstance(row[position], int | float | None) for row in rows)
        table.add_column(heads[position], justify="right" if numeric else "left", overflow="fold", width=width)
    # Of our own words none is cut, and rich takes Chinese without a blank for one word.
    ours = [(at, width) for at, width in enumerate(widths) if columns[at] in OUR_COLUMNS]
    for row in cells:
        for at, width in ours:
            row[at] = wrap_columns(row[at], width)
        for line in [row] if widths else zip(heads, row, strict=True):
            # Text, not str: article text may hold what rich would read as markup.
            table.add_row(*(Text(cell, overflow="fold") for cell in line))
        if not widths:
            table.add_row()
    console.print(table)


def _fit_columns(columns: Sequence[Sequence[str]], room: int) -> tuple[int, list[int]]:
    """Return the gap between columns, and their widths; none where they do not fit side by side.

    Only texts give way, the widest first, and none becomes narrower than its head: a broken figure is misread.
    """
    from rich.cells import cell_len

    sizes = [[cell_len(cell) for cell in cells] for cells in columns]
    wide = [max(some) for some in sizes]
    least = []
    for cells, (head, *some), most in zip(columns, sizes, wide, strict=True):
        is_text = most > MOST_WORD or some != [len(cell) for cell in cells[1:]]
        least.append(min(most, max(head, LEAST_TEXT, *map(_measure_path, cells))) if is_text else most)
    gap = 2 if sum(wide) + 2 * len(columns) <= room else 1
    room -= gap * (len(columns) - 1)
    bounds = list(zip(least, wide, strict=True))
    fitting = ([max(low, min(high, level)) for low, high in bounds] for level in range(room, 0, -1))
    return gap, next((widths for widths in fitting if sum(widths) <= room), [])


def _measure_path(cell: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, PATH.findall(cell)), default=0)


def print_json(value: Any) -> None:
    """Print a value to stdout as JSON, with escapes where a character would act on a terminal."""
    # Piece by piece: of a document of megabytes the text is several times as large while it is put together.
    for piece in json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(value):
        # Outside its strings JSON has printable characters and line feeds only.
        escaped = (one if one.isprintable() or one in HARMLESS else json.dumps(one)[1:-1] for one in piece)
        sys.stdout.write(piece if piece.isprintable() else "".join(escaped))
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
    if not sys.stderr.isatty():
        yield lambda **_: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    count = TextColumn("{task.description}: {task.completed:,.0f} " + translate("characters"))
    columns = (SpinnerColumn(), count, TimeElapsedColumn()) if counts else Progress.get_default_columns()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield partial(bar.update, bar.add_task(translate(title), total=total))


def drop_copies(left_out: Iterable[BiaozhuError]) -> list[BiaozhuError]:
    """Return what was left out but copies of what is read, which are not a loss."""
    return [problem for problem in left_out if not isinstance(problem, DuplicateError)]


def finish(
    entries: Iterable[Entry], *, left_out: Sequence[BiaozhuError] = (), ledger: Path | None = None, failed: bool = False
) -> None:
    """Write the ledger, name what was lost and left out, and exit with status 1 for that (not for copies), or where the command has failed."""
    entries = tuple(entries)
    if ledger is not None:
        write_ledger(ledger, entries)
    decided = count_by_reason(entry for entry in entries if entry.severity == "decision")
    # First of the articles themselves.
    for reason in sorted(decided, key=lambda one: not one.startswith("read: ")):
        step, _, what = reason.partition(": ")
        count, what = decided[reason], translate(what)
        if step == "read":
            say(f"not part of the article, so not annotated: {count} × {what}")
        elif step != "combine":
            say(f"decided ({step}): {count} × {what}")
    displaced = Counter((one.label, one.reason) for one in entries if one.step == "combine")
    for (label, reason), count in displaced.most_common():
        say(f"found, but not taken: {count} × {label}, {translate(reason)}")
    lost = losses(entries)
    for entry in lost[:LOSSES_SHOWN]:
        detail = f" ({entry.detail})" if entry.detail else ""
        place = f"{entry.sentence} {entry.start}-{entry.end} {entry.label}"
        say(f"lost: {place} {entry.text!r}: {entry.reason}{detail}")
    for reason, count in count_by_reason(lost).items():
        say(f"lost in all: {count} × {translate(reason)}")
    for problem in left_out:
        say(f"left out: {problem}")
    if lost or failed or drop_copies(left_out):
        raise Exit(1)


def _write_cell(column: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return translate("yes" if value else "no")
    if column == "label" and value in ("all", "ALL"):
        return translate("all labels")
    if column == "layer" and value == "all layers":
        return translate("all layers")
    if column in OUR_COLUMNS and isinstance(value, str):
        value = translate(value)
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value), keep=HARMLESS)
