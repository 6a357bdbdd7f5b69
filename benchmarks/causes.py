"""What a model still gets wrong, sorted by cause: by what is found, and by what the text that it learned from says.

    python benchmarks/causes.py --gold GOLD.jsonl --layer LAYER.jsonl [--train TRAIN.jsonl] [--examples 3]
    python benchmarks/causes.py --gold CACHE/corpora/modern/dev.jsonl --model FOLDER --train CACHE/corpora/modern/train.jsonl

Each wrong span falls into one row: another label on the same characters; other borders (it overlaps one of the other
side); or nothing there on the other side, missed or too many, and then by how the same characters stand in the train
part: marked with this label at least as often as not, mostly unmarked, or not at all. A row with borders counts the
gold's spans. Of names of one character, which stand in many words, the last says little.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from ahocorasick_rs import AhoCorasick

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.data.layers import read_layer
from biaozhu.data.model import with_spans
from biaozhu.scoring.error_patterns import find_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from biaozhu.data.model import Sentence, Span

Name = tuple[str, str]
AROUND = 8


def wrong_spans(gold: Sequence[Sentence], layer: Sequence[Sentence]) -> Iterator[tuple[str, Sentence, Span]]:
    """Yield what is wrong: `label`, `borders`, `missed` or `too many`, the sentence, the span."""
    for right, found in zip(gold, layer, strict=True):
        for case in find_cases(right, found):
            theirs = {span.key for span in case.predicted}
            borders = {(start, end) for start, end, _ in theirs}
            for span in case.gold:
                if span.key not in theirs:
                    same = (span.start, span.end) in borders
                    yield "label" if same else "borders" if theirs else "missed", right, span
            for span in () if case.gold else case.predicted:
                yield "too many", right, span


def names_in_train(train: Sequence[Sentence], names: Iterable[Name]) -> dict[Name, tuple[int, int]]:
    """Return how often each (text, label) stands in train with that label, and how often in all."""
    wanted = sorted({text for text, _ in names})
    finder = AhoCorasick(wanted)
    whole: Counter[str] = Counter()
    labelled: Counter[Name] = Counter()
    for sentence in train:
        labelled.update((sentence.text[span.start : span.end], span.label) for span in sentence.spans)
        whole.update(wanted[number] for number, *_ in finder.find_matches_as_indexes(sentence.text, overlapping=True))
    return {(text, label): (labelled[text, label], whole[text]) for text, label in names}


def cause(kind: str, name: Name, known: dict[Name, tuple[int, int]]) -> str:
    """Return the row that a wrong span belongs to."""
    if kind in {"label", "borders"} or not known:
        return kind
    with_label, whole = known[name]
    if not whole:
        return f"{kind}, nowhere in train"
    return f"{kind}, mostly {'marked' if 2 * with_label >= whole else 'unmarked'} in train"


def main() -> None:
    """Print a Markdown table: causes by label, and some examples of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, required=True)
    given_layer = parser.add_mutually_exclusive_group(required=True)
    given_layer.add_argument("--layer", type=Path)
    given_layer.add_argument("--model", help="a model by name or folder, whose pre-annotation is made first")
    parser.add_argument("--train", type=Path)
    parser.add_argument("--examples", type=int, default=0)
    given = parser.parse_args()
    gold = read_layer(given.gold)
    if given.layer:
        layer = read_layer(given.layer)
    else:
        found = annotate_combined([sentence.text for sentence in gold], model=load_model(given.model, threads=1))
        layer = [with_spans(sentence, spans) for sentence, spans in zip(gold, found, strict=True)]
    wrong = list(wrong_spans(gold, layer))
    names = {(sentence.text[span.start : span.end], span.label) for _, sentence, span in wrong}
    known = names_in_train(read_layer(given.train), names) if given.train else {}
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    shown: defaultdict[str, list[str]] = defaultdict(list)
    for kind, sentence, span in wrong:
        text = sentence.text
        row = cause(kind, (text[span.start : span.end], span.label), known)
        counts[row][span.label] += 1
        before, after = text[max(0, span.start - AROUND) : span.start], text[span.end : span.end + AROUND]
        shown[row].append(f"{span.label} {before}【{text[span.start : span.end]}】{after}")
    labels = sorted({label for row in counts.values() for label in row})
    total = sum(len(sentence.spans) for sentence in gold)
    print(f"{total:,} spans in the gold\n")
    print(f"| cause | all | {' | '.join(labels)} |\n|---|---:|{'---:|' * len(labels)}")
    for row in sorted(counts, key=lambda one: -counts[one].total()):
        print(f"| {row} | {counts[row].total()} | {' | '.join(str(counts[row][label]) for label in labels)} |")
    for row, examples in sorted(shown.items()) if given.examples else ():
        step = max(1, len(examples) // given.examples)
        print(f"\n{row}\n" + "\n".join(examples[::step][: given.examples]))


if __name__ == "__main__":
    main()
