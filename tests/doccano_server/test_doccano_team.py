"""Against a real Doccano: several annotators at work, each one's layer comes back as theirs."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from doccano_cli import run
from doccano_layers import make_layer
from doccano_people import Person

from biaozhu.curation.status import read_status
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Span, with_spans
from biaozhu.doccano.assignment import read_assignment
from biaozhu.doccano.connection import connect
from biaozhu.doccano.local.server import start
from biaozhu.doccano.local.state import ACCOUNTS_FILE
from biaozhu.doccano.project import find_project
from biaozhu.doccano.remote import read_spans
from biaozhu.doccano.team import find_password
from biaozhu.formats.serialization import to_remote_spans
from biaozhu.reporting.content import RoundTrip, read_evidence

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.data.model import Sentence
    from biaozhu.doccano.connection import Connection

pytestmark = pytest.mark.server
NAMES = {label.id: label.name for label in read_labels()}


def log_in(home: Path, url: str, project: str, name: str) -> tuple[Person, dict[str, dict[str, Any]]]:
    """Return the annotator at work in their own project, and its examples by sentence id."""
    connection = connect(find_password(home, url, name))
    own = find_project(connection, f"{project}@{name}")
    assert own is not None
    listed = connection.get(f"projects/{own.id}/examples", params={"limit": 1000})["results"]
    return Person(connection, own), {data["meta"]["sid"]: data for data in listed}


def work(person: Person, examples: dict[str, dict[str, Any]], by_id: dict[str, Sentence], sids: list[str]) -> str:
    """Accept, empty, redraw, relabel and comment, a sentence each; return the label that was drawn."""
    accepted, emptied, edited, relabelled, noted = sids[:5]
    person.confirm(examples[accepted]["id"])
    for sid in (emptied, edited):
        for record in read_spans(person.project, examples[sid]["id"]):
            person.erase(examples[sid]["id"], record.id)
    person.confirm(examples[emptied]["id"])
    span = by_id[edited].spans[0]
    label = "PERSON" if span.label == "PLACE" else "PLACE"
    drawn = to_remote_spans(by_id[edited].text, [span], NAMES)[0]
    person.draw(examples[edited]["id"], drawn.start, drawn.end, NAMES[label])
    record = read_spans(person.project, examples[relabelled]["id"])[0]
    person.relabel(examples[relabelled]["id"], record.id, "数量" if record.span.label != "数量" else "人物")
    person.comment(examples[noted]["id"], "不确定")
    return label


def test_doccano_team_brings_back_each_ones_own_work(doccano: Connection, doccano_server: Path, tmp_path: Path) -> None:
    project = f"team-{secrets.token_hex(3)}"
    ann, ben, cai = people = [f"{name}-{secrets.token_hex(3)}" for name in ("ann", "ben", "cai")]
    layer = [s for s in make_layer("team", 40) if s.spans][:18]
    write_layer(tmp_path / "pre" / "team.jsonl", layer)
    create = (
        *("project", "create", tmp_path / "pre", "--annotators", ",".join(people), "--overlap", 2),
        *("--blind", 0.25, "--project", project, "--plans", tmp_path / "plans", "--json"),
    )
    made = run(doccano_server, *create)
    assert made.returncode == 0, made.stderr
    assert [row["sentences"] for row in json.loads(made.stdout)["shares"]] == [12, 12, 12]
    assert [row["blind"] for row in json.loads(made.stdout)["shares"]] == [3, 3, 3]
    secret = json.loads((doccano_server / ACCOUNTS_FILE).read_text("utf-8"))["local"]
    assert (doccano_server / ACCOUNTS_FILE).stat().st_mode & 0o777 == 0o600
    said = made.stdout + made.stderr + "".join(log.read_text("utf-8") for log in doccano_server.glob("*.log"))
    assert not [name for name in people if secret[name] in said]
    again = run(doccano_server, *create)
    assert [row["added"] for row in json.loads(again.stdout)["shares"]] == [0, 0, 0]

    plan = read_assignment(tmp_path / "plans" / f"{project}.json")
    person, examples = log_in(doccano_server, doccano.url, project, ann)
    assert examples.keys() == plan.annotators[ann].keys()
    by_id = {sentence.id: sentence for sentence in layer}
    for sid, withheld in plan.annotators[ann].items():
        seen = {r.span for r in read_spans(person.project, examples[sid]["id"])}
        pre = set(to_remote_spans(by_id[sid].text, by_id[sid].spans, NAMES))
        assert seen == (pre if withheld is None else set())
    shown = [sid for sid, withheld in plan.annotators[ann].items() if withheld is None]
    accepted, emptied, edited, relabelled, noted, idle = shown[:6]
    label = work(person, examples, by_id, shown)

    pulled = run(
        doccano_server,
        *("project", "pull", "--project", project, "--plans", tmp_path / "plans"),
        *("-o", tmp_path / "layers", "--json"),
    )
    assert pulled.returncode == 0, pulled.stderr
    rows = {row["annotator"]: row for row in json.loads(pulled.stdout)}
    assert (rows[ann]["confirmed"], rows[ann]["edited"], rows[ann]["untouched"]) == (2, 3, 7)
    assert (rows[ben]["untouched"], rows[cai]["untouched"]) == (12, 12)
    assert not (tmp_path / "layers" / ben / "team.jsonl").exists()
    back = {s.id: s for s in read_layer(tmp_path / "layers" / ann / "team.jsonl")}
    status = {s.sentence: s for s in read_status(tmp_path / "layers" / ann / "team.status.json")}
    assert back.keys() == {accepted, emptied, edited, relabelled, noted}
    assert back[accepted] == by_id[accepted]
    assert back[emptied].spans == ()
    span = by_id[edited].spans[0]
    assert back[edited].spans == (Span(span.start, span.end, label, ann),)
    changed = [s for s in back[relabelled].spans if s.source == ann]
    assert [(s.start, s.end) for s in changed] == [s.key[:2] for s in by_id[relabelled].spans[:1]]
    assert (status[idle].state, idle in back) == ("untouched", False)
    assert (status[emptied].state, status[emptied].confirmed_by, status[emptied].confirmed_at[:2]) == (
        "confirmed",
        ann,
        "20",
    )
    assert [(d.label, d.user) for d in status[edited].drawn] == [(label, ann)]
    assert [(n.user, n.text) for n in status[noted].comments] == [(ann, "不确定")]
    assert status[accepted].shown == by_id[accepted].spans
    followed = json.loads(run(None, "bias", tmp_path / "layers" / ann, "--json").stdout)
    assert (followed["accepted"]["rate"], followed["fates"]["removed"]) == (0.5, len(by_id[emptied].spans))
    blind = [s for s in status.values() if s.blind]
    assert len(blind) == 3
    assert all(s.shown == () and s.proposed == by_id[s.sentence].spans for s in blind)


def test_doccano_team_enters_a_layer_as_its_annotators_own(doccano_server: Path, tmp_path: Path) -> None:
    start(home=doccano_server, wait_seconds=180)
    project, name = f"enter-{secrets.token_hex(3)}", f"ann-{secrets.token_hex(3)}"
    pre = make_layer("enter", 8)
    # The annotator agrees with some spans, drops others, moves one, and has their own name on all of them.
    mine = [own_version(sentence, name, number) for number, sentence in enumerate(pre)]
    write_layer(tmp_path / "pre" / "enter.jsonl", pre)
    write_layer(tmp_path / "mine.jsonl", mine)
    shared = ("--project", project, "--plans", tmp_path / "plans")
    made = run(
        doccano_server,
        *("project", "create", tmp_path / "pre", "--annotators", name, "--overlap", 1, *shared),
    )
    assert made.returncode == 0, made.stderr
    enter = ("project", "enter", tmp_path / "mine.jsonl", "--annotator", name, "--project", project, "--json")
    first, second = run(doccano_server, *enter), run(doccano_server, *enter)
    assert json.loads(first.stdout)["drawn"] == sum(len(sentence.spans) for sentence in mine)
    assert json.loads(first.stdout)["removed"] == sum(len(sentence.spans) for sentence in pre)
    assert json.loads(first.stdout)["confirmed"] == 8
    assert json.loads(second.stdout) == {"sentences": 8, "drawn": 0, "removed": 0, "confirmed": 0}
    pulled = run(doccano_server, "project", "pull", *shared, "-o", tmp_path / "layers")
    assert pulled.returncode == 0, pulled.stderr
    back = read_layer(tmp_path / "layers" / name / "enter.jsonl")
    assert [(s.id, [span.key for span in s.spans]) for s in back] == [
        (s.id, [span.key for span in s.spans]) for s in mine
    ]
    trip = read_evidence(tmp_path / "layers" / f"{project}.round-trip.json", RoundTrip)
    assert (trip.state, trip.sentences) == ("round_trip.edited", 8)
    keys = [{s.id: {span.key for span in s.spans} for s in side} for side in (pre, mine)]
    assert {change.sentence for change in trip.changes} == {one for one in keys[0] if keys[0][one] != keys[1][one]}
    states = read_status(tmp_path / "layers" / name / "enter.status.json")
    assert {state.state for state in states} == {"confirmed"}
    assert sum(len(state.drawn) for state in states) == sum(len(sentence.spans) for sentence in mine)
    taken = run(
        doccano_server,
        *("project", "create", tmp_path / "pre", "--annotators", "admin", "--overlap", 1),
        *("--project", "taken", "--plans", tmp_path / "plans"),
    )
    assert taken.returncode == 2
    assert "the account that pushes" in taken.stderr
    stranger = replace(mine[0], start=10**6, end=10**6 + len(mine[0].text))
    write_layer(tmp_path / "mine.jsonl", [stranger])
    refused = run(doccano_server, *enter)
    assert refused.returncode == 2
    assert refused.stderr.startswith("BZ033 ")


def own_version(sentence: Sentence, name: str, number: int) -> Sentence:
    spans = [replace(span, source=name, score=None) for span in sentence.spans]
    if number % 3 == 1:
        spans = spans[1:]
    if number % 3 == 2 and spans:
        spans[0] = replace(spans[0], end=spans[0].start + 1)
    return with_spans(sentence, spans)
