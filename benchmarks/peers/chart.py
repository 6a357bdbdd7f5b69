"""The chart of peers.py: speed against strict F1, as SVG.

python benchmarks/peers/chart.py        # draws it again from benchmarks/peers/figures.json
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from biaozhu.data.files import write_text

FIGURES, CHART = Path(__file__).parent / "figures.json", Path("docs/pictures/peers.svg")
# Blue and orange stay apart for all kinds of colour vision; the shapes differ too.
OURS, PEER = ("#0072B2", "o"), ("#D55E00", "s")
STYLE: Any = {"svg.hashsalt": "peers", "font.size": 9, "svg.fonttype": "none", "font.family": "sans-serif"}
# Where a name stands beside its mark, so that neighbours do not cover each other: points right, points up, side.
RIGHT, LEFT, BELOW = (8, 0, "left"), (-8, 0, "right"), (0, -12, "center")
SIDES = {
    "thulac": LEFT,
    "biaozhu fast": BELOW,
    "LAC in NumPy": (-8, -8, "right"),
}


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw one panel for each set; a peer that finds amounts only has no place in it."""
    with rc_context(STYLE):
        figure = Figure(figsize=(10, 4.4), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True)
        for panel, which in zip(panels, result["sentences"], strict=True):
            for peer, row in result["peers"].items():
                score = row["scores"][which].get("all")
                if score is None:
                    continue
                colour, marker = OURS if peer.startswith("biaozhu") else PEER
                place = (row["characters/CPU s"], score["F1"])
                panel.plot(*place, marker=marker, color=colour, markersize=7)
                right, up, side = SIDES.get(peer, RIGHT)
                panel.annotate(
                    peer,
                    place,
                    xytext=(right, up),
                    textcoords="offset points",
                    ha=side,
                    va="center",
                    color=colour,
                )
            panel.set_xscale("log")
            panel.set_xlim(400, 1_000_000)
            panel.set_ylim(0, 1.05)
            panel.grid(alpha=0.25)
            panel.set_title(f"{which}: {result['sentences'][which]} sentences")
            panel.set_xlabel("characters a CPU second, one thread")
        panels[0].set_ylabel("strict F1, all labels")
        figure.suptitle(f"biaozhu (circles) and peers (squares), {result['date']}", fontsize=10)
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    write_text(path, "\n".join(line.rstrip() for line in content.getvalue().splitlines()) + "\n")


if __name__ == "__main__":
    draw(json.loads(FIGURES.read_text(encoding="utf-8")), CHART)
