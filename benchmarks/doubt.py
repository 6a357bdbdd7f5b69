"""How many planted errors `biaozhu doubt` finds, and how high it ranks them: `python benchmarks/doubt.py [PART] [SENTENCES] [SEED]`.

Into a sample of the modern corpus 5 % of its spans' number of errors are planted, a fifth of each kind: a span missing,
invented, with a moved border, with a wrong label, or joined with its neighbour. Precision counts planted errors only:
what else is found may be an error of the corpus, and counts as wrong. Needs the corpus in the cache folder (`biaozhu
corpus fetch modern --from FOLDER`).
"""

from __future__ import annotations

import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from biaozhu.annotators.network.models import DEFAULT_MODEL, load_tagger, weights_mark
from biaozhu.curation.doubts import Doubt, rank_doubts
from biaozhu.curation.lint import lint_layer
from biaozhu.curation.probabilities import find_improbable, read_by_network
from biaozhu.curation.surfaces import find_inconsistent
from biaozhu.data.model import Sentence, Span, with_spans
from recipes.corpora.corpus_store import corpora_folder, read_corpus_manifest, read_part

SHARE = 0.05
LABELS = ("PLACE", "PERSON", "AMOUNT")
DEPTHS = (50, 200)
TRIES = 200


@dataclass(frozen=True, slots=True)
class Planted:
    """An error that was made on purpose: its kind, and the stretch of the sentence that it changed."""

    sentence: str
    start: int
    end: int
    kind: str


Change = tuple[list[Span], int, int]
Plant = Callable[[Sentence, random.Random], Change | None]


def main(part: str, count: int, seed: int) -> None:
    """Print precision and recall of all checks together and of each alone."""
    folder = corpora_folder() / "modern"
    chance = random.Random(seed)  # noqa: S311 — errors to plant, no secret
    sample = sorted(chance.sample(read_part(folder, part), count), key=lambda one: one.start)
    layer, planted = plant_errors(sample, chance)
    print(
        f"modern {part} {read_corpus_manifest(folder)['parts'][part]['sha256'][:12]}, {count} sentences, seed {seed}: "
        f"{sum(len(one.spans) for one in sample)} spans, {len(planted)} errors planted; "
        f"{DEFAULT_MODEL} model {weights_mark(DEFAULT_MODEL)[:12]}; {platform.machine()}, {time.strftime('%Y-%m-%d')}\n"
    )
    begun = time.process_time()
    model = load_tagger(threads=1)
    found = {
        "lint": list(lint_layer(layer)),
        "surface": list(find_inconsistent(layer)),
        "model": list(find_improbable(layer, read_by_network(layer, model))),
    }
    print("| checks | doubts | precision at 50 | at 200 | recall at 200 | recall | by kind |")
    print("|---|---:|---:|---:|---:|---:|---|")
    _print_row("all", [one for some in found.values() for one in some], planted)
    for name, some in found.items():
        _print_row(name, some, planted)
    print(f"\n{time.process_time() - begun:.0f} CPU seconds")


def plant_errors(sample: list[Sentence], chance: random.Random) -> tuple[list[Sentence], list[Planted]]:
    """Return the sample with errors in it, at most one a sentence, and where they are."""
    layer = {sentence.id: sentence for sentence in sample}
    wanted = round(SHARE * sum(len(sentence.spans) for sentence in sample))
    planted: list[Planted] = []
    order = chance.sample(sample, len(sample))
    kinds = [kind for _ in range(wanted) for kind in PLANTS][:wanted]
    for kind in kinds:
        for position, sentence in enumerate(order):
            changed = PLANTS[kind](sentence, chance)
            if changed is None:
                continue
            spans, start, end = changed
            layer[sentence.id] = with_spans(sentence, spans)
            planted.append(Planted(sentence.id, start, end, kind))
            del order[position]
            break
    return list(layer.values()), planted


def _print_row(name: str, found: list[Doubt], planted: list[Planted]) -> None:
    ranked = rank_doubts(found)
    hits = [planted_at(doubt, planted) for doubt in ranked]
    precision = [sum(map(bool, hits[:depth])) / len(hits[:depth]) for depth in DEPTHS]
    early, every = ({one for some in part for one in some} for part in (hits[: DEPTHS[-1]], hits))
    of_kind, found_of = Counter(one.kind for one in planted), Counter(one.kind for one in every)
    figures = [*precision, len(early) / len(planted), len(every) / len(planted)]
    kinds = ", ".join(f"{kind} {found_of[kind] / of_kind[kind]:.2f}" for kind in PLANTS)
    print(f"| {name} | {len(ranked)} | {' | '.join(f'{one:.2f}' for one in figures)} | {kinds} |")


def planted_at(doubt: Doubt, planted: list[Planted]) -> list[Planted]:
    """Return the planted errors that a doubt touches."""
    return [
        one for one in planted if one.sentence == doubt.sentence and one.start < doubt.end and doubt.start < one.end
    ]


def _miss(sentence: Sentence, chance: random.Random) -> Change | None:
    if not sentence.spans:
        return None
    gone = chance.choice(sentence.spans)
    return [span for span in sentence.spans if span is not gone], gone.start, gone.end


def _invent(sentence: Sentence, chance: random.Random) -> Change | None:
    for _ in range(TRIES):
        size = chance.randint(2, 4)
        start = chance.randrange(max(1, len(sentence.text) - size))
        end = start + size
        free = all(span.end <= start or end <= span.start for span in sentence.spans)
        if free and end <= len(sentence.text) and sentence.text[start:end].isalpha():
            return [*sentence.spans, Span(start, end, chance.choice(LABELS))], start, end
    return None


def _move(sentence: Sentence, chance: random.Random) -> Change | None:
    for _ in range(TRIES if sentence.spans else 0):
        old = chance.choice(sentence.spans)
        steps = (chance.choice((-2, -1, 1, 2)), 0)
        left, right = steps if chance.random() < 0.5 else steps[::-1]  # noqa: PLR2004 — either side
        new = Span(old.start + left, old.end + right, old.label)
        rest = [span for span in sentence.spans if span is not old]
        fits = 0 <= new.start < new.end <= len(sentence.text) and sentence.text[new.start : new.end].isalnum()
        if fits and all(span.end <= new.start or new.end <= span.start for span in rest):
            return [*rest, new], min(old.start, new.start), max(old.end, new.end)
    return None


def _relabel(sentence: Sentence, chance: random.Random) -> Change | None:
    if not sentence.spans:
        return None
    old = chance.choice(sentence.spans)
    label = chance.choice([label for label in LABELS if label != old.label])
    rest = [span for span in sentence.spans if span is not old]
    return [*rest, Span(old.start, old.end, label)], old.start, old.end


def _join(sentence: Sentence, chance: random.Random) -> Change | None:
    pairs = [(one, other) for one, other in pairwise(sentence.spans) if other.start - one.end <= 1]
    if not pairs:
        return None
    one, other = chance.choice(pairs)
    rest = [span for span in sentence.spans if span is not one and span is not other]
    return [*rest, Span(one.start, other.end, one.label)], one.start, other.end


PLANTS: dict[str, Plant] = {
    "missing": _miss,
    "invented": _invent,
    "moved": _move,
    "relabelled": _relabel,
    "joined": _join,
}


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        given[0] if given else "train",
        *(int(one) for one in (*given[1:3], *("1500", "1")[len(given[1:3]) :])),
    )
