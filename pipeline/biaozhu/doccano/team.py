"""A project with several annotators: for each a Doccano project of their own, `<project>@<annotator>`.

A Doccano project in which nobody sees the spans of others also hides the pre-annotations, and one in which
everybody does forgets whose work it is. So each annotator gets a collaborative project that only they and the
administrator are in: they see the pre-annotations, and what comes back is their layer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from biaozhu.curation.status import Drawn, Note, SentenceStatus
from biaozhu.data.errors import BiaozhuError, RoundTripError, raise_collected
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.data.offsets import from_units
from biaozhu.doccano.accounts import ensure_accounts, ensure_members
from biaozhu.doccano.project import Project, Setting, require_project
from biaozhu.doccano.pull import pull, still_holds
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import SpanRecord, list_all, list_examples, member_names, read_spans, read_states
from biaozhu.formats.serialization import remote_spans, spans_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.ledger import Entry
    from biaozhu.doccano.assignment import Plan
    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.push import PushReport

READERS = 4
"""Requests at a time while a project is read example by example: as many as a worker of the server has threads."""


@dataclass(frozen=True, slots=True)
class AnnotatorLayer:
    """One annotator's work: what they touched, article by article; and what became of every sentence they got."""

    annotator: str
    layers: Mapping[str, tuple[Sentence, ...]]
    status: Mapping[str, tuple[SentenceStatus, ...]]
    losses: tuple[Entry, ...]
    consistent: bool

    def count(self, state: str) -> int:
        """Return how many sentences are in this state."""
        return sum(status.state == state for found in self.status.values() for status in found)


@dataclass(frozen=True, slots=True)
class Entered:
    """What it took to bring an annotator's work into Doccano: spans drawn, spans removed, sentences confirmed."""

    sentences: int
    drawn: int
    removed: int
    confirmed: int


def own_setting(setting: Setting, annotator: str) -> Setting:
    """Return the setting of one annotator's own project."""
    return replace(setting, name=f"{setting.name}@{annotator}")


def create_projects(
    connection: Connection,
    layers: Sequence[tuple[str, Sequence[Sentence]]],
    setting: Setting,
    plan: Plan,
    *,
    home: Path,
    tick: Callable[[int], None] = lambda _done: None,
) -> dict[str, PushReport]:
    """Make accounts and projects and push to each annotator what the plan assigns; run again it only adds.

    Args:
        connection: logged in as an administrator of the server.
        layers: each article's name and its pre-annotated sentences, in reading order.
        setting: the team's project name, label set and guideline.
        plan: who gets which sentence, and where pre-annotations are withheld.
        home: the folder where generated passwords are kept.
        tick: called with the number of sentences that were sent since its last call.

    Raises:
        AuthError: the account may not make accounts.
        ServerError, RemoteError, ImportFailedError, LockedError: see `push`.
    """
    users = ensure_accounts(connection, tuple(plan.annotators), home=home)
    reports = {}
    for name, given in plan.annotators.items():
        own = own_setting(setting, name)
        mine = [
            (
                article,
                [
                    with_spans(sentence, ()) if given[sentence.id] is not None else sentence
                    for sentence in sentences
                    if sentence.id in given
                ],
            )
            for article, sentences in layers
        ]
        reports[name] = push(connection, mine, own, tick=tick)
        ensure_members(connection, require_project(connection, own.name), {name: users[name]})
    return reports


def pull_layers(
    connection: Connection,
    setting: Setting,
    plan: Plan,
    *,
    tick: Callable[[int], None] = lambda _done: None,
) -> tuple[AnnotatorLayer, ...]:
    """Read every annotator's work back.

    A span that stayed as it was sent keeps its source and score. One that the annotator drew, or changed, has the
    annotator's name as its source; one that the administrator drew there has `doccano:<administrator>`.

    Raises:
        RemoteError: a project is missing, or its export fails.
        ServerError, AuthError: no connection.
    """
    return tuple(
        _pull_layer(connection, own_setting(setting, name), name, given, tick)
        for name, given in plan.annotators.items()
    )


def enter_layer(
    annotator: Connection,
    layer: Sequence[Sentence],
    setting: Setting,
    *,
    tick: Callable[[int], None] = lambda _done: None,
) -> Entered:
    """Enter a layer that was made elsewhere as the work of the annotator who is logged in, and confirm it.

    Every sentence of the layer shows exactly the layer's spans afterwards; the others stay as they are. Entering
    twice changes nothing.

    Args:
        annotator: logged in as that annotator.
        layer: the annotator's work.
        setting: the team's project name and the label set.
        tick: called with the number of sentences that were entered since its last call.

    Raises:
        RoundTripError: a sentence is not in the annotator's project, or has another text there; all are reported
            together, and nothing is entered.
        ServerError, AuthError, RemoteError: see `connection.reported`.
    """
    own = own_setting(setting, annotator.username)
    project = require_project(annotator, own.name)
    there = list_examples(annotator, project)
    problems: list[BiaozhuError] = []
    for sentence in layer:
        if sentence.id not in there:
            problems.append(
                RoundTripError(
                    f"the sentence is not in {own.name!r}",
                    where=sentence.id,
                    next_step="Assign it with `biaozhu project create`",
                )
            )
        elif there[sentence.id]["text"] != sentence.text:
            problems.append(RoundTripError("Doccano holds another text", where=sentence.id))
    raise_collected(problems)
    drawn = removed = confirmed = 0
    for sentence in layer:
        example = there[sentence.id]
        path = f"projects/{project.id}/examples/{example['id']}"
        wanted = set(remote_spans(sentence.text, sentence.spans, own.names))
        # A span of the pre-annotation is not this annotator's work: it is drawn again in their name.
        for record in read_spans(annotator, project, example["id"]):
            if record.span in wanted and record.user == annotator.user_id:
                wanted.remove(record.span)
            else:
                annotator.delete(f"{path}/spans/{record.id}")
                removed += 1
        for span in sorted(wanted, key=lambda span: span.start):
            label = project.label_types[span.label]
            annotator.post(
                f"{path}/spans", {"start_offset": span.start, "end_offset": span.end, "label": label}
            )
            drawn += 1
        if not annotator.get(path)["is_confirmed"]:
            annotator.post(f"{path}/states", {})
            confirmed += 1
        tick(1)
    return Entered(len(layer), drawn, removed, confirmed)


