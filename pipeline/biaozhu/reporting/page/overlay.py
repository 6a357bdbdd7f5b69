"""An article with the spans of several layers over it, cut into pieces, and the style of lanes, signs and pieces.

All offsets here are code points into the raw file, half open. The page holds the text once, with a lane for each layer
under it: layers are switched on and off by a check box without a script, and left out of what a reader copies.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from markupsafe import Markup

from biaozhu.data.model import Article, BlockKind, Sentence, Span
from biaozhu.reporting.escaping import escape_plain
from biaozhu.reporting.page.strings import NOTHING, Words
from biaozhu.scoring.error_patterns import PATTERNS, Case, Pattern, Shape, find_cases

SpanText = tuple[str, str]
Status = Literal["gold", "plain", "correct", "boundary", "label", "missed", "invented"]

PARAGRAPH_GAP = 1
# What layers.css.j2 needs besides labels and lanes.
STYLE: Mapping[str, Any] = {
    "lane_height": 7,
    # Drawn so that they differ in black and white too.
    "patterns": {
        "boundary": "repeating-linear-gradient(90deg,var(--bad) 0 6px,transparent 0 8px)",
        "label": "linear-gradient(var(--bad) 1.5px,transparent 0 3.5px,var(--bad) 0)",
        "invented": "repeating-linear-gradient(115deg,var(--bad) 0 2px,transparent 0 4.5px)",
        "missed": "repeating-linear-gradient(90deg,var(--bad) 0 1.5px,transparent 0 5px)",
    },
    "signs": {"missed": "−", "invented": "+", "boundary": "↔", "label": "≠"},
    "joiner": "\u2060",  # keeps the sign on the line of the name that follows it
}


@dataclass(frozen=True, slots=True)
class ArticlePlace:
    """Place of an article in a report: the prefix of its anchors, its file (empty: the report itself), its title."""

    anchor: str
    page: str
    title: str


def name_article(article: Article, *, single: bool = False) -> str:
    """Return the name of an article's file, which sections and inputs have, too, with its title; of a single article the title."""
    name, title = article.name, article.metadata.title
    return title or name if single else name if title in name else f"{name} · {title}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A layer's statement about a stretch of the raw file; lane 0 is the gold, `plain` has no gold to compare with."""

    lane: int
    start: int
    end: int
    label: str
    status: Status


@dataclass(frozen=True, slots=True)
class ListedError:
    """One error of one layer: ids of its line and its place, the place in the raw file, whether no other layer errs there.

    Where it ends the text has a sign with this title, which leads to its line in the list of errors.
    """

    id: str
    anchor: str
    lane: int
    status: Status
    start: int
    end: int
    case: Case
    gold: tuple[SpanText, ...]
    predicted: tuple[SpanText, ...]
    alone: bool
    title: str

    @property
    def labels(self) -> list[str]:
        """The labels of its spans, in alphabetical order."""
        return sorted({label for label, _ in (*self.gold, *self.predicted)})


@dataclass(frozen=True, slots=True)
class MarkedPiece:
    """A stretch of text with the same bars over all of it; `anchor` is set where an error begins."""

    start: int
    text: str
    bars: tuple[Bar, ...]
    anchor: str
    marks: tuple[ListedError, ...]


def cut_article(
    text: Article | Sequence[Sentence], bars: Iterable[Bar], marks: Iterable[ListedError], *, name: str
) -> list[tuple[BlockKind, list[MarkedPiece]]]:
    """Cut an article into blocks, each a kind and pieces, which hold all text of the blocks (or sentences) once, in order.

    Where its file is not known, `text` is its sentences, and each gap of more than one character begins a paragraph.
    An anchor, which begins with `name`, is set where an error of `marks` starts.
    """
    bars = sorted(bars, key=lambda bar: (bar.start, bar.end, bar.lane))
    marks = sorted(marks, key=lambda mark: (mark.start, mark.end, mark.lane))
    if isinstance(text, Article):
        blocks = [(one.start, text.raw[one.start : one.end], one.kind) for one in text.blocks]
    else:
        blocks = _join_sentences(text)
    return [(kind, list(_cut_block(start, content, bars, marks, name))) for start, content, kind in blocks]


def make_anchor(name: str, start: int) -> str:
    """Return the id of an error that begins at this offset of the raw file."""
    return f"{name}-{start}"


def _join_sentences(sentences: Sequence[Sentence]) -> list[tuple[int, str, BlockKind]]:
    found: list[tuple[int, str, BlockKind]] = []
    for sentence in sorted(sentences, key=lambda sentence: sentence.start):
        if found:
            start, content, _ = found[-1]
            gap = sentence.start - start - len(content)
            if PARAGRAPH_GAP >= gap >= 0:
                # The gap is white space that no layer knows.
                found[-1] = (start, content + " " * gap + sentence.text, "paragraph")
                continue
        found.append((sentence.start, sentence.text, "paragraph"))
    return found


