"""Places in an article of texts that were cut from it: each its own, at the borders of sentences where it can."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from biaozhu.data.errors import VersionError, raise_collected
from biaozhu.knowledge.names import make_finder
from biaozhu.reading.sentences import split_text, trim


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Place of a text in an article; `sure` where its copies among the texts are as many as its places."""

    start: int
    sure: bool


def place_texts(texts: Mapping[int, str], raw: str, *, held: Iterable[tuple[int, int]] = ()) -> dict[int, TextPlace]:
    """Return the place of each text by its number; no two overlap, nor any that is `held`.

    First come those that have no choice, then the others, each behind the one before it if it can; and texts that begin and
    end as sentences do before those that a sentence holds. VersionError, all together, for those without a place.
    """
    starts: dict[str, list[int]] = {text: [] for text in texts.values()}
    for start, end in make_finder(starts)(raw):
        starts[raw[start:end]].append(start)
    sentences = split_text(raw)
    begins, ends = {start for start, _ in sentences}, {end for _, end in sentences}
    edges = {text: trim(text, 0, len(text)) for text in starts}
    whole = {
        text: [one for one in found if one + edges[text][0] in begins and one + edges[text][1] in ends]
        for text, found in starts.items()
    }
    taken = bytearray(len(raw))
    for start, end in held:
        taken[start:end] = b"\1" * (end - start)
    places: dict[int, TextPlace] = {}
    for every, choosing in ((whole, False), (whole, True), (starts, False), (starts, True)):
        wanted = Counter(text for number, text in texts.items() if number not in places)
        # Negated, the first comes last, where it is taken at once.
        free = {text: [-one for one in reversed(every[text]) if _is_free(taken, one, text)] for text in wanted}
        sure = {text for text, found in free.items() if len(found) <= wanted[text]}
        reached = 0
        for number, text in texts.items():
            if number not in places and (choosing or text in sure):
                place = _take_next(free[text], text, reached, taken)
                if place is not None:
                    places[number] = TextPlace(place, text in sure)
            if number in places:
                reached = places[number].start + len(text)
    raise_collected([_lost(number, text, starts[text]) for number, text in texts.items() if number not in places])
    return places


def _take_next(starts: list[int], text: str, reached: int, taken: bytearray) -> int | None:
    """Take the first of the negated starts from `reached` on, else the first of all, that is free, and those before it."""
    while starts:
        # Where none is from `reached` on, this is -1, the first of all.
        start = -starts.pop(bisect_right(starts, -reached) - 1)
        if _is_free(taken, start, text):
            taken[start : start + len(text)] = b"\1" * len(text)
            return start
    return None


def _is_free(taken: bytearray, start: int, text: str) -> bool:
    return taken.find(1, start, start + len(text)) < 0


def _lost(number: int, text: str, starts: list[int]) -> VersionError:
    what, advice = f"{text[:20]!r}… is not in the article", "Give the article it was made from, or none"
    if starts:
        what, advice = f"{text[:20]!r}… is in the article only where another document is", "Leave one of the two out"
    return VersionError(what, where=f"document {number}", next_step=advice)
