"""Advice at the end of a run, followed as it is printed: each command works in the folder, and another advice follows."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from biaozhu.cli import run
from biaozhu.commands.workspace.next_steps import list_annotator_folders, say_how_to_use, say_next_steps
from biaozhu.commands.workspace.running import Job, _plan_job
from biaozhu.commands.workspace.steps import PRE
from biaozhu.curation.adjudication import read_decisions
from biaozhu.data.layers import read_layer, read_layers, write_layer
from biaozhu.data.model import Span
from biaozhu.doccano.assignment import assign_sentences, write_assignment
from biaozhu.reading.article import find_articles, read_readable
from biaozhu.reading.sentences import split_article

AGAIN = "biaozhu run mine"
TEXT = "云岭县种了三十亩桃树。\n\n河东村也种了。\n"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("one", "two"):
        (tmp_path / f"mine/{name}.txt").write_text(f"{name}\n\n{TEXT}", "utf-8")
    return tmp_path


def plan_job() -> Job:
    articles, _ = read_readable(find_articles([Path("mine")]))
    for article in articles.values():
        write_layer(PRE / f"{article.name}.jsonl", split_article(article))
    return _plan_job("mine", articles, Path("annotations/gold"), Path("configs/ner.cfg"), "fast", ())


def advise(capsys: Capture, said: str = "") -> list[str]:
    job = plan_job()
    capsys.readouterr()
    say_next_steps(job, list_annotator_folders(job.articles.values()), AGAIN)
    shown = capsys.readouterr().err
    assert said in shown
    return [one for one in re.findall("`([^`]+)`", shown) if not one.startswith("--")]


def share_out(command: str) -> None:
    """Do what `project create` does in this folder."""
    words = shlex.split(command)
    layers, options = words[3 : words.index("--project")], words[words.index("--project") :]
    sentences = read_layers(map(Path, layers))
    names = options[options.index("--annotators") + 1].split(",")
    given = dict(zip(options[::2], options[1::2], strict=True))
    overlap, blind = int(given["--overlap"]), float(given.get("--blind", 0))
    plan = assign_sentences("mine", sentences, names, overlap=overlap, blind=blind)
    write_assignment(Path("annotations/projects/mine.json"), plan)


def annotate(name: str, length: int, *articles: str) -> None:
    """Let an annotator mark the first characters of each second sentence."""
    for article in articles:
        first, second, *others = read_layer(PRE / f"{article}.jsonl")
        span = Span(0, length, "PLACE", name)
        write_layer(
            Path(f"annotations/layers/{name}/{article}.jsonl"), (first, replace(second, spans=(span,)), *others)
        )


def adjudicate(commands: list[str], capsys: Capture) -> None:
    """Follow the two commands of an adjudication, and the ones that they print."""
    ask, join, *_ = map(shlex.split, commands)
    assert run(ask[1:]) == 0
    questions = Path(ask[ask.index("--questions") + 1])
    assert advise(capsys) == commands, "nothing is filled in yet"
    lines = [json.loads(line) | {"rule": "P1"} for line in questions.read_text("utf-8").splitlines()]
    lines = [one | {"spans": one["anna"]} for one in lines]
    questions.write_text("".join(f"{json.dumps(one)}\n" for one in lines), "utf-8")
    assert read_decisions(questions)
    assert advise(capsys) == commands[1:], "what is filled in is not asked again"
    assert run(join[1:]) == 0
    (freeze,) = [one for one in re.findall("`([^`]+)`", capsys.readouterr().err) if " freeze " in one]
    assert run(shlex.split(freeze)[1:]) == 0


def test_next_steps_lead_from_nothing_to_gold_and_on_to_gold_of_a_changed_article(
    folder: Path, capsys: Capture
) -> None:
    up, create = advise(capsys)
    assert (up, create) == (
        "biaozhu doccano up",
        "biaozhu project create annotations/pre --project mine --annotators anna,ben --overlap 2 --blind 1",
    )
    share_out(create)
    assert advise(capsys) == ["biaozhu project status mine", "biaozhu project pull --project mine", AGAIN]
    annotate("anna", 3, "one", "two")
    annotate("ben", 2, "one", "two")
    adjudicate(advise(capsys), capsys)
    assert advise(capsys) == ["biaozhu history reports", "biaozhu table"]

    # A regression test: the gold of the text before took no part, and was advised to be made again and again.
    article = folder / "mine/one.txt"
    article.write_text(article.read_text("utf-8") + "\n松阳县也有。\n", "utf-8")
    move, again = advise(capsys)
    assert again == AGAIN
    assert move == "mv mine/one.txt mine/one-2.txt"
    article.rename(folder / "mine/one-2.txt")
    up, create = advise(capsys)
    assert (
        create
        == "biaozhu project create annotations/pre/one-2.jsonl --project mine --annotators anna,ben --overlap 2 --blind 1"
    )
    share_out(create)
    assert advise(capsys)[0] == "biaozhu project status mine"
    annotate("anna", 3, "one-2")
    annotate("ben", 2, "one-2")
    commands = advise(capsys)
    assert "questions-2.jsonl" in commands[0]
    assert commands[2:] == ["biaozhu gold freeze annotations/gold"]
    adjudicate(commands, capsys)
    assert advise(capsys) == ["biaozhu history reports", "biaozhu table"]


def test_next_steps_take_the_work_of_one_where_each_sentence_has_one(folder: Path, capsys: Capture) -> None:
    # A regression test: another annotator was wanted for ever.
    plan_job()
    share_out(f"biaozhu project create {PRE}/one.jsonl --project mine --annotators lin --overlap 1")
    annotate("lin", 3, "one")
    (take,) = advise(capsys, "in 1 of them")
    assert take == "biaozhu adjudicate annotations/layers/lin -o annotations/gold"
    assert run(shlex.split(take)[1:]) == 0
    assert run(["gold", "freeze"]) == 0
    gold = read_layer(folder / "annotations/gold/one.jsonl")
    assert [span.source for sentence in gold for span in sentence.spans] == ["lin"]
    # As that project has it, which shows the pre-annotation.
    assert advise(capsys)[1].endswith("two.jsonl --project mine --annotators lin --overlap 1")
    annotate("lin", 3, "two")
    take, freeze = advise(capsys)
    assert [run(shlex.split(one)[1:]) for one in (take, freeze)] == [0, 0]
    assert advise(capsys) == ["biaozhu history reports", "biaozhu table"]


def test_next_steps_take_two_who_have_a_sentence_in_common(capsys: Capture) -> None:
    plan_job()
    annotate("anna", 3, "one")
    annotate("ben", 3, "two")
    annotate("chen", 3, "two")
    ask, _ = advise(capsys)
    assert shlex.split(ask)[2:4] == ["annotations/layers/ben", "annotations/layers/chen"]


@pytest.mark.parametrize(("model", "better"), [(0.9, False), (0.97, True)])
def test_next_steps_recommend_no_model_that_scores_lower(model: float, capsys: Capture, *, better: bool) -> None:
    # A regression test: a model that had lost what an annotator found was to annotate all other articles.
    rows = [{"layer": layer, "label": "ALL", "f1": f1} for layer, f1 in (("pre", 0.95), ("ner", model))]
    say_how_to_use(replace(plan_job(), annotators=("own words.py",)), rows)
    said = capsys.readouterr().err
    assert "`biaozhu preannotate FOLDER --annotator 'own words.py' -o LAYERS`" in said
    assert ("biaozhu predict models/ner FOLDER" in said) is better
