"""What a push has to do, worked out from what shall be there and what is there. Nothing here talks to a server.

Sentences are matched by their stable id. Human work is never overwritten: a sentence counts as touched when it is
confirmed, has a comment, or its spans are no longer those that were sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biaozhu.formats.serialization import Example, remote_spans, spans_from_json, spans_to_json, text_sha

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from biaozhu.data.model import Sentence, Span


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence that shall be there, and the example that is."""

    sentence: Sentence
    article: str
    example: Example


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push has to do.

    Attributes:
        add: sentences that are not there, with their article's name, in order.
        same: pre-annotation unchanged; whatever people made of it stays.
        update: pre-annotation changed, and nobody has touched the sentence as far as the export shows.
        kept: pre-annotation changed, and someone has touched the sentence: it is left alone.
        removed: examples of these articles whose sentence is no longer in the layer; left alone, reported.
        duplicates: surplus copies of a sentence that nobody has touched.
        incomplete: examples that a killed import left without their spans.
        conflicts: sentences of which several copies were touched: a person has to decide.
        damaged: examples whose text is not the sentence's.
        others: how many examples of other articles, or of other makers, are in the project.
    """

    add: tuple[tuple[Sentence, str], ...]
    same: tuple[Pair, ...]
    update: tuple[Pair, ...]
    kept: tuple[Pair, ...]
    removed: tuple[Example, ...]
    duplicates: tuple[Example, ...]
    incomplete: tuple[Pair, ...]
    conflicts: tuple[Example, ...]
    damaged: tuple[Pair, ...]
    others: int


def plan_push(
    sentences: Sequence[tuple[Sentence, str]],
    examples: Iterable[Example],
    *,
    names: Mapping[str, str],
    journal: Collection[str] = (),
) -> Plan:
    """Work out what a push has to do.

    Args:
        sentences: what shall be there, each with its article's name, in the order annotators shall see.
        examples: what is there.
        names: label id -> the name that annotators see.
        journal: the batches (`<push>.<number>`) that no push has verified yet: the server writes examples first
            and then the spans of all of them at once, so that an example of such a batch may be half an import.
    """
    examples = list(examples)
    half = half_imports(examples, journal)
    by_sid: dict[str, list[Example]] = defaultdict(list)
    foreign = 0
    for example in examples:
        if example.sid:
            by_sid[example.sid].append(example)
        else:
            foreign += 1
    groups: dict[str, list[Pair]] = {key: [] for key in ("same", "update", "kept", "incomplete", "damaged")}
    add: list[tuple[Sentence, str]] = []
    duplicates: list[Example] = []
    conflicts: list[Example] = []
    for sentence, article in sentences:
        copies = by_sid.pop(sentence.id, [])
        if not copies:
            add.append((sentence, article))
            continue
        keeper, surplus, disputed = _choose(copies, names, half=half)
        duplicates += surplus
        conflicts += disputed
        pair = Pair(sentence, article, keeper)
        groups[_group(pair, names, half=half)].append(pair)
    articles = {sentence.article for sentence, _ in sentences}
    article_names = {article for _, article in sentences}
    left = [example for copies in by_sid.values() for example in copies]
    removed = [
        example
        for example in left
        if example.sid.split(":")[0] in articles or example.meta.get("article") in article_names
    ]
    return Plan(
        add=tuple(add),
        same=tuple(groups["same"]),
        update=tuple(groups["update"]),
        kept=tuple(groups["kept"]),
        removed=tuple(removed),
        duplicates=tuple(duplicates),
        incomplete=tuple(groups["incomplete"]),
        conflicts=tuple(conflicts),
        damaged=tuple(groups["damaged"]),
        others=foreign + len(left) - len(removed),
    )


def looks_touched(example: Example, names: Mapping[str, str]) -> bool:
    """Tell whether the export shows a person's work on the example.

    A span that a person removed and drew again at the same place does not show there; see `push.touched`.
    """
    return (
        example.confirmed
        or bool(example.comments)
        or not (is_as_sent(example, names) or is_between(example, names))
    )


def is_as_sent(example: Example, names: Mapping[str, str]) -> bool:
    """Tell whether the example's spans are those that it was sent with."""
    sent = spans_from_json(example.meta.get("pre"))
    return sent is not None and _remote(example, sent, names) == set(example.spans)


def is_between(example: Example, names: Mapping[str, str]) -> bool:
    """Tell whether the example is in the middle of an update of ours: between the spans sent and those to come."""
    old, new = spans_from_json(example.meta.get("pre")), spans_from_json(example.meta.get("next"))
    if old is None or new is None:
        return False
    before, after, now = _remote(example, old, names), _remote(example, new, names), set(example.spans)
    return before & after <= now <= before | after


def half_imports(examples: Iterable[Example], journal: Collection[str]) -> set[int]:
    """Return the ids of examples that an import which was cut off has left, and that nobody has worked on since.

    One run of an import task writes the examples and then all their spans, or none. Where the task was repeated,
    the n-th copy of each sentence is of the n-th run. A person may have removed or drawn some spans since, so the
    majority of a run tells whether it was cut off. Its examples without any spans to come belong to it too: they
    have to be imported again with their neighbours, or the article's order would be lost.
    """
    seen: Counter[tuple[str, str]] = Counter()
    runs: dict[tuple[str, int], list[Example]] = defaultdict(list)
    for example in examples:
        batch = str(example.meta.get("batch"))
        if batch in journal:
            runs[batch, seen[batch, example.sid]].append(example)
            seen[batch, example.sid] += 1
    half: set[int] = set()
    for run in runs.values():
        with_spans = [example for example in run if spans_from_json(example.meta.get("pre"))]
        bare = sum(not example.spans for example in with_spans)
        if bare * 2 >= len(with_spans) + 1:
            half |= {
                example.id for example in run if not (example.spans or example.confirmed or example.comments)
            }
    return half


def _choose(
    copies: Sequence[Example], names: Mapping[str, str], *, half: Collection[int]
) -> tuple[Example, list[Example], list[Example]]:
    """Return the copy that stays, the surplus copies, and those that are in dispute."""
    if len(copies) == 1:
        return copies[0], [], []
    worked_on = [copy for copy in copies if looks_touched(copy, names) and copy.id not in half]
    whole = [copy for copy in copies if copy.id not in half and is_as_sent(copy, names)]
    keeper = (worked_on or whole or list(copies))[0]
    disputed = [copy for copy in worked_on if copy is not keeper]
    surplus = [copy for copy in copies if copy is not keeper and copy not in disputed]
    return keeper, surplus, disputed


def _group(pair: Pair, names: Mapping[str, str], *, half: Collection[int]) -> str:
    sentence, example = pair.sentence, pair.example
    if example.text != sentence.text or example.meta.get("text_sha") != text_sha(sentence.text):
        return "damaged"
    if example.id in half:
        return "incomplete"
    if example.meta.get("pre") == spans_to_json(sentence.spans) and "next" not in example.meta:
        return "same"
    return "kept" if looks_touched(example, names) else "update"


def _remote(example: Example, spans: Iterable[Span], names: Mapping[str, str]) -> set[object]:
    return set(remote_spans(example.text, (span for span in spans if span.label in names), names))
