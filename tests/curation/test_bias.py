"""What seeing a pre-annotation does to annotators, with figures that can be counted by hand."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.cli import run
from biaozhu.curation.bias import SCORE_EDGES, ConfirmedSentence, Rate, measure_bias, read_work
from biaozhu.curation.status import SentenceStatus, State, status_path, write_status
from biaozhu.data.errors import DuplicateError, GoldError, MissingFileError
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.capture import CaptureFixture

TEXT = "林大有到曲阳县灵山镇买了三斤茶"
WHO, COUNTY, TOWN, TEA = (0, 3, "PERSON"), (4, 7, "PLACE"), (7, 10, "PLACE"), (12, 14, "AMOUNT")
SHORT, WRONG = (0, 2, "PERSON"), (4, 7, "PERSON")
Key = tuple[int, int, str]


def spans(keys: tuple[Key, ...], score: float | None = None) -> tuple[Span, ...]:
    return tuple(Span(*key, "lac", score) for key in keys)


def work(
    number: int,
    pre: tuple[Key, ...],
    final: tuple[Key, ...],
    *,
    blind: bool = False,
    score: float | None = None,
    state: State = "confirmed",
) -> ConfirmedSentence:
    start = number * len(TEXT)
    sentence = Sentence("0" * 12, start, start + len(TEXT), TEXT, spans(final))
    proposed = spans(pre, score)
    status = SentenceStatus(
        sentence.id, state, () if blind else proposed, proposed if blind else None, "ann", "2026-01-02"
    )
    return ConfirmedSentence("ann", sentence, status)


def test_bias_counts_what_became_of_each_shown_span() -> None:
    found = measure_bias(
        [
            work(0, (WHO, COUNTY), (WHO, COUNTY), score=0.95),
            work(1, (SHORT, COUNTY), (WHO, COUNTY), score=0.6),
            work(2, (WRONG,), (COUNTY, TEA), score=0.3),
            work(3, (TEA,), ()),
            work(4, (), ()),
            work(5, (), (TOWN,)),
            work(6, (WHO,), (), blind=True),
        ]
    )
    assert found.sentences == {"shown": 6, "blind": 1}
    assert found.accepted == Rate(1, 4, 0.25)
    assert found.accepted_by_annotator == {"ann": Rate(1, 4, 0.25)}
    assert found.fates == {"kept": 3, "moved": 1, "relabelled": 1, "removed": 1, "added": 2}
    assert found.edited == Rate(3, 6, 0.5)
    assert found.edited_by_label == {
        "AMOUNT": Rate(1, 1, 1.0),
        "PERSON": Rate(2, 3, 2 / 3),
        "PLACE": Rate(0, 2, 0.0),
    }
    assert {band: rate.count for band, rate in found.edited_by_score.items() if rate.of} == {
        "0–0.5": 1,
        "0.5–0.7": 1,
        "0.95–1": 0,
        "no score": 1,
    }
    assert (found.errors_taken, found.omissions_taken) == (None, None)
    # 2 x 3 shared spans of 6 + 7; the blind one shares nothing.
    assert found.agreement.shown == Rate(6, 13, 6 / 13)
    assert found.agreement.blind == Rate(0, 1, 0.0)
    assert found.agreement.interval is None


def test_bias_with_gold_counts_errors_and_omissions_taken_over() -> None:
    gold = [work(number, (), (WHO, COUNTY)).sentence for number in range(4)]
    found = measure_bias(
        [
            work(0, (SHORT,), (SHORT,)),  # takes the error and the omission of the place over
            work(1, (SHORT,), (WHO, COUNTY)),
            work(2, (SHORT,), (WHO, COUNTY), blind=True),
            work(3, (WHO,), (WHO,), blind=True),  # misses the place without having been misled
            work(9, (TEA,), (TEA,)),  # no gold of it
        ],
        gold=gold,
    )
    assert found.errors_taken is not None
    assert found.omissions_taken is not None
    assert (found.errors_taken.shown, found.errors_taken.blind) == (Rate(1, 2, 0.5), Rate(0, 1, 0.0))
    assert (found.omissions_taken.shown, found.omissions_taken.blind) == (Rate(2, 4, 0.5), Rate(1, 3, 1 / 3))
    assert found.errors_taken.difference == 0.5


@pytest.mark.parametrize("people", ["asleep", "awake"])
def test_bias_interval_tells_sleepers_from_the_independent(people: str) -> None:
    chance = random.Random(5)  # noqa: S311 — test data, no secret
    everyone = []
    for number in range(200):
        pre = tuple(key for key in (WHO, COUNTY, TEA) if chance.random() < 0.7)
        blind = number % 2 == 0
        own = tuple(key for key in (WHO, COUNTY, TEA) if chance.random() < 0.9)
        everyone.append(work(number, pre, pre if people == "asleep" and not blind else own, blind=blind))
    agreement = measure_bias(everyone).agreement
    assert agreement.interval is not None
    low, high = agreement.interval
    assert low < (agreement.difference or 0) < high
    assert (low > 0) == (people == "asleep")
    assert measure_bias(everyone).agreement == agreement


def test_bias_of_sentences_that_are_all_alike_has_no_interval() -> None:
    # A regression test: a difference from exactly 1 to 1.
    agreement = measure_bias(
        [work(at, (WHO,), () if at % 2 else (WHO,), blind=at % 2 > 0) for at in range(40)]
    ).agreement
    assert (agreement.difference, agreement.interval) == (1, None)


@given(st.floats(0, 1))
def test_bias_puts_every_score_into_one_band(score: float) -> None:
    found = measure_bias([work(0, (WHO,), (), score=score)])
    (band,) = (name for name, rate in found.edited_by_score.items() if rate.of)
    low, high = map(float, band.split("–"))
    assert score >= low
    assert score < high or (score, high) == (1.0, 1.0)
    assert len(found.edited_by_score) == len(SCORE_EDGES) + 2


def test_bias_is_read_from_what_was_pulled(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    folder = tmp_path / "ann"
    with pytest.raises(MissingFileError):
        read_work(folder)
    items = [
        work(0, (WHO,), (WHO,)),
        work(1, (WHO,), (), state="edited"),
        work(2, (), (), state="untouched"),
        work(3, (WHO,), (WHO, TEA), blind=True),
    ]
    path = folder / "x.jsonl"
    write_layer(path, [item.sentence for item in items if item.status.state != "untouched"])
    write_status(status_path(path), "p", "ann", [item.status for item in items])
    assert read_work(folder) == (items[0], items[3])
    assert run(["bias", str(folder), "--json", "-o", str(tmp_path / "bias.json")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["accepted"] == {"count": 1, "of": 1, "rate": 1.0}
    written = json.loads((tmp_path / "bias.json").read_text("utf-8"))
    assert written == {"format": "biaozhu.bias.v1", **shown}
    assert run(["bias", str(folder)]) == 0
    assert "accepted unchanged" in capsys.readouterr().out
    old = folder / "x.old.jsonl"
    write_layer(old, [items[0].sentence])
    write_status(status_path(old), "p", "ann", [items[0].status])
    with pytest.raises(DuplicateError):
        read_work(folder)
    write_layer(path, [items[0].sentence])
    with pytest.raises(GoldError):
        read_work(folder)
    with pytest.raises(GoldError):
        measure_bias([])
    assert run(["bias", str(tmp_path)]) == 2
