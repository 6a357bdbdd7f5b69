"""A project with several annotators: for each a collaborative Doccano project, `<project>@<annotator>`, with nobody else.

A Doccano project in which nobody sees the spans of others also hides the pre-annotations, and one in which everybody
does forgets whose work it is.

Generated passwords are in a file of the home folder that only its owner can read: of the local server, whatever its port,
and by address of others. They are written before the account is made, never passed as an argument and never printed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from biaozhu.curation.status import Drawn, Note, SentenceStatus
from biaozhu.data.diff import Change
from biaozhu.data.errors import AuthError, BiaozhuError, RemoteError, RoundTripError, raise_collected
from biaozhu.data.files import parse_json, read_bytes, write_json
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, with_spans
from biaozhu.data.offsets import Utf16Offsets
from biaozhu.doccano import remote
from biaozhu.doccano.assignment import Assignment, Withheld
from biaozhu.doccano.connection import Account, Connection
from biaozhu.doccano.local.state import ACCOUNTS_FILE, lock_home, read_state
from biaozhu.doccano.project import Project, ProjectSpec, require_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import PushReport, Tick, push
from biaozhu.doccano.remote import list_comments, list_examples, list_member_names, read_spans
from biaozhu.formats.serialization import to_remote_spans

READER_THREADS = 4  # as many as a worker of the server has
_ByAddress = dict[str, dict[str, str]]
SCHEMA = 2  # of the file of passwords
LOCAL_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")  # a local server in schema 1


@dataclass(frozen=True, slots=True)
class AnnotatorLayer:
    """One annotator's work: what they touched, by article, and what became of every sentence they got.

    `changes` are what differs from what was sent, by people or on the way, with sentences that are no longer there.
    """

    annotator: str
    layers: Mapping[str, tuple[Sentence, ...]]
    status: Mapping[str, tuple[SentenceStatus, ...]]
    losses: tuple[Entry, ...]
    consistent: bool
    changes: tuple[Change, ...]

    def count(self, state: str) -> int:
        """Return how many sentences are in this state."""
        return sum(status.state == state for found in self.status.values() for status in found)


def make_own_spec(spec: ProjectSpec, annotator: str) -> ProjectSpec:
    """Return the spec of one annotator's own project."""
    return replace(spec, name=f"{spec.name}@{annotator}")


def create_projects(
    connection: Connection,
    layers: Sequence[tuple[str, Sequence[Sentence]]],
    spec: ProjectSpec,
    assignment: Assignment,
    *,
    home: Path,
    tick: Tick = lambda _done: None,
) -> dict[str, PushReport]:
    """Make accounts and projects as an administrator, and push to each annotator their share; another run only adds."""
    users = ensure_accounts(connection, tuple(assignment.annotators), home=home)
    reports = {}
    for name, given in assignment.annotators.items():
        own = make_own_spec(spec, name)
        mine = [
            (article, [one if given[one.id] is None else with_spans(one, ()) for one in sentences if one.id in given])
            for article, sentences in layers
        ]
        reports[name] = push(connection, mine, own, tick=tick)
        ensure_members(require_project(connection, own.name), {name: users[name]})
    return reports


def pull_layers(
    connection: Connection, spec: ProjectSpec, assignment: Assignment, *, tick: Tick = lambda _done: None
) -> tuple[AnnotatorLayer, ...]:
    """Read every annotator's work back.

    A span keeps its source and score unless the annotator drew or changed it, whose name it has then, or the administrator
    (`doccano:<administrator>`).
    """
    layers = []
    for name, given in assignment.annotators.items():
        layer = _read_layer(connection, spec, name, given, tick)
        if not layer.consistent:
            layer = _read_layer(connection, spec, name, given, lambda _done: None)
        layers.append(layer)
    return tuple(layers)


def count_progress(connection: Connection, name: str, assignment: Assignment) -> list[tuple[str, int, int, str]]:
    """Count the progress in a project: each annotator, their sentences, those that they have confirmed, and their page."""
    found = []
    for annotator, given in assignment.annotators.items():
        project = require_project(connection, f"{name}@{annotator}")
        there = list_examples(project)
        confirmed = sum(one in there and bool(there[one]["is_confirmed"]) for one in given)
        found.append((annotator, len(given), confirmed, project.url))
    return found