def _pull_layer(
    connection: Connection,
    own: Setting,
    name: str,
    given: Mapping[str, tuple[Span, ...] | None],
    tick: Callable[[int], None],
) -> AnnotatorLayer:
    found = _read_layer(connection, own, name, given, tick)
    # The second time nothing is counted: every sentence has been already.
    return found if found.consistent else _read_layer(connection, own, name, given, lambda _done: None)


def _read_layer(
    connection: Connection,
    own: Setting,
    name: str,
    given: Mapping[str, tuple[Span, ...] | None],
    tick: Callable[[int], None],
) -> AnnotatorLayer:
    pulled = pull(connection, own)
    project = require_project(connection, own.name)
    work = _Work(connection, project, own, name, member_names(connection, project), given)
    comments: dict[int, list[Note]] = {}
    for data in list_all(connection, f"projects/{project.id}/comments"):
        comments.setdefault(data["example"], []).append(
            Note(data["username"], data["created_at"], data["text"])
        )
    examples = list_examples(connection, project)
    layers: dict[str, tuple[Sentence, ...]] = {}
    status: dict[str, tuple[SentenceStatus, ...]] = {}
    with ThreadPoolExecutor(READERS) as pool:
        for article, sentences in pulled.layers.items():
            here = [sentence for sentence in sentences if sentence.id in examples]
            records = pool.map(work.read, here, [examples[sentence.id] for sentence in here])
            worked, found = [], []
            for sentence, record in zip(here, records, strict=True):
                example = examples[sentence.id]
                notes = tuple(comments.get(example["id"], ()))
                one, state = work.judge(sentence, example, record, notes)
                found.append(state)
                if state.state != "untouched":
                    worked.append(one)
                tick(1)
            layers[article], status[article] = tuple(worked), tuple(found)
    # A sentence confirmed since would count as done with the spans that it had before.
    consistent = pulled.consistent and still_holds(connection, project, pulled)
    return AnnotatorLayer(name, layers, status, pulled.losses, consistent)


@dataclass(frozen=True, slots=True)
class _Work:
    connection: Connection
    project: Project
    setting: Setting
    name: str
    users: Mapping[int, str]
    given: Mapping[str, tuple[Span, ...] | None]

    def read(
        self, sentence: Sentence, example: Mapping[str, Any]
    ) -> tuple[list[SpanRecord], list[dict[str, Any]]]:
        """Return the example's spans with who made them, and who confirmed it; nothing where no work shows."""
        shown = spans_from_json(example["meta"].get("pre")) or ()
        if not example["is_confirmed"] and {s.key for s in shown} == {s.key for s in sentence.spans}:
            return [], []
        spans = read_spans(self.connection, self.project, example["id"])
        if not example["is_confirmed"]:
            return spans, []
        return spans, read_states(self.connection, self.project, example["id"])

    def judge(
        self,
        sentence: Sentence,
        example: Mapping[str, Any],
        record: tuple[list[SpanRecord], list[dict[str, Any]]],
        comments: tuple[Note, ...],
    ) -> tuple[Sentence, SentenceStatus]:
        """Return the sentence with its spans' authors, and what became of it."""
        records, states = record
        meta = example["meta"]
        importer = str(meta.get("by"))
        by_person = {r.span: r for r in records if str(r.user) != importer or r.edited}
        drawn = tuple(
            Drawn(
                start,
                end,
                self.setting.ids.get(r.span.label, r.span.label),
                self._author(r, importer),
                r.created,
                r.updated,
            )
            for r in by_person.values()
            if (start := from_units(sentence.text, r.span.start)) is not None
            and (end := from_units(sentence.text, r.span.end)) is not None
        )
        shown = spans_from_json(meta.get("pre")) or ()
        remote = remote_spans(sentence.text, sentence.spans, self.setting.names)
        spans = [
            replace(span, source=self._source(span.source, by_person.get(place)))
            for span, place in zip(sentence.spans, remote, strict=True)
        ]
        changed = bool(by_person) or {s.key for s in shown} != {s.key for s in sentence.spans}
        withheld = self.given.get(sentence.id)
        return with_spans(sentence, spans), SentenceStatus(
            sentence=sentence.id,
            state="confirmed" if states else "edited" if changed or comments else "untouched",
            shown=shown,
            withheld=None if shown else withheld,
            confirmed_by=self.users.get(states[0]["confirmed_by"], "") if states else "",
            confirmed_at=states[0]["confirmed_at"] if states else "",
            drawn=drawn,
            comments=comments,
        )

    def _author(self, record: SpanRecord, importer: str) -> str:
        # A changed span keeps the account that sent it; only the annotator works in this project.
        return self.name if str(record.user) == importer else self.users.get(record.user, "")

    def _source(self, source: str, record: SpanRecord | None) -> str:
        if source == f"doccano:{self.name}" or (source == "doccano" and record is not None):
            return self.name
        return f"doccano:{self.connection.username}" if source == "doccano" else source
