"""What the layer `base` gives to pre-annotation: strict F1 on gold sentences, without it and in each way to combine.

    python benchmarks/base_layer.py annotations/gold/*.jsonl CACHE/corpora/pfr1998/dev.jsonl

In each way `base` proposes only what combine.LEAST lets through. Each file is read as one article. Labels that a file's gold lacks are left out of its figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.annotators.combine import PRECEDENCE, combine
from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.lac import load_lac
from biaozhu.annotators.preannotate import BASE, annotate
from biaozhu.data.layers import read_layer
from biaozhu.data.model import with_spans
from biaozhu.training.card import ALL, count_strictly, figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.annotators.network.base import Base
    from biaozhu.annotators.network.lac import Lac
    from biaozhu.data.model import Sentence

RULES = {label: tuple(name for name in names if name != BASE) for label, names in PRECEDENCE.items()}
WAYS: dict[str, Mapping[str, tuple[str, ...]]] = {
    "without base": RULES,
    "as preannotate has it": PRECEDENCE,
    "base adds all": {label: (*names, BASE) for label, names in RULES.items()},
    "base first": {label: (BASE, *names) for label, names in RULES.items()},
    "base alone": dict.fromkeys(RULES, (BASE,)),
}


def scored(gold: Sequence[Sentence], *, model: Lac, base: Base) -> dict[str, dict[str, float | None]]:
    """Return way -> label -> strict F1."""
    labels = {span.label for sentence in gold for span in sentence.spans}
    layers = {
        name: [with_spans(sentence, spans) for sentence, spans in zip(gold, found, strict=True)]
        for name, found in annotate([sentence.text for sentence in gold], model=model, base=base).items()
    }
    rows = {}
    for way, precedence in WAYS.items():
        combined, _ = combine(gold, layers, precedence)
        known = [with_spans(one, [span for span in one.spans if span.label in labels]) for one in combined]
        rows[way] = {label: figures(counts)[2] for label, counts in count_strictly(gold, known).items()}
    return rows


def main() -> None:
    """Print a table for each gold file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--base", type=Path, default=Path("models/base"))
    arguments = parser.parse_args()
    model, base = load_lac("small", threads=1), load_base(arguments.base, threads=1)
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
