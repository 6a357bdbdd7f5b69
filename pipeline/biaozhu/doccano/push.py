"""Push layers into a Doccano project, so that it holds what the layers say, once, whatever happened before.

A push is computed from what the server holds, carried out, and read back; what is wrong then (a surplus copy, a batch
without its spans) is repaired and read back again. A push that was killed is finished by another push.

People's work is never overwritten: a sentence counts as touched when it is confirmed, has a comment, or its spans are no
longer those that were sent. Sentences and examples are matched by sentence id.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from doccano_client.repositories.data_upload import DataUploadRepository

from biaozhu.data.errors import ImportFailedError, RemoteError, ServerError
from biaozhu.data.layers import join_layers
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span
from biaozhu.doccano.connection import Connection
from biaozhu.doccano.journal import ImportBatch, hold_lock, read_tags, remove_tag, write_tag
from biaozhu.doccano.project import PROJECT_TYPE, Project, ProjectSpec, ensure_project, find_project
from biaozhu.doccano.remote import SpanRecord, change_spans, read_examples, read_spans, wait_for_task
from biaozhu.formats import serialization
from biaozhu.formats.serialization import DoccanoExample, pack_meta, spans_from_json, spans_to_json, to_remote_spans

Tick = Callable[[int], None]  # hears of the sentences that are done since its last call

BATCH_SENTENCES = 1000  # as Doccano writes at a time: a batch arrives whole or not at all
MAX_ROUNDS = 4
RETRY_SECONDS = 12.0  # How long the worker retries a task of a killed push before it gives up
Wanted = Sequence[tuple[Sentence, str]]  # sentences, each with its article's name


@dataclass(frozen=True, slots=True)
class MatchedExample:
    """A sentence of a layer, its article's name, and the example that holds it on the server."""

    sentence: Sentence
    article: str
    example: DoccanoExample


@dataclass(slots=True)
class PushPlan:
    """Steps of a push.

    `add` are sentences that are not on the server, with their article's name. The pre-annotation is unchanged in `same`; it
    has changed in `update`, where the export shows no person's work, and in `kept`, where it does and so stays. A killed
    import left `incomplete` without spans; `damaged` have another text; the sentence of `removed` ones is no longer in the
    layer. `duplicates` are surplus copies that nobody has touched, `conflicts` those that people have. `others` counts the
    examples of other articles or programs.
    """

    add: list[tuple[Sentence, str]] = field(default_factory=list)
    same: list[MatchedExample] = field(default_factory=list)
    update: list[MatchedExample] = field(default_factory=list)
    kept: list[MatchedExample] = field(default_factory=list)
    incomplete: list[MatchedExample] = field(default_factory=list)
    damaged: list[MatchedExample] = field(default_factory=list)
    removed: list[DoccanoExample] = field(default_factory=list)
    duplicates: list[DoccanoExample] = field(default_factory=list)
    conflicts: list[DoccanoExample] = field(default_factory=list)
    others: int = 0


def plan_push(
    wanted: Wanted, examples: Sequence[DoccanoExample], *, names: Mapping[str, str], unverified: Collection[str] = ()
) -> PushPlan:
    """Compare what should be on the server with what is; `unverified` are the batches that may be half an import."""
    half = find_half_imports(examples, unverified)
    by_id: dict[str, list[DoccanoExample]] = defaultdict(list)
    for example in examples:
        by_id[example.sentence_id].append(example)
    foreign = by_id.pop("", [])
    plan = PushPlan()
    for sentence, article in wanted:
        copies = by_id.pop(sentence.id, [])
        if not copies:
            plan.add.append((sentence, article))
            continue
        keeper = copies[0]
        if len(copies) > 1:
            touched = [copy for copy in copies if copy.id not in half and looks_touched(copy, names)]
            whole = [copy for copy in copies if copy.id not in half and is_as_sent(copy, names)]
            keeper = (touched or whole or copies)[0]
            plan.conflicts.extend(touched[1:])
            plan.duplicates.extend(one for one in copies if one is not keeper and one not in touched)
        _sort_in(plan, MatchedExample(sentence, article, keeper), names, half)
    articles = {sentence.article for sentence, _ in wanted}
    article_names = {article for _, article in wanted}
    left = [example for copies in by_id.values() for example in copies]
    for example in left:
        if example.sentence_id.split(":")[0] in articles or example.meta.get("article") in article_names:
            plan.removed.append(example)
    plan.others = len(foreign) + len(left) - len(plan.removed)
    return plan


