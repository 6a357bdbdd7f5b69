"""Load the gazetteer, the villages and the automaton of all their names, and print time, memory and speed.

`python benchmarks/gazetteer.py TEXT`: TEXT is any Chinese text file; it is repeated to ten million characters. Memory
is Linux's resident size over that of Python with NumPy, mapped pages included; the peak is that of loading. The first
run after an install also lays the tables out in the cache folder; run twice.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from biaozhu.knowledge.gazetteer import gazetteer, villages
from biaozhu.knowledge.names import find_table_names

CHARACTERS = 10_000_000


def resident(line: str = "VmRSS") -> float:
    """Return this process's resident memory in MB, with VmHWM its peak."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(row for row in status.splitlines() if row.startswith(line)).split()[1]) / 1024


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
    find_table_names("")
    step("automaton of all names")
    print(f"together: {1000 * (time.process_time() - first):.0f} ms of CPU")
    print(f"peak while loading: {resident('VmHWM') - before:.0f} MB")
    text = path.read_text(encoding="utf-8")
    text *= -(-CHARACTERS // len(text))
    began = time.process_time()
    found = find_table_names(text)
    seconds = time.process_time() - began
    print(
        f"{len(found)} names in {len(text)} characters: {len(text) / seconds / 1e6:.1f} million characters/s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path, help="any Chinese text file")
    main(parser.parse_args().text)
