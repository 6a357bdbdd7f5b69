"""Select the sentences that annotators should see next: unsure ones, unlike each other, and some at random.

Uncertainty is that of the least confident span (Lewis and Gale 1994, "A Sequential Algorithm for Training Text
Classifiers"), or of the least certain character by the network's marginals. Of the most unsure, one at a time, that is
taken whose uncertainty, new character pairs, article and labels add most to what is taken already. That only falls as
more is taken, so a stale figure is an upper bound and few are computed anew (Minoux 1978). Some are drawn at random from
all, which an unbiased estimate of the error needs.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice, pairwise
from math import ceil, fsum, sqrt
from pathlib import Path
from typing import Literal

from biaozhu.data.errors import DuplicateError, LineError, UsageError
from biaozhu.data.files import parse_json_as, read_bytes, write_json
from biaozhu.data.model import Sentence, Span
from biaozhu.data.storage.layer_stream import stream_layer

Judge = Callable[[Sequence["Sentence"]], Iterable["Unsure | None"]]

RANDOM_SHARE = 0.2
CANDIDATES = 10  # for each sentence that is wanted
JUDGED_AT_ONCE = 512  # a network is faster by batches
LIKENESS = 0.7  # of the character pairs of two texts (Jaccard), which makes them near-duplicates
REASONS_SUFFIX, FORMAT = ".reasons.json", "biaozhu.reasons.v1"

Aim = Literal["both", "uncertainty", "diversity"]


@dataclass(frozen=True, slots=True)
class Selected:
    """A sentence to annotate, and why it was taken, in Chinese, for those who annotate it."""

    sentence: Sentence
    reason: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """Uncertainty of a model about a sentence, 0 to 1, with the place that annotators read."""

    doubt: float
    where: str


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    """A sentence that may be taken; ordered by their score, then by its id."""

    rank: float
    sid: str
    sentence: Sentence = field(compare=False)
    why: Unsure = field(compare=False)


def stream_files(files: Iterable[Path]) -> Iterator[Sentence]:
    """Yield the sentences of several files one at a time; an article that is in two of them raises DuplicateError."""
    known: dict[int, Path] = {}
    several = list(files)
    for file in several:
        # A shard has no sentence where all of its articles failed.
        for sentence in stream_layer(file, labels=None, may_be_empty=len(several) > 1):
            # The path itself: the same one may be given twice.
            first = known.setdefault(int(sentence.article, 16), file)
            if first is not file:
                what = f"article {sentence.article} is in {first} too"
                raise DuplicateError(what, where=file, next_step="Give one layer of each article")
            yield sentence


def select_sentences(
    sentences: Iterable[Sentence],
    count: int,
    *,
    share: float = RANDOM_SHARE,
    seed: int = 1,
    aim: Aim = "both",
    judge: Judge | None = None,
) -> tuple[Selected, ...]:
    """Select at most `count` sentences from a stream, of which only candidates are in memory, by article and place.

    `share` of them are drawn at random, the same for the same seed whatever their order. The aim `uncertainty` takes the
    most unsure and nothing else; `diversity` leaves out how unsure they are. `judge` says how unsure sentences are, else the
    least confident span does; spans without a score count as confident.
    """
    if count < 1 or not 0 <= share <= 1:
        what = f"{count} sentences with a random share of {share} cannot be selected"
        raise UsageError(what, next_step="Select one or more, with a share from 0 to 1")
    drawn: list[_Candidate] = []
    candidates: list[_Candidate] = []
    at_random = round(count * share)
    # Some of them may be among the drawn, or like each other.
    most = count * (1 if aim == "uncertainty" else CANDIDATES) + at_random
    if aim == "diversity":
        judge = partial(map, lambda _: Unsure(1, "内容新"))
    judge = judge or partial(map, _least_sure_span)
    stream = iter(sentences)
    batches = iter(lambda: list(islice(stream, JUDGED_AT_ONCE)), [])
    for sentence, why in chain.from_iterable(zip(batch, judge(batch), strict=True) for batch in batches):
        lot = int.from_bytes(hashlib.blake2b(f"{seed} {sentence.id}".encode(), digest_size=8).digest(), "big")
        _keep_largest(drawn, _Candidate(-lot, sentence.id, sentence, Unsure(0, "随机抽取")), at_random)
        if why is not None:
            rank = lot if aim == "diversity" else why.doubt
            _keep_largest(candidates, _Candidate(rank, sentence.id, sentence, why), most)
    chosen = sorted(drawn)
    known = {one.sid for one in chosen}
    left = [one for one in sorted(candidates, key=lambda one: (-one.rank, one.sid)) if one.sid not in known]
    wanted = min(count - len(chosen), len(left))
    chosen += left[:wanted] if aim == "uncertainty" else [*islice(_take_unlike(left, chosen), wanted)]
    selected = [Selected(to_sentence(one.sentence), one.why.where) for one in chosen]
    return tuple(sorted(selected, key=lambda one: (one.sentence.article, one.sentence.start)))


def keep_apart(sentences: Iterable[Sentence], test: Iterable[Sentence], *, articles: bool) -> Iterator[Sentence]:
    """Yield the sentences that say nothing of a test's: no near-duplicates of them, with `articles` none of their articles.

    The sentences of an article share names and wording, and those of another may be the same text.
    """
    held_out = _Taken()
    for one in test:
        held_out.add(one)
    for one in sentences:
        if not (articles and one.article in held_out.articles) and not held_out.is_like_one(one):
            yield one


def _least_sure_span(sentence: Sentence) -> Unsure | None:
    """Return how unsure the least confident span is; None where no span has a score."""
    scored = [(span.score, span.start, span.end) for span in sentence.spans if span.score is not None]
    if not scored:
        return None
    score, start, end = min(scored)
    return Unsure(1 - score, f"把握低:“{sentence.text[start:end]}”{score:.2f}")


def reasons_path(layer: Path) -> Path:
    """Return the path of the file beside a selection that says why each sentence was taken."""
    return layer.with_name(layer.name.removesuffix(".jsonl") + REASONS_SUFFIX)


def write_reasons(layer: Path, selected: Iterable[Selected]) -> None:
    """Write why each sentence of a selection was taken: `push` gives it to annotators in Doccano's metadata."""
    reasons = {one.sentence.id: one.reason for one in selected}
    write_json(reasons_path(layer), {"format": FORMAT, "reasons": reasons}, indent=1)


