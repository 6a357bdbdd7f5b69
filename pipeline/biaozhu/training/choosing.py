"""Choice of how strongly a model is held to its start, by cross-validation over the gold at hand, and what it changes against it.

The start stands unless the held-out sentences speak against it: the hold that scores best there is taken where it is better than
the start by a paired test. Otherwise, where the start is mostly right, the strongest hold is taken
if it breaks hardly more than it mends: it says what its own gold says, and changes little else. A start that is often wrong and
is not bettered stands: the gold is of another kind, and its few sentences do harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from biaozhu.data.strict_counts import StrictCounts
from biaozhu.nlp.crf import TokenSpan
from biaozhu.scoring.significance import Sampling, compare_rows, format_p
from biaozhu.training.card import format_score
from biaozhu.training.descent import START, CrfProblem, Hold, predict, read_gold, solve_problem

# Fewer articles than these are cut into stretches of texts.
FOLDS, MIN_ARTICLES = 5, 3
# Of more gold a part, drawn by article, is enough to choose on.
MOST_TOKENS = 20_000
# Tokens replayed then, in shares of the gold's: their weight is the same, and the order of the holds hangs little on them.
REPLAYED_SHARE = 0.25
SEED = 1
# Shorter than the last training: only the order of the holds counts.
ITERATIONS, TOLERANCE = 60, 1e-4
# What counts as shown, and what is enough to choose: a hundred sentences show little held out.
SIGNIFICANT, LIKELY = 0.05, 0.35
# Fewer held-out spans than these that a hold changes say nothing.
MIN_CHANGED = 10
# What the start says of a label is weakened only where the gold has so many spans of each: of a label that it
# lacks, no held-out sentence says what would be lost.
MIN_SPANS = 10
# Strict F1 of the start on the gold above which corrections are few.
MOSTLY_RIGHT = 0.9
# Share of the gold's spans that it may then break more than it mends, held out: one of 157 shows no harm.
MOST_LOST = 0.01
SAMPLING = Sampling(resamples=2000)
EXAMPLES = 5
Parts = Literal["whole articles", "stretches of sentences", ""]
"""What is left out in turn to choose a hold; nothing where there is one text. A stretch leaves the model the rest of its article, unlike `crossval`."""


@dataclass(frozen=True, slots=True)
class ChangedSpan:
    """A span that a model gives and its start does not (`added`), or the other way round, and whether that is right."""

    text: str
    label: str
    added: bool
    right: bool

    def __str__(self) -> str:
        """Say it in the length of a cell."""
        return f"{'+' if self.added else '−'}{self.text} ({self.label})"


@dataclass(frozen=True, slots=True)
class StartComparison:
    """A model's spans against those of its start and the gold: strict counts, what was corrected and made wrong, and a paired test.

    `p` is that of approximate randomisation over sentences. `examples` has some of the changes, broken ones too.
    """

    start: StrictCounts
    model: StrictCounts
    mended: int
    broken: int
    p: float | None
    examples: tuple[ChangedSpan, ...]

    @property
    def changed(self) -> int:
        """Number of spans that only one of the two has."""
        return self.mended + self.broken

    def __str__(self) -> str:
        """Say it in words."""
        scores = " → ".join(format_score(one.f1) for one in (self.start, self.model))
        p = "" if self.p is None else f", p {format_p(self.p, sign=True)}"
        return f"{self.mended} corrected, {self.broken} made wrong, F1 {scores}{p}"


@dataclass(frozen=True, slots=True)
class Learned:
    """Result of learning: the hold (None: it is its start), its changes on its own gold, and on parts left out to choose it.

    `borrowed` has the labels that the start takes from a tag of LAC's, which the pre-annotation does not give. `kept` counts on sentences
    of other text the spans of the start (as gold), of the model, and those in both.
    """

    hold: Hold | None
    own: StartComparison
    held_out: StartComparison
    borrowed: Mapping[str, str] = field(default_factory=dict)
    parts: Parts = "stretches of sentences"
    kept: StrictCounts | None = None

    @property
    def start(self) -> str:
        """Name of the start: more than the pre-annotation where labels that this lacks are borrowed."""
        return "the pre-annotation with LAC's words" if self.borrowed else "the pre-annotation"

    def __str__(self) -> str:
        """Say in words what was learned, if anything."""
        begun = "".join(f"{label} begins from LAC's {tag}; " for label, tag in self.borrowed.items())
        if not self.parts:
            return f"{begun}of one text nothing can be left out to try what it says, so the model is its start"
        own, out = self.own, self.held_out
        gained = self.hold is not None and out.p is not None and out.p < SIGNIFICANT and out.mended > out.broken
        verdict = "better than its start" if gained else "no certain gain"
        if self.hold is None:
            verdict += ", so the model is its start"
        before = own.start.predicted
        added = (own.changed + own.model.predicted - before) // 2
        said = (
            f"{begun}it drops {own.changed - added} of {before} spans and adds {added} on its own gold ({own}); "
            f"tried with {self.parts} left out in turn: {verdict} ({out})"
        )
        if self.hold is None or self.kept is None:
            return said
        kept, of, marked = self.kept.correct, self.kept.gold, self.kept.predicted
        return f"{said}; of {of} spans of its start in other text it keeps {kept} and adds {marked - kept}"


def choose_hold(
    problem: CrfProblem, holds: Sequence[Hold], groups: Sequence[str], prior_from: Callable[[Sequence[int]], np.ndarray]
) -> tuple[Hold | None, StartComparison, Parts]:
    """Choose among holds, the strongest first, by cross-validation over all gold.

    `groups` has the article of each text; `prior_from` says of texts the prior of all that would be taken if these were the gold. Returned
    are the hold, None for the start as it is, its held-out comparison with the start, and what was left out.
    """
    replay = problem.replay and problem.replay.take_first(len(problem.path) * REPLAYED_SHARE)
    whole, texts = replace(problem, replay=replay), _draw_texts(problem, groups)
    problem = whole.take(texts)
    gold = read_gold(problem)
    counts = Counter(span[2] for spans in gold for span in spans)
    if any(counts[label] < MIN_SPANS for label in problem.labels):
        holds = [hold for hold in holds if hold.prior_weight == holds[0].prior_weight]
    articles = [groups[at] for at in texts]
    parts = name_parts(articles)
    if not parts:
        start = predict(problem, START, None)
        return None, compare_with_start(problem, gold, start, start), parts
    begun: list[list[TokenSpan]] = [[] for _ in texts]
    found: list[list[list[TokenSpan]]] = [[[] for _ in texts] for _ in holds]
    for left_out in _cut_folds(articles):
        others = [texts[at] for at in sorted(set(range(len(texts))) - set(left_out))]
        seen = replace(whole, prior=prior_from(others))
        learned, scored = seen.take(others), seen.take([texts[at] for at in left_out])
        flat = None
        for hold, rows in zip([START, *holds], [begun, *found], strict=True):
            if hold is not START:
                flat = solve_problem(learned, hold, begin=flat, iterations=ITERATIONS, tolerance=TOLERANCE)
            for at, spans in zip(left_out, predict(scored, hold, flat), strict=True):
                rows[at] = spans
    compared = [compare_with_start(problem, gold, begun, spans) for spans in found]
    order = sorted(range(len(holds)), key=lambda at: compared[at].model.f1 or 0.0, reverse=True)
    best = order[0]
    if not holds[best].replay:
        for at in (at for at in order if holds[at].replay and _is_gain(compared[at])):
            # What the gold at hand does not clearly speak against is not forgotten.
            against = compare_with_start(problem, gold, found[at], found[best])
            best = best if against.p is not None and against.p < SIGNIFICANT else at
            break
    if _is_gain(compared[best]):
        return holds[best], compared[best], parts
    one = compared[0]
    lost = (one.broken - one.mended) / max(1, one.start.gold)
    harmless = lost <= MOST_LOST and (one.start.f1 or 0) >= MOSTLY_RIGHT
    return (holds[0] if harmless else None), one, parts


def _is_gain(one: StartComparison) -> bool:
    return one.changed >= MIN_CHANGED and one.mended > one.broken and one.p is not None and one.p < LIKELY


def compare_with_start(
    problem: CrfProblem,
    gold: Sequence[Sequence[TokenSpan]],
    start: Sequence[Sequence[TokenSpan]],
    model: Sequence[Sequence[TokenSpan]],
) -> StartComparison:
    """Compare the spans of a model with those of its start, text by text."""
    counts = np.zeros((2, len(gold), 3), np.int64)
    changes: list[ChangedSpan] = []
    for at, sides in enumerate(zip(gold, start, model, strict=True)):
        there, before, after = ({one[:3] for one in side} for side in sides)
        counts[:, at] = [(len(there), len(one), len(one & there)) for one in (before, after)]
        changes += [
            ChangedSpan(problem.docs[at][key[0] : key[1]].text, key[2], key in after, (key in after) == (key in there))
            for key in sorted(before ^ after)
        ]
    (test,) = compare_rows(counts[0], counts[1], {"f1": _strict_f1}, sampling=SAMPLING)
    right, wrong = ([one for one in changes if one.right is side] for side in (True, False))
    begun, now = (StrictCounts(*side.sum(axis=0).tolist()) for side in counts)
    return StartComparison(begun, now, len(right), len(wrong), test.p, (*right[:EXAMPLES], *wrong[:EXAMPLES]))


def _strict_f1(sums: np.ndarray) -> np.ndarray:
    return np.asarray(2 * sums[:, 2] / np.maximum(sums[:, 0] + sums[:, 1], 1))


def _draw_texts(problem: CrfProblem, groups: Sequence[str]) -> list[int]:
    """Return the first of each text, or those of whole articles of about `MOST_TOKENS`."""
    # Of a copy learned from, the other one would say that all is well.
    first = sorted({doc.text: at for at, doc in reversed([*enumerate(problem.docs)])}.values())
    if problem.lengths[first].sum() <= MOST_TOKENS:
        return first
    names = [groups[at] for at in first]
    names = names if len(set(names)) >= MIN_ARTICLES else list(map(str, first))
    unique, of_text = np.unique(names, return_inverse=True)
    order = np.random.default_rng(SEED).permutation(len(unique))
    reached = np.cumsum(np.bincount(of_text, problem.lengths[first])[order])
    kept = order[: max(MIN_ARTICLES, int(np.searchsorted(reached, MOST_TOKENS)))]
    found: list[int] = np.array(first)[np.isin(of_text, kept)].tolist()
    return found


def name_parts(groups: Sequence[str]) -> Parts:
    """Name what is left out in turn of texts of these articles."""
    if len(groups) < 2:  # noqa: PLR2004 — one left out, one to learn from
        return ""
    return "whole articles" if len(set(groups)) >= MIN_ARTICLES else "stretches of sentences"


def _cut_folds(groups: Sequence[str]) -> list[list[int]]:
    """Return the texts of each fold: whole articles, or stretches of texts where there are fewer than three."""
    articles, texts = sorted(set(groups)), len(groups)
    if name_parts(groups) == "whole articles":
        parts = [set(articles[fold::FOLDS]) for fold in range(min(FOLDS, len(articles)))]
        return [[at for at, name in enumerate(groups) if name in part] for part in parts]
    return [part.tolist() for part in np.array_split(np.arange(texts), min(FOLDS, texts))]