def looks_touched(example: DoccanoExample, names: Mapping[str, str]) -> bool:
    """Tell whether the export shows a person's work; a span that was redrawn at the same place does not show."""
    if example.confirmed or example.comments:
        return True
    return not (is_as_sent(example, names) or _is_half_updated(example, names))


def is_as_sent(example: DoccanoExample, names: Mapping[str, str]) -> bool:
    """Tell whether the example has the spans that it was sent with."""
    sent = example.sent_spans
    return sent is not None and _convert(example, sent, names) == set(example.spans)


def find_half_imports(examples: Iterable[DoccanoExample], unverified: Collection[str]) -> set[int]:
    """Return the ids of the examples of interrupted imports that nobody has worked on since.

    One run of an import task writes the examples and then all their spans, or none; the n-th copy of each sentence belongs
    to its n-th run. People may have changed spans since, so the majority of a run shows whether it was interrupted. Its
    sentences without spans are imported again with their neighbours, or the article's order would be lost.
    """
    copies: Counter[tuple[str, str]] = Counter()
    runs: dict[tuple[str, int], list[DoccanoExample]] = defaultdict(list)
    for example in examples:
        batch = str(example.meta.get("batch"))
        if batch in unverified:
            runs[batch, copies[batch, example.sentence_id]].append(example)
            copies[batch, example.sentence_id] += 1
    half: set[int] = set()
    for run in runs.values():
        with_spans = [example for example in run if example.sent_spans]
        if sum(not example.spans for example in with_spans) * 2 > len(with_spans):
            half |= {one.id for one in run if not (one.spans or one.confirmed or one.comments)}
    return half


def _sort_in(plan: PushPlan, pair: MatchedExample, names: Mapping[str, str], half: set[int]) -> None:
    sentence, example = pair.sentence, pair.example
    if (example.text, example.meta.get("text_sha")) != (sentence.text, serialization.checksum_text(sentence.text)):
        plan.damaged.append(pair)
    elif example.id in half:
        plan.incomplete.append(pair)
    elif example.meta.get("pre") == spans_to_json(sentence.spans) and "next" not in example.meta:
        plan.same.append(pair)
    else:
        (plan.kept if looks_touched(example, names) else plan.update).append(pair)


def _is_half_updated(example: DoccanoExample, names: Mapping[str, str]) -> bool:
    """Tell whether a killed push left the example between the spans that were sent and the new ones."""
    old, new = example.sent_spans, spans_from_json(example.meta.get("next"))
    if old is None or new is None:
        return False
    before, after, now = _convert(example, old, names), _convert(example, new, names), set(example.spans)
    return before & after <= now <= before | after


def _convert(example: DoccanoExample, spans: Iterable[Span], names: Mapping[str, str]) -> set[object]:
    return set(to_remote_spans(example.text, [span for span in spans if span.label in names], names))


@dataclass(slots=True)
class PushReport:
    """Result of a push, or its plan. The tuples hold sentence ids; `losses` is empty when all is well."""

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
    guideline_changed: bool = False
    losses: list[Entry] = field(default_factory=list)


def push(
    connection: Connection,
    layers: Sequence[tuple[str, Sequence[Sentence]]],
    spec: ProjectSpec,
    *,
    dry_run: bool = False,
    break_lock: bool = False,
    tick: Tick = lambda _done: None,
) -> PushReport:
    """Make a project hold what the layers (article name, sentences in order) say, and read everything back.

    `dry_run` only reports what would be done, `break_lock` takes the lock from its holder, and `tick` is called with the
    number of sentences that were sent or changed since its last call.
    """
    join_layers(layers)  # which refuses a sentence that comes twice
    wanted = [(sentence, name) for name, sentences in layers for sentence in sentences]
    if dry_run:
        found = find_project(connection, spec.name)
        plan = plan_push(wanted, read_examples(found) if found else [], names=spec.names)
        return _make_report(spec, found.url if found else "", plan, len(wanted))
    project = ensure_project(connection, spec)
    if not project.collaborative:
        what = f"in project {spec.name!r} each annotator sees only their own spans, and no pre-annotations"
        advice = "Give --project another name, or make the project collaborative"
        raise RemoteError(what, where=connection.url, next_step=advice)
    with hold_lock(project, break_lock=break_lock) as owner:
        _cancel_earlier_batches(project)
        report = _push_in_rounds(project, spec, wanted, owner.push, tick)
        report.guideline_changed = project.guideline_changed
        for number, _ in read_tags(project, ImportBatch):
            remove_tag(project, number)
        return report


