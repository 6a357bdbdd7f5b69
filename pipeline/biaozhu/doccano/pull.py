"""Pull a Doccano project: every sentence back as a sentence line, and what people changed.

A span that is as it was sent keeps its source and score. One that a person drew or changed has the source
`doccano:<user>`, or `doccano` where the server only knows the account that pushed. What cannot become a sentence again
is a loss, named in the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from biaozhu.data.diff import Change, compare_layers
from biaozhu.data.errors import BiaozhuError, RemoteError
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span, check_sentence
from biaozhu.doccano.connection import Connection
from biaozhu.doccano.project import Project, ProjectSpec, require_project
from biaozhu.doccano.remote import list_member_names, read_examples, read_spans
from biaozhu.formats.serialization import DoccanoExample, from_remote_spans, is_ours, rebuild_sentence, to_remote_spans

MAX_READS = 3  # How often a project is read again until two readings in a row agree


@dataclass(frozen=True, slots=True)
class PulledProject:
    """Result of a pull of `project`; `confirmed` are ids of sentences, `comments` what people noted by sentence id.

    `layers` has each article's sentences by its name, in order; where several articles were pushed under one name, the last
    one has it, and each of the others is `<name>.<article id>`. `changes` are people's to the spans that were sent.
    `consistent`: two readings of the `examples` agreed, so nobody was editing meanwhile. `others` are other programs'
    examples. `unconfirmed` counts the sentences left out because only confirmed ones were wanted.
    """

    project: Project
    layers: Mapping[str, tuple[Sentence, ...]]
    confirmed: frozenset[str]
    comments: Mapping[str, tuple[str, ...]]
    changes: tuple[Change, ...]
    losses: tuple[Entry, ...]
    consistent: bool
    examples: tuple[DoccanoExample, ...]
    others: tuple[DoccanoExample, ...]
    unconfirmed: int

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All sentences, article by article."""
        return tuple(sentence for layer in self.layers.values() for sentence in layer)


def pull(connection: Connection, spec: ProjectSpec, *, confirmed: bool = False) -> PulledProject:
    """Read a collaborative project back; with `confirmed` only the sentences that someone has confirmed."""
    project = require_project(connection, spec.name)
    if not project.collaborative:
        what = f"project {spec.name!r} is not collaborative, each annotator has a layer there"
        raise RemoteError(what, where=connection.url, next_step="Pull the annotators' layers instead")
    # The server does not export in one transaction: a reading counts when the one after it is the same.
    examples = read_examples(project)
    for _ in range(MAX_READS - 1):
        pulled = _convert_examples(project, spec, examples, only_confirmed=confirmed)
        again = read_examples(project)
        if again == examples:
            return pulled
        examples = again
    return replace(_convert_examples(project, spec, examples, only_confirmed=confirmed), consistent=False)


def _convert_examples(
    project: Project, spec: ProjectSpec, examples: Sequence[DoccanoExample], *, only_confirmed: bool
) -> PulledProject:
    ours = [example for example in examples if is_ours(example.meta)]
    wanted = [example for example in ours if example.confirmed or not only_confirmed]
    found: dict[str, DoccanoExample] = {}
    pieces: dict[tuple[str, str], list[Sentence]] = defaultdict(list)
    sent: list[Sentence] = []
    losses: list[Entry] = []
    users = list_member_names(project)
    for example in wanted:
        if example.sentence_id in found:
            advice = "push again, it removes the untouched copy"
            losses.append(_make_loss(example, "the sentence is there twice", advice))
            continue
        spans, refused = from_remote_spans(example, spec.ids)
        try:
            sentence = rebuild_sentence(example, spans)
            check_sentence(sentence)
        except BiaozhuError as error:
            losses.append(_make_loss(example, error.what, f"example {example.id}"))
            continue
        found[sentence.id] = example
        for one, why in refused:
            place = sentence.id, one.start, one.end, one.label
            losses.append(Entry("pull", "loss", why, *place, "", "doccano", "offsets in UTF-16 units"))
        if any(span.source == "doccano" for span in spans):
            sentence = replace(sentence, spans=_name_authors(project, spec, example, users, spans))
        pieces[str(example.meta.get("article")), sentence.article].append(sentence)
        if example.sent_spans is None:
            losses.append(_make_loss(example, "its record of the spans that were sent is damaged"))
        else:
            sent.append(replace(sentence, spans=example.sent_spans))
    last = dict(pieces.keys())  # they come in the order in which they were pushed
    layers = {
        name if last[name] == article else f"{name}.{article}": tuple(sorted(some, key=lambda one: one.start))
        for (name, article), some in pieces.items()
    }
    back = [sentence for layer in layers.values() for sentence in layer]
    return PulledProject(
        project=project,
        layers=layers,
        confirmed=frozenset(sid for sid, example in found.items() if example.confirmed),
        comments={sid: example.comments for sid, example in found.items() if example.comments},
        changes=tuple(change for change in compare_layers(sent, back) if change.kind != "new sentence"),
        losses=tuple(losses),
        consistent=True,
        examples=tuple(examples),
        others=tuple(one for one in examples if not is_ours(one.meta)),
        unconfirmed=len(ours) - len(wanted),
    )


def _name_authors(
    project: Project, spec: ProjectSpec, example: DoccanoExample, users: Mapping[int, str], spans: Sequence[Span]
) -> tuple[Span, ...]:
    """Return the spans with the names of the people who drew what was not sent."""
    records = read_spans(project, example.id)
    importer = str(example.meta.get("by"))
    authors = {one.span: users.get(one.user, "") for one in records if str(one.user) != importer}
    return tuple(
        replace(span, source=f"doccano:{authors[there]}") if span.source == "doccano" and authors.get(there) else span
        for span, there in zip(spans, to_remote_spans(example.text, spans, spec.names), strict=True)
    )


def _make_loss(example: DoccanoExample, reason: str, detail: str = "") -> Entry:
    name = example.sentence_id or f"example {example.id}"
    return Entry("pull", "loss", reason, name, 0, len(example.text), "", example.text, detail=detail)
