"""One pass over the paired sentences of gold and layer that gathers all figures.

Sentences in which both sides carry the same spans are most of what a good layer has; they are counted without any
alignment. What is gathered grows with the number of units and classes and not with the text; of a stream with that
of labels, sources and the like only, see `ArticleRows` and `ScoreTally`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.scoring.breakdown import SENTENCE_LENGTHS, SPAN_LENGTHS, length_class
from biaozhu.scoring.calibration import STEPS, ScoreTally
from biaozhu.scoring.error_patterns import cases_among
from biaozhu.scoring.resampling import ArticleRows, UnitRows
from biaozhu.scoring.scores import as_row, tally_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from biaozhu.data.model import Sentence, Span
    from biaozhu.scoring.breakdown import Aspect
    from biaozhu.scoring.error_patterns import Case, Pattern
    from biaozhu.scoring.seen import Seen

WIDTH = 6
_LONGEST = SPAN_LENGTHS[-1] + 1

# Length in characters (the last class of lengths as its shortest), and whether training has seen the surface form (None: not known).
GoldClass = tuple[int, bool | None]
# The same, the confidence bin (None: no score), the source, and whether it is strictly correct.
PredictedClass = tuple[int, bool | None, int | None, str, bool]

_KEY = attrgetter("start", "end", "label")


@dataclass(frozen=True, slots=True)
class Counted:
    """All figures of one layer against the gold.

    `rows` has shape (units, (1 + labels) * 6): the six figures of a `Tally` for all labels together, then for each
    label with both sides restricted to it; `units` names its rows, `number` and `digest` are
    those of `Rows`. `groups` holds [sentences, gold, predicted, strict] by aspect and
    key. `confusion` has shape (labels + 1, labels + 1), O last. `cases` holds some of the errors of each pattern, `patterns`
    counts all.
    """

    labels: tuple[str, ...]
    units: tuple[str, ...]
    rows: NDArray[np.int64]
    number: int
    digest: str
    sentences: int
    groups: Mapping[Aspect, Mapping[str, Sequence[int]]]
    gold_classes: Mapping[GoldClass, int]
    predicted_classes: Mapping[PredictedClass, int]
    confusion: NDArray[np.int64]
    scores: ScoreTally
    patterns: Mapping[Pattern, int]
    cases: Mapping[Pattern, tuple[Case, ...]]


def count_layer(
    pairs: Iterable[tuple[Sentence, Sentence]],
    *,
    labels: Sequence[str],
    units: Mapping[str, str] | None,
    sections: Mapping[str, str] | None = None,
    seen: Seen | None = None,
    examples: int = 20,
) -> Counted:
    """Count a layer against the gold, sentence by sentence.

    Args:
        pairs: gold sentence and the same sentence with the layer's spans, sorted and disjoint.
        labels: every label that occurs.
        units: unit of each sentence, by sentence id; None for a stream: its units are articles, the sentences of each
            come together, and what is kept of them does not grow.
        sections: section of each sentence, by sentence id.
        seen: what training has seen.
        examples: how many errors of each pattern to keep.
    """
    counter = _Counter(labels, seen, examples, streamed=units is None)
    for gold, predicted in pairs:
        identifier = gold.id
        unit = gold.article if units is None else units[identifier]
        counter.add(gold, predicted, unit, None if sections is None else sections[identifier])
    return counter.result()


class _Counter:
    def __init__(self, labels: Sequence[str], seen: Seen | None, examples: int, *, streamed: bool) -> None:
        self.labels = tuple(labels)
        self.numbers = {label: number for number, label in enumerate(self.labels)}
        self.seen = seen
        self.examples = examples
        self.sentences = 0
        width = (1 + len(self.labels)) * WIDTH
        self.streamed = streamed
        self.rows = ArticleRows(width) if streamed else UnitRows(width)
        self.groups: dict[Aspect, defaultdict[str, list[int]]] = {
            "article": defaultdict(_four),
            "section": defaultdict(_four),
            "sentence_length": defaultdict(_four),
        }
        self.gold_classes: Counter[GoldClass] = Counter()
        self.predicted_classes: Counter[PredictedClass] = Counter()
        self.confusion = [[0] * (len(self.labels) + 1) for _ in range(len(self.labels) + 1)]
        self.scores = ScoreTally(STEPS if streamed else None)
        self.patterns: Counter[Pattern] = Counter()
        self.cases: defaultdict[Pattern, list[Case]] = defaultdict(list)

    def add(self, gold: Sentence, predicted: Sentence, unit: str, section: str | None) -> None:
        """Count one sentence."""
        self.sentences += 1
        row = self.rows.row(unit)
        wanted = [_KEY(span) for span in gold.spans]
        given = [_KEY(span) for span in predicted.spans]
        covered = 0
        if wanted == given:
            right: set[tuple[int, int, str]] | None = None
            strict = len(wanted)
            if strict:
                covered = self._add_right(gold.spans, row)
        else:
            # Spans of one side are disjoint, so what is identical overlaps nothing else.
            right = {*wanted}.intersection(given)
            strict = len(right)
            mine = [span for span in gold.spans if _KEY(span) not in right]
            theirs = [span for span in predicted.spans if _KEY(span) not in right]
            covered = self._add_right([span for span in gold.spans if _KEY(span) in right], row)
            covered += self._add_wrong(gold, mine, theirs, row)
        self.confusion[-1][-1] += len(gold.text) - covered
        figures = (1, len(wanted), len(given), strict)
        if not self.streamed:
            _increase(self.groups["article"][gold.article], figures)
        _increase(self.groups["sentence_length"][length_class(len(gold.text), SENTENCE_LENGTHS)], figures)
        if section is not None:
            _increase(self.groups["section"][section], figures)
        self._classify(gold, predicted, right)

    def result(self) -> Counted:
        """Return what was counted."""
        rows = self.rows.result()
        for (unit, sentences), row in zip((rows.sentences or {}).items(), rows.counts, strict=False):
            _increase(self.groups["article"][unit], (sentences, int(row[0]), int(row[1]), int(row[3])))
        return Counted(
            labels=self.labels,
            units=rows.units,
            rows=rows.counts,
            number=rows.number,
            digest=rows.digest,
            sentences=self.sentences,
            groups=self.groups,
            gold_classes=self.gold_classes,
            predicted_classes=self.predicted_classes,
            confusion=np.array(self.confusion, dtype=np.int64),
            scores=self.scores,
            patterns=self.patterns,
            cases={pattern: tuple(cases) for pattern, cases in self.cases.items()},
        )

    def _add_right(self, spans: Sequence[Span], row: list[int]) -> int:
        """Count spans that both sides carry, and return how many characters they cover."""
        count = len(spans)
        for column in range(WIDTH):
            row[column] += count
        covered = 0
        for span in spans:
            number = self.numbers[span.label]
            length = span.end - span.start
            covered += length
            self.confusion[number][number] += length
            first = (1 + number) * WIDTH
            for column in range(first, first + WIDTH):
                row[column] += 1
        return covered

    def _add_wrong(
        self, sentence: Sentence, gold: Sequence[Span], predicted: Sequence[Span], row: list[int]
    ) -> int:
        """Count the other spans, and return how many characters they cover."""
        tally = as_row(tally_spans(gold, predicted))
        for column, figure in enumerate(tally):
            row[column] += figure
        labels = {span.label for span in gold}.union(span.label for span in predicted)
        for label in labels:
            # Aligned anew: what is best among all labels need not be best within one.
            part = tally
            if len(labels) > 1:
                part = as_row(
                    tally_spans(
                        (span for span in gold if span.label == label),
                        (span for span in predicted if span.label == label),
                    )
                )
            for column, figure in enumerate(part, (1 + self.numbers[label]) * WIDTH):
                row[column] += figure
        for case in cases_among(sentence, gold, predicted):
            self.patterns[case.pattern] += 1
            if len(self.cases[case.pattern]) < self.examples:
                self.cases[case.pattern].append(case)
        return self._add_characters(gold, predicted)

    def _add_characters(self, gold: Sequence[Span], predicted: Sequence[Span]) -> int:
        only_predicted = [span.end - span.start for span in predicted]
        covered = 0
        for span in gold:
            number = self.numbers[span.label]
            only_gold = span.end - span.start
            covered += only_gold
            for at, other in enumerate(predicted):
                overlap = min(span.end, other.end) - max(span.start, other.start)
                if overlap > 0:
                    self.confusion[number][self.numbers[other.label]] += overlap
                    only_gold -= overlap
                    only_predicted[at] -= overlap
            self.confusion[number][-1] += only_gold
        for span, rest in zip(predicted, only_predicted, strict=True):
            self.confusion[-1][self.numbers[span.label]] += rest
        return covered + sum(only_predicted)

    def _classify(self, gold: Sentence, predicted: Sentence, right: set[tuple[int, int, str]] | None) -> None:
        seen, text = self.seen, gold.text
        for span in gold.spans:
            known = None if seen is None else seen.knows(gold.id, text[span.start : span.end])
            self.gold_classes[min(span.end - span.start, _LONGEST), known] += 1
        for span in predicted.spans:
            known = None if seen is None else seen.knows(gold.id, text[span.start : span.end])
            correct = right is None or _KEY(span) in right
            score = span.score
            confidence = None if score is None else self.scores.add(score, correct)
            length = min(span.end - span.start, _LONGEST)
            self.predicted_classes[length, known, confidence, span.source, correct] += 1


def _four() -> list[int]:
    return [0, 0, 0, 0]


def _increase(group: list[int], figures: tuple[int, int, int, int]) -> None:
    for at, figure in enumerate(figures):
        group[at] += figure