def enter_layer(
    annotator: Connection, layer: Sequence[Sentence], spec: ProjectSpec, *, tick: Tick = lambda _done: None
) -> dict[str, int]:
    """Enter a layer as the work of the annotator who is logged in, and confirm it; other sentences stay as they are.

    Returns how many sentences and spans were entered, removed and confirmed. Nothing is entered if a sentence is not in the
    annotator's project, or has another text there.
    """
    own = make_own_spec(spec, annotator.username)
    project = require_project(annotator, own.name)
    there = list_examples(project)
    problems: list[BiaozhuError] = []
    for sentence in layer:
        if sentence.id not in there:
            what, advice = f"the sentence is not in {own.name!r}", "Assign it with `biaozhu project create`"
            problems.append(RoundTripError(what, where=sentence.id, next_step=advice))
        elif there[sentence.id]["text"] != sentence.text:
            problems.append(RoundTripError("Doccano holds another text", where=sentence.id))
    raise_collected(problems)
    done = {"sentences": len(layer), "drawn": 0, "removed": 0, "confirmed": 0}
    for sentence in layer:
        example = there[sentence.id]["id"]
        wanted = set(to_remote_spans(sentence.text, sentence.spans, own.names))
        records = read_spans(project, example)
        # A span of the pre-annotation is not this annotator's work: it is drawn again in their name.
        kept = {one.span: one for one in records if one.span in wanted and one.user == annotator.user_id}
        surplus = [one for one in records if one not in kept.values()]
        remote.change_spans(project, example, remove=surplus, draw=wanted - kept.keys())
        done["drawn"] += len(wanted - kept.keys())
        done["removed"] += len(surplus)
        path = f"{project.path}/examples/{example}"
        if not annotator.get(path)["is_confirmed"]:
            annotator.post(f"{path}/states", {})
            done["confirmed"] += 1
        tick(1)
    return done


def _read_layer(
    connection: Connection, spec: ProjectSpec, annotator: str, given: Mapping[str, Withheld], tick: Tick
) -> AnnotatorLayer:
    own = make_own_spec(spec, annotator)
    pulled = pull(connection, own)
    project = pulled.project
    users = list_member_names(project)
    comments = list_comments(project)
    examples = {one.sentence_id: one for one in reversed(pulled.examples)}

    def read_sentence(sentence: Sentence) -> tuple[Sentence, SentenceStatus]:
        example, offsets = examples[sentence.id], Utf16Offsets(sentence.text)
        shown = example.sent_spans or ()
        is_changed = {span.key for span in shown} != {span.key for span in sentence.spans}
        records = read_spans(project, example.id) if example.confirmed or is_changed else []
        states = remote.read_confirmations(project, example.id) if example.confirmed else []
        notes = tuple(Note(one["username"], one["created_at"], one["text"]) for one in comments.get(example.id, ()))
        importer = str(example.meta.get("by"))
        by_person = {one.span: one for one in records if one.edited or str(one.user) != importer}
        # A changed span keeps the account that sent it; only the annotator works in this project.
        authors = users | ({int(importer): annotator} if importer.isdecimal() else {})
        status = SentenceStatus(
            sentence=sentence.id,
            state="confirmed" if states else "edited" if is_changed or by_person or notes else "untouched",
            shown=shown,
            withheld=None if shown else given.get(sentence.id),
            confirmed_by=users.get(states[0]["confirmed_by"], "") if states else "",
            confirmed_at=states[0]["confirmed_at"] if states else "",
            drawn=tuple(
                Drawn(*place, own.ids.get(span.label, span.label), authors.get(one.user, ""), one.created, one.updated)
                for span, one in by_person.items()
                if (place := offsets.span_from_units(span.start, span.end))
            ),
            comments=notes,
        )
        as_stored = to_remote_spans(sentence.text, sentence.spans, own.names)
        spans = []
        for span, there in zip(sentence.spans, as_stored, strict=True):
            source = span.source
            if source == f"doccano:{annotator}" or (source == "doccano" and there in by_person):
                source = annotator
            elif source == "doccano":
                source = f"doccano:{connection.username}"
            spans.append(replace(span, source=source))
        return with_spans(sentence, spans), status

    layers: dict[str, tuple[Sentence, ...]] = {}
    status: dict[str, tuple[SentenceStatus, ...]] = {}
    with ThreadPoolExecutor(READER_THREADS) as pool:
        for article, sentences in pulled.layers.items():
            results = []
            for result in pool.map(read_sentence, sentences):
                results.append(result)
                tick(1)
            layers[article] = tuple(one for one, each in results if each.state != "untouched")
            status[article] = tuple(each for _, each in results)
    # A sentence that was confirmed since would count as done with the spans that it had before.
    consistent = pulled.consistent and tuple(remote.read_examples(project)) == pulled.examples
    back = {sentence.id for sentence in pulled.sentences}
    gone = (Change(one, "missing sentence") for one in given if one not in back)
    return AnnotatorLayer(annotator, layers, status, pulled.losses, consistent, (*pulled.changes, *gone))