def read_reasons(layer: Path) -> Mapping[str, str]:
    """Read the reasons beside a layer, sentence id -> reason; nothing where there is no such file."""
    path = reasons_path(layer)
    if not path.is_file():
        return {}
    try:
        found = parse_json_as(read_bytes(path), dict)["reasons"]
        if all(isinstance(value, str) for value in found.values()):
            return dict(found)
    except (ValueError, KeyError, AttributeError):
        pass
    raise LineError("no reasons of a selection", where=path, next_step="Select again, or remove the file")


def _take_unlike(left: Sequence[_Candidate], taken: Iterable[_Candidate]) -> Iterator[_Candidate]:
    """Yield candidates, each the one that adds most to those before it; near-duplicates are left out."""
    so_far = _Taken()
    for one in taken:
        so_far.add(one.sentence)
    heap = [(-so_far.gain(one), one.sid, one) for one in left]
    heapq.heapify(heap)
    while heap:
        _, sid, one = heapq.heappop(heap)
        gain = -so_far.gain(one)
        if heap and (gain, sid) > heap[0][:2]:
            heapq.heappush(heap, (gain, sid, one))
        elif not so_far.is_like_one(one.sentence):
            so_far.add(one.sentence)
            yield one


@dataclass(slots=True)
class _Taken:
    """Counts of what has been taken: how often each label and article, and which sentences hold a character pair."""

    labels: Counter[str] = field(default_factory=Counter)
    articles: Counter[str] = field(default_factory=Counter)
    holders: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    pairs: dict[str, set[str]] = field(default_factory=dict)

    def gain(self, one: _Candidate) -> float:
        """Return what a sentence adds; it never rises as more is taken."""
        pairs = _pair_characters(one.sentence)
        fresh = fsum(1 / (1 + len(self.holders.get(pair, ()))) for pair in pairs) / len(pairs)
        labels = _labels(one.sentence)
        rare = fsum(1 / sqrt(1 + self.labels[label]) for label in labels) / len(labels)
        return one.why.doubt * fresh * rare / sqrt(1 + self.articles[one.sentence.article])

    def add(self, one: Sentence) -> None:
        pairs = _pair_characters(one)
        self.labels.update(_labels(one))
        self.articles[one.article] += 1
        self.pairs[one.id] = pairs
        for pair in pairs:
            self.holders[pair].append(one.id)

    def is_like_one(self, one: Sentence) -> bool:
        pairs = _pair_characters(one)
        # What is like it has all but a few of its pairs, so at least one of as few and one more: of those that fewest have.
        few = len(pairs) - ceil(LIKENESS * len(pairs)) + 1
        held = heapq.nsmallest(few, (self.holders.get(pair, []) for pair in pairs), key=len)
        others = (self.pairs[sid] for sid in {sid for sids in held for sid in sids})
        return any(len(pairs & other) >= LIKENESS * len(pairs | other) for other in others)


def _pair_characters(sentence: Sentence) -> set[str]:
    return {one + other for one, other in pairwise(f"^{sentence.text}$")}


def _labels(sentence: Sentence) -> set[str]:
    # No label is one to be balanced, too.
    return {span.label for span in sentence.spans} or {""}


def _keep_largest(heap: list[_Candidate], item: _Candidate, most: int) -> None:
    if len(heap) < most:
        heapq.heappush(heap, item)
    elif most:
        heapq.heappushpop(heap, item)


def to_sentence(sentence: Sentence) -> Sentence:
    """Return a sentence of a stream, which has the same fields but another class, as one of a layer."""
    spans = tuple(Span(one.start, one.end, one.label, one.source, one.score) for one in sentence.spans)
    return Sentence(sentence.article, sentence.start, sentence.end, sentence.text, spans)
