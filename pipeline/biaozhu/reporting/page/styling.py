"""Style of the text: the lanes of the layers, the signs of labels, the CSS classes of a piece of text.

The page holds the text once, with a lane for each layer under it, so that any number of layers can be laid over the
same text, switched on and off by a check box without a script, and left out of what a reader copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.reporting.page.overlay import Piece

# Drawn so that they differ in black and white too.
PATTERNS: Mapping[str, str] = {
    "boundary": "repeating-linear-gradient(90deg,var(--bad) 0 6px,transparent 0 8px)",
    "label": "linear-gradient(var(--bad) 1.5px,transparent 0 3.5px,var(--bad) 0)",
    "invented": "repeating-linear-gradient(115deg,var(--bad) 0 2px,transparent 0 4.5px)",
    "missed": "repeating-linear-gradient(90deg,var(--bad) 0 1.5px,transparent 0 5px)",
}
# What layers.css.j2 needs besides labels and lanes.
STYLE: Mapping[str, Any] = {
    "lane_height": 7,
    "patterns": PATTERNS,
    "signs": {"missed": "−", "invented": "+", "boundary": "↔", "label": "≠"},
    "joiner": "\u2060",  # keeps the sign on the line of the name that follows it
}


@dataclass(frozen=True, slots=True)
class Lane:
    """A layer in the text: its number (0 is the gold), name, a short sign, and whether it is shown at first."""

    number: int
    name: str
    short: str
    gold: bool = False
    shown: bool = True


def abbreviate_names(names: Sequence[str]) -> list[str]:
    """Return a sign for each name: its first character, with a number where two are equal."""
    found: list[str] = []
    for name in names:
        first = name[:1].upper() or "?"
        again = sum(sign[:1] == first for sign in found)
        found.append(f"{first}{again + 1}" if again else first)
    return found


def list_classes(piece: Piece, numbers: Mapping[str, int]) -> str:
    """Return the CSS classes of a piece of text, what each lane draws under it; `numbers` is label id -> number."""
    found = []
    for touch in piece.touches:
        lane = touch.lane
        status = "c" if touch.status == "plain" else touch.status[0]
        found += ["g" if lane == 0 else f"l{lane}{status}", f"q{lane}-{numbers[touch.label]}"]
        # Without gold the first layer's labels are written, so that colour is not their only sign.
        found += ["w"] * (touch.status == "plain" and lane == 1)
        found += [f"s{lane}"] * touch.starts + [f"e{lane}"] * touch.ends
    return " ".join(found)


def quote_css(text: str) -> Markup:
    """Return a CSS string; each character is a number, so that no name can end the string or the style element."""
    return Markup('"' + "".join(f"\\{ord(character):x} " for character in text) + '"')  # noqa: S704 — as said above
