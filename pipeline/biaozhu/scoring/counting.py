"""One pass over the paired sentences of gold and layer that gathers all figures, in rows of counts by unit of resampling.

Sentences in which both sides have the same spans are most of what a good layer has; they are counted without any
alignment. What is kept grows with the number of units and classes and not with the text; of a stream only with that
of labels, sources and the like, see `UnitRows` and `ScoreTally`.

Layers in memory have a row for each unit, a stream one for each article, up to 10,000 articles. Above that the
articles are dealt by a hash of their ids to 10,000 groups, of which each is then a unit: memory and the time of a
resample no longer grow. Sums over random groups have in expectation the variance that the articles have (random groups:
Hansen, Hurwitz and Madow 1953; Wolter 2007, chapter 2), so they are resampled, left out one by one (Kott 2001) and
swapped between two layers as articles are. With 10,000 groups a standard error is known to 1 / sqrt(2 * 10,000) =
0.7 %, which is as much as 10,000 resamples leave open too.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from biaozhu.data.model import BY_KEY, Sentence, Span
from biaozhu.scoring import breakdown
from biaozhu.scoring.breakdown import Aspect, SeenNames, name_length_class
from biaozhu.scoring.error_patterns import Case, Pattern, find_cases
from biaozhu.scoring.scores import tally_spans

MOST_ARTICLES = GROUPS = 10_000
EXAMPLES = 20
WIDTH = 6
# Classes that are kept apart by more would make memory grow with the text.
_LONGEST_SPAN, _LONGEST_SENTENCE = breakdown.SPAN_LENGTHS[-1] + 1, breakdown.SENTENCE_LENGTHS[-1] + 1


class UnitRows:
    """A row of counts for each unit; of a stream for each article, above `MOST_ARTICLES` of them for each group.

    `number` is how many articles a stream has, whose sentences come together; those of other units come in any order.
    """

    def __init__(self, width: int, *, streamed: bool = False) -> None:
        self.number = 0
        self.groups: list[list[int]] = []
        self._width, self._streamed = width, streamed
        self._rows: defaultdict[str, list[int]] = defaultdict(self._make_row)
        self._unit, self._row = "", self._make_row()
        self._digest = hashlib.sha256()

    def find_row(self, unit: str) -> list[int]:
        """Return the row to which the next sentence's counts are added."""
        if unit != self._unit:
            if self._streamed:
                self._add_article(unit)
            self._unit = unit
            self._row = self.groups[find_group(unit)] if self.groups else self._rows[unit]
        return self._row

    def finish(self) -> tuple[tuple[str, ...], NDArray[np.int64], str]:
        """Return the units and their rows; for groups, which have no names, also a digest of the articles' ids."""
        rows = self.groups or list(self._rows.values())
        counts = np.array(rows, dtype=np.int64).reshape(len(rows), self._width)
        return tuple(self._rows), counts, self._digest.hexdigest() if self.groups else ""

    def _make_row(self) -> list[int]:
        return [0] * self._width

    def _add_article(self, article: str) -> None:
        self.number += 1
        self._digest.update(bytes.fromhex(article))
        if self.number == MOST_ARTICLES + 1:
            self.groups = [self._make_row() for _ in range(GROUPS)]
            for one, row in self._rows.items():
                _increase(self.groups[find_group(one)], row)
            self._rows.clear()


def find_group(article: str) -> int:
    """Return the number of an article's group, by a hash: ids need not be checksums and may have a period."""
    return int.from_bytes(hashlib.blake2b(bytes.fromhex(article), digest_size=8).digest(), "big") % GROUPS


