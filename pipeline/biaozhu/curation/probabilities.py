"""Doubts from probabilities: spans that a model gives next to nothing, and sure spans that the layer lacks.

Confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels",
https://arxiv.org/abs/1911.00068), for spans: a label is in doubt where another reading is over its class's threshold, the
mean probability of that class's own spans; errors are ranked by the margin between the two. Probabilities must be of a
model that has not seen the layer (`crossval`), or else it repeats what it has learned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.annotators.combine import UNSCORED
from biaozhu.annotators.labelled import OUTSIDE
from biaozhu.annotators.network.batching import make_batches
from biaozhu.annotators.network.crf_decoding import best_path, marginals, words_of_path
from biaozhu.curation.doubts import Doubt, make_doubt, overlapping
from biaozhu.curation.select import Judge, Unsure
from biaozhu.data.errors import GoldError
from biaozhu.data.model import Sentence, Span
from biaozhu.scoring.scores import group_overlapping

if TYPE_CHECKING:
    from biaozhu.annotators.network.lac import CrfNetwork

    Key = tuple[int, int, str]
    # The model's reading of a sentence, and the probability of each span of it and of the layer's.
    Reading = tuple[Sequence[Span], Mapping[Key, float]]

# A labelled span that the model gives less, and a span it gives more that has no label, are in doubt.
LEAST_GIVEN, MOST_MISSED = 0.1, 0.95
ABSENCE_WEIGHT = 0.9  # that a model reads nothing is a weaker sign: there are names that it does not know


def find_improbable(layer: Sequence[Sentence], readings: Sequence[Reading]) -> Iterator[Doubt]:
    """Yield a doubt for each place where the model, by its reading of each sentence, is sure of another one."""
    given: dict[str, list[float]] = defaultdict(list)
    for sentence, (_, share) in zip(layer, readings, strict=True):
        for span in sentence.spans:
            if span.key in share:
                given[span.label].append(share[span.key])
    needed = {label: min(MOST_MISSED, sum(shares) / len(shares)) for label, shares in given.items()}
    for sentence, (found, share) in zip(layer, readings, strict=True):
        # A label that the model does not know is in no doubt, nor is what the span with it covers.
        unknown = [span for span in sentence.spans if span.key not in share]
        keys, read = {span.key for span in sentence.spans}, {span.key for span in found}
        wrong = [span for span in sentence.spans if span.key in share and span.key not in read]
        sure = [span for span in found if span.key not in keys and not overlapping(span, unknown)]
        for mine, theirs in group_overlapping(wrong, sure):
            own = max((share[span.key] for span in mine), default=0.0)
            # What speaks for another reading: its spans, or that none of the layer's is one.
            other = max((share[span.key] for span in theirs), default=1 - own)
            missed = any(share[span.key] >= needed.get(span.label, MOST_MISSED) for span in theirs)
            if not missed and min((share[span.key] for span in mine), default=1.0) >= LEAST_GIVEN:
                continue
            right = [span for span in theirs if share[span.key] >= UNSCORED]
            score = (1 + other - own) / 2 if mine else other
            score = max(0.0, score) * (1 if right else ABSENCE_WEIGHT)
            reason = _phrase_reason(sentence.text, mine, theirs, share)
            yield make_doubt(sentence, [*mine, *theirs], right, reason=reason, score=score, by="model")


def read_by_layer(layer: Sequence[Sentence], predicted: Sequence[Sentence]) -> list[Reading]:
    """Take a model's reading from a layer of its spans with scores, such as `crossval` writes; it must have all sentences.

    What it does not have is as likely as its surest overlapping span leaves over.
    """
    by_id = {sentence.id: sentence for sentence in predicted}
    readings: list[Reading] = []
    for sentence in layer:
        if sentence.id not in by_id or by_id[sentence.id].text != sentence.text:
            advice = "Make it of the same gold with `biaozhu crossval`"
            raise GoldError("the held-out layer lacks this sentence", where=sentence.id, next_step=advice)
        found = by_id[sentence.id].spans
        share = {span.key: UNSCORED if span.score is None else span.score for span in found}
        for span in sentence.spans:
            over = [share[one.key] for one in overlapping(span, found)]
            share.setdefault(span.key, (1 - max(over)) / 2 if over else LEAST_GIVEN)
        readings.append((found, share))
    return readings


def read_by_network(layer: Sequence[Sentence], model: CrfNetwork) -> list[Reading]:
    """Ask a network with a CRF for its reading, and for the probability of each span of the layer: it is asked once."""
    chain = model.chain
    tags = _tags_by_kind(model)
    found: list[list[Span]] = [[] for _ in layer]
    share: list[dict[Key, float]] = [{} for _ in layer]
    for batch in make_batches([sentence.text for sentence in layer]):
        emissions = model.emissions(batch.texts)
        paths = [best_path(chain, emissions, batch.lengths)]
        given = np.full_like(paths[0], chain.kinds.index(OUTSIDE))
        for row, piece in enumerate(batch.pieces):
            for span in layer[piece.text].spans:
                if span.label in tags and piece.start <= span.start and span.end <= piece.end:
                    head, inner, last, single = tags[span.label]
                    size = span.end - span.start
                    tagged = [single] if size == 1 else [head, *[inner] * (size - 2), last]
                    given[span.start - piece.start : span.end - piece.start, row] = tagged
        for path in (given, paths[0]):
            words = words_of_path(chain, emissions, batch.lengths, path)
            columns = (words.sentence, words.start, words.end, words.tag, words.score)
            for row, start, end, tag, score in zip(*(one.tolist() for one in columns), strict=True):
                number, offset, _ = batch.pieces[row]
                key = (offset + start, offset + end, chain.kinds[tag])
                if key[2] != OUTSIDE:
                    share[number][key] = round(score, 4)
                    if path is not given:
                        found[number].append(Span(*key, "model", round(score, 4)))
    return [(sorted(spans), shares) for spans, shares in zip(found, share, strict=True)]


def find_least_certain(network: CrfNetwork, texts: Sequence[str]) -> list[tuple[float, int]]:
    """Return of each text the least probability of a character's likeliest tag, and where; 1 and 0 where it is empty."""
    least = [(1.0, 0)] * len(texts)
    for batch in make_batches(texts):
        sure = marginals(network.chain, network.emissions(batch.texts), batch.lengths).max(axis=2)
        for row, piece in enumerate(batch.pieces):
            own = sure[: piece.end - piece.start, row]
            at = int(own.argmin())
            least[piece.text] = min(least[piece.text], (float(own[at]), piece.start + at))
    return least


