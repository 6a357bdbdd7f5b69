"""Load the gazetteer and the villages, and print time and memory: `python benchmarks/gazetteer.py`.

Memory is Linux's resident size over that of Python with NumPy, mapped pages included; the peak is that of loading. The
first run after an install also lays the tables out in the cache folder; run twice.
"""

from __future__ import annotations

import time
from pathlib import Path

from biaozhu.knowledge.gazetteer import gazetteer, villages


def resident(line: str = "VmRSS") -> float:
    """Return this process's resident memory in MB, with VmHWM its peak."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(row for row in status.splitlines() if row.startswith(line)).split()[1]) / 1024


def main() -> None:
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
    print(f"together: {1000 * (time.process_time() - first):.0f} ms of CPU")
    print(f"peak while loading: {resident('VmHWM') - before:.0f} MB")


if __name__ == "__main__":
    main()
