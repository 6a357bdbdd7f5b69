"""What the layer `base` gives to pre-annotation: strict F1 on gold sentences, without it and in each way to combine.

    python benchmarks/base_layer.py annotations/gold/*.jsonl CACHE/corpora/pfr1998/dev.jsonl

In each way `base` proposes only what its least score lets through. Each file is read as one article. Labels that a file's
gold lacks are left out of its figures.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.annotators.combine import combine_rows
from biaozhu.annotators.network.base import base_annotator
from biaozhu.annotators.network.lac import load_lac
from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS, annotate
from biaozhu.data.layers import read_layer
from biaozhu.data.model import with_spans
from biaozhu.training.card import ALL, count_strictly, figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.annotators.network.lac import Lac
    from biaozhu.annotators.registry import Annotator
    from biaozhu.data.model import Sentence

LABELS = ("PLACE", "PERSON", "AMOUNT")


def ways(base: Annotator) -> dict[str, tuple[Annotator, ...]]:
    """Return the annotators of each way to combine."""

    def with_base(*, added: int) -> tuple[Annotator, ...]:
        stated = {label: priority for one in DEFAULT_ANNOTATORS for label, priority in one.proposes.items()}
        proposes = {label: stated[label] + added for label in LABELS}
        return (*DEFAULT_ANNOTATORS, replace(base, proposes=proposes))

    mute = [replace(one, proposes={}) for one in DEFAULT_ANNOTATORS]
    return {
        "without base": DEFAULT_ANNOTATORS,
        "as preannotate has it": (*DEFAULT_ANNOTATORS, base),
        "base adds all": with_base(added=-1),
        "base first": with_base(added=1),
        "base alone": (*mute, replace(base, proposes=dict.fromkeys(LABELS, 1))),
    }


def scored(gold: Sequence[Sentence], *, model: Lac, base: Annotator) -> dict[str, dict[str, float | None]]:
    """Return way -> label -> strict F1."""
    labels = {span.label for sentence in gold for span in sentence.spans}
    texts = [sentence.text for sentence in gold]
    found = annotate(texts, model=model, annotators=(*DEFAULT_ANNOTATORS, base))
    rows = {}
    for way, annotators in ways(base).items():
        layers = {one.name: found[one.name] for one in annotators}
        known = [
            with_spans(sentence, [span for span in row if span.label in labels])
            for sentence, row in zip(gold, combine_rows(layers, annotators), strict=True)
        ]
        rows[way] = {label: figures(counts)[2] for label, counts in count_strictly(gold, known).items()}
    return rows


def main() -> None:
    """Print a table for each gold file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--base", type=Path, default=Path("models/base"))
    arguments = parser.parse_args()
    model, base = load_lac("small", threads=1), base_annotator(arguments.base, threads=1)
    for path in arguments.gold:
        gold = read_layer(path)
        print(f"\n{path} ({len(gold)} sentences)\n")
        for way, row in scored(gold, model=model, base=base).items():
            shown = ", ".join(
                f"{label} {value:.4f}"
                for label, value in sorted(row.items(), key=lambda one: one[0] == ALL)
                if value is not None
            )
            print(f"{way:24} {shown}")


if __name__ == "__main__":
    main()
