"""Load the gazetteer, the villages and an automaton of all names, and print time, memory and speed.

`python benchmarks/gazetteer.py TEXT`: TEXT is any Chinese text file; it is repeated to ten million characters. Memory
is Linux's resident size over that of Python with NumPy, mapped pages included. The first run after an install also
lays the villages out in the cache folder; run twice.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import ahocorasick_rs

from pipeline.knowledge.gazetteer import gazetteer, villages

CHARACTERS = 10_000_000


def resident() -> float:
    """Return this process's resident memory in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main(path: Path) -> None:
    """Print one line per step."""
    before = resident()
    began = first = time.process_time()

    def step(name: str) -> None:
        nonlocal began
        now = time.process_time()
        print(f"{name}: {1000 * (now - began):.0f} ms of CPU, {resident() - before:.0f} MB in all")
        began = now

    table = gazetteer()
    step(f"gazetteer, {len(table)} divisions")
    village_table = villages()
    step(f"villages, {len(village_table)}")
    names = sorted(table.named)
    automaton = ahocorasick_rs.AhoCorasick(names, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)
    step(f"automaton, {len(names)} names")
    print(f"together: {1000 * (time.process_time() - first):.0f} ms of CPU")
    text = path.read_text(encoding="utf-8")
    text *= -(-CHARACTERS // len(text))
    began = time.process_time()
    found = automaton.find_matches_as_indexes(text)
    seconds = time.process_time() - began
    print(
        f"{len(found)} names in {len(text)} characters: {len(text) / seconds / 1e6:.1f} million characters/s"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