def _cut_block(start: int, content: str, bars: list[Bar], marks: list[ListedError], name: str) -> Iterator[MarkedPiece]:
    end = start + len(content)
    mine = [bar for bar in bars if bar.start < end and start < bar.end]
    # A mark belongs to the block in which its error begins, so that it is there once.
    noted = [mark for mark in marks if start <= mark.start < end]
    both: list[Bar | ListedError] = [*mine, *noted]
    cuts = sorted({start, end, *(max(one.start, start) for one in both), *(min(one.end, end) for one in both)})
    over: list[list[Bar]] = [[] for _ in cuts]
    for bar in sorted(mine, key=lambda one: one.lane):
        for position in range(bisect_left(cuts, max(bar.start, start)), bisect_left(cuts, min(bar.end, end))):
            over[position].append(bar)
    anchors = {mark.start for mark in noted}
    for (left, right), bars_there in zip(pairwise(cuts), over, strict=False):
        anchor = make_anchor(name, left) if left in anchors else ""
        ended = tuple(mark for mark in noted if min(mark.end, end) == right)
        yield MarkedPiece(left, content[left - start : right - start], tuple(bars_there), anchor, ended)


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


def list_classes(piece: MarkedPiece, numbers: Mapping[str, int]) -> str:
    """Return the CSS classes of a piece of text, what each lane draws under it; `numbers` is label id -> number."""
    found = []
    for bar in piece.bars:
        lane = bar.lane
        status = "c" if bar.status == "plain" else bar.status[0]
        found += ["g" if lane == 0 else f"l{lane}{status}", f"q{lane}-{numbers[bar.label]}"]
        # Without gold the first layer's labels are written, so that colour is not their only sign.
        found += ["w"] * (bar.status == "plain" and lane == 1)
        found += [f"s{lane}"] * (bar.start == piece.start) + [f"e{lane}"] * (bar.end == piece.start + len(piece.text))
    return " ".join(found)


def quote_css(text: str) -> Markup:
    """Return a CSS string; each character is a number, so that no name can end the string or the style element."""
    return Markup('"' + "".join(f"\\{ord(character):x} " for character in text) + '"')  # noqa: S704 — as said above


_STATUS: dict[Shape, Status] = {"missed": "missed", "invented": "invented", "label": "label"}


def list_errors(
    pairs: Mapping[int, Sequence[tuple[Sentence, Sentence]]],
    places: Mapping[str, ArticlePlace],
    lanes: Sequence[Lane],
    words: Words,
) -> dict[int, list[ListedError]]:
    """Return every error of each layer, by lane; `places` is by article id."""
    cases = {
        lane: [(gold, case) for gold, predicted in of_lane for case in find_cases(gold, predicted)]
        for lane, of_lane in pairs.items()
    }
    lanes_at: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for lane, of_lane in cases.items():
        for _, case in of_lane:
            for at in range(case.start, case.end):
                lanes_at[case.sentence, at].add(lane)
    found: dict[int, list[ListedError]] = {lane: [] for lane in cases}
    for lane, of_lane in cases.items():
        for number, (gold, case) in enumerate(of_lane, 1):
            start, end = gold.start + case.start, gold.start + case.end
            sides = (case.gold, case.predicted)
            mine, theirs = (tuple((one.label, gold.text[one.start : one.end]) for one in side) for side in sides)
            status = _STATUS.get(case.shape, "boundary")
            texts = (" ".join(text for _, text in side) or NOTHING for side in (mine, theirs))
            said = dict(zip(("gold", "found"), texts, strict=True))
            title = escape_plain(words("mark", layer=lanes[lane].name, what=words(f"status.{status}"), **said))
            alone = all(lanes_at[case.sentence, at] == {lane} for at in range(case.start, case.end))
            place = (f"e{lane}-{number}", make_anchor(places[gold.article].anchor, start), lane, status, start, end)
            found[lane].append(ListedError(*place, case, mine, theirs, alone, title))
    return found


def group_errors(errors: Iterable[ListedError], *, most: int | None = None) -> list[dict[str, Any]]:
    """Group the errors of a layer by pattern, the most frequent first; each lists at most so many, and counts labels."""
    groups: defaultdict[Pattern, list[ListedError]] = defaultdict(list)
    for error in errors:
        groups[error.case.pattern].append(error)
    listed = []
    for pattern, found in sorted(groups.items(), key=lambda one: (-len(one[1]), PATTERNS.index(one[0]))):
        labels = Counter(label for one in found for label in one.labels).most_common()
        listed.append({"pattern": pattern, "errors": found[:most], "count": len(found), "labels": labels})
    return listed


def make_bars(lane: int, sentence: Sentence, gold: Sentence | None) -> Iterator[Bar]:
    """Yield what a layer says about a sentence; with the gold's spans in `gold`, also what is correct and missed."""
    usual: Status = "correct" if gold else "plain" if lane else "gold"
    found: list[tuple[Span, Status]] = []
    status: dict[tuple[int, int, str], Status] = {}
    for case in find_cases(gold, sentence) if gold else ():
        status |= {span.key: _STATUS.get(case.shape, "boundary") for span in case.predicted}
        found += [(span, "missed") for span in case.gold if case.shape == "missed"]
    for span, kind in (*found, *((span, status.get(span.key, usual)) for span in sentence.spans)):
        yield Bar(lane, sentence.start + span.start, sentence.start + span.end, span.label, kind)
