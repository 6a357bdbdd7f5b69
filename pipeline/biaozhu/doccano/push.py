"""Push layers into a Doccano project so that what is there is what was sent, once, whatever happened before.

A push is worked out from what the server holds, carried out, and read back; what it finds wrong then (a copy too
many after a repeated task, a batch without its spans) it mends and reads back again. A push that was killed is
finished by running it again.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doccano_client.repositories.data_upload import DataUploadRepository

from biaozhu.data.errors import DuplicateError, ImportFailedError, RemoteError, ServerError, raise_collected
from biaozhu.data.ledger import Entry
from biaozhu.doccano.connection import reported, unless_gone
from biaozhu.doccano.journal import Batch, Journal, batch_name, locked
from biaozhu.doccano.project import KIND, Project, Setting, ensure_project, find_project
from biaozhu.doccano.remote import SpanRecord, read_examples, read_spans, wait_for_task
from biaozhu.doccano.sync import Pair, Plan, is_as_sent, looks_touched, plan_push
from biaozhu.formats.serialization import Example, pack_meta, remote_spans, spans_to_json, to_line, to_meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from biaozhu.data.model import Sentence
    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.journal import Owner

BATCH_SIZE = 1000
"""Sentences in one import: Doccano writes this many at a time, so that a batch comes whole or not at all."""
ROUNDS = 4
RETRY_LIMIT = 12.0
"""Seconds in which the worker has given up a task of a killed push, after its own retries."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a push works with: `names` maps label ids to what annotators see; `tick` hears of sentences done."""

    connection: Connection
    project: Project
    journal: Journal
    owner: Owner
    names: Mapping[str, str]
    tick: Callable[[int], None]


@dataclass(slots=True)
class PushReport:
    """What a push did, or would do. Sentence ids in the tuples; `losses` is empty when all is well."""

    project: str
    url: str
    sentences: int
    added: int = 0
    unchanged: int = 0
    updated: int = 0
    healed: int = 0
    worked_on: int = 0
    others: int = 0
    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    losses: list[Entry] = field(default_factory=list)


def push(
    connection: Connection,
    layers: Sequence[tuple[str, Sequence[Sentence]]],
    setting: Setting,
    *,
    dry_run: bool = False,
    break_lock: bool = False,
    tick: Callable[[int], None] = lambda _done: None,
) -> PushReport:
    """Bring a project to what the layers say, and read everything back.

    Args:
        connection: logged in as an administrator of the project.
        layers: each article's name and its sentences, in the order in which annotators shall see them.
        setting: the project's name, its label set (every label of the layers is in it) and guideline.
        dry_run: only work out and report what would be done.
        break_lock: take the lock from whoever holds it.
        tick: called with the number of sentences that were sent or changed since its last call.

    Raises:
        DuplicateError: a sentence stands in two layers.
        LockedError: another push is at work on this project.
        ImportFailedError: the server did not take a batch; running the push again finishes it.
        ServerError, AuthError, RemoteError: see `connection.reported`.
    """
    wanted = [(sentence, name) for name, sentences in layers for sentence in sentences]
    _check_unique(wanted)
    if dry_run:
        found = find_project(connection, setting.name)
        examples = read_examples(connection, found) if found else []
        plan = plan_push(wanted, examples, names=setting.names)
        report = PushReport(setting.name, found.url if found else "", len(wanted))
        _count(report, plan, setting.names)
        report.losses += _losses(plan)
        return report
    project = ensure_project(connection, setting)
    if not project.collaborative:
        raise RemoteError(
            f"in project {setting.name!r} nobody sees the spans of others, so annotators would see no pre-annotation",
            where=connection.url,
            next_step="Give --project another name, or make the project collaborative",
        )
    journal = Journal(connection, project)
    with locked(journal, break_lock=break_lock) as owner:
        work = Work(connection, project, journal, owner, setting.names, tick)
        return _push_locked(work, wanted)