def ensure_accounts(connection: Connection, names: Sequence[str], *, home: Path) -> dict[str, int]:
    """Find or make an account for each name, and return the user ids by name.

    The account that pushes cannot be an annotator's: their work would look like pre-annotations.
    """
    if connection.username in names:
        what = f"{connection.username!r} is the account that pushes"
        raise RemoteError(what, where=connection.url, next_step="Give the annotator a name of their own")
    with lock_home(home):
        found: dict[str, int] = {user.username: user.id for user in connection.call(connection.client.search_users)}
        if missing := [name for name in names if name not in found]:
            data, passwords = read_accounts(home, connection.url)
            passwords |= {name: secrets.token_urlsafe(18) for name in missing}
            write_json(home / ACCOUNTS_FILE, data, mode=0o600)
            for name in missing:
                found[name] = connection.call(connection.client.create_user, name, passwords[name]).id
    return {name: found[name] for name in names}


def ensure_members(project: Project, users: Mapping[str, int]) -> None:
    """Let these users annotate in the project; anyone who is a member already keeps their role."""
    present = list_member_names(project)
    for name, user in users.items():
        if user not in present:
            project.connection.call(project.connection.client.add_member, project.id, name, "annotator")


def find_password(home: Path, url: str, name: str) -> Account:
    """Return the account of an annotator whose password we keep."""
    password = read_accounts(home, url)[1].get(name)
    if password is None:
        advice = "Make the account with `biaozhu project create`"
        raise AuthError(f"no password of {name!r} is kept for this server", where=url, next_step=advice)
    return Account(url, name, password)


def read_accounts(home: Path, url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return `local`, passwords by name, with `elsewhere`, the same by address; and those of them that are for one server."""
    path, state = home / ACCOUNTS_FILE, read_state(home)
    data: Any = {"schema": SCHEMA, "local": {}, "elsewhere": {}}
    try:
        if path.exists():
            data = parse_json(read_bytes(path))
        if data.get("schema", SCHEMA) != SCHEMA:
            what = "this accounts file is of another version of biaozhu"
            raise AuthError(what, where=path, next_step="Use the version that wrote it")
        if "schema" not in data:
            data = _convert_schema_1(msgspec.convert(data, _ByAddress), state.url if state else "")
        local = msgspec.convert(data["local"], dict[str, str])
        elsewhere = msgspec.convert(data["elsewhere"], _ByAddress)
    except (ValueError, AttributeError, TypeError, KeyError, msgspec.ValidationError):
        raise AuthError("not an accounts file", where=path, next_step="Restore it, or move it away") from None
    passwords = local if state is not None and state.url == url else elsewhere.setdefault(url, {})
    return {"schema": SCHEMA, "local": local, "elsewhere": elsewhere}, passwords


def _convert_schema_1(elsewhere: _ByAddress, here: str) -> dict[str, Any]:
    """Convert a file with addresses only; one of loopback may have been a tunnel, so its passwords stay there too."""
    local: dict[str, str] = {}
    if here:
        for address in sorted(elsewhere, key=lambda address: address == here):
            local |= elsewhere[address] if LOCAL_ADDRESS.fullmatch(address) else {}
        elsewhere.pop(here, None)
    return {"local": local, "elsewhere": elsewhere}
