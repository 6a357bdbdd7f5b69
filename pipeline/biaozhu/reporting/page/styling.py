"""The part of the style sheet that depends on the labels and layers of a report.

The text stands in the page once. Under it each layer has a lane of its own, drawn as a background: a bar in the
label's colour where the layer is right, a pattern where it is not. So any number of layers can be laid over the
same text, switched on and off by a check box alone, and copied without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.data.labels import Label
    from biaozhu.reporting.page.overlay import Piece

LANE = 7
BAR = 5
THIN = 3
JOINER = "\u2060"  # keeps the sign on the line of the name it stands before
SIGNS: Mapping[str, str] = {"missed": "−", "invented": "+", "boundary": "↔", "label": "≠"}
# Drawn so that they differ in black and white too.
PATTERNS: Mapping[str, str] = {
    "boundary": "repeating-linear-gradient(90deg,var(--bad) 0 6px,transparent 0 8px)",
    "label": "linear-gradient(var(--bad) 1.5px,transparent 0 3.5px,var(--bad) 0)",
    "invented": "repeating-linear-gradient(115deg,var(--bad) 0 2px,transparent 0 4.5px)",
    "missed": "repeating-linear-gradient(90deg,var(--bad) 0 1.5px,transparent 0 5px)",
}
LETTERS: Mapping[str, str] = {
    "correct": "c",
    "plain": "c",
    "boundary": "b",
    "label": "l",
    "invented": "i",
    "missed": "m",
}


@dataclass(frozen=True, slots=True)
class Lane:
    """A layer in the text: its number (0 is the gold), name, a short sign, and whether it is shown at first."""

    number: int
    name: str
    short: str
    gold: bool = False
    shown: bool = True


def label_shorts(names: Sequence[str]) -> tuple[str, ...]:
    """Return a sign for each name: its first character, with a number where two are equal."""
    found: list[str] = []
    for name in names:
        first = name[:1].upper() or "?"
        again = sum(sign[:1] == first for sign in found)
        found.append(f"{first}{again + 1}" if again else first)
    return tuple(found)


def classes_of(piece: Piece, numbers: Mapping[str, int]) -> str:
    """Return the classes of a piece of text: what each lane draws under it.

    Args:
        piece: of the text.
        numbers: of the labels, by id.
    """
    found = []
    for touch in piece.touches:
        lane = touch.lane
        kind = "g" if lane == 0 else f"l{lane}{LETTERS[touch.status]}"
        found += [kind, f"q{lane}-{numbers[touch.label]}"]
        # Without gold the first layer's labels are written, so that colour is not their only sign.
        found += ["w"] * (touch.status == "plain" and lane == 1)
        found += [f"s{lane}"] * touch.starts + [f"e{lane}"] * touch.ends
    return " ".join(found)


def style_of(labels: Sequence[Label], shorts: Sequence[str], lanes: Sequence[Lane], alone: str) -> Markup:
    """Return the rules for these labels and lanes.

    Args:
        labels: in the order of their numbers; colours are #rrggbb.
        shorts: a sign for each label.
        lanes: the first is the gold's.
        alone: what stands at an error that no other layer makes; empty with one layer.
    """
    below = [lane for lane in lanes if lane.number]
    images = ",".join(["var(--b0,none)", *(f"var(--b{lane.number},none)" for lane in below)])
    places = ",".join(["0 0", *(f"0 calc(100% - {_room(below[at:])})" for at in range(1, len(below) + 1))])
    sizes = ",".join(
        ["100% calc(100% - var(--deep))", *(f"100% var(--h{lane.number},{BAR}px)" for lane in below)]
    )
    colours = "".join(f"--L{at}:{label.color};" for at, label in enumerate(labels))
    lighter = "".join(
        f"--L{at}:color-mix(in oklab,{label.color} 45%,white);" for at, label in enumerate(labels)
    )
    rules = [
        f":root{{{colours}}}",
        f"@media screen and (prefers-color-scheme:dark){{:root{{{lighter}}}}}",
        f".tx{{--deep:calc({_room(below)} + 2px);line-height:calc(1.7em + var(--deep))}}",
        f".x{{padding-bottom:var(--deep);background-image:{images};background-position:{places};background-size:{sizes}}}",
        ".g{--t0:color-mix(in srgb,var(--q0) var(--tint),transparent);--b0:" + _ended("0", "var(--t0)") + "}",
        *_switch("0", ".g"),
        "body:has(#t0:not(:checked)) .g::before{content:none!important}",
        "body:has(#t1:not(:checked)) .w::before{content:none!important}",
        ".g.s0::before,.w.s1::before{font-size:.6em;line-height:1;font-weight:700;color:var(--ink);padding:0 .2em;vertical-align:.35em;opacity:.85}",
        ".d-correct{background:linear-gradient(var(--L0) 3px,transparent 0)}",
        *(f".d-{status}{{background:{image}}}" for status, image in PATTERNS.items()),
        *(f".m-{status}::after{{content:{_quoted(sign)}}}" for status, sign in SIGNS.items()),
    ]
    rules += [
        f".c{at}{{--c:var(--L{at})}}.c{at}::before{{content:{_quoted(label.name)}}}"
        for at, label in enumerate(labels)
    ]
    if alone:
        rules.append(f".errs li[data-a]::after{{content:{_quoted(alone)}}}")
    for at, short in enumerate(shorts):
        rules.append(
            f".w.s1.q1-{at}::before{{content:{_quoted(short + JOINER)}}}.q0-{at}{{--q0:var(--L{at})}}.g.s0.q0-{at}::before{{content:{_quoted(short + JOINER)}}}"
        )
    for lane in below:
        number = str(lane.number)
        bar = "linear-gradient(90deg,var(--s{0},var(--q{0})) 2px,var(--q{0}) 0 calc(100% - 2px),var(--e{0},var(--q{0})) 0)"
        rules.append(f".l{number}c{{--h{number}:{THIN}px;--b{number}:{bar.format(number)}}}")
        rules += [f".l{number}{LETTERS[status]}{{--b{number}:{image}}}" for status, image in PATTERNS.items()]
        rules += [f".q{number}-{at}{{--q{number}:var(--L{at})}}" for at in range(len(labels))]
        rules += _switch(number, ".x")
        rules.append(f"body:has(#t{number}:not(:checked)) .m{number}{{display:none}}")
        # A lane that is switched off takes no room.
        rules.append(f"body:has(#t{number}:not(:checked)){{--v{number}:0}}")
        rules.append(f".m{number}::before{{content:{_quoted(lane.short)}}}")
    rules += [
        f".s{lane.number}{{--s{lane.number}:transparent}}.e{lane.number}{{--e{lane.number}:transparent}}"
        for lane in lanes
    ]
    # Safe: numbers, colours checked by read_labels, and names as escapes (see _quoted).
    return Markup("\n".join(rules))  # noqa: S704 — as said above


def _ended(number: str, colour: str) -> str:
    return (
        f"linear-gradient(90deg,var(--s{number},{colour}) 1px,{colour} 0 calc(100% - 1px),"
        f"var(--e{number},{colour}) 0)"
    )


def _room(lanes: Sequence[Lane]) -> str:
    return f"{LANE}px * ({' + '.join(f'var(--v{lane.number},1)' for lane in lanes) or '0'})"


def _switch(number: str, what: str) -> list[str]:
    return [f"body:has(#t{number}:not(:checked)) {what}{{--b{number}:none!important}}"]


def _quoted(text: str) -> str:
    # Every character by number: a name can then hold nothing that ends the string or the style element.
    return '"' + "".join(f"\\{ord(character):x} " for character in text) + '"'