def _push_locked(work: Work, wanted: Sequence[tuple[Sentence, str]]) -> PushReport:
    report = PushReport(work.project.name, work.project.url, len(wanted))
    _settle(work)
    kept: dict[str, None] = {}
    changed: set[str] = set()
    disputed: dict[int, Example] = {}
    first = True
    for _ in range(ROUNDS):
        examples = read_examples(work.connection, work.project)
        journal = {batch.name for _, batch in work.journal.batches()}
        plan = plan_push(wanted, examples, names=work.names, journal=journal)
        if first:
            _count(report, plan, work.names)
            report.updated = 0
            first = False
        to_update = [pair for pair in plan.update if pair.sentence.id not in kept]
        to_heal = [pair for pair in plan.incomplete if pair.sentence.id not in kept]
        surplus = [example for example in plan.duplicates if example.id not in disputed]
        if not (plan.add or to_update or to_heal or surplus):
            break
        gone = _remove_untouched(work, [*surplus, *(pair.example for pair in to_heal)])
        report.healed += len(gone)
        disputed |= {example.id: example for example in surplus if example.id not in gone}
        kept |= {pair.sentence.id: None for pair in to_heal if pair.example.id not in gone}
        adding = {sentence.id for sentence, _ in plan.add}
        adding |= {pair.sentence.id for pair in to_heal if pair.example.id in gone}
        _import(work, [item for item in wanted if item[0].id in adding])
        changed |= adding
        for pair in to_update:
            if _update(work, pair):
                report.updated += 1
                changed.add(pair.sentence.id)
            else:
                kept[pair.sentence.id] = None
            work.tick(1)
    else:
        raise ImportFailedError(
            f"after {ROUNDS} rounds the project is still not what was sent", where=work.project.url
        )
    report.kept = tuple(dict.fromkeys([*(pair.sentence.id for pair in plan.kept), *kept]))
    plan = replace(plan, conflicts=(*plan.conflicts, *disputed.values()))
    report.losses += [*_losses(plan), *_read_back(work, plan, changed)]
    for number, _ in work.journal.batches():
        work.journal.remove(number)
    return report


def _settle(work: Work) -> None:
    """Make sure that nothing of a killed push arrives later."""
    batches = work.journal.batches()
    uploads = DataUploadRepository(work.connection.http)
    for _, batch in batches:
        # A task that has not begun then finds no file, and imports nothing.
        with reported(work.connection.url), unless_gone():
            uploads.delete(batch.upload)
    if not batches:
        return
    # Tasks are done in order: when an empty one is done, those before it have begun.
    wait_for_task(work.connection, _ingest(work, []))
    for task in {batch.task for _, batch in batches if batch.task}:
        try:
            wait_for_task(work.connection, task, limit=RETRY_LIMIT)
        except (RemoteError, ServerError):
            # It failed, or was lost with a killed worker. What it left behind shows in what we read next.
            continue


def _remove_untouched(work: Work, examples: Sequence[Example]) -> set[int]:
    """Remove the examples that nobody has touched; return their ids."""
    doomed = set()
    for example in examples:
        if not _by_person(work, example, read_spans(work.connection, work.project, example.id)):
            doomed.add(example.id)
    if doomed:
        with reported(work.connection.url):
            work.connection.client.bulk_delete_examples(work.project.id, sorted(doomed))
    return doomed


def _import(work: Work, items: Sequence[tuple[Sentence, str]]) -> None:
    first = 1 + max((b.number for _, b in work.journal.batches() if b.push == work.owner.push), default=-1)
    for number, position in enumerate(range(0, len(items), BATCH_SIZE), first):
        chunk = items[position : position + BATCH_SIZE]
        name = batch_name(work.owner.push, number)
        lines = [
            to_line(sentence, to_meta(sentence, article, by=work.connection.user_id, batch=name), work.names)
            for sentence, article in chunk
        ]
        upload = _upload(work.connection, name, lines)
        work.journal.note(Batch(work.owner.push, number, upload))
        task = _ingest(work, [upload])
        work.journal.note(Batch(work.owner.push, number, upload, task))
        try:
            result = wait_for_task(work.connection, task)
        except RemoteError as error:
            raise ImportFailedError(error.what, where=work.project.url) from None
        if result and result.get("error"):
            raise ImportFailedError(
                f"Doccano refuses a batch: {str(result['error'])[:300]}", where=work.project.url
            )
        work.tick(len(chunk))


