"""Who gets which sentence: shares are even, what was assigned stays, the blind slice is as large as asked for."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest
from doccano_layers import make_layer
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.cli import run
from biaozhu.data.errors import LineError, UsageError
from biaozhu.data.layers import write_layer
from biaozhu.doccano.assignment import assign_sentences, count_shares, read_assignment, write_assignment

if TYPE_CHECKING:
    from pathlib import Path

LAYER = make_layer("shares", 120)


def names(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


@given(count=st.integers(1, 120), people=st.integers(1, 7), data=st.data())
def test_assignment_gives_each_sentence_its_annotators_in_even_shares(
    count: int, people: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(1, people))
    plan = assign_sentences("x", LAYER[:count], names(people), overlap=overlap)
    for sentence in LAYER[:count]:
        assert sum(sentence.id in given for given in plan.annotators.values()) == overlap
    found = [share["sentences"] for share in count_shares(plan, LAYER[:count])]
    assert sum(found) == count * overlap
    assert max(found) - min(found) < 3


def test_assignment_of_few_sentences_to_many_people_is_even() -> None:
    plan = assign_sentences("x", LAYER[:17], names(7), overlap=3)
    found = [share["sentences"] for share in count_shares(plan, LAYER[:17])]
    assert max(found) - min(found) < 3


def test_assignment_mixes_pairs_and_keeps_text_connected() -> None:
    plan = assign_sentences("x", LAYER, names(4), overlap=2)
    order = [sentence.id for sentence in LAYER]
    met = [
        pair
        for pair in combinations(plan.annotators, 2)
        if plan.annotators[pair[0]].keys() & plan.annotators[pair[1]].keys()
    ]
    assert len(met) >= 3  # enough to tie all four together
    for given_to in plan.annotators.values():
        places = [order.index(sid) for sid in given_to]
        assert sum(b - a == 1 for a, b in pairwise(places)) > len(places) * 0.9


@given(first=st.integers(0, 60), people=st.integers(2, 5), blind=st.floats(0, 1))
def test_assignment_made_before_stays(first: int, people: int, blind: float) -> None:
    before = assign_sentences("x", LAYER[:first], names(2), overlap=2, blind=blind)
    after = assign_sentences("x", LAYER, names(people), overlap=2, blind=blind, previous=before)
    for name, held in before.annotators.items():
        assert held.items() <= after.annotators[name].items()
    for sentence in LAYER:
        assert sum(sentence.id in held for held in after.annotators.values()) == 2


@given(blind=st.floats(0, 1))
def test_assignment_withholds_the_share_that_was_asked_for(blind: float) -> None:
    plan = assign_sentences("x", LAYER, names(3), overlap=2, blind=blind)
    by_id = {sentence.id: sentence for sentence in LAYER}
    for share in count_shares(plan, LAYER):
        assert abs(share["blind"] - blind * share["sentences"]) <= 0.5
    for held in plan.annotators.values():
        for sid, withheld in held.items():
            assert withheld is None or withheld == by_id[sid].spans


def test_assignment_file_gives_back_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    plan = assign_sentences("x", LAYER, ["林", "b.c"], overlap=2, blind=0.3)
    write_assignment(path, plan)
    assert read_assignment(path) == plan
    for damaged in ("", "[]", "{}", '{"schema": 2}', path.read_text("utf-8").replace("[[", '[["', 1)):
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(LineError):
            read_assignment(path)


@pytest.mark.parametrize(
    ("project", "people", "overlap", "blind"),
    [
        ("../x", ["a"], 1, 0.0),
        ("x", ["a/b"], 1, 0.0),
        ("x", [""], 1, 0.0),
        ("x", [".a"], 1, 0.0),
        ("x", ["a", "text"], 1, 0.0),
        ("x", ["a", "A"], 1, 0.0),
        ("x", ["a"], 2, 0.0),
        ("x", ["a"], 0, 0.0),
        ("x", ["a"], 1, 1.5),
        ("x", ["a"], 1, float("nan")),
    ],
)
def test_assignment_refuses_what_makes_no_sense(project: str, people: list[str], overlap: int, blind: float) -> None:
    with pytest.raises(UsageError):
        assign_sentences(project, LAYER, people, overlap=overlap, blind=blind)


def test_create_again_says_what_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("doccano_client")
    write_assignment(tmp_path / "x.json", assign_sentences("x", LAYER[:4], names(2), overlap=2, blind=1))
    given = ["--annotators", "p0,p1", "--project", "x", "--plans", str(tmp_path), "--dry-run"]
    write_layer(tmp_path / "same.jsonl", LAYER[:4])
    assert run(["project", "create", str(tmp_path / "same.jsonl"), "--blind", "1", *given]) == 0
    assert capsys.readouterr().err == ""
    write_layer(tmp_path / "edited.jsonl", LAYER[3:9])
    assert run(["project", "create", str(tmp_path / "edited.jsonl"), *given]) == 0
    told = capsys.readouterr().err
    assert told.startswith("3 sentences ")
    assert "--blind was 1 before" in told


def test_create_wants_no_overlap_of_one_annotator_and_says_who_gets_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A regression test: 2 was wanted of one annotator, and who was added later got nothing without a word.
    pytest.importorskip("doccano_client")
    write_layer(tmp_path / "a.jsonl", LAYER[:4])
    given = ["project", "create", str(tmp_path / "a.jsonl"), "--project", "x", "--plans", str(tmp_path), "--dry-run"]
    assert run([*given, "--annotators", "p0", "--json"]) == 0
    captured = capsys.readouterr()
    assert ([row["sentences"] for row in json.loads(captured.out)["shares"]], captured.err) == ([4], "")
    write_assignment(tmp_path / "x.json", assign_sentences("x", LAYER[:4], ["p0"], overlap=1))
    assert run([*given, "--annotators", "p0,p1", "--overlap", "1"]) == 0
    assert capsys.readouterr().err.startswith("p1 ")