def _push_in_rounds(project: Project, spec: ProjectSpec, wanted: Wanted, push_id: str, tick: Tick) -> PushReport:
    report: PushReport | None = None
    kept: dict[str, None] = {}
    changed: set[str] = set()
    disputed: dict[int, DoccanoExample] = {}
    for _ in range(MAX_ROUNDS):
        unverified = {batch.name for _, batch in read_tags(project, ImportBatch)}
        plan = plan_push(wanted, read_examples(project), names=spec.names, unverified=unverified)
        if report is None:
            report = _make_report(spec, project.url, plan, len(wanted))
            report.updated = 0
        to_update = [pair for pair in plan.update if pair.sentence.id not in kept]
        incomplete = [pair for pair in plan.incomplete if pair.sentence.id not in kept]
        surplus = [example for example in plan.duplicates if example.id not in disputed]
        if not (plan.add or to_update or incomplete or surplus):
            break
        gone = _remove_untouched(project, [*surplus, *(pair.example for pair in incomplete)])
        report.healed += len(gone)
        disputed |= {example.id: example for example in surplus if example.id not in gone}
        kept |= {pair.sentence.id: None for pair in incomplete if pair.example.id not in gone}
        adding = {sentence.id for sentence, _ in plan.add}
        adding |= {pair.sentence.id for pair in incomplete if pair.example.id in gone}
        _import_sentences(project, spec, [item for item in wanted if item[0].id in adding], push_id, tick)
        changed |= adding
        for pair in to_update:
            if _update_example(project, pair, spec.names):
                report.updated += 1
                changed.add(pair.sentence.id)
            else:
                kept[pair.sentence.id] = None
            tick(1)
    else:
        what = f"after {MAX_ROUNDS} rounds the project still does not hold what was sent"
        raise ImportFailedError(what, where=project.url)
    report.kept = tuple(dict.fromkeys([*(pair.sentence.id for pair in plan.kept), *kept]))
    plan.conflicts.extend(disputed.values())
    report.losses = [*_list_losses(plan), *_read_back(project, plan, changed, spec.names)]
    return report


def _cancel_earlier_batches(project: Project) -> None:
    """Make sure that no batch of a killed push arrives later."""
    connection = project.connection
    batches = [batch for _, batch in read_tags(project, ImportBatch)]
    uploads = DataUploadRepository(connection.http)
    for batch in batches:
        # A task that has not begun then finds no file, and imports nothing.
        connection.call(uploads.delete, batch.upload, may_be_missing=True)
    if not batches:
        return
    # Tasks run in order: when an empty one has ended, those before it have begun.
    wait_for_task(connection, _ingest(project, []))
    for task in {batch.task for batch in batches if batch.task}:
        try:
            wait_for_task(connection, task, limit_seconds=RETRY_SECONDS)
        except (RemoteError, ServerError):
            # It failed, or was lost with a killed worker. The next reading shows what it left behind.
            continue


def _remove_untouched(project: Project, examples: Sequence[DoccanoExample]) -> set[int]:
    """Remove the examples that nobody has touched; return their ids."""
    connection = project.connection
    untouched = {one.id for one in examples if not _is_by_person(project, one, read_spans(project, one.id))}
    if untouched:
        connection.call(connection.client.bulk_delete_examples, project.id, sorted(untouched))
    return untouched


