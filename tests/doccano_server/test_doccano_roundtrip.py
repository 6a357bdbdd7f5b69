"""Against a real Doccano: what is pushed is there, comes back as it was, and people's work is never lost."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest
from doccano_cli import run
from doccano_layers import make_layer
from doccano_people import Person, annotator

from biaozhu.curation.select import Selected, write_reasons
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.doccano.connection import Account, Connection, connect, find_account
from biaozhu.doccano.local.server import start, stop
from biaozhu.doccano.local.state import STATE_FILE, find_family, read_state
from biaozhu.doccano.project import ProjectSpec, ensure_project, find_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import read_examples, read_spans

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.doccano.project import Project

pytestmark = pytest.mark.server
LABELS = read_labels()


def new_setting() -> ProjectSpec:
    return ProjectSpec(f"t-{secrets.token_hex(4)}", LABELS, "# 标注说明\n")


def project_of(doccano: Connection, setting: ProjectSpec) -> Project:
    project = find_project(doccano, setting.name)
    assert project is not None
    return project


def test_doccano_up_twice_is_one_server_with_no_secret_in_sight(doccano_server: Path) -> None:
    before = start(home=doccano_server)
    again = start(home=doccano_server)
    assert again.processes == before.processes
    assert again.healthy
    state = read_state(doccano_server)
    assert state is not None
    members = find_family(doccano_server)
    assert len(members) >= 4
    for member in members:
        arguments = " ".join(member.cmdline())
        assert state.password not in arguments
        assert state.secret_key not in arguments
        listening = [c.laddr.ip for c in member.net_connections() if c.status == psutil.CONN_LISTEN]
        assert set(listening) <= {"127.0.0.1"}
    for log in doccano_server.glob("*.log"):
        content = log.read_text("utf-8")
        assert state.password not in content
        assert state.secret_key not in content
        assert log.stat().st_mode & 0o077 == 0
    assert (doccano_server / STATE_FILE).stat().st_mode & 0o777 == 0o600
    shown = run(doccano_server, "doccano", "status", "--json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["processes"] == {p.name: p.pid for p in again.processes}
    assert state.password not in shown.stdout + shown.stderr


def test_doccano_keeps_everything_over_down_and_up(doccano: Connection, doccano_server: Path) -> None:
    setting, layer = new_setting(), make_layer("restart", 20)
    push(doccano, [("restart", layer)], setting)
    url = doccano.url
    assert stop(home=doccano_server)
    assert find_family(doccano_server) == []
    shown = run(doccano_server, "doccano", "status", "--json")
    assert shown.returncode == 1
    assert json.loads(shown.stdout)["running"] is False
    refused = run(doccano_server, "pull", "-o", doccano_server / "x.jsonl", "--project", setting.name)
    assert refused.returncode == 2
    assert refused.stderr.startswith("BZ030 ")
    assert "Traceback" not in refused.stderr
    assert start(home=doccano_server).url == url
    state = read_state(doccano_server)
    assert state is not None
    back = pull(connect(Account(state.url, state.username, state.password)), setting)
    assert list(back.sentences) == layer


def test_doccano_gives_1500_sentences_back_to_the_byte(doccano_server: Path, tmp_path: Path) -> None:
    name, sent = f"t-{secrets.token_hex(4)}", tmp_path / "weird.jsonl"
    layer = make_layer("weird", 1500)
    assert any(not sentence.spans for sentence in layer)
    assert any(sentence.text.startswith(" ") for sentence in layer)
    assert any("\r\n" in sentence.text and "𠮷" in sentence.text for sentence in layer)
    write_layer(sent, layer)
    first = run(doccano_server, "push", sent, "--project", name, "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["added"] == 1500
    again = run(doccano_server, "push", sent, "--project", name, "--json")
    assert again.returncode == 0, again.stderr
    counts = json.loads(again.stdout)
    assert (counts["added"], counts["updated"], counts["unchanged"], counts["healed"]) == (0, 0, 1500, 0)
    back = run(doccano_server, "pull", "-o", tmp_path / "back", "--compare", sent, "--project", name)
    assert back.returncode == 0, back.stderr
    assert "1500 of 1500 sentences identical" in back.stdout
    assert (tmp_path / "back" / "weird.jsonl").read_bytes() == sent.read_bytes()


def test_doccano_shows_the_labels_guideline_and_order_of_the_files(doccano: Connection) -> None:
    setting, layer = new_setting(), make_layer("order", 1200)
    push(doccano, [("order", layer)], setting)
    project = project_of(doccano, setting)
    data = doccano.get(f"projects/{project.id}")
    assert data["guideline"] == setting.guideline.strip()
    assert (data["collaborative_annotation"], data["grapheme_mode"], data["allow_overlapping"]) == (
        True,
        False,
        False,
    )
    types = [
        (t["text"], t["background_color"], t["suffix_key"]) for t in doccano.get(f"projects/{project.id}/span-types")
    ]
    assert types == [(label.name, label.color, label.shortcut) for label in LABELS]
    listed = doccano.get(f"projects/{project.id}/examples", params={"limit": 2000})["results"]
    assert [example["meta"]["sid"] for example in listed] == [sentence.id for sentence in layer]
    push(doccano, [("order", layer)], replace(setting, guideline="# 新的说明\n"))
    assert doccano.get(f"projects/{project.id}")["guideline"] == "# 新的说明"
    assert doccano.get(f"projects/{project.id}/tags") == []


def test_doccano_first_pushes_at_once_make_one_project(doccano: Connection, doccano_server: Path) -> None:
    account = find_account(home=doccano_server)
    for _ in range(5):
        setting = new_setting()
        with ThreadPoolExecutor(4) as pool:
            begun = [pool.submit(ensure_project, connect(account), setting) for _ in range(4)]
            made = [each.result() for each in begun]
        assert len({project.id for project in made}) == 1
        assert project_of(doccano, setting).label_types.keys() == set(setting.names.values())
        assert all(project.label_types == made[0].label_types for project in made)


def test_doccano_never_overwrites_what_people_did(doccano: Connection) -> None:
    setting = new_setting()
    layer = [sentence for sentence in make_layer("people", 60) if len(sentence.spans) >= 2][:8]
    push(doccano, [("people", layer)], setting)
    project = project_of(doccano, setting)
    anna = annotator(doccano, f"anna{secrets.token_hex(3)}", project)
    numbers = [example.id for example in read_examples(project)]
    spans = [read_spans(anna.project, number) for number in numbers]
    assert all(spans)  # she sees the pre-annotations
    anna.confirm(numbers[0])
    anna.comment(numbers[1], "不确定")
    anna.erase(numbers[2], spans[2][0].id)
    label = next(name for name in project.label_types if name != spans[3][0].span.label)
    anna.relabel(numbers[3], spans[3][0].id, label)
    # Redrawn as it was: nothing of it shows in an export.
    first = spans[4][0]
    anna.erase(numbers[4], first.id)
    anna.draw(numbers[4], first.span.start, first.span.end, first.span.label)
    changed = [with_spans(sentence, sentence.spans[1:]) for sentence in layer]
    dry = push(doccano, [("people", changed)], setting, dry_run=True)
    assert (dry.updated, len(dry.kept)) == (4, 4)
    report = push(doccano, [("people", changed)], setting)
    assert report.kept == tuple(sentence.id for sentence in layer[:5])
    assert (report.updated, report.added, report.losses) == (3, 0, [])
    back = {sentence.id: sentence for sentence in pull(doccano, setting).sentences}
    assert [back[s.id] for s in changed[5:]] == changed[5:]
    assert back[layer[0].id] == layer[0]
    assert back[layer[2].id] == with_spans(layer[2], layer[2].spans[1:])
    repeat = push(doccano, [("people", changed)], setting)
    assert (repeat.updated, repeat.unchanged, len(repeat.kept)) == (0, 3, 5)


def test_doccano_pull_tells_whose_a_change_is(doccano: Connection, doccano_server: Path, tmp_path: Path) -> None:
    setting = new_setting()
    text = "𠮷野村的林小满有3万元"
    spans = (Span(0, 3, "PLACE", "lac", 0.5), Span(4, 7, "PERSON", "rule"))
    layer = [Sentence("a" * 12, 20 * n, 20 * n + len(text), text, spans) for n in range(4)]
    push(doccano, [("whose", layer)], setting)
    project = project_of(doccano, setting)
    anna = annotator(doccano, f"anna{secrets.token_hex(3)}", project)
    numbers = [example.id for example in read_examples(project)]
    anna.draw(numbers[1], 9, 12, "数量")  # UTF-16 units, as the browser counts: 𠮷 has two
    anna.erase(numbers[2], read_spans(project, numbers[2])[0].id)
    anna.confirm(numbers[3])
    pulled = pull(doccano, setting)
    name = anna.connection.username
    assert pulled.sentences[1].spans == (*spans, Span(8, 11, "AMOUNT", f"doccano:{name}"))
    assert [(c.sentence, c.kind) for c in pulled.changes] == [
        (layer[1].id, "added"),
        (layer[2].id, "removed"),
    ]
    assert pulled.confirmed == {layer[3].id}
    assert (pulled.losses, pulled.consistent) == ((), True)
    sent = tmp_path / "sent.jsonl"
    write_layer(sent, layer)
    shown = run(doccano_server, "pull", "--compare", sent, "--project", setting.name)
    assert shown.returncode == 0, shown.stderr
    assert "2 of 4 sentences identical" in shown.stdout
    assert f"{layer[1].id} added 8-11 AMOUNT (doccano:{name}) 3万元" in shown.stdout


def test_doccano_pull_names_what_cannot_come_back(doccano: Connection, doccano_server: Path, tmp_path: Path) -> None:
    setting, layer = new_setting(), make_layer("lost", 12)
    push(doccano, [("lost", layer)], setting)
    project = project_of(doccano, setting)
    admin = Person(doccano, project)
    numbers = [example.id for example in read_examples(project)]
    doccano.post(f"projects/{project.id}/span-types", {"text": "机构", "prefix_key": None, "suffix_key": None})
    admin = Person(doccano, project_of(doccano, setting))
    admin.draw(numbers[0], 900, 950, "地点")
    bare = next(n for n, sentence in enumerate(layer) if n >= 1 and not sentence.spans)
    admin.draw(numbers[bare], 0, 1, "机构")
    doccano.patch(f"projects/{project.id}/examples/{numbers[11]}", {"text": "换了"})
    doccano.post(f"projects/{project.id}/examples", {"text": "外来的句子", "meta": {}})
    shown = run(doccano_server, "pull", "-o", tmp_path / "x.jsonl", "--project", setting.name, "--json")
    assert shown.returncode == 1
    found = json.loads(shown.stdout)
    assert [other["text"] for other in found["others"]] == ["外来的句子"]
    assert sorted(entry["reason"] for entry in found["losses"]) == [
        "its offsets do not fit the text",
        "its text was changed in Doccano",
        "the label is not in the labels file",
    ]
    assert len(read_layer(tmp_path / "x.jsonl")) == 11


def test_doccano_pull_of_a_shared_project_takes_what_is_ours(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    setting = new_setting()
    # One article in two versions under one name, as after an edit of the file; and somebody else's sentence.
    old, new = make_layer("before", 6), make_layer("after", 9)
    push(doccano, [("shared", old)], setting)
    push(doccano, [("shared", new)], setting)
    project = project_of(doccano, setting)
    doccano.post(f"projects/{project.id}/examples", {"text": "外来的句子", "meta": {"page": "3"}})
    numbers = {example.sentence_id: example.id for example in read_examples(project)}
    for sentence in (old[1], new[2], new[4]):
        Person(doccano, project).confirm(numbers[sentence.id])
    pull_it = ("pull", "-o", tmp_path / "back", "--project", setting.name)
    whole = run(doccano_server, *pull_it)
    assert whole.returncode == 0, whole.stderr
    assert "of another program, left there: example" in whole.stderr
    assert "外来的句子" in whole.stderr
    earlier = f"shared.{old[0].article}"
    assert f"an earlier article of the same name: its 6 sentences are in {earlier}.jsonl" in whole.stderr
    back = {path.stem: list(read_layer(path)) for path in (tmp_path / "back").iterdir()}
    assert back == {"shared": new, earlier: old}
    sent = tmp_path / "sent.jsonl"
    write_layer(sent, new)
    some = run(doccano_server, *pull_it, "--confirmed", "--compare", sent, "--json")
    assert some.returncode == 0, some.stderr
    found = json.loads(some.stdout)
    assert (found["sentences"], found["unconfirmed"], len(found["others"])) == (3, 12, 1)
    assert found["identical"] is True
    back = {path.stem: list(read_layer(path)) for path in (tmp_path / "back").iterdir()}
    assert back == {"shared": [new[2], new[4]], earlier: [old[1]]}


def test_doccano_knows_examples_of_the_earlier_form(doccano: Connection) -> None:
    setting, layer = new_setting(), make_layer("form", 8)
    push(doccano, [("form", layer)], setting)
    project = project_of(doccano, setting)
    for example in read_examples(project):
        path = f"projects/{project.id}/examples/{example.id}"
        assert doccano.get(path)["meta"].keys() == {"sid", "article", "biaozhu"}
        doccano.patch(path, {"meta": example.meta})
        assert doccano.get(path)["meta"].keys() == {"sid", "article", "text_sha", "pre", "by", "batch"}
    assert list(pull(doccano, setting).sentences) == layer
    assert push(doccano, [("form", layer)], setting).unchanged == len(layer)
    changed = [with_spans(sentence, ()) if sentence.spans else sentence for sentence in layer]
    updated = push(doccano, [("form", changed)], setting).updated
    assert updated == sum(bool(sentence.spans) for sentence in layer)
    assert list(pull(doccano, setting).sentences) == changed


def test_doccano_push_adds_new_and_reports_removed_sentences(doccano: Connection) -> None:
    setting, layer = new_setting(), make_layer("grow", 30)
    push(doccano, [("grow", layer[:20])], setting)
    dry = push(doccano, [("grow", layer[10:])], setting, dry_run=True)
    report = push(doccano, [("grow", layer[10:])], setting)
    assert (dry.added, dry.unchanged, dry.removed) == (report.added, report.unchanged, report.removed)
    assert (report.added, report.unchanged) == (10, 10)
    assert report.removed == tuple(sentence.id for sentence in layer[:10])
    assert set(pull(doccano, setting).sentences) == set(layer)


def test_doccano_dry_run_makes_no_project(doccano: Connection) -> None:
    setting = new_setting()
    assert push(doccano, [("dry", make_layer("dry", 3))], setting, dry_run=True).added == 3
    assert find_project(doccano, setting.name) is None


def test_doccano_refuses_a_wrong_password_in_one_line(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    write_layer(tmp_path / "a.jsonl", make_layer("auth", 2))
    account = {"DOCCANO_URL": doccano.url, "DOCCANO_USERNAME": "admin", "DOCCANO_PASSWORD": "falsch"}
    refused = run(doccano_server, "push", tmp_path / "a.jsonl", **account)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("BZ031 ")
    assert "falsch" not in refused.stderr


def test_push_shows_annotators_why_a_sentence_was_selected(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    setting, layer, chosen = new_setting(), make_layer("reasons", 6), tmp_path / "reasons.jsonl"
    selected = [Selected(one, f"把握低:{number}") for number, one in enumerate(layer)]
    write_layer(chosen, layer)
    write_reasons(chosen, selected)
    command = ("push", chosen, "--project", setting.name)
    assert run(doccano_server, *command).returncode == 0
    assert json.loads(run(doccano_server, *command, "--json").stdout)["unchanged"] == len(layer)
    examples = read_examples(project_of(doccano, setting))
    shown = {one.sentence_id: one.meta["reason"] for one in examples}
    assert shown == {one.sentence.id: one.reason for one in selected}
    assert list(pull(doccano, setting).sentences) == list(layer)