class LayerCounts:
    """All figures of one layer against the gold.

    `labels` are in the order of the columns of `rows`, of shape (units, (1 + labels) * 6): the six figures of a `Tally` for
    all labels together, then for each label with both sides restricted to it. `units` names the rows; those of groups have
    no names, but `digest` is of the articles' ids in their order. `number` is of a stream's articles. `groups` has
    [sentences, gold, predicted, strict] by aspect and class, `confusion` characters, a row for each label, O last;
    `patterns` how often each error pattern occurs, `cases` the first `EXAMPLES` of each. `repeated` counts sentences that
    training saw with other names at most, `fresh` the gold spans of the others whose name it had not seen; None where it is
    not known what it saw.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[Sentence, Sentence]],
        *,
        labels: Iterable[str],
        units: Mapping[str, str] | None,
        sections: Mapping[str, str] | None = None,
        seen: SeenNames | None = None,
    ) -> None:
        """Count pairs of a gold sentence and the same with the layer's spans, sorted and disjoint.

        `units` is the unit of each sentence by its id, None for a stream: its units are articles, whose sentences follow
        each other.
        """
        self.labels = tuple(labels)
        self.sentences = 0
        self.groups: dict[Aspect, defaultdict[str, list[int]]] = {
            aspect: defaultdict(lambda: [0, 0, 0, 0]) for aspect in breakdown.ASPECTS
        }
        self.confusion = [[0] * (len(self.labels) + 1) for _ in range(len(self.labels) + 1)]
        self.scores = breakdown.ScoreTally(breakdown.STEPS if units is None else math.inf)
        self.patterns: Counter[Pattern] = Counter()
        self.cases: defaultdict[Pattern, list[Case]] = defaultdict(list)
        self.repeated = 0
        self.fresh = None if seen is None else 0
        self._numbers = {label: number for number, label in enumerate(self.labels)}
        self._seen = seen
        rows = UnitRows((1 + len(self.labels)) * WIDTH, streamed=units is None)
        for gold, predicted in pairs:
            row = rows.find_row(gold.article if units is None else units[gold.id])
            figures = self._add(gold, predicted, row)
            if not rows.groups:
                _increase(self.groups["article"][gold.article], figures)
            if sections is not None:
                _increase(self.groups["section"][sections[gold.id]], figures)
        if rows.groups:
            self.groups["article"].clear()
        self.number = rows.number
        self.units, self.rows, self.digest = rows.finish()
        # The names of the training data would stay as long as the figures do.
        del self._seen

    def _add(self, gold: Sentence, predicted: Sentence, row: list[int]) -> tuple[int, int, int, int]:
        """Count one sentence, and return what a class of sentences counts of it."""
        self.sentences += 1
        right = {*map(BY_KEY, gold.spans)}.intersection(map(BY_KEY, predicted.spans))
        if len(gold.spans) == len(predicted.spans) == len(right):
            covered = self._add_right(gold.spans, row)
        else:
            # Spans of one side are disjoint, so what is identical overlaps nothing else.
            covered = self._add_right([span for span in gold.spans if BY_KEY(span) in right], row)
            covered += self._add_wrong(gold, predicted, right, row)
        self.confusion[-1][-1] += len(gold.text) - covered
        figures = (1, len(gold.spans), len(predicted.spans), len(right))
        length = name_length_class(min(len(gold.text), _LONGEST_SENTENCE), breakdown.SENTENCE_LENGTHS)
        _increase(self.groups["sentence_length"][length], figures)
        self._classify(gold, predicted, right)
        return figures

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
            for column in range((1 + number) * WIDTH, (2 + number) * WIDTH):
                row[column] += 1
        return covered

    def _add_wrong(self, gold: Sentence, predicted: Sentence, right: set[tuple[int, int, str]], row: list[int]) -> int:
        """Count the other spans, and return how many characters they cover."""
        mine, theirs = ([span for span in side.spans if BY_KEY(span) not in right] for side in (gold, predicted))
        tally = tally_spans(mine, theirs)
        _increase(row, tally.row)
        labels = {span.label for span in (*mine, *theirs)}
        for label in labels:
            # Aligned anew: what is best among all labels need not be best within one.
            sides = ([span for span in side if span.label == label] for side in (mine, theirs))
            part = tally_spans(*sides) if len(labels) > 1 else tally
            _increase(row, part.row, (1 + self._numbers[label]) * WIDTH)
        for case in find_cases(gold, predicted):
            self.patterns[case.pattern] += 1
            if len(self.cases[case.pattern]) < EXAMPLES:
                self.cases[case.pattern].append(case)
        return self._add_characters(mine, theirs)

    def _add_characters(self, gold: Iterable[Span], predicted: Iterable[Span]) -> int:
        mine, theirs = (
            {at: self._numbers[span.label] for span in side for at in range(span.start, span.end)}
            for side in (gold, predicted)
        )
        covered = mine.keys() | theirs.keys()
        for at in covered:
            self.confusion[mine.get(at, -1)][theirs.get(at, -1)] += 1
        return len(covered)

    def _classify(self, gold: Sentence, predicted: Sentence, right: set[tuple[int, int, str]]) -> None:
        """Count the spans of both sides by their classes."""
        repeated = self._seen is not None and self._seen.knows_sentence(gold)
        self.repeated += repeated
        for span in gold.spans:
            classes = self._find_classes(gold, span)
            for aspect, key in classes:
                self.groups[aspect][key][1] += 1
            if self.fresh is not None and not repeated:
                self.fresh += ("surface", "unseen") in classes
        for span in predicted.spans:
            correct = BY_KEY(span) in right
            score = span.score
            band = breakdown.NO_SCORE if score is None else breakdown.BIN_NAMES[self.scores.add(score, correct)]
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


def _increase(row: list[int], figures: Iterable[int], first: int = 0) -> None:
    for at, figure in enumerate(figures, first):
        row[at] += figure
