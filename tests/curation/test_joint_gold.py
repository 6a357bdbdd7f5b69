"""Gold of several pairs of annotators in one file: each brings its sentences, and none changes another's."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.curation.frozen import freeze_gold
from biaozhu.curation.joint_gold import JointGold, add_gold, disputes_path, read_joint_gold, write_joint_gold
from biaozhu.data.errors import GoldError, LineError, ManyProblemsError
from biaozhu.data.files import hold_folder
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.data.outputs import check_output

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "去灵山镇买三斤茶。啊"
TOWN, TEA = Span(1, 4, "PLACE"), Span(5, 7, "AMOUNT")


def sentence(number: int, *spans: Span, article: str = "0" * 12) -> Sentence:
    return Sentence(article, number * len(TEXT), (number + 1) * len(TEXT), TEXT, spans)


def decide(folder: Path, first: str, second: str, *options: str, take: str = "") -> int:
    """Adjudicate two annotators' common sentences for one of them, or for neither."""
    questions = folder / f"{first}-{second}.jsonl"
    questions.unlink(missing_ok=True)
    given = ["adjudicate", str(folder / first), str(folder / second), "--common"]
    assert run([*given, "--questions", str(questions)]) == 0
    lines = [json.loads(line) for line in questions.read_text("utf-8").splitlines()]
    decided = [{**line, "spans": line.get(take, []), "rule": "P1"} for line in lines]
    questions.write_text("".join(f"{json.dumps(line)}\n" for line in decided), encoding="utf-8")
    return run([*given, "--decisions", str(questions), *(options or ("-o", str(folder / "gold")))])


def test_joint_gold_has_the_sentences_of_each_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A regression test: each pair replaced the gold of the pair before.
    pairs = list(combinations(("anna", "ben", "carl"), 2))
    for name in ("anna", "ben", "carl"):
        mine = [number for number in range(12) if name in pairs[number % 3]]
        write_layer(tmp_path / name / "a.jsonl", [sentence(number, TEA) for number in mine])
    for first, second in reversed(pairs):
        assert (
            run(["adjudicate", *(str(tmp_path / n) for n in (first, second)), "--common", "-o", str(tmp_path / "gold")])
            == 0
        )
    assert "8 of the sentences were gold before and stay" in capsys.readouterr().err
    gold = read_layer(tmp_path / "gold" / "a.jsonl")
    assert [one.start for one in gold] == [number * len(TEXT) for number in range(12)]
    assert [one.spans[0].source for one in gold] == ["+".join(pairs[number % 3]) for number in range(12)]
    assert run(["gold", "freeze", str(tmp_path / "gold")]) == 0


def test_joint_gold_has_the_sentences_of_pairs_that_are_adjudicated_at_once(tmp_path: Path) -> None:
    # A regression test: both read the gold before either had written it.
    many = 300
    for name, first in (("anna", 0), ("ben", 0), ("carl", many), ("dora", many)):
        write_layer(tmp_path / name / "a.jsonl", [sentence(first + number, TEA) for number in range(many)])
    commands = [
        [sys.executable, "-m", "biaozhu", "adjudicate", *pair, "-o", "gold"]
        for pair in (("anna", "ben"), ("carl", "dora"))
    ]
    with hold_folder(tmp_path / "gold"):
        begun = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) for command in commands]
        with pytest.raises(subprocess.TimeoutExpired):
            begun[0].wait(2)
    assert [one.wait(60) for one in begun] == [0, 0]
    assert len(read_layer(tmp_path / "gold" / "a.jsonl")) == 2 * many


def test_joint_gold_is_not_written_beside_an_about_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("anna", "ben"):
        write_layer(tmp_path / name / "a.jsonl", [sentence(0, TEA)])
    (tmp_path / "gold").mkdir()
    (tmp_path / "gold/about.toml").write_text("not toml [", encoding="utf-8")
    folders = (str(tmp_path / name) for name in ("anna", "ben"))
    assert run(["adjudicate", *folders, "-o", str(tmp_path / "gold")]) == 2
    assert [path.name for path in (tmp_path / "gold").iterdir()] == ["about.toml"]