def _upload(connection: Connection, name: str, lines: Sequence[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"biaozhu-{name}.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        with reported(connection.url):
            return str(DataUploadRepository(connection.http).upload(str(path)))


def _ingest(work: Work, uploads: list[str]) -> str:
    with reported(work.connection.url):
        return str(
            DataUploadRepository(work.connection.http).ingest(
                work.project.id,
                uploads,
                KIND,
                "JSONL",
                encoding="utf_8",
                column_data="text",
                column_label="label",
            )
        )


def _update(work: Work, pair: Pair) -> bool:
    """Replace the spans of an example that nobody has touched; return whether that was so.

    Killed in the middle it leaves the example between its old and its new spans, with the new ones in its
    metadata, which the next push recognises and finishes.
    """
    example, sentence = pair.example, pair.sentence
    records = read_spans(work.connection, work.project, example.id)
    fresh = replace(example, spans=tuple(record.span for record in records))
    if looks_touched(fresh, work.names) or _by_person(work, fresh, records):
        return False
    path = f"projects/{work.project.id}/examples/{example.id}"
    target = set(remote_spans(sentence.text, sentence.spans, work.names))
    meta: dict[str, Any] = {key: value for key, value in example.meta.items() if key != "next"}
    new = {
        **meta,
        **to_meta(sentence, pair.article, by=work.connection.user_id, batch=str(meta.get("batch", ""))),
    }
    if target != set(fresh.spans):
        coming = pack_meta({**meta, "next": spans_to_json(sentence.spans)})
        work.connection.patch(path, {"meta": coming})
        for record in records:
            if record.span not in target:
                work.connection.delete(f"{path}/spans/{record.id}")
        for span in sorted(target - set(fresh.spans), key=lambda span: span.start):
            label = work.project.label_types[span.label]
            with reported(work.connection.url):
                work.connection.client.create_span(work.project.id, example.id, span.start, span.end, label)
    work.connection.patch(path, {"meta": pack_meta(new)})
    return True


def _by_person(work: Work, example: Example, records: Iterable[SpanRecord]) -> bool:
    """Tell whether a person drew or changed one of the spans, be it to what it was before."""
    importers = {str(work.connection.user_id), str(example.meta.get("by"))}
    return any(record.edited or str(record.user) not in importers for record in records)


def _read_back(work: Work, plan: Plan, changed: set[str]) -> list[Entry]:
    """Compare what was sent in this push with what is there now."""
    entries = []
    for pair in plan.same:
        if pair.sentence.id not in changed or is_as_sent(pair.example, work.names):
            continue
        records = read_spans(work.connection, work.project, pair.example.id)
        if not (_by_person(work, pair.example, records) or pair.example.confirmed or pair.example.comments):
            entries.append(_entry(pair.sentence, "the spans that Doccano holds are not those that were sent"))
    return entries


def _losses(plan: Plan) -> list[Entry]:
    return [
        *(
            _entry(pair.sentence, "the text that Doccano holds is not the sentence's")
            for pair in plan.damaged
        ),
        *(
            Entry(
                "push",
                "loss",
                "several copies were worked on",
                example.sid,
                0,
                len(example.text),
                "",
                example.text,
            )
            for example in plan.conflicts
        ),
    ]


def _entry(sentence: Sentence, reason: str) -> Entry:
    return Entry("push", "loss", reason, sentence.id, 0, len(sentence.text), "", sentence.text)


def _count(report: PushReport, plan: Plan, names: Mapping[str, str]) -> None:
    report.added = len(plan.add) + len(plan.incomplete)
    report.unchanged = len(plan.same)
    report.updated = len(plan.update)
    report.healed = 0
    report.worked_on = sum(looks_touched(pair.example, names) for pair in (*plan.same, *plan.kept))
    report.others = plan.others
    report.kept = tuple(pair.sentence.id for pair in plan.kept)
    report.removed = tuple(example.sid for example in plan.removed)


def _check_unique(wanted: Iterable[tuple[Sentence, str]]) -> None:
    seen: dict[str, str] = {}
    problems = []
    for sentence, name in wanted:
        if sentence.id in seen:
            problems.append(DuplicateError(f"{sentence.id} stands in {seen[sentence.id]} too", where=name))
        seen.setdefault(sentence.id, name)
    raise_collected(problems)
