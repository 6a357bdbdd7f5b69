"""Tags of LAC that a label borrows which the network behind the pre-annotation does not have.

LAC tags organisations, works and times, so a custom model's new label need not begin from nothing: it begins from the tag
whose words agree best with the gold, if one does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from biaozhu.annotators.network.lac import Lac, load_lac
from biaozhu.reading.simplified import to_simplified

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from biaozhu.annotators.network.lac_data import Size
    from biaozhu.annotators.words import LacWord

# LAC's tags whose words an encoder can mark: names, times, nouns, numerals, measure words.
WORD_TAGS = ("LOC", "ORG", "PER", "TIME", "m", "n", "nw", "nz", "q")
# A tag is borrowed only if it has so many of the label's spans in the gold, and at least this strict F1 there.
MIN_AGREED, MIN_F1 = 2, 0.25


@cache
def load_once(size: Size) -> Lac:
    """Load LAC once in a process."""
    return load_lac(size)


def find_words(size: Size, texts: Sequence[str]) -> list[list[LacWord]]:
    """Return the words of each text that LAC gives one of `WORD_TAGS`."""
    rows = load_once(size).words([to_simplified(text) for text in texts])
    return [[word for word in row if word.tag in WORD_TAGS] for row in rows]


def choose_tags(size: Size, labels: Iterable[str], docs: Sequence[Doc]) -> dict[str, str]:
    """Choose for each label the tag whose words agree best with its spans in the gold; labels without one are left out."""
    gold: Counter[str] = Counter()
    found: Counter[str] = Counter()
    agreed: Counter[tuple[str, str]] = Counter()
    for doc, words in zip(docs, find_words(size, [doc.text for doc in docs]), strict=True):
        spans = {(span.start_char, span.end_char): span.label_ for span in doc.ents}
        gold.update(spans.values())
        found.update(word.tag for word in words)
        agreed.update((spans[word.start, word.end], word.tag) for word in words if (word.start, word.end) in spans)
    chosen = {}
    for label in labels:
        scores = {tag: 2 * agreed[label, tag] / max(1, gold[label] + found[tag]) for tag in WORD_TAGS}
        best = max(scores, key=scores.__getitem__)
        if agreed[label, best] >= MIN_AGREED and scores[best] >= MIN_F1:
            chosen[label] = best
    return chosen