@pytest.mark.parametrize("key", ["spans", "sentence", "start"])
def test_joint_gold_of_a_decision_with_a_key_twice_is_refused(tmp_path: Path, key: str) -> None:
    write_layer(tmp_path / "anna" / "a.jsonl", [sentence(0, TOWN)])
    write_layer(tmp_path / "ben" / "a.jsonl", [sentence(0)])
    questions = tmp_path / "questions.jsonl"
    given = ["adjudicate", str(tmp_path / "anna"), str(tmp_path / "ben")]
    assert run([*given, "--questions", str(questions)]) == 0
    line = json.loads(questions.read_text("utf-8")) | {"rule": "P1"}
    questions.write_text(json.dumps(line)[:-1] + f', "{key}": {json.dumps(line[key])}}}\n', encoding="utf-8")
    assert run([*given, "--decisions", str(questions), "-o", str(tmp_path / "gold")]) == 2
    assert not (tmp_path / "gold").exists()


@pytest.mark.parametrize(("before", "after"), [("anna", ""), ("", "anna"), ("ben", "anna"), ("anna", "anna")])
def test_joint_gold_of_the_same_pair_is_decided_anew(tmp_path: Path, before: str, after: str) -> None:
    write_layer(tmp_path / "anna" / "a.jsonl", [sentence(0, TOWN)])
    write_layer(tmp_path / "ben" / "a.jsonl", [sentence(0, Span(1, 3, "PLACE")), sentence(1)])
    assert decide(tmp_path, "anna", "ben", take=before) == 0
    assert decide(tmp_path, "ben", "anna", take=after) == 0
    gold = read_layer(tmp_path / "gold" / "a.jsonl")
    assert [span.key for span in gold[0].spans] == ([TOWN.key] if after == "anna" else [])


@pytest.mark.parametrize("taken", ["", "anna"])
def test_joint_gold_of_another_pair_is_not_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], taken: str
) -> None:
    for name, span in (("anna", TOWN), ("ben", TEA), ("carl", Span(1, 3, "PLACE"))):
        write_layer(tmp_path / name / "a.jsonl", [sentence(0, span)])
    write_layer(tmp_path / "anna" / "b.jsonl", [sentence(0, article="1" * 12)])
    write_layer(tmp_path / "carl" / "b.jsonl", [sentence(0, article="1" * 12)])
    assert decide(tmp_path, "anna", "ben", take=taken) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "gold").iterdir()}
    assert decide(tmp_path, "anna", "carl", take="carl") == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("BZ041 ")
    assert {path: path.read_bytes() for path in (tmp_path / "gold").iterdir()} == before
    # What is the same may come twice.
    assert decide(tmp_path, "anna", "carl", take=taken) == 0
    assert read_joint_gold(tmp_path / "gold" / "a.jsonl").annotators == {sentence(0).id: ("anna", "ben")}


@pytest.mark.parametrize("taken", ["", "anna", "ben"])
def test_joint_gold_of_one_annotator_is_decided_anew_with_a_second_one(tmp_path: Path, taken: str) -> None:
    # A regression test: gold of one was refused, and where both agreed it stayed that of one.
    layers = {"anna": [sentence(0, TOWN), sentence(1)], "ben": [sentence(0, TEA), sentence(1)], "carl": [sentence(0)]}
    for name, layer in layers.items():
        write_layer(tmp_path / name / "a.jsonl", layer)
    alone = ["adjudicate", "-o", str(tmp_path / "gold")]
    assert run([*alone, str(tmp_path / "anna")]) == 0
    assert run([*alone, str(tmp_path / "ben")]) == 2
    assert decide(tmp_path, "ben", "carl", take="ben") == 2
    assert decide(tmp_path, "anna", "ben", take=taken) == 0
    gold = read_joint_gold(tmp_path / "gold" / "a.jsonl")
    assert set(gold.annotators.values()) == {("anna", "ben")}
    expected = {"": [], "anna": [TOWN.key], "ben": [TEA.key]}[taken]
    assert [span.key for span in gold.sentences[0].spans] == expected
    assert run([*alone, str(tmp_path / "anna")]) == (0 if taken == "anna" else 2)


