"""The chart of peers.py: speed against strict F1, as SVG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from pipeline.files import write_text

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

# Blue and orange stay apart for all kinds of colour vision; the shapes differ too.
OURS, PEER = ("#0072B2", "o"), ("#D55E00", "s")
STYLE: Any = {"svg.hashsalt": "peers", "font.size": 9, "svg.fonttype": "none", "font.family": "sans-serif"}


def draw(result: dict[str, Any], path: Path, *, ours: Collection[str]) -> None:
    """Draw one panel for each set; a peer that finds amounts only has no place in it."""
    with rc_context(STYLE):
        figure = Figure(figsize=(10, 4.4), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True)
        for panel, which in zip(panels, result["sentences"], strict=True):
            for peer, row in result["peers"].items():
                score = row["scores"][which].get("all")
                if score is None:
                    continue
                colour, marker = OURS if peer in ours else PEER
                place = (row["characters/CPU s"], score["F1"])
                panel.plot(*place, marker=marker, color=colour, markersize=7)
                left = place[0] > 40_000  # noqa: PLR2004 — right half of the panel: the name goes to the left
                panel.annotate(
                    peer,
                    place,
                    xytext=(-7 if left else 7, 0),
                    textcoords="offset points",
                    ha="right" if left else "left",
                    va="center",
                    color=colour,
                )
            panel.set_xscale("log")
            panel.set_xlim(500, 400_000)
            panel.set_ylim(0, 1.03)
            panel.grid(alpha=0.25)
            panel.set_title(f"{which}: {result['sentences'][which]} sentences")
            panel.set_xlabel("characters a CPU second, one thread")
        panels[0].set_ylabel("strict F1, all labels")
        figure.suptitle(f"biaozhu (circles) and peers (squares), {result['date']}", fontsize=10)
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    write_text(path, "\n".join(line.rstrip() for line in content.getvalue().splitlines()) + "\n")
