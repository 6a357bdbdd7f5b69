"""Plan of a push, computed from the layers and from the server's examples, which are matched by sentence id.

People's work is never overwritten: a sentence counts as touched when it is confirmed, has a comment, or its spans are no
longer those that were sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from biaozhu.data.model import Sentence, Span
from biaozhu.formats import serialization
from biaozhu.formats.serialization import DoccanoExample, spans_from_json, spans_to_json, to_remote_spans

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
