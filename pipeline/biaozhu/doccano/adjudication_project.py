"""Adjudication in Doccano: a project of the disagreements only, and the decisions that come back from it.

Every sentence shows the spans that both annotators hold; each disagreement is left open, and a comment says where it
is and how each annotator read it. The adjudicator draws what is right there (or nothing), answers in a comment with
the guideline's paragraph and a reason (`N3 泛指`, or `2 N3 泛指` for the second of a sentence), and confirms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.curation.adjudication import Decision
from biaozhu.curation.disagreements import agreed_spans, find_disagreements, pair_sentences
from biaozhu.data.errors import GoldError
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Span, with_spans
from biaozhu.doccano.accounts import ensure_accounts, ensure_members
from biaozhu.doccano.connection import reported
from biaozhu.doccano.project import Project, Setting, require_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import list_all, list_examples, member_names, read_states
from biaozhu.formats.serialization import spans_from_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from biaozhu.curation.disagreements import Disagreement
    from biaozhu.data.model import Sentence
    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.push import PushReport

KINDS = {
    "boundary": "边界不同",
    "label": "标签不同",
    "missing": "只有前者标",
    "extra": "只有后者标",
    "mixed": "边界和标签都不同",
}
OURS = re.compile(r"【分歧(\d+)】")
ANSWER = re.compile(r"\s*(?:(\d+)[\s.、::]+)?([A-Za-z]{1,3}\d+)[\s.、,:,:]*(.+)", re.DOTALL)
ANSWER_FORM = "“依据条号 理由”,如“N3 泛指”;一句有几处分歧时前面写序号,如“2 N3 泛指”"


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two annotators' layers of the same sentences, and the annotators' names in the same order."""

    first: Sequence[Sentence]
    second: Sequence[Sentence]
    names: tuple[str, str]

    def questions(self) -> dict[str, list[Disagreement]]:
        """Return the disagreements by sentence.

        Raises:
            GoldError: the layers are not of the same sentences.
        """
        found: dict[str, list[Disagreement]] = defaultdict(list)
        for item in find_disagreements(self.first, self.second):
            found[item.sentence].append(item)
        return dict(found)

    def settled(self) -> dict[str, Sentence]:
        """Return each sentence with the spans that both annotators hold."""
        source = "+".join(self.names)
        return {
            one.id: with_spans(one, (Span(*span.key, source) for span in agreed_spans(one, other)))
            for one, other in pair_sentences(self.first, self.second)
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What `ask` did: the push, and how many comments it wrote."""

    report: PushReport
    disagreements: int
    comments: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back.

    Attributes:
        decisions: one for each disagreement that is decided, with who and when.
        open: the disagreements that are not, each with what is lacking.
        losses: what the adjudicator changed outside all disagreements: it is not taken over.
    """

    decisions: tuple[Decision, ...]
    open: tuple[tuple[Disagreement, str], ...]
    losses: tuple[Entry, ...]


def ask(
    connection: Connection,
    dispute: Dispute,
    setting: Setting,
    *,
    adjudicator: str = "",
    home: Path,
) -> Asked:
    """Make the project of the disagreements; run again it changes nothing.

    Args:
        connection: logged in as an administrator.
        dispute: the two layers.
        setting: the project's name, label set and guideline.
        adjudicator: an account to make, and to let in; empty for the administrator alone.
        home: where generated passwords are kept.

    Raises:
        GoldError: the layers are not of the same sentences, or do not differ.
        ServerError, AuthError, RemoteError, ImportFailedError: see `push`.
    """
    questions = dispute.questions()
    if not questions:
        raise GoldError(
            "the layers do not differ", next_step="Make the gold with -o, nothing is to be decided"
        )
    layers: dict[str, list[Sentence]] = defaultdict(list)
    for sid, sentence in dispute.settled().items():
        if sid in questions:
            layers[sentence.article].append(sentence)
    report = push(connection, list(layers.items()), setting)
    project = require_project(connection, setting.name)
    if adjudicator:
        ensure_members(connection, project, ensure_accounts(connection, [adjudicator], home=home))
    examples = list_examples(connection, project)
    there = _comments(connection, project)
    written = 0
    for sid, items in questions.items():
        example = examples[sid]["id"]
        for number, item in enumerate(items, 1):
            text = question(number, item, dispute.names, setting.names)
            if text not in [comment["text"] for comment in there[example]]:
                with reported(connection.url):
                    connection.client.create_comment(project.id, example, text)
                written += 1
    return Asked(report, sum(map(len, questions.values())), written)


def answers(
    connection: Connection,
    dispute: Dispute,
    setting: Setting,
) -> Answered:
    """Read the decisions back.

    Raises:
        GoldError: the project is not about these disagreements.
        ServerError, AuthError, RemoteError: no connection, or no such project.
    """
    questions = dispute.questions()
    settled = dispute.settled()
    project = require_project(connection, setting.name)
    pulled = pull(connection, setting)
    back = {sentence.id: sentence for sentence in pulled.sentences}
    examples, comments = list_examples(connection, project), _comments(connection, project)
    users = member_names(connection, project)
    decisions: list[Decision] = []
    open_: list[tuple[Disagreement, str]] = []
    losses = list(pulled.losses)
    for sid, items in questions.items():
        if sid not in back:
            open_ += [
                (item, "the sentence is not in the project: send it with --to-doccano") for item in items
            ]
            continue
        example = examples[sid]
        texts = [comment["text"] for comment in comments[example["id"]]]
        asked = {question(number, item, dispute.names, setting.names) for number, item in enumerate(items, 1)}
        if spans_from_json(example["meta"].get("pre")) != settled[sid].spans or not asked <= set(texts):
            raise GoldError(
                "the layers have changed since this was sent to Doccano",
                where=sid,
                next_step="Send it again with --to-doccano under another --project",
            )
        taken, strays = _assign(back[sid].spans, settled[sid].spans, items)
        losses += [_stray(back[sid], span, reason) for span, reason in strays]
        state = next(iter(read_states(connection, project, example["id"])), None)
        reasons = read_answers(texts, len(items))
        for number, (item, spans) in enumerate(zip(items, taken, strict=True), 1):
            if state is None:
                open_.append((item, "the sentence is not confirmed"))
            elif number not in reasons:
                open_.append((item, f"no comment gives the reason: {ANSWER_FORM}"))
            else:
                rule, note = reasons[number]
                by = users.get(state["confirmed_by"], connection.username)
                keys = tuple(span.key for span in spans)
                decisions.append(Decision(*item.place, keys, rule, note, by, state["confirmed_at"]))
    return Answered(tuple(decisions), tuple(open_), tuple(losses))


def question(number: int, item: Disagreement, names: tuple[str, str], labels: Mapping[str, str]) -> str:
    """Return the comment that puts a disagreement to the adjudicator."""
    versions = [
        f"{name}:{_version(item, side, labels)}"
        for name, side in zip(names, (item.first, item.second), strict=True)
    ]
    place = f"第{item.start + 1}字" if item.end - item.start == 1 else f"第{item.start + 1}–{item.end}字"
    # One line: Doccano shows a line feed as a space.
    return ";".join([f"【分歧{number}】“{item.text}”({place},{KINDS[item.kind]})", *versions])


def read_answers(comments: Iterable[str], count: int) -> dict[int, tuple[str, str]]:
    """Read the adjudicator's reasons from a sentence's comments, in the order in which they were written.

    Args:
        comments: all comments; ours, which ask, are passed over.
        count: how many disagreements the sentence has; a comment without a number speaks of all of them.

    Returns:
        The rule and the note by the disagreement's number, counted from 1; a later comment replaces an earlier one.
    """
    found: dict[int, tuple[str, str]] = {}
    special: dict[int, tuple[str, str]] = {}
    for comment in comments:
        answer = ANSWER.fullmatch(comment)
        if answer is None or OURS.match(comment):
            continue
        numbers = [int(answer[1])] if answer[1] else range(1, count + 1)
        (special if answer[1] else found).update(
            dict.fromkeys(numbers, (answer[2].upper(), answer[3].strip()))
        )
    return {number: reason for number, reason in (found | special).items() if number in range(1, count + 1)}


def _assign(
    spans: Sequence[Span], agreed: Sequence[Span], items: Sequence[Disagreement]
) -> tuple[list[list[Span]], list[tuple[Span, str]]]:
    """Give each span that is not agreed to the first disagreement that it touches; the rest are strays."""
    kept = {span.key for span in spans}
    settled = {span.key for span in agreed}
    taken: list[list[Span]] = [[] for _ in items]
    strays = [(span, "an agreed span was removed") for span in agreed if span.key not in kept]
    for span in spans:
        if span.key in settled:
            continue
        home = next(
            (n for n, item in enumerate(items) if item.start < span.end and span.start < item.end), None
        )
        if home is None:
            strays.append((span, "a span was drawn outside the disagreements"))
        else:
            taken[home].append(span)
    return taken, strays


def _stray(sentence: Sentence, span: Span, reason: str) -> Entry:
    text = sentence.text[span.start : span.end]
    detail = "mend an annotator's layer instead"
    return Entry(
        "adjudicate", "loss", reason, sentence.id, span.start, span.end, span.label, text, detail=detail
    )


def _version(item: Disagreement, spans: Sequence[Span], labels: Mapping[str, str]) -> str:
    pieces = [
        f"{labels[span.label]}“{item.text[span.start - item.start : span.end - item.start]}”"
        for span in spans
    ]
    return "|".join(pieces) or "不标"


def _comments(connection: Connection, project: Project) -> defaultdict[int, list[dict[str, Any]]]:
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for data in list_all(connection, f"projects/{project.id}/comments"):
        found[data["example"]].append(data)
    return found
