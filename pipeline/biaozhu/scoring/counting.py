"""One pass over the paired sentences of gold and layer that gathers all figures, in rows of counts by unit of resampling.

Sentences in which both sides have the same spans are most of what a good layer has; they are counted without any
alignment. What is kept grows with the number of units and classes and not with the text; of a stream only with that
of labels, sources and the like, see `ArticleRows` and `ScoreTally`.

Layers in memory have a row for each unit, a stream one for each article, up to 10,000 articles. Above that the
articles are dealt by a hash of their ids to 10,000 groups, of which each is then a unit: memory and the time of a
resample no longer grow. Sums over random groups have in expectation the variance that the articles have (random groups:
Hansen, Hurwitz and Madow 1953; Wolter 2007, chapter 2), so they are resampled, left out one by one (Kott 2001) and
swapped between two layers as articles are. With 10,000 groups a standard error is known to 1 / sqrt(2 * 10,000) =
0.7 %, which is as much as 10,000 resamples leave open too.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.scoring.breakdown import ASPECTS, NO_SCORE, SENTENCE_LENGTHS, SPAN_LENGTHS, name_length_class
from biaozhu.scoring.calibration import BIN_NAMES, STEPS, ScoreTally
from biaozhu.scoring.error_patterns import Case, Pattern, find_cases_among
from biaozhu.scoring.scores import tally_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from biaozhu.data.model import Sentence, Span
    from biaozhu.scoring.breakdown import Aspect, SeenNames

MOST_ARTICLES = GROUPS = 10_000
_ID_BYTES = 6  # an article's id holds them in hex


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """Counts by unit, one row a unit, shape (units, columns); where articles are in groups, each group is one.

    `units` are the rows' names, none for groups; `number` is of units or articles; `digest` is of the articles' ids in their
    order, for groups only; `sentences` is the number by article of a stream without groups.
    """

    units: tuple[str, ...]
    counts: NDArray[np.int64]
    number: int
    digest: str = ""
    sentences: Mapping[str, int] | None = None


class UnitRows:
    """A row of `width` columns for each unit, whose sentences may come in any order."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: defaultdict[str, list[int]] = defaultdict(lambda: [0] * width)

    def find_row(self, unit: str) -> list[int]:
        """Return the row to which the next sentence's counts are added."""
        return self._rows[unit]

    def finish(self) -> UnitCounts:
        """Return all rows, in the order in which the units came."""
        counts = np.array(list(self._rows.values()), dtype=np.int64).reshape(len(self._rows), self._width)
        return UnitCounts(tuple(self._rows), counts, len(self._rows))


class ArticleRows:
    """A row for each article of a stream, whose sentences come together; above `MOST_ARTICLES`, for each group."""

    def __init__(self, width: int) -> None:
        self._width = width + 1  # the last column counts sentences
        self._article = ""
        self._row: list[int] = []
        self._number = 0
        self._ids = array("Q")
        self._rows = array("q")
        self._groups: NDArray[np.int64] | None = None
        self._digest = hashlib.sha256()

    def find_row(self, article: str) -> list[int]:
        """Return the row to which the next sentence's counts are added."""
        if article != self._article:
            self._close()
            self._article, self._row = article, [0] * self._width
        self._row[-1] += 1
        return self._row

    def finish(self) -> UnitCounts:
        """Return all rows, in the order in which the articles came."""
        self._close()
        if self._groups is not None:
            return UnitCounts((), self._groups[:, :-1], self._number, self._digest.hexdigest())
        units = tuple(f"{key:0{2 * _ID_BYTES}x}" for key in self._ids)
        counts = np.array(self._rows, dtype=np.int64).reshape(-1, self._width)
        sentences = dict(zip(units, counts[:, -1].tolist(), strict=True))
        return UnitCounts(units, counts[:, :-1], self._number, sentences=sentences)

    def _close(self) -> None:
        """Add the row of the current article to the others."""
        if not self._article:
            return
        key = int(self._article, 16)
        self._number += 1
        self._digest.update(key.to_bytes(_ID_BYTES, "big"))
        if self._groups is not None:
            self._groups[find_group(key)] += self._row
        else:
            self._ids.append(key)
            self._rows.extend(self._row)
            if self._number > MOST_ARTICLES:
                self._groups = np.zeros((GROUPS, self._width), dtype=np.int64)
                groups = np.array([find_group(article) for article in self._ids])
                np.add.at(self._groups, groups, np.array(self._rows).reshape(-1, self._width))
                self._ids, self._rows = array("Q"), array("q")
        self._article = ""


