"""Counts of long streams: nothing is lost in groups, intervals are those of the articles, memory does not grow."""

from __future__ import annotations

import gc
import itertools
import json
import tracemalloc
from typing import TYPE_CHECKING

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_layers import LABELS, read_schema

from biaozhu.cli import run
from biaozhu.data.errors import ScoringError
from biaozhu.data.model import Sentence, Span, sentence_to_line
from biaozhu.scoring.counting import GROUPS, MOST_ARTICLES, LayerCounts, UnitRows, find_group
from biaozhu.scoring.evaluation import EvaluationOptions, compare_evaluations, evaluate_layer, evaluate_stream
from biaozhu.scoring.significance import Sampling, compare_rows, estimate_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TEXT = "甲镇的王某收了三十斤茶叶。"
QUICK = Sampling(resamples=2000)


def streamed(rows: Iterable[Iterable[int]], step: int = 1) -> tuple[tuple[str, ...], NDArray[np.int64], str]:
    rows = [tuple(row) for row in rows]
    found = UnitRows(len(rows[0]), streamed=True)
    for number, row in enumerate(rows):
        for at, figure in enumerate(row):
            # An article's counts come with several sentences.
            found.find_row(f"{step * number:012x}")[at] += figure
    return found.finish()


def share(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return sums[:, 0] / sums[:, 1]


def made(articles: int, *, period: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return right and all spans of two layers by article, some articles hard; every `period`-th where it is given."""
    rng = np.random.default_rng(8)
    spans = rng.integers(1, 60, articles)
    hard = np.arange(articles) % period == 0 if period else rng.random(articles) < 0.05
    first, second = (rng.binomial(spans, np.where(hard, ease, 0.95)) for ease in (0.4, 0.39))
    return np.column_stack([first, spans]), np.column_stack([second, spans])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_rows_of_a_short_stream_are_those_of_its_articles(drawn: list[tuple[int, int]]) -> None:
    units = UnitRows(2)
    for number, row in enumerate(drawn):
        for at, figure in enumerate(row):
            units.find_row(f"{number:012x}")[at] += figure
    (names, counts, digest), wanted = streamed(drawn), units.finish()
    assert (names, digest) == (wanted[0], "")
    assert np.array_equal(counts, wanted[1])


def test_rows_of_a_long_stream_are_sums_over_groups() -> None:
    rows = np.random.default_rng(9).integers(0, 50, (MOST_ARTICLES + 500, 3))
    units, counts, digest = streamed(rows.tolist())
    assert units == ()
    assert counts.shape == (GROUPS, 3)
    assert np.array_equal(counts.sum(axis=0), rows.sum(axis=0))
    groups = [find_group(f"{number:012x}") for number in range(len(rows))]
    group = groups[MOST_ARTICLES + 7]
    assert np.array_equal(counts[group], rows[np.array(groups) == group].sum(axis=0))
    assert digest != streamed(rows.tolist(), step=2)[2]
    assert len(streamed(rows[:MOST_ARTICLES].tolist())[0]) == MOST_ARTICLES


@pytest.mark.parametrize("period", [0, 20])
def test_rows_in_groups_give_the_intervals_of_the_articles(period: int) -> None:
    rows, _ = made(3 * MOST_ARTICLES, period=period)
    one_by_one, grouped = (
        estimate_metrics(counts, {"share": share}, sampling=QUICK)["share"]
        for counts in (rows, streamed(rows.tolist())[1])
    )
    assert grouped.value == one_by_one.value
    for kind in ("percentile", "bca"):
        ours, theirs = getattr(grouped, kind), getattr(one_by_one, kind)
        # Bounds from 2,000 resamples are about 4 % of the width off, each.
        width = theirs[1] - theirs[0]
        assert ours == pytest.approx(theirs, abs=0.15 * width)
        assert ours[1] - ours[0] == pytest.approx(width, rel=0.12)


def test_rows_in_groups_give_the_tests_of_the_articles() -> None:
    pair = made(2 * MOST_ARTICLES)
    one_by_one = compare_rows(pair[0], pair[1], {"share": share}, sampling=QUICK)[0]
    grouped = compare_rows(*(streamed(rows.tolist())[1] for rows in pair), {"share": share}, sampling=QUICK)[0]
    assert (grouped.a, grouped.b) == (one_by_one.a, one_by_one.b)
    assert one_by_one.p is not None
    assert 0.01 < one_by_one.p < 0.99
    assert grouped.p == pytest.approx(one_by_one.p, abs=0.06)


def _pairs(articles: int) -> Iterator[tuple[Sentence, Sentence]]:
    rng = np.random.default_rng(10)
    for number in range(articles):
        place = (f"{number:012x}", 0, len(TEXT), TEXT)
        right, wrong = (Span(*at, "words", float(rng.random())) for at in ((0, 2, "PLACE"), (3, 5, "PLACE")))
        yield Sentence(*place, (right, Span(3, 5, "PERSON"))), Sentence(*place, (right, wrong))


def _kept(articles: int) -> tuple[int, int]:
    """Return the bytes that are kept when all is counted, and the most that there were."""
    pairs = _pairs(articles)
    gc.collect()
    tracemalloc.start()
    counted = LayerCounts(pairs, labels=LABELS, units=None)
    gc.collect()
    found = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counted.number == counted.sentences == articles
    return found


def test_rows_and_all_else_that_is_kept_of_a_stream_do_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    # Limits of a tenth, so that 2,000 articles with two scored spans each are beyond them all.
    for limit in ("counting.MOST_ARTICLES", "counting.GROUPS", "breakdown.STEPS"):
        monkeypatch.setattr(f"biaozhu.scoring.{limit}", 1000)
    shorter, longer = _kept(2000), _kept(8000)
    for least, most in zip(shorter, longer, strict=True):
        assert least < 1_500_000
        assert most < 1.05 * least


def _written(path: Path, sentences: Iterable[Sentence]) -> Path:
    path.write_text("".join(f"{sentence_to_line(one)}\n" for one in sentences), encoding="utf-8")
    return path


def test_rows_of_a_long_stream_score_what_memory_scores_and_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = list(_pairs(MOST_ARTICLES + 1000))
    gold, layer = ([pair[at] for pair in pairs] for at in (0, 1))
    paths = _written(tmp_path / "gold.jsonl", gold), _written(tmp_path / "layer.jsonl", layer)
    setting = EvaluationOptions(labels=LABELS, sampling=Sampling(resamples=200))
    found, whole = (
        evaluate_stream(*paths, name="a", options=setting),
        evaluate_layer(gold, layer, name="a", options=setting),
    )
    for part in ("sentences", "characters", "confusion", "calibration"):
        assert getattr(found, part) == getattr(whole, part)
    assert {label: by["strict"].counts for label, by in found.labels.items()} == {
        label: by["strict"].counts for label, by in whole.labels.items()
    }
    assert [(one.pattern, one.count, len(one.examples)) for one in found.errors] == [("label", len(gold), 20)]
    for aspect in ("sentence_length", "length", "confidence", "source"):
        assert found.breakdowns[aspect] == whole.breakdowns[aspect]
    assert (found.breakdowns["article"], len(whole.breakdowns["article"])) == ((), len(gold))
    # No side has an amount, of which there is no F1.
    same = {one.metric: one.difference.value for one in compare_evaluations(found, found, sampling=QUICK).differences}
    assert {name for name, value in same.items() if value != 0} == {"AMOUNT strict f1"}
    with pytest.raises(ScoringError, match="BZ050"):
        compare_evaluations(found, whole)
    files = ("--gold", str(paths[0]), "--resamples", "200", "--json")
    assert run(["evaluate", "--stream", "--layer", str(paths[1]), *files]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    jsonschema.validate(document, read_schema())
    one = document["layers"][0]
    assert (one["units"]["count"], one["units"]["groups"], one["curve_step"]) == (len(gold), GROUPS, 2**-14)
    assert "more than 10000: in 10000 groups" in err
    assert "not broken down" in err
    assert "thresholds are multiples" in err
    _written(paths[0], itertools.chain(gold, gold[:1]))
    _written(paths[1], itertools.chain(layer, layer[:1]))
    assert run(["evaluate", "--stream", "--layer", str(paths[1]), *files]) == 2
    assert capsys.readouterr().err.startswith(f"BZ050 {paths[1]}:{len(gold) + 1}:")
