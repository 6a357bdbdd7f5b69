"""Adjudication in Doccano: a project of the disagreements only, and the decisions that come back from it.

Every sentence shows the agreed spans, and a comment for each disagreement says how each annotator read it. The adjudicator
draws what is right there (or nothing) and confirms, which is the decision; a comment gives the guideline's paragraph and a
reason (`N3 泛指`, or `2 N3 泛指` for the second of a sentence).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biaozhu.curation.adjudication import Decision, Disagreement, Dispute
from biaozhu.data.errors import GoldError, LabelError, raise_collected
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span
from biaozhu.doccano.connection import Connection
from biaozhu.doccano.project import ProjectSpec, require_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import PushReport, push
from biaozhu.doccano.remote import list_comments, list_examples, list_member_names, read_confirmations
from biaozhu.doccano.team import ensure_accounts, ensure_members

KINDS = {
    "boundary": "边界不同", "label": "标签不同", "missing": "只有前者标", "extra": "只有后者标", "mixed": "边界和标签都不同",
}  # fmt: skip
QUESTION = re.compile(r"【分歧(\d+)】")
ANSWER = re.compile(r"\s*(?:(\d{1,4})[\s.、：:]+)?(?:([A-Za-z]{1,3}\d+)[\s.、，,：:]*)?(.*)", re.DOTALL)
NO_REASON = "已确认,没有写理由"
HOW_TO_ANSWER = (
    "【答法】在文中画出正确的标注(不该标就不画),再打勾确认;评论里写“条号 理由”,如“N3 泛指”;"
    "一句有几处分歧时前面写序号,如“2 N3 泛指”。没有合适的条号,只写理由也可以。"
)


@dataclass(frozen=True, slots=True)
class AdjudicatorAnswers:
    """Decisions, open disagreements with what each lacks, and losses: what was changed outside all disagreements."""

    decisions: list[Decision]
    open: list[tuple[Disagreement, str]]
    losses: list[Entry]


def ask_adjudicator(
    connection: Connection, dispute: Dispute, spec: ProjectSpec, *, adjudicator: str = "", home: Path
) -> PushReport:
    """Make the project of the disagreements, and let in the account `adjudicator` if named; another run changes nothing."""
    disagreements = dispute.group_disagreements()
    if not disagreements:
        raise GoldError("the layers do not differ", next_step="Make the gold with -o, there is nothing to decide")
    _check_project_labels(dispute, disagreements, spec)
    layers: dict[str, list[Sentence]] = defaultdict(list)
    for sid, sentence in dispute.list_agreed().items():
        if sid in disagreements:
            layers[dispute.articles.get(sentence.article, sentence.article)].append(sentence)
    guideline = f"{spec.guideline.rstrip()}\n\n## 裁决时怎么答\n\n{HOW_TO_ANSWER}\n".lstrip()
    report = push(connection, list(layers.items()), replace(spec, guideline=guideline))
    project = require_project(connection, spec.name)
    if adjudicator:
        ensure_members(project, ensure_accounts(connection, [adjudicator], home=home))
    examples, comments = list_examples(project), list_comments(project)
    for sid, items in disagreements.items():
        example = examples[sid]["id"]
        present = {comment["text"] for comment in comments.get(example, ())}
        for text in (*phrase_questions(dispute.names, items, spec.names), HOW_TO_ANSWER):
            if text not in present:
                connection.call(connection.client.create_comment, project.id, example, text)
    return report


def read_adjudication(connection: Connection, dispute: Dispute, spec: ProjectSpec) -> AdjudicatorAnswers:
    """Read the decisions back from the project of these very layers."""
    agreed, disagreements = dispute.list_agreed(), dispute.group_disagreements()
    _check_project_labels(dispute, disagreements, spec)
    pulled = pull(connection, spec)
    project = pulled.project
    back = {sentence.id: sentence for sentence in pulled.sentences}
    examples = {one.sentence_id: one for one in reversed(pulled.examples)}
    comments, users = list_comments(project), list_member_names(project)
    answers = AdjudicatorAnswers([], [], list(pulled.losses))
    for sid, items in disagreements.items():
        if sid not in back:
            missing = "the sentence is not in the project: send it with --to-doccano"
            answers.open.extend((item, missing) for item in items)
            continue
        example = examples[sid]
        texts = [comment["text"] for comment in comments.get(example.id, ())]
        is_same = example.sent_spans == agreed[sid].spans
        if not is_same or not set(texts).issuperset(phrase_questions(dispute.names, items, spec.names)):
            what = "the layers have changed since this was sent to Doccano"
            raise GoldError(what, where=sid, next_step="Send it again with --to-doccano under another --project")
        taken, strays = _assign_spans(back[sid], agreed[sid], items)
        answers.losses.extend(strays)
        confirmation = next(iter(read_confirmations(project, example.id)), None)
        reasons = parse_answers(texts, len(items))
        for number, (item, spans) in enumerate(zip(items, taken, strict=True), 1):
            if confirmation is None:
                answers.open.append((item, "the sentence is not confirmed"))
            else:
                by = users.get(confirmation["confirmed_by"], connection.username)
                reason = reasons.get(number, ("", NO_REASON))
                answers.decisions.append(Decision(*item.place, tuple(spans), *reason, by, confirmation["confirmed_at"]))
    return answers


def parse_answers(comments: Iterable[str], count: int) -> dict[int, tuple[str, str]]:
    """Return the adjudicator's rule (or nothing) and note by the disagreement's number, from 1, of a sentence's comments.

    A comment without the number of one of them answers all `count` disagreements; a later comment replaces an earlier one.
    """
    general: dict[int, tuple[str, str]] = {}
    numbered: dict[int, tuple[str, str]] = {}
    for comment in comments:
        answer = ANSWER.fullmatch(comment)
        if answer is None or QUESTION.match(comment) or comment == HOW_TO_ANSWER or not comment.strip():
            continue
        rule, number = (answer[2] or "").upper(), int(answer[1] or 0)
        if 1 <= number <= count:
            numbered[number] = (rule, answer[3].strip())
        else:
            note = answer[3] if rule else comment
            general = dict.fromkeys(range(1, count + 1), (rule, note.strip()))
    return general | numbered


def phrase_questions(names: tuple[str, str], items: Sequence[Disagreement], labels: Mapping[str, str]) -> list[str]:
    """Return the comment of one line (Doccano shows no other) that puts each disagreement to the adjudicator."""
    comments = []
    for number, item in enumerate(items, 1):
        start = item.start
        place = f"第{start + 1}字" if item.end - start == 1 else f"第{start + 1}–{item.end}字"
        parts = [f"【分歧{number}】“{item.text}”({place},{KINDS[item.kind]})"]
        for name, side in zip(names, (item.first, item.second), strict=True):
            spans = [f"{labels[one.label]}“{item.text[one.start - start : one.end - start]}”" for one in side]
            parts.append(f"{name}:{'|'.join(spans) or '不标'}")
        comments.append(";".join(parts))
    return comments


def _check_project_labels(dispute: Dispute, disputed: Collection[str], spec: ProjectSpec) -> None:
    """Raise LabelError for the labels of the sentences in dispute that the project does not have."""
    names = spec.names
    spans = ((one.id, span) for one in (*dispute.first, *dispute.second) if one.id in disputed for span in one.spans)
    unknown = dict.fromkeys((f"{sid}@{span.start}", span.label) for sid, span in spans if span.label not in names)
    raise_collected([LabelError(f"unknown label {label!r}", where=where) for where, label in unknown])


def _assign_spans(back: Sentence, agreed: Sentence, items: list[Disagreement]) -> tuple[list[list[Span]], list[Entry]]:
    """Give each span that is not agreed to the first disagreement that it touches; the rest is lost."""
    kept, known = ({span.key for span in one.spans} for one in (back, agreed))
    taken: list[list[Span]] = [[] for _ in items]
    strays = [(span, "an agreed span was removed") for span in agreed.spans if span.key not in kept]
    for span in back.spans:
        if span.key in known:
            continue
        touched = [n for n, item in enumerate(items) if item.touches(span)]
        if touched:
            taken[touched[0]].append(span)
        else:
            strays.append((span, "a span was drawn outside the disagreements"))
    lost = [(why, back.id, *one.key, back.text[one.start : one.end]) for one, why in strays]
    return taken, [Entry("adjudicate", "loss", *one, detail="correct an annotator's layer instead") for one in lost]
