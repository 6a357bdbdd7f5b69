"""Independent programs and definitions must come to the same figures: seqeval, conlleval, scikit-learn."""

from __future__ import annotations

import random
import warnings
from collections import Counter

import numpy as np
import pytest
from scoring_layers import LABELS, random_pair, tags_of
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2
from sklearn.metrics import confusion_matrix

from biaozhu.data.model import Sentence
from biaozhu.data.strict_counts import divide
from biaozhu.scoring.counting import WIDTH, LayerCounts

Layer = tuple[Sentence, ...]


def counted(gold: Layer, layer: Layer) -> LayerCounts:
    units = {sentence.id: sentence.article for sentence in gold}
    return LayerCounts(zip(gold, layer, strict=True), labels=LABELS, units=units)


def strict_counts(found: LayerCounts) -> dict[str, tuple[int, int, int]]:
    """Return gold, predicted and correct by label, and of all under ALL."""
    total = found.rows.sum(axis=0).reshape(-1, WIDTH)
    return {key: (int(row[0]), int(row[1]), int(row[3])) for key, row in zip(("ALL", *LABELS), total, strict=True)}


def conlleval(true_tags: list[str], guessed_tags: list[str]) -> dict[str, tuple[int, int, int]]:
    """Count gold, guessed and correct chunks tag by tag, as the CoNLL-2000 script conlleval does.

    Written from the script's rules (startOfChunk, endOfChunk and the one pass over both columns), not from ours.
    """

    def parts(tag: str) -> tuple[str, str]:
        return ("O", "") if tag == "O" else (tag[0], tag[2:])

    def ends(before: tuple[str, str], now: tuple[str, str]) -> bool:
        return before[0] in "BI" and (now[0] in "BO" or before[1] != now[1])

    def starts(before: tuple[str, str], now: tuple[str, str]) -> bool:
        return now[0] == "B" or (now[0] == "I" and (before[0] == "O" or before[1] != now[1]))

    true_chunks, guessed_chunks, correct_chunks = Counter(), Counter(), Counter()
    in_correct = ""
    last_true = last_guess = ("O", "")
    for true_tag, guessed_tag in zip([*true_tags, "O"], [*guessed_tags, "O"], strict=True):
        true, guess = parts(true_tag), parts(guessed_tag)
        if in_correct:
            true_ends, guess_ends = ends(last_true, true), ends(last_guess, guess)
            if true_ends and guess_ends:
                correct_chunks[in_correct] += 1
                in_correct = ""
            elif true_ends != guess_ends or true[1] != guess[1]:
                in_correct = ""
        true_starts, guess_starts = starts(last_true, true), starts(last_guess, guess)
        if true_starts and guess_starts and true[1] == guess[1]:
            in_correct = true[1]
        true_chunks[true[1]] += true_starts
        guessed_chunks[guess[1]] += guess_starts
        last_true, last_guess = true, guess
    return {label: (true_chunks[label], guessed_chunks[label], correct_chunks[label]) for label in LABELS}


def test_oracle_conlleval_agrees_on_ten_thousand_random_layers() -> None:
    rng = random.Random(20)  # noqa: S311 — test data
    for _ in range(10_000):
        gold, layer = random_pair(rng, 1)
        true_tags = [tag for sentence in gold for tag in [*tags_of(sentence), "O"]]
        guessed_tags = [tag for sentence in layer for tag in [*tags_of(sentence), "O"]]
        ours = strict_counts(counted(gold, layer))
        theirs = conlleval(true_tags, guessed_tags)
        assert {label: ours[label] for label in LABELS} == theirs
        assert ours["ALL"] == tuple(sum(figures) for figures in zip(*theirs.values(), strict=True))


def agrees_with_seqeval(gold: Layer, layer: Layer) -> None:
    true_tags, guessed_tags = [tags_of(one) for one in gold], [tags_of(one) for one in layer]
    ours = strict_counts(counted(gold, layer))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where we say None
        by_label = precision_recall_fscore_support(true_tags, guessed_tags, average=None, scheme=IOB2)
        micro = precision_recall_fscore_support(true_tags, guessed_tags, average="micro", scheme=IOB2)
    occurring = sorted(label for label in LABELS if ours[label][0] or ours[label][1])
    for position, label in enumerate(occurring):
        same_figures(ours[label], [column[position] for column in by_label])
    same_figures(ours["ALL"], [*micro[:3], None])


def same_figures(ours: tuple[int, int, int], theirs: list[float | None]) -> None:
    gold, predicted, correct = ours
    precision, recall, f1, support = theirs
    # seqeval says 0 where a figure is undefined.
    assert (divide(correct, predicted) or 0.0) == pytest.approx(precision, abs=1e-12)
    assert (divide(correct, gold) or 0.0) == pytest.approx(recall, abs=1e-12)
    assert (divide(2 * correct, gold + predicted) or 0.0) == pytest.approx(f1, abs=1e-12)
    assert support is None or support == gold


@pytest.mark.parametrize("layers", [500, pytest.param(10_000, marks=pytest.mark.slow, id="ten-thousand")])
def test_oracle_seqeval_strict_iob2_agrees_on_random_layers(layers: int) -> None:
    rng = random.Random(21)  # noqa: S311 — test data
    compared = 0
    while compared < layers:
        gold, layer = random_pair(rng, 2)
        if any(sentence.spans for sentence in (*gold, *layer)):  # it crashes on layers without any entity
            agrees_with_seqeval(gold, layer)
            compared += 1


def test_oracle_scikit_learn_agrees_on_the_characters() -> None:
    rng = random.Random(22)  # noqa: S311 — test data
    names = [*LABELS, "O"]
    for _ in range(100):
        gold, layer = random_pair(rng, 5)
        true, guessed = ([tag[2:] or "O" for sentence in side for tag in tags_of(sentence)] for side in (gold, layer))
        assert np.array_equal(counted(gold, layer).confusion, confusion_matrix(true, guessed, labels=names))