def find_group(article: int) -> int:
    """Return the number of an article's group, by a hash: ids need not be checksums and may have a period."""
    digest = hashlib.blake2b(article.to_bytes(_ID_BYTES, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % GROUPS


WIDTH = 6
# Classes that are kept apart by more would make memory grow with the text.
_LONGEST_SPAN, _LONGEST_SENTENCE = SPAN_LENGTHS[-1] + 1, SENTENCE_LENGTHS[-1] + 1

_KEY = attrgetter("start", "end", "label")


def count_layer(
    pairs: Iterable[tuple[Sentence, Sentence]],
    *,
    labels: Sequence[str],
    units: Mapping[str, str] | None,
    sections: Mapping[str, str] | None = None,
    seen: SeenNames | None = None,
    examples: int = 20,
) -> LayerCounts:
    """Count a layer against the gold, sentence by sentence.

    Pairs are a gold sentence and the same with the layer's spans, sorted and disjoint; `units` is the unit of each sentence
    by its id, None for a stream: its units are articles, whose sentences follow each other.
    """
    counts = LayerCounts(labels, seen, examples, streamed=units is None)
    for gold, predicted in pairs:
        unit = gold.article if units is None else units[gold.id]
        counts.add(gold, predicted, unit, None if sections is None else sections[gold.id])
    counts.finish()
    return counts


class LayerCounts:
    """All figures of one layer against the gold; units, number and digest as in `UnitCounts`.

    `labels` are in the order of the columns of `rows`, of shape (units, (1 + labels) * 6): the six figures of a `Tally` for
    all labels together, then for each label with both sides restricted to it. `groups` has [sentences, gold, predicted,
    strict] by aspect and class, `confusion` characters, a row for each label, O last; `patterns` how often each error
    pattern occurs, `cases` the first `examples` of each.
    """

    units: tuple[str, ...]
    rows: NDArray[np.int64]
    number: int
    digest: str

    def __init__(self, labels: Iterable[str], seen: SeenNames | None, examples: int, *, streamed: bool) -> None:
        self.labels = tuple(labels)
        self.sentences = 0
        self.groups: dict[Aspect, defaultdict[str, list[int]]] = {
            aspect: defaultdict(lambda: [0, 0, 0, 0]) for aspect in ASPECTS
        }
        self.confusion = [[0] * (len(self.labels) + 1) for _ in range(len(self.labels) + 1)]
        self.scores = ScoreTally(STEPS if streamed else None)
        self.patterns: Counter[Pattern] = Counter()
        self.cases: defaultdict[Pattern, list[Case]] = defaultdict(list)
        self._numbers = {label: number for number, label in enumerate(self.labels)}
        self._seen, self._examples, self._streamed = seen, examples, streamed
        width = (1 + len(self.labels)) * WIDTH
        self._unit_rows = ArticleRows(width) if streamed else UnitRows(width)

    def add(self, gold: Sentence, predicted: Sentence, unit: str, section: str | None) -> None:
        """Count one sentence."""
        self.sentences += 1
        row = self._unit_rows.find_row(unit)
        wanted = [_KEY(span) for span in gold.spans]
        found = [_KEY(span) for span in predicted.spans]
        right: set[tuple[int, int, str]] | None = None  # None: all of them
        if wanted == found:
            covered = self._add_right(gold.spans, row) if wanted else 0
        else:
            # Spans of one side are disjoint, so what is identical overlaps nothing else.
            right = {*wanted}.intersection(found)
            mine = [span for span in gold.spans if _KEY(span) not in right]
            theirs = [span for span in predicted.spans if _KEY(span) not in right]
            covered = self._add_right([span for span in gold.spans if _KEY(span) in right], row)
            covered += self._add_wrong(gold, mine, theirs, row)
        self.confusion[-1][-1] += len(gold.text) - covered
        figures = (1, len(wanted), len(found), len(wanted if right is None else right))
        length = name_length_class(min(len(gold.text), _LONGEST_SENTENCE), SENTENCE_LENGTHS)
        _increase(self.groups["sentence_length"][length], figures)
        if not self._streamed:
            _increase(self.groups["article"][gold.article], figures)
        if section is not None:
            _increase(self.groups["section"][section], figures)
        self._classify(gold, predicted, right)

    def finish(self) -> None:
        """Put the units' rows together."""
        found = self._unit_rows.finish()
        for (unit, sentences), row in zip((found.sentences or {}).items(), found.counts, strict=False):
            _increase(self.groups["article"][unit], (sentences, int(row[0]), int(row[1]), int(row[3])))
        self.units, self.rows = found.units, found.counts
        self.number, self.digest = found.number, found.digest
        # A second copy of all rows and the names of the training data would stay as long as the figures do.
        del self._unit_rows, self._seen

    def _add_right(self, spans: Sequence[Span], row: list[int]) -> int:
        """Count spans that both sides have, and return how many characters they cover."""
        for column in range(WIDTH):
            row[column] += len(spans)
        covered = 0
        for span in spans:
            number = self._numbers[span.label]
            length = span.end - span.start
            covered += length
            self.confusion[number][number] += length
            first = (1 + number) * WIDTH
            for column in range(first, first + WIDTH):
                row[column] += 1
        return covered

    def _add_wrong(self, sentence: Sentence, gold: list[Span], predicted: list[Span], row: list[int]) -> int:
        """Count the other spans, and return how many characters they cover."""
        tally = tally_spans(gold, predicted)
        _increase(row, tally.row)
        labels = {span.label for span in (*gold, *predicted)}
        for label in labels:
            # Aligned anew: what is best among all labels need not be best within one.
            mine, theirs = ([span for span in side if span.label == label] for side in (gold, predicted))
            part = tally_spans(mine, theirs) if len(labels) > 1 else tally
            _increase(row, part.row, (1 + self._numbers[label]) * WIDTH)
        for case in find_cases_among(sentence, gold, predicted):
            self.patterns[case.pattern] += 1
            if len(self.cases[case.pattern]) < self._examples:
                self.cases[case.pattern].append(case)
        return self._add_characters(gold, predicted)

    def _add_characters(self, gold: Sequence[Span], predicted: Sequence[Span]) -> int:
        only_predicted = [span.end - span.start for span in predicted]
        covered = 0
        for span in gold:
            number = self._numbers[span.label]
            only_gold = span.end - span.start
            covered += only_gold
            for at, other in enumerate(predicted):
                overlap = min(span.end, other.end) - max(span.start, other.start)
                if overlap > 0:
                    self.confusion[number][self._numbers[other.label]] += overlap
                    only_gold -= overlap
                    only_predicted[at] -= overlap
            self.confusion[number][-1] += only_gold
        for span, rest in zip(predicted, only_predicted, strict=True):
            self.confusion[-1][self._numbers[span.label]] += rest
        return covered + sum(only_predicted)

    def _classify(self, gold: Sentence, predicted: Sentence, right: set[tuple[int, int, str]] | None) -> None:
        """Count the spans of both sides by their classes."""
        for span in gold.spans:
            for aspect, key in self._find_classes(gold, span):
                self.groups[aspect][key][1] += 1
        for span in predicted.spans:
            correct = right is None or _KEY(span) in right
            score = span.score
            band = NO_SCORE if score is None else BIN_NAMES[self.scores.add(score, correct)]
            classes = self._find_classes(gold, span)
            for aspect, key in (*classes, ("confidence", band), ("source", span.source)):
                counts = self.groups[aspect][key]
                counts[2] += 1
                counts[3] += correct

    def _find_classes(self, sentence: Sentence, span: Span) -> tuple[tuple[Aspect, str], ...]:
        length: tuple[Aspect, str] = ("length", name_length_class(min(span.end - span.start, _LONGEST_SPAN)))
        if self._seen is None:
            return (length,)
        known = self._seen.knows(sentence.id, sentence.text[span.start : span.end])
        return length, ("surface", "seen" if known else "unseen")


def _increase(row: list[int], figures: Sequence[int], first: int = 0) -> None:
    for at, figure in enumerate(figures, first):
        row[at] += figure
