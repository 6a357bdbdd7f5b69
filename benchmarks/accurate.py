"""What a pretrained transformer is worth here: strict F1 against speed, beside the base model and the small LAC.

    python benchmarks/accurate.py CACHE/corpora/pfr1998/test.jsonl models/base models/accurate

For the raw layer of the small LAC and for each model folder: strict F1 on the gold layer with its 95 % interval, and
characters per CPU second of annotating it, on one thread. LAC was made under other rules than this gold.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

LABELS = ("PLACE", "PERSON", "AMOUNT")


def lac_row(gold: Path) -> dict[str, Any]:
    """Score the small LAC's own layer."""
    from pipeline.annotators.lac import load_lac  # noqa: PLC0415 — imports must not count as loading
    from pipeline.model import read_layer, with_spans  # noqa: PLC0415 — as above
    from pipeline.scoring.evaluation import evaluate  # noqa: PLC0415 — as above

    sentences = read_layer(gold)
    model = load_lac("small", threads=1)
    texts = [sentence.text for sentence in sentences]
    begun = time.process_time()
    found = model(texts)
    taken = time.process_time() - begun
    layer = [with_spans(sentence, spans) for sentence, spans in zip(sentences, found, strict=True)]
    result = evaluate(sentences, layer, name="lac")
    scored = result.overall["strict"]
    return {
        "F1": scored.score.f1,
        "interval": (scored.f1.best.low, scored.f1.best.high),
        "labels": {label: result.labels[label]["strict"].score.f1 for label in LABELS},
        "speed": sum(map(len, texts)) / taken,
    }


def model_row(folder: Path, gold: Path) -> dict[str, Any]:
    """Score a model folder's layer."""
    from pipeline.model import read_layer  # noqa: PLC0415 — as above
    from pipeline.training.base_card import score_model  # noqa: PLC0415 — as above

    found = score_model(folder, read_layer(gold))
    whole = found["scores"]["ALL"]
    return {
        "F1": whole["f1"],
        "interval": whole["interval"],
        "labels": {label: found["scores"][label]["f1"] for label in LABELS},
        "speed": found["characters_per_s"],
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gold", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    given = parser.parse_args()
    rows = {"small LAC, raw layer": lac_row(given.gold)}
    rows |= {str(folder): model_row(folder, given.gold) for folder in given.models}
    print(
        f"| on {given.gold.parent.name} {given.gold.stem} | F1 | 95 % | {' | '.join(LABELS)} | characters/CPU s |"
    )
    print("|---|---:|---|---:|---:|---:|---:|")
    for name, row in rows.items():
        low, high = row["interval"]
        labels = " | ".join(f"{row['labels'][label]:.4f}" for label in LABELS)
        print(f"| {name} | {row['F1']:.4f} | {low:.4f} to {high:.4f} | {labels} | {row['speed']:,.0f} |")


if __name__ == "__main__":
    main()
