"""Against a real Doccano: the disagreements are put there, and what is decided there becomes gold."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from doccano_cli import run
from doccano_pages import comment, confirm, draw, open_example, pages_of
from doccano_people import Person

from biaozhu.curation.adjudication import Decision, adjudicate, read_decisions
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.doccano.adjudication_project import HOW_TO_ANSWER
from biaozhu.doccano.connection import connect
from biaozhu.doccano.project import ProjectSpec, require_project
from biaozhu.doccano.team import find_password

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from biaozhu.doccano.connection import Connection

pytestmark = pytest.mark.server
TEXT = "𠮷去灵山镇买三斤茶。"
TOWN, TEA, WHO = (2, 5, "PLACE"), (6, 8, "AMOUNT"), (0, 1, "PERSON")


def sentence(number: int, *keys: tuple[int, int, str]) -> Sentence:
    start = number * len(TEXT)
    return Sentence("0" * 12, start, start + len(TEXT), TEXT, tuple(Span(*key) for key in keys))


FIRST = [sentence(0, TOWN, TEA), sentence(1, WHO, (2, 4, "PLACE"), TEA), sentence(2, TOWN)]
SECOND = [sentence(0, TOWN), sentence(1, WHO, TOWN), sentence(2, TOWN)]


class Case:
    """Two layers on disk, and the command that brings them together through a project of its own."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.project, self.adjudicator = f"adj-{secrets.token_hex(3)}", f"zoe-{secrets.token_hex(3)}"
        for name, layer in (("a", FIRST), ("b", SECOND)):
            write_layer(folder / name / "x.jsonl", [with_source(s, name) for s in layer])

    def run(self, *options: object) -> subprocess.CompletedProcess[str]:
        layers = (self.folder / "a", self.folder / "b")
        return run(self.home, "adjudicate", *layers, "--project", self.project, *options)

    def send(self) -> subprocess.CompletedProcess[str]:
        return self.run("--to-doccano", "--adjudicator", self.adjudicator)

    def fetch(self) -> subprocess.CompletedProcess[str]:
        return self.run("--from-doccano", "--decisions", self.folder / "d.jsonl", "-o", self.folder / "gold.jsonl")

    def decisions(self) -> list[Decision]:
        return list(read_decisions(self.folder / "d.jsonl"))


def with_source(one: Sentence, name: str) -> Sentence:
    return with_spans(one, [Span(*span.key, name) for span in one.spans])


def test_doccano_adjudication_brings_back_the_decisions_of_the_file(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    case = Case(doccano_server, tmp_path)
    for _ in range(2):
        sent = case.send()
        assert sent.returncode == 0, sent.stderr
    project = require_project(doccano, case.project)
    notes = doccano.get(f"projects/{project.id}/comments", params={"limit": 100})["results"]
    assert sum(note["text"] == HOW_TO_ANSWER for note in notes) == 2
    assert [note["text"].split(";")[0] for note in notes if note["text"] != HOW_TO_ANSWER] == [
        "【分歧1】“三斤”(第7–8字,只有前者标)",
        "【分歧1】“灵山镇”(第3–5字,边界不同)",
        "【分歧2】“三斤”(第7–8字,只有前者标)",
    ]
    early = case.fetch()
    assert early.returncode == 1
    assert early.stderr.count("not confirmed") == 3
    assert not (tmp_path / "gold.jsonl").exists()

    zoe = Person(connect(find_password(doccano_server, doccano.url, case.adjudicator)), project)
    listed = zoe.connection.get(f"projects/{project.id}/examples", params={"limit": 9})["results"]
    first, second = (next(data["id"] for data in listed if data["meta"]["sid"] == s.id) for s in (FIRST[0], FIRST[1]))
    zoe.confirm(first)
    zoe.comment(first, "N3 泛指")
    zoe.draw(second, 3, 6, "地点")
    zoe.draw(second, 7, 9, "数量")
    zoe.confirm(second)
    zoe.comment(second, "1 P1 通名归地名")
    half = case.fetch()
    assert half.returncode == 0, half.stderr
    assert "1 decisions name no rule" in half.stderr
    (tmp_path / "gold.jsonl").unlink()
    zoe.comment(second, "2 A1 数词加量词")
    done = case.fetch()
    assert done.returncode == 0, done.stderr
    expected = [
        Decision(FIRST[0].id, 6, 8, (), "N3", "泛指"),
        Decision(FIRST[1].id, 2, 5, (Span(*TOWN),), "P1", "通名归地名"),
        Decision(FIRST[1].id, 6, 8, (Span(*TEA),), "A1", "数词加量词"),
    ]
    found = case.decisions()
    assert {decision.by for decision in found} == {case.adjudicator}
    assert [Decision(*d.place, d.spans, d.rule, d.note) for d in found] == expected
    gold = read_layer(tmp_path / "gold.jsonl")
    assert gold == adjudicate(FIRST, SECOND, found, names=("a", "b"))
    assert [span.source for span in gold[1].spans] == [
        "a+b",
        f"adjudicated:b/{case.adjudicator}",
        f"adjudicated:a/{case.adjudicator}",
    ]
    # What is changed outside the disagreements is named, and not taken over.
    zoe.draw(second, 9, 10, "人物")
    stray = case.fetch()
    assert stray.returncode == 1
    assert "drawn outside the disagreements" in stray.stderr
    write_layer(tmp_path / "b" / "x.jsonl", [SECOND[0], sentence(1, WHO), SECOND[2]])
    stale = case.fetch()
    assert stale.returncode == 2
    assert stale.stderr.splitlines()[-1].startswith("BZ041 ")


@pytest.mark.browser
def test_doccano_adjudication_in_the_browser(doccano: Connection, doccano_server: Path, tmp_path: Path) -> None:
    case = Case(doccano_server, tmp_path)
    assert case.send().returncode == 0
    setting = ProjectSpec(case.project, read_labels())
    with pages_of(find_password(doccano_server, doccano.url, case.adjudicator)) as page:
        open_example(page, doccano, setting, 1)
        assert "a:数量“三斤”;b:不标" in comment(page, "N3 泛指")
        confirm(page)
        open_example(page, doccano, setting, 2)
        assert "人物" in page.inner_text("#container")
        assert "【分歧2】“三斤”" in comment(page, "P1 通名归地名")
        draw(page, TEXT, TOWN[:2], "地点")
        confirm(page)
    done = case.fetch()
    assert done.returncode == 0, done.stderr
    found = [(tuple(span.key for span in d.spans), d.rule, d.note, d.by) for d in case.decisions()]
    assert found == [
        ((), "N3", "泛指", case.adjudicator),
        ((TOWN,), "P1", "通名归地名", case.adjudicator),
        ((), "P1", "通名归地名", case.adjudicator),
    ]
