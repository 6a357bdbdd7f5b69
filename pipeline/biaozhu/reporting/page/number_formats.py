"""Numbers as the report, its summary and the tables of `summary` and `history` write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biaozhu.scoring.significance import Bounds

NOTHING = "–"
SMALLEST_P = 0.001  # as journals print it


def format_share(value: float | None, digits: int = 3) -> str:
    """Return a share with its digits, or a dash where it is undefined."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def format_percent(value: float | None) -> str:
    """Return a share in per cent."""
    return NOTHING if value is None else f"{value:.1%}".replace("%", " %")


def format_difference(value: float | None) -> str:
    """Return a difference with its sign."""
    return NOTHING if value is None else f"{value:+.3f}".replace("-", "−")


def format_interval(bounds: Bounds, *, sign: bool = False) -> str:
    """Return the bounds of an interval; those of a difference with their signs."""
    if not bounds:
        return NOTHING
    return " … ".join(map(format_difference, bounds)) if sign else f"{bounds[0]:.3f}–{bounds[1]:.3f}"


def format_p(value: float | None, *, sign: bool = False) -> str:
    """Return a p-value, a small one by its bound; in a sentence, after the letter p, with its sign."""
    if value is None:
        return NOTHING
    if value < SMALLEST_P:
        return f"< {SMALLEST_P}"
    return f"= {value:.3f}" if sign else f"{value:.3f}"