def make_judge(model: CrfNetwork) -> Judge:
    """Return what `select_sentences` asks how unsure a network is of each sentence: of its least certain character."""

    def judge(sentences: Sequence[Sentence]) -> list[Unsure | None]:
        least = find_least_certain(model, [sentence.text for sentence in sentences])
        return [
            Unsure(1 - share, f"把握低:第{at + 1}字“{one.text[at : at + 1]}”{share:.2f}")
            for one, (share, at) in zip(sentences, least, strict=True)
        ]

    return judge


def _tags_by_kind(model: CrfNetwork) -> dict[str, tuple[int, int, int, int]]:
    """Return of each label the indices of its tags B, I, E and S; where there is no E or S, it is I or B."""
    chain, tags = model.chain, {}
    for label in model.labels:
        own = [position for position, kind in enumerate(chain.kinds) if kind == label]
        head, inner = int(chain.heads[own[0]]), int(chain.inside[own[0]])
        last = next((one for one in own if not chain.begins[one] and one != inner), inner)
        single = next((one for one in own if chain.begins[one] and one != head), head)
        tags[label] = head, inner, last, single
    return tags


def _phrase_reason(text: str, mine: Sequence[Span], theirs: Sequence[Span], share: Mapping[Key, float]) -> str:
    sides = mine, theirs
    said = ([f"{text[one.start : one.end]} {one.label} {share[one.key]:.2f}" for one in side] for side in sides)
    own, other = map(", ".join, said)
    if not theirs:
        return f"the model gives {own}"
    return f"the model reads {other}" + (f", and gives {own}" if mine else "")
