"""What `adjudicate` and `agree` refuse before they write anything, and the order in which they list articles."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from biaozhu.cli import run
from biaozhu.curation.status import SentenceStatus, State, write_status
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span

ARTICLE = "0123456789ab"
TEXT = "林大有到曲阳县灵山镇买了三斤茶"
PERSON = (0, 3, "PERSON")
COUNTY = (4, 7, "PLACE")


def sentence(*spans: tuple[int, int, str], start: int = 0, text: str = TEXT) -> Sentence:
    return Sentence(ARTICLE, start, start + len(text), text, tuple(Span(*span) for span in spans))


def two_articles(folder: Path, *spans: tuple[int, int, str]) -> Path:
    for name, article in (("north", "1" * 12), ("south", "2" * 12)):
        write_layer(folder / f"{name}.jsonl", [Sentence(article, 0, len(TEXT), TEXT, tuple(Span(*s) for s in spans))])
    return folder


@pytest.mark.parametrize("output", ["gold", "gold.jsonl"])
def test_curation_adjudicate_of_nothing_in_common_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    # A regression test: a traceback with a folder, an empty gold with a file.
    write_layer(tmp_path / "anna" / "x.jsonl", [sentence()])
    write_layer(tmp_path / "ben" / "x.jsonl", [sentence(start=3)])
    given = ["adjudicate", str(tmp_path / "anna"), str(tmp_path / "ben"), "--common"]
    assert run([*given, "-o", str(tmp_path / output)]) == 2
    assert capsys.readouterr().err.startswith("BZ041 ")
    assert not (tmp_path / output).exists()


def test_curation_adjudicate_refuses_decisions_that_make_no_gold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_articles(tmp_path / "anna", PERSON), two_articles(tmp_path / "ben", PERSON)
    assert run(["adjudicate", str(first), str(second), "--decisions", str(tmp_path / "none.jsonl")]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")


def test_curation_adjudicate_refuses_an_annotator_who_is_called_as_a_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_articles(tmp_path / "anna", PERSON), two_articles(tmp_path / "text", PERSON, COUNTY)
    questions = tmp_path / "q.jsonl"
    assert run(["adjudicate", str(first), str(second), "--questions", str(questions)]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert not questions.exists()


def test_curation_agree_advises_no_decisions_of_another_pair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, spans in (("anna", [PERSON]), ("ben", [PERSON, COUNTY]), ("carl", [PERSON, COUNTY])):
        write_layer(
            tmp_path / f"{name}/x.jsonl", [sentence(*spans), sentence(*spans[: 2 - (name == "carl")], start=20)]
        )
    assert run(["adjudicate", "anna", "ben", "--questions", "questions.jsonl"]) == 0
    questions = Path("questions.jsonl").read_text("utf-8")
    Path("questions.jsonl").write_text(questions.replace('"rule": ""', '"rule": "P1"'), "utf-8")
    capsys.readouterr()
    for pair, advised in (
        (["anna", "ben"], "--decisions questions.jsonl"),
        (["ben", "carl"], "--questions questions-2.jsonl"),
    ):
        assert run(["agree", *pair]) == 0
        assert advised in capsys.readouterr().err


def test_curation_agree_refuses_a_sentence_in_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = two_articles(tmp_path / "anna", PERSON), two_articles(tmp_path / "ben", PERSON)
    (first / "north.old.jsonl").write_bytes((first / "north.jsonl").read_bytes())
    for command in ("agree", "adjudicate"):
        assert run([command, str(first), str(second)]) == 2
        assert capsys.readouterr().err.startswith("BZ017 ")


def test_curation_lists_articles_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A regression test: they came in the order of their ids.
    names = {"01": "c" * 12, "02": "a" * 12, "10": "b" * 12}
    for who, spans in (("anna", (PERSON, COUNTY)), ("ben", (PERSON,)), ("gold", ())):
        for name, article in names.items():
            line = Sentence(article, 0, len(TEXT), TEXT, tuple(Span(*one) for one in spans))
            write_layer(tmp_path / who / f"{name}.jsonl", [line])
    layers = [str(tmp_path / "anna"), str(tmp_path / "ben")]
    assert run(["agree", *layers]) == 0
    listed = capsys.readouterr().out.split("Agreement by article")[1]
    assert re.findall(r"^(\d\d) ", listed, re.MULTILINE) == list(names)
    questions, gold = str(tmp_path / "q.jsonl"), tmp_path / "joint"
    assert run(["adjudicate", *layers, "--questions", questions]) == 0
    lines = [json.loads(line) for line in Path(questions).read_text("utf-8").splitlines()]
    Path(questions).write_text(
        "".join(f"{json.dumps(one | {'spans': one['anna'], 'rule': 'P1'})}\n" for one in lines), "utf-8"
    )
    capsys.readouterr()
    assert run(["adjudicate", *layers, "--decisions", questions, "-o", str(gold)]) == 0
    assert re.findall(r"written to .*/(\d\d)\.jsonl", capsys.readouterr().err) == list(names)
    assert run(["gold", "diff", str(tmp_path / "gold"), layers[1], "--json"]) == 1
    changed = [row["sentence"].partition(":")[0] for row in json.loads(capsys.readouterr().out)]
    assert list(dict.fromkeys(changed)) == list(names.values())


def test_curation_adjudicate_names_what_is_open_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = two_articles(tmp_path / "anna", PERSON), two_articles(tmp_path / "ben", PERSON, COUNTY)
    pair, questions = ["adjudicate", str(first), str(second)], str(tmp_path / "q.jsonl")
    assert run([*pair, "--questions", questions]) == 0
    capsys.readouterr()
    assert run([*pair, "--decisions", questions, "-o", str(tmp_path / "gold")]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("BZ041 ") == 2


def test_curation_adjudicate_takes_one_layer_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A regression test: two were wanted, and copied files did not name whoever kept the machine's spans.
    spans = (Span(*PERSON, "network", 0.9), Span(*COUNTY, "lin"))
    write_layer(tmp_path / "lin/x.jsonl", [replace(sentence(), spans=spans)])
    given = ["adjudicate", str(tmp_path / "lin")]
    assert run([*given, "-o", str(tmp_path / "gold")]) == 0
    said = capsys.readouterr().err
    assert "the layer of lin " in said
    assert "disagreements" not in said
    (gold,) = read_layer(tmp_path / "gold/x.jsonl")
    assert gold.spans == (Span(*PERSON, "network>lin", 0.9), Span(*COUNTY, "lin"))
    assert run([*given, "-o", str(tmp_path / "gold")]) == 0, "the same annotator may decide anew"


@pytest.mark.parametrize("command", ["agree {0} {1}", "adjudicate {0} {1} --common -o {2}", "adjudicate {0} -o {2}"])
@pytest.mark.parametrize(("state", "said"), [("confirmed", 0), ("edited", 1)])
def test_curation_counts_what_nobody_has_confirmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, state: State, said: int
) -> None:
    # A regression test: it took part, and became gold, without a word.
    folders = [two_articles(tmp_path / name, PERSON) for name in ("anna", "ben")]
    for number, name in enumerate(("north", "south"), 1):
        found = [SentenceStatus(f"{str(number) * 12}:0-{len(TEXT)}", state), SentenceStatus("0" * 12, "untouched")]
        write_status(folders[0] / f"{name}.status.json", "p", "anna", found)
    assert run(command.format(*folders, tmp_path / "gold").split()) == 0
    assert capsys.readouterr().err.count("2 sentences take part that anna ") == said


@pytest.mark.parametrize("options", [[], ["--questions", "q.jsonl"], ["--decisions", "q.jsonl", "-o", "gold"]])
def test_curation_adjudicate_of_one_layer_wants_only_the_gold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_layer(tmp_path / "lin/x.jsonl", [sentence(PERSON)])
    assert run(["adjudicate", "lin", *options]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert {one.name for one in tmp_path.iterdir()} == {"lin"}


def test_curation_adjudicate_takes_what_a_decision_leaves_open(tmp_path: Path) -> None:
    # A regression test: null was the text None, and of a context without its marks two characters were cut.
    first, second = two_articles(tmp_path / "anna", PERSON), two_articles(tmp_path / "ben", PERSON, COUNTY)
    pair, questions = ["adjudicate", str(first), str(second)], tmp_path / "q.jsonl"
    assert run([*pair, "--questions", str(questions)]) == 0
    asked = [json.loads(line) | {"rule": "P1"} for line in questions.read_text("utf-8").splitlines()]
    span = {"start": 4, "end": 7, "label": "PLACE"}
    fits = [{"text": None}, {"context": None}, {"context": TEXT}, {"context": ""}, {"spans": [span | {"text": None}]}]
    for change, status in [*((one, 0) for one in fits), ({"context": TEXT[1:]}, 2), ({"text": "曲"}, 2)]:
        questions.write_text("".join(f"{json.dumps(line | change)}\n" for line in asked), "utf-8")
        assert run([*pair, "--decisions", str(questions), "-o", str(tmp_path / "gold")]) == status, change


@pytest.mark.parametrize(("key", "named"), [("anna", "lin"), ("rul", "Correct the key")])
def test_curation_adjudicate_names_an_unknown_key_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, named: str
) -> None:
    # A regression test: each line of a renamed annotator was to be removed, with what it decided.
    first, second = two_articles(tmp_path / "anna", PERSON), two_articles(tmp_path / "ben", PERSON, COUNTY)
    questions = tmp_path / "q.jsonl"
    assert run(["adjudicate", str(first), str(second), "--questions", str(questions)]) == 0
    if key == "anna":
        first = first.rename(tmp_path / "lin")
    questions.write_text(questions.read_text("utf-8").replace('"rule":', f'"{key}":' if key == "rul" else '"rule":'))
    capsys.readouterr()
    given = ["adjudicate", str(first), str(second), "--decisions", str(questions), "-o", str(tmp_path / "gold")]
    assert run(given) == 2
    error = capsys.readouterr().err
    assert error.count("BZ013 ") == 1
    assert named in error