@pytest.mark.parametrize(
    ("output", "shown"), [("gold/all.jsonl", 1), ("gold", 0), ("all.jsonl", 0), ("/dev/stdout", 0)]
)
def test_joint_gold_names_a_file_beside_it_that_has_its_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, output: str, shown: int
) -> None:
    # A regression test: nothing was said, and then every command refused the folder (BZ017).
    monkeypatch.chdir(tmp_path)
    write_layer(tmp_path / "anna" / "a.jsonl", [sentence(0, TOWN)])
    assert run(["adjudicate", "anna", "-o", "gold"]) == 0
    assert run(["adjudicate", "anna", "-o", output]) == 0
    assert capsys.readouterr().err.count("gold/a.jsonl has some of these sentences") == shown


def test_joint_gold_is_not_written_beside_its_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A regression test: files were added that no command could read with those of the folder.
    for name in ("gold/a.jsonl", "all.jsonl", "other/all.jsonl"):
        write_layer(tmp_path / name, [sentence(0, article=("1" if "other" in name else "0") * 12)])
    assert run(["adjudicate", str(tmp_path / "all.jsonl"), "-o", str(tmp_path / "gold")]) == 2
    assert capsys.readouterr().err.startswith("BZ017 ")
    assert [path.name for path in (tmp_path / "gold").iterdir()] == ["a.jsonl"]
    assert run(["adjudicate", str(tmp_path / "other"), "-o", str(tmp_path / "gold")]) == 0


def test_joint_gold_of_unknown_origin_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    write_layer(path, [sentence(0, TOWN), sentence(1, TOWN), sentence(2)])
    earlier = read_joint_gold(path)
    assert earlier.annotators == {}
    with pytest.raises(GoldError):
        add_gold(earlier, [sentence(0)], names=("a", "b"))
    with pytest.raises(ManyProblemsError):
        add_gold(earlier, [sentence(0), sentence(1)], names=("a", "b"))
    joint = add_gold(earlier, [sentence(3, TEA), sentence(2)], names=("b", "a"))
    write_joint_gold(path, joint)
    assert read_joint_gold(path) == joint
    assert joint.annotators == {sentence(3).id: ("a", "b")}
    assert [one.start for one in joint.sentences] == [number * len(TEXT) for number in range(4)]


def test_joint_gold_of_several_articles_keeps_their_order() -> None:
    north, south = ("f" * 12, "0" * 12)
    earlier = JointGold((sentence(1, article=north), sentence(0, article=south)))
    joint = add_gold(earlier, [sentence(0, article=north), sentence(1, article=south)], names=("a", "b"))
    assert [(one.article, one.start // len(TEXT)) for one in joint.sentences] == [
        (north, 0), (north, 1), (south, 0), (south, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["", "[]", '{"annotators": {"x": "anna"}}'])
def test_joint_gold_refuses_another_file_beside_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gold.jsonl"
    write_layer(path, [sentence(0)])
    disputes_path(path).write_text(content, encoding="utf-8")
    with pytest.raises(LineError):
        read_joint_gold(path)


def test_joint_gold_spares_frozen_gold(tmp_path: Path) -> None:
    for name in ("anna", "ben"):
        write_layer(tmp_path / name / "a.jsonl", [sentence(0, TOWN)])
    gold = tmp_path / "gold"
    write_layer(gold / "a.jsonl", [sentence(1, TEA)])
    freeze_gold(gold)
    before = {path: path.read_bytes() for path in gold.iterdir()}
    assert decide(tmp_path, "anna", "ben") == 2
    assert {path: path.read_bytes() for path in gold.iterdir()} == before


def test_joint_gold_record_of_many_sentences_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    many = tuple(sentence(number) for number in range(3000))
    write_joint_gold(path, JointGold(many, {one.id: ("anna", "ben") for one in many}))
    check_output(disputes_path(path), "disputes")


def test_joint_gold_grows_in_a_folder_that_was_frozen(tmp_path: Path) -> None:
    write_layer(tmp_path / "old.jsonl", [sentence(0, TOWN)])
    freeze_gold(tmp_path)
    path = tmp_path / "new.jsonl"
    write_joint_gold(path, JointGold((sentence(0, article="1" * 12),), {}))
    assert [one.article for one in read_joint_gold(path).sentences] == ["1" * 12]
