"""Names straight from a network whose words have labels as tags, such as the accurate model: the layer `network`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.annotators.registry import Annotator
from biaozhu.annotators.repair.edit import make_edit
from biaozhu.annotators.repair.persons import repair_persons
from biaozhu.annotators.repair.places import repair_places
from biaozhu.data.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from biaozhu.annotators.words import LacWord

SOURCE = "network"
OUTSIDE = "O"
PROPOSED = {"PERSON": 30, "PLACE": 10}
LABELS = frozenset((*PROPOSED, "AMOUNT"))
UNNAMED = "某"
_REFUSED = (
    "路 街 大道 巷 胡同 国道 省道 高速 公路 铁路 大桥 立交桥 隧道 机场 车站 大学 学院 医院 "
    "小学 中学 公园 广场 大厦 小区 水库 公司 集团 酒店 宾馆 超市 商场 博物馆 纪念馆"
)
REFUSED_ENDINGS = tuple(_REFUSED.split())


def find_labelled(texts: Sequence[str], words: Sequence[Sequence[LacWord]]) -> list[tuple[Span, ...]]:
    """Return the words that have a label of biaozhu as tag, repaired, without those that the guideline refuses."""
    found = []
    for text, row in zip(texts, words, strict=True):
        spans = [span for span in labelled_spans(text, row, source=SOURCE) if span.label in LABELS]
        allowed = [span for span in spans if not is_refused(text[span.start : span.end], span.label)]
        found.append(repair_names(text, allowed))
    return found


def repair_names(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans of a text as the rules of `repair` leave them, sorted."""
    edit = make_edit(text, spans)
    repair_persons(edit)
    repair_places(edit)
    return tuple(edit.spans)


def labelled_spans(text: str, words: Sequence[LacWord], *, source: str) -> Iterator[Span]:
    """Yield the words that have a label as tag, without white space at their ends."""
    for start, end, tag, score in words:
        kept = text[start:end]
        if tag != OUTSIDE and kept.strip():
            first = start + len(kept) - len(kept.lstrip())
            yield Span(first, first + len(kept.strip()), tag, source, score)


def is_refused(name: str, label: str) -> bool:
    """Tell whether the guideline refuses a name by its form: 李某 (R4), a road or another facility (P5)."""
    return (label == "PERSON" and UNNAMED in name) or (label == "PLACE" and name.endswith(REFUSED_ENDINGS))


# Its amounts only confirm those of the grammar, which is better on modern dev (`python benchmarks/modern.py dev`).
NETWORK = Annotator(
    SOURCE, find_labelled, proposes=PROPOSED, reads_words=True, by_sentence=True, built_in=True
)
