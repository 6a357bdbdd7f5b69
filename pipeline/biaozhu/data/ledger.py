"""The ledger: every span that a step drops, moves or cannot align, by name and by count.

A loss makes the command's exit status 1 and a red line on top of the report. A decision (a stated precedence
chose between candidates that both stay in their own layers) is counted and named too, but loses nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import msgspec

from biaozhu.data.errors import LineError
from biaozhu.data.files import parse_json, read_bytes, write_lines
from biaozhu.data.layers import split_lines

Severity = Literal["loss", "decision"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One span, and what a step did with it; offsets are code points into the sentence."""

    step: str
    severity: Severity
    reason: str
    sentence: str
    start: int
    end: int
    label: str
    text: str
    source: str = ""
    detail: str = ""


def losses(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries that must make the exit status non-zero."""
    return tuple(entry for entry in entries if entry.severity == "loss")


def count_by_reason(entries: Iterable[Entry]) -> dict[str, int]:
    """Count entries by `step: reason`, most first."""
    counts = Counter(f"{entry.step}: {entry.reason}" for entry in entries)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def write_ledger(path: str | Path, entries: Iterable[Entry]) -> None:
    """Write a ledger as JSONL, one entry a line; an empty ledger is an empty file."""
    write_lines(path, (json.dumps(asdict(entry), ensure_ascii=False) for entry in entries))


def read_ledger(path: str | Path) -> tuple[Entry, ...]:
    """Read a ledger; raises LineError where a line is not an entry."""
    entries = []
    for number, line in split_lines(read_bytes(path), path):
        try:
            # Unknown keys are refused by the class, values of other types by msgspec.
            entries.append(msgspec.convert(asdict(Entry(**parse_json(line))), Entry))
        except (msgspec.ValidationError, ValueError, TypeError):
            what, advice = "not a ledger entry of this version", "Write the ledger again with the command that made it"
            raise LineError(what, where=f"{path}:{number}", next_step=advice) from None
    return tuple(entries)