def _import_sentences(project: Project, spec: ProjectSpec, items: Wanted, push_id: str, tick: Tick) -> None:
    connection = project.connection
    ours = [batch.number for _, batch in read_tags(project, ImportBatch) if batch.push == push_id]
    for number, position in enumerate(range(0, len(items), BATCH_SENTENCES), 1 + max(ours, default=-1)):
        chunk = items[position : position + BATCH_SENTENCES]
        batch = ImportBatch(push_id, number, upload="")
        lines = []
        for sentence, article in chunk:
            meta = serialization.make_meta(sentence, article, by=connection.user_id, batch=batch.name)
            if reasons := spec.reasons:
                meta["reason"] = reasons.get(sentence.id, "")
            lines.append(serialization.make_import_line(sentence, meta, spec.names))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"biaozhu-{batch.name}.jsonl"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
            batch = replace(batch, upload=str(connection.call(DataUploadRepository(connection.http).upload, str(path))))
        write_tag(project, batch)
        task = _ingest(project, [batch.upload])
        write_tag(project, replace(batch, task=task))
        try:
            result = wait_for_task(connection, task)
        except RemoteError as error:
            raise ImportFailedError(error.what, where=project.url) from None
        if result and result.get("error"):
            raise ImportFailedError(f"Doccano refuses a batch: {str(result['error'])[:300]}", where=project.url)
        tick(len(chunk))


def _ingest(project: Project, uploads: list[str]) -> str:
    options: dict[str, Any] = {"encoding": "utf_8", "column_data": "text", "column_label": "label"}
    ingest = DataUploadRepository(project.connection.http).ingest
    return str(project.connection.call(ingest, project.id, uploads, PROJECT_TYPE, "JSONL", **options))


def _update_example(project: Project, pair: MatchedExample, names: Mapping[str, str]) -> bool:
    """Replace the spans of an example if nobody has touched it; return whether that was so.

    The metadata have the new spans first, so that another push recognises an update that was killed and finishes it.
    """
    connection, example, sentence = project.connection, pair.example, pair.sentence
    records = read_spans(project, example.id)
    fresh = replace(example, spans=tuple(record.span for record in records))
    if looks_touched(fresh, names) or _is_by_person(project, fresh, records):
        return False
    path = f"{project.path}/examples/{example.id}"
    target = set(to_remote_spans(sentence.text, sentence.spans, names))
    meta = {key: value for key, value in example.meta.items() if key != "next"}
    if target != set(fresh.spans):
        connection.patch(path, {"meta": pack_meta({**meta, "next": spans_to_json(sentence.spans)})})
        surplus = [record for record in records if record.span not in target]
        change_spans(project, example.id, remove=surplus, draw=target - set(fresh.spans))
    new_meta = serialization.make_meta(sentence, pair.article, by=connection.user_id, batch=str(meta.get("batch", "")))
    connection.patch(path, {"meta": pack_meta({**meta, **new_meta})})
    return True


def _is_by_person(project: Project, example: DoccanoExample, records: Iterable[SpanRecord]) -> bool:
    """Tell whether a person drew or changed one of the spans, even to what it was before."""
    importers = {str(project.connection.user_id), str(example.meta.get("by"))}
    return any(record.edited or str(record.user) not in importers for record in records)


def _read_back(project: Project, plan: PushPlan, changed: set[str], names: Mapping[str, str]) -> list[Entry]:
    """Compare what this push has sent with what the server holds now."""
    reason = "the spans that Doccano holds are not those that were sent"
    entries = []
    for pair in plan.same:
        one = pair.example
        if pair.sentence.id not in changed or is_as_sent(one, names):
            continue
        if not (one.confirmed or one.comments or _is_by_person(project, one, read_spans(project, one.id))):
            entries.append(_make_loss(pair.sentence.id, pair.sentence.text, reason))
    return entries


def _list_losses(plan: PushPlan) -> list[Entry]:
    changed, several = "the text that Doccano holds is not the sentence's", "several copies were worked on"
    found = [_make_loss(pair.sentence.id, pair.sentence.text, changed) for pair in plan.damaged]
    return found + [_make_loss(example.sentence_id, example.text, several) for example in plan.conflicts]


def _make_loss(sentence_id: str, text: str, reason: str) -> Entry:
    return Entry("push", "loss", reason, sentence_id, 0, len(text), "", text)


def _make_report(spec: ProjectSpec, url: str, plan: PushPlan, sentences: int) -> PushReport:
    return PushReport(
        project=spec.name,
        url=url,
        sentences=sentences,
        added=len(plan.add) + len(plan.incomplete),
        unchanged=len(plan.same),
        updated=len(plan.update),
        worked_on=sum(looks_touched(pair.example, spec.names) for pair in (*plan.same, *plan.kept)),
        others=plan.others,
        kept=tuple(pair.sentence.id for pair in plan.kept),
        removed=tuple(example.sentence_id for example in plan.removed),
        losses=_list_losses(plan),
    )
