"""One pass over the paired sentences of gold and layer that gathers all figures.

Sentences in which both sides carry the same spans are most of what a good layer has; they are counted without any
alignment. What is gathered grows with the number of units and classes and not with the text, but for one score
and one bit for each predicted span.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from pipeline.scoring.breakdown import SENTENCE_LENGTHS, length_class, paint
from pipeline.scoring.confidence import bin_of
from pipeline.scoring.patterns import find_cases
from pipeline.scoring.scores import as_row, tally_spans

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.model import Sentence, Span
    from pipeline.scoring.breakdown import Aspect
    from pipeline.scoring.patterns import Case, Pattern

WIDTH = 6

# Length in characters, and whether training has seen the surface form (None: not known).
GoldClass = tuple[int, bool | None]
# The same, the confidence bin (None: no score), the source, and whether it is strictly correct.
PredictedClass = tuple[int, bool | None, int | None, str, bool]

_KEY = attrgetter("start", "end", "label")


@dataclass(frozen=True, slots=True)
class Counted:
    """All figures of one layer against the gold.

    `rows` has shape (units, (1 + labels) * 6): the six figures of a `Tally` for all labels together, then for each
    label with both sides restricted to it; `units` names its rows. `groups` holds [sentences, gold, predicted,
    strict] by aspect and key. `confusion` has shape (labels + 1, labels + 1), O last. `scores` and `hits` belong
    together, one a predicted span with a score. `cases` holds some of the errors of each pattern, `patterns`
    counts all.
    """

    labels: tuple[str, ...]
    units: tuple[str, ...]
    rows: NDArray[np.int64]
    sentences: int
    groups: Mapping[Aspect, Mapping[str, Sequence[int]]]
    gold_classes: Mapping[GoldClass, int]
    predicted_classes: Mapping[PredictedClass, int]
    confusion: NDArray[np.int64]
    scores: array[float]
    hits: bytearray
    patterns: Mapping[Pattern, int]
    cases: Mapping[Pattern, tuple[Case, ...]]


def count_layer(
    pairs: Iterable[tuple[Sentence, Sentence]],
    *,
    labels: Sequence[str],
    units: Mapping[str, str],
    sections: Mapping[str, str] | None = None,
    seen: Collection[str] | None = None,
    examples: int = 20,
) -> Counted:
    """Count a layer against the gold, sentence by sentence.

    Args:
        pairs: gold sentence and the same sentence with the layer's spans, sorted and disjoint.
        labels: every label that occurs.
        units: unit of each sentence, by sentence id.
        sections: section of each sentence, by sentence id.
        seen: surface forms that training has seen.
        examples: how many errors of each pattern to keep.
    """
    counter = _Counter(labels, seen, examples)
    for gold, predicted in pairs:
        identifier = gold.id
        counter.add(gold, predicted, units[identifier], None if sections is None else sections[identifier])
    return counter.result()


class _Counter:
    def __init__(self, labels: Sequence[str], seen: Collection[str] | None, examples: int) -> None:
        self.labels = tuple(labels)
        self.numbers = {label: number for number, label in enumerate(self.labels)}
        self.seen = seen
        self.examples = examples
        self.sentences = 0
        self.outside = 0
        width = (1 + len(self.labels)) * WIDTH
        self.rows: defaultdict[str, list[int]] = defaultdict(lambda: [0] * width)
        self.groups: dict[Aspect, defaultdict[str, list[int]]] = {
            "article": defaultdict(_four),
            "section": defaultdict(_four),
            "sentence_length": defaultdict(_four),
        }
        self.gold_classes: Counter[GoldClass] = Counter()
        self.predicted_classes: Counter[PredictedClass] = Counter()
        self.confusion = [[0] * (len(self.labels) + 1) for _ in range(len(self.labels) + 1)]
        self.scores = array("d")
        self.hits = bytearray()
        self.patterns: Counter[Pattern] = Counter()
        self.cases: defaultdict[Pattern, list[Case]] = defaultdict(list)

    def add(self, gold: Sentence, predicted: Sentence, unit: str, section: str | None) -> None:
        """Count one sentence."""
        self.sentences += 1
        row = self.rows[unit]
        wanted = [_KEY(span) for span in gold.spans]
        given = [_KEY(span) for span in predicted.spans]
        same = wanted == given
        if not same:
            strict = self._add_different(gold, predicted, row)
        else:
            strict = len(wanted)
            if wanted:
                self._add_same(gold.spans, row)
            self.confusion[-1][-1] += len(gold.text) - sum(end - start for start, end, _ in wanted)
        figures = (1, len(wanted), len(given), strict)
        _increase(self.groups["article"][gold.article], figures)
        _increase(self.groups["sentence_length"][length_class(len(gold.text), SENTENCE_LENGTHS)], figures)
        if section is not None:
            _increase(self.groups["section"][section], figures)
        self._classify(gold, predicted, None if same else set(wanted))

    def result(self) -> Counted:
        """Return what was counted."""
        return Counted(
            labels=self.labels,
            units=tuple(self.rows),
            rows=np.array(list(self.rows.values()), dtype=np.int64).reshape(
                len(self.rows), (1 + len(self.labels)) * WIDTH
            ),
            sentences=self.sentences,
            groups=self.groups,
            gold_classes=self.gold_classes,
            predicted_classes=self.predicted_classes,
            confusion=np.array(self.confusion, dtype=np.int64),
            scores=self.scores,
            hits=self.hits,
            patterns=self.patterns,
            cases={pattern: tuple(cases) for pattern, cases in self.cases.items()},
        )

    def _add_same(self, spans: tuple[Span, ...], row: list[int]) -> None:
        for column in range(WIDTH):
            row[column] += len(spans)
        for span in spans:
            number = self.numbers[span.label]
            self.confusion[number][number] += span.end - span.start
            for column in range((1 + number) * WIDTH, (2 + number) * WIDTH):
                row[column] += 1

    def _add_different(self, gold: Sentence, predicted: Sentence, row: list[int]) -> int:
        tally = tally_spans(gold.spans, predicted.spans)
        for column, figure in enumerate(as_row(tally)):
            row[column] += figure
        for label in {span.label for span in (*gold.spans, *predicted.spans)}:
            # Aligned anew: what is best among all labels need not be best within one.
            part = tally_spans(
                (span for span in gold.spans if span.label == label),
                (span for span in predicted.spans if span.label == label),
            )
            for column, figure in enumerate(as_row(part), (1 + self.numbers[label]) * WIDTH):
                row[column] += figure
        size, outside = len(gold.text), len(self.labels)
        mine = paint(gold.spans, size, self.numbers, outside)
        theirs = paint(predicted.spans, size, self.numbers, outside)
        for (true, found), count in Counter(zip(mine, theirs, strict=True)).items():
            self.confusion[true][found] += count
        for case in find_cases(gold, predicted):
            self.patterns[case.pattern] += 1
            if len(self.cases[case.pattern]) < self.examples:
                self.cases[case.pattern].append(case)
        return tally.strict

    def _classify(
        self, gold: Sentence, predicted: Sentence, wanted: set[tuple[int, int, str]] | None
    ) -> None:
        seen, text = self.seen, gold.text
        for span in gold.spans:
            known = None if seen is None else text[span.start : span.end] in seen
            self.gold_classes[span.end - span.start, known] += 1
        for span in predicted.spans:
            known = None if seen is None else text[span.start : span.end] in seen
            correct = wanted is None or _KEY(span) in wanted
            score = span.score
            if score is not None:
                self.scores.append(score)
                self.hits.append(correct)
            confidence = None if score is None else bin_of(score)
            self.predicted_classes[span.end - span.start, known, confidence, span.source, correct] += 1


def _four() -> list[int]:
    return [0, 0, 0, 0]


def _increase(group: list[int], figures: tuple[int, int, int, int]) -> None:
    for at, figure in enumerate(figures):
        group[at] += figure
