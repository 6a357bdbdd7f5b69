"""Pull a Doccano project: every sentence back as a sentence line, offsets true, what people changed told apart.

A span that is as it was sent keeps its source and score. A span that a person drew or changed has the source
`doccano:<user>`, or `doccano` where the server only knows the account that pushed. What cannot be brought back to
a sentence is a loss, and named in the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from biaozhu.data.diff import Change, compare_layers
from biaozhu.data.errors import BiaozhuError, RemoteError
from biaozhu.data.ledger import Entry
from biaozhu.data.model import check_sentence
from biaozhu.doccano.project import Project, Setting, find_project
from biaozhu.doccano.remote import member_names, read_examples, read_spans
from biaozhu.formats.serialization import (
    Example,
    RemoteSpan,
    is_ours,
    local_spans,
    remote_spans,
    spans_from_json,
    to_sentence,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.data.model import Sentence, Span
    from biaozhu.doccano.connection import Connection

STABLE_READS = 3
"""How often a project is read at most until two reads in a row agree."""


@dataclass(frozen=True, slots=True)
class Other:
    """An example that another maker put into the project: it is left there."""

    example: int
    text: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came back.

    Attributes:
        layers: article name -> its sentences, in the article's order. Where several articles were pushed under one
            name, the one that came last has it, and each of the others is `<name>.<article id>`.
        confirmed: the ids of the sentences that someone confirmed.
        comments: sentence id -> what people noted there.
        changes: what people changed in the spans they were given.
        losses: what could not be brought back, each named.
        consistent: False when people were still editing while it was read, so that two reads differed.
        examples: what the server held, to tell later whether it still does.
        others: what other makers put into a shared project; no loss.
        unconfirmed: how many sentences were left out because only confirmed ones were asked for.
    """

    layers: Mapping[str, tuple[Sentence, ...]]
    confirmed: frozenset[str]
    comments: Mapping[str, tuple[str, ...]]
    changes: tuple[Change, ...]
    losses: tuple[Entry, ...]
    consistent: bool
    examples: tuple[Example, ...] = ()
    others: tuple[Other, ...] = ()
    unconfirmed: int = 0

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All sentences, article by article."""
        return tuple(sentence for layer in self.layers.values() for sentence in layer)


def pull(connection: Connection, setting: Setting, *, confirmed: bool = False) -> Pulled:
    """Read a collaborative project back.

    Args:
        connection: logged in as an administrator of the project.
        setting: the project's name and the label set.
        confirmed: leave out the sentences that nobody has confirmed.

    Raises:
        RemoteError: there is no such project, or its export fails.
        ServerError, AuthError: no connection.
    """
    project = find_project(connection, setting.name)
    if project is None:
        raise RemoteError(
            f"there is no project {setting.name!r}",
            where=connection.url,
            next_step="Push first, or give --project the name of another",
        )
    if not project.collaborative:
        raise RemoteError(
            f"project {setting.name!r} is not collaborative, each annotator has a layer there",
            where=connection.url,
            next_step="Pull the annotators' layers instead",
        )
    # The server does not export in one transaction: what was read counts when a second read, after all, is the same.
    examples = read_examples(connection, project)
    for _ in range(STABLE_READS - 1):
        pulled = _bring_back(connection, project, setting, examples, only_confirmed=confirmed)
        again = read_examples(connection, project)
        if again == examples:
            return replace(pulled, consistent=True)
        examples = again
    return _bring_back(connection, project, setting, examples, only_confirmed=confirmed)


def still_holds(connection: Connection, project: Project, pulled: Pulled) -> bool:
    """Tell whether the project is still as it was pulled, so that what was read since belongs to it."""
    return tuple(read_examples(connection, project)) == pulled.examples


def _bring_back(
    connection: Connection,
    project: Project,
    setting: Setting,
    examples: Sequence[Example],
    *,
    only_confirmed: bool,
) -> Pulled:
    ours = [example for example in examples if is_ours(example.meta)]
    wanted = [example for example in ours if example.confirmed or not only_confirmed]
    pieces: dict[tuple[str, str], list[Sentence]] = defaultdict(list)
    sent: list[Sentence] = []
    losses: list[Entry] = []
    confirmed: set[str] = set()
    comments: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    users: Mapping[int, str] = member_names(connection, project)
    for example in wanted:
        if example.sid in seen:
            losses.append(
                _entry(example, "the sentence is there twice", "push again, it removes the untouched copy")
            )
            continue
        spans, refused = local_spans(example, setting.ids)
        try:
            sentence = to_sentence(example, spans)
            check_sentence(sentence)
        except BiaozhuError as error:
            losses.append(_entry(example, error.what, f"example {example.id}"))
            continue
        seen.add(sentence.id)
        losses += [_entry_of_span(example, span, reason) for span, reason in refused]
        if any(span.source == "doccano" for span in spans):
            sentence = replace(sentence, spans=_with_authors(connection, project, setting, example, users))
        pieces[str(example.meta.get("article")), sentence.article].append(sentence)
        before = spans_from_json(example.meta.get("pre"))
        if before is None:
            losses.append(_entry(example, "its record of the spans that were sent is damaged"))
        else:
            sent.append(replace(sentence, spans=before))
        if example.confirmed:
            confirmed.add(sentence.id)
        if example.comments:
            comments[sentence.id] = example.comments
    layers = _by_article(pieces)
    back = [sentence for layer in layers.values() for sentence in layer]
    return Pulled(
        layers,
        frozenset(confirmed),
        comments,
        tuple(change for change in compare_layers(sent, back) if change.kind != "new sentence"),
        tuple(losses),
        consistent=False,
        examples=tuple(examples),
        others=tuple(Other(example.id, example.text) for example in examples if not is_ours(example.meta)),
        unconfirmed=len(ours) - len(wanted),
    )


def _by_article(pieces: Mapping[tuple[str, str], list[Sentence]]) -> dict[str, tuple[Sentence, ...]]:
    """Name each article's layer; examples come in the order in which they were pushed, and so do the pieces."""
    last = dict(pieces.keys())
    return {
        name if last[name] == article else f"{name}.{article}": tuple(
            sorted(found, key=lambda sentence: sentence.start)
        )
        for (name, article), found in pieces.items()
    }


def _with_authors(
    connection: Connection, project: Project, setting: Setting, example: Example, users: Mapping[int, str]
) -> tuple[Span, ...]:
    """Return the example's spans with the names of those who drew what was not sent."""
    importer = str(example.meta.get("by"))
    authors = {
        record.span: users.get(record.user, "")
        for record in read_spans(connection, project, example.id)
        if str(record.user) != importer
    }
    named = []
    for span in local_spans(example, setting.ids)[0]:
        (remote,) = remote_spans(example.text, (span,), setting.names)
        author = authors.get(remote, "")
        named.append(
            replace(span, source=f"doccano:{author}") if span.source == "doccano" and author else span
        )
    return tuple(named)


def _entry(example: Example, reason: str, detail: str = "") -> Entry:
    sentence = example.sid or f"example {example.id}"
    return Entry("pull", "loss", reason, sentence, 0, len(example.text), "", example.text, detail=detail)


def _entry_of_span(example: Example, span: RemoteSpan, reason: str) -> Entry:
    sentence = example.sid or f"example {example.id}"
    detail = "offsets in UTF-16 units"
    return Entry("pull", "loss", reason, sentence, span.start, span.end, span.label, "", "doccano", detail)
