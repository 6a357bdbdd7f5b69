"""The learning curve on an invented article: held out means held out, and the same again is the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_material import SMALL_CONFIG, invented_gold, made_article

from biaozhu.cli import run
from biaozhu.data.errors import TrainingError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import with_spans
from biaozhu.reading.holdout import group_sentences
from biaozhu.scoring.significance import Sampling, choose_units
from biaozhu.training.curves.curve import CurvePlan, draw_sentences, measure_curve
from biaozhu.training.train import read_config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence

FEW = Sampling(resamples=100)
PLAN = CurvePlan(sizes=4, seeds=2, folds=3, sampling=FEW)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.cfg"
    path.write_text(SMALL_CONFIG, encoding="utf-8")
    return path


def measure(config: Path, gold: Sequence[Sentence], groups: dict[str, str], plan: CurvePlan = PLAN) -> dict[str, Any]:
    units = choose_units(gold)
    return measure_curve(read_config(config), gold, groups, units, plan=plan)[0]


def test_curve_has_a_point_a_size_over_all_held_out_sentences(config: Path, tmp_path: Path) -> None:
    article, gold = made_article(tmp_path, sections=4)
    heard: list[tuple[int, int]] = []
    groups = group_sentences([article], gold)
    units = choose_units(gold)
    config_of = read_config(config)
    done, _ = measure_curve(config_of, gold, groups, units, plan=PLAN, on_training=lambda *at: heard.append(at))
    sizes = [point["sentences"] for point in done["points"]]
    assert sizes == sorted(sizes)
    assert len(sizes) == PLAN.sizes
    assert sum(done["held_out"]) == len(gold) == done["annotated"]
    # All seeds train on the same at the last size, so that is done once a fold.
    assert done["trainings"] == 3 * (2 * 3 + 1)
    assert heard == [(number, done["trainings"]) for number in range(done["trainings"])]
    assert len(set(done["points"][-1]["runs"])) == 1
    assert sizes[-1] < len(gold)


def test_curve_learns_nothing_from_what_it_scores_on(config: Path) -> None:
    # Two groups with the same sentences but for the labels: who learned from one is wrong about the other.
    first = invented_gold(15)
    second = tuple(
        with_spans(one, [replace(span, label="OTHER") for span in one.spans])
        for one in invented_gold(15, article="0" * 12)
    )
    gold = (*first, *second)
    groups = {one.id: one.article for one in gold}
    done = measure(config, gold, groups, CurvePlan(sizes=2, seeds=1, sampling=FEW))
    assert [point["mean"] for point in done["points"]] == [0.0, 0.0]
    # Nor from another layer's version of it, nor from sentences of its article that the gold lacks.
    lacking = tuple(replace(one, start=one.start + 10**6, end=one.end + 10**6) for one in first)
    plan = CurvePlan(sizes=2, seeds=1, sampling=FEW, other=(*gold, *lacking))
    exchange = measure(config, gold, groups, plan)["exchange"]
    assert exchange["f1"] == 0.0
    assert exchange["layer"] <= len(first)
    # And with the same labels it is right about all of it.
    twice = (*first, *invented_gold(15, article="0" * 12))
    again = measure(config, twice, {one.id: one.article for one in twice}, CurvePlan(sizes=2, seeds=1, sampling=FEW))
    assert again["points"][-1]["mean"] == pytest.approx(1.0, abs=0.05)


def test_curve_needs_two_groups_and_spans_to_learn_from(config: Path) -> None:
    gold = invented_gold(8)
    with pytest.raises(TrainingError, match="one group only"):
        measure(config, gold, dict.fromkeys((one.id for one in gold), "all"))
    half = [with_spans(one, []) if at < 4 else one for at, one in enumerate(gold)]
    with pytest.raises(TrainingError, match="has no spans"):
        measure(config, half, {one.id: str(at < 4) for at, one in enumerate(half)})


@given(
    st.lists(st.booleans(), min_size=1, max_size=30).filter(any),
    st.integers(0, 5),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
)
def test_curve_draws_a_larger_share_over_a_smaller_one(spans: list[bool], seed: int, one: float, other: float) -> None:
    pool = [
        with_spans(sentence, sentence.spans if kept else [])
        for sentence, kept in zip(invented_gold(len(spans)), spans, strict=True)
    ]
    small, large = (draw_sentences(pool, share, seed=seed, fold=0) for share in sorted((one, other)))
    assert set(small) <= set(large) <= set(pool)
    assert any(sentence.spans for sentence in small)
    assert small == draw_sentences(pool, min(one, other), seed=seed, fold=0)
    assert draw_sentences(pool, 1.0, seed=seed, fold=0) == pool


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    _, gold = made_article(tmp_path, sections=4)
    write_layer(tmp_path / "gold.jsonl", gold)
    return {"gold": tmp_path / "gold.jsonl", "article": tmp_path / "made.txt", "out": tmp_path / "curve.json"}


def call(config: Path, files: dict[str, Path], *more: str) -> int:
    given_files = ["--gold", files["gold"], "--article", files["article"], "-o", files["out"]]
    return run(
        [
            "curve",
            *map(str, [config, *given_files]),
            "--seeds",
            "2",
            "--folds",
            "2",
            "--resamples",
            "100",
            *more,
        ]
    )


def test_curve_command_writes_what_the_report_takes(
    config: Path, files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, files, "--sizes", "5", "--json") == 0
    printed, noted = capsys.readouterr()
    document: dict[str, Any] = json.loads(printed)
    first = files["out"].read_bytes()
    assert json.loads(first) == document
    assert {one["path"] for one in document["made"]["inputs"]} == {
        str(config),
        str(files["gold"]),
        str(files["article"]),
    }
    assert document["annotated"] == len(files["gold"].read_text(encoding="utf-8").splitlines())
    assert ("cannot be told" in noted) == (document["worth"] is None)
    assert call(config, files, "--sizes", "5", "--json") == 0
    assert files["out"].read_bytes() == first
    options = ["--layer", f"a={files['gold']}", "--gold", files["gold"], "--curve", files["out"]]
    options += ["--resamples", "100", "--lang", "en", "-o", tmp_path / "report"]
    assert run(["report", *map(str, options)]) == 0
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert 'id="learning"' in page
    assert "Another 100 annotated sentences" in page or "cannot be told" in page


def test_curve_command_says_that_three_sizes_are_too_few(
    config: Path, files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, files, "--sizes", "3") == 0
    assert "cannot be told: fewer than four" in capsys.readouterr().err
    assert json.loads(files["out"].read_bytes())["failure"] == "few_sizes"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--held-out-by", "article"], "one group only"),
        (["--set", "nonsense"], "BZ002"),
        (["--sizes", "1"], ""),
    ],
)
def test_curve_command_refuses_and_writes_nothing(
    config: Path, files: dict[str, Path], capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert call(config, files, *options) == 2
    assert message in capsys.readouterr().err
    assert not files["out"].exists()


def test_curve_command_names_what_cannot_be_aligned(config: Path, files: dict[str, Path], tmp_path: Path) -> None:
    # jieba's words cut some of the invented names in the middle.
    words = SMALL_CONFIG.replace('"biaozhu.CharTokenizer.v1"', '"spacy.zh.ChineseTokenizer"\nsegmenter = "jieba"')
    config.write_text(words, encoding="utf-8")
    ledger = tmp_path / "ledger.jsonl"
    assert call(config, files, "--sizes", "2", "--ledger", str(ledger)) == 1
    lost = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    assert lost
    assert len(lost) == len({(one["sentence"], one["start"]) for one in lost})


@pytest.mark.parametrize("kept", [1, 5])
def test_curve_command_says_what_a_layer_is_worth(
    config: Path, files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: int
) -> None:
    # A layer that misses the spans of most sentences is worth less; the gold itself as much as the gold.
    gold = read_layer(files["gold"])
    layer = [with_spans(one, [] if at % kept else one.spans) for at, one in enumerate(gold)]
    write_layer(tmp_path / "llm.jsonl", layer)
    assert call(config, files, "--sizes", "4", "--layer", str(tmp_path / "llm.jsonl")) == 0
    found = json.loads(files["out"].read_bytes())["exchange"]
    assert "of the layer's" in capsys.readouterr().err
    assert found["rate"] == pytest.approx(found["layer"] / found["gold"])
    if kept > 1:
        assert found["rate"] > 1
    else:
        assert found["rate"] == pytest.approx(found["low"]) == pytest.approx(found["high"]) == pytest.approx(1)
