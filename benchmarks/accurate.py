"""What a pretrained transformer is worth here: strict F1 against speed, beside the base model and the small LAC.

    python benchmarks/accurate.py CACHE/corpora/pfr1998/test.jsonl models/base models/accurate

For the raw layer of the small LAC and for each model folder: strict F1 on the gold layer with its 95 % interval, and
characters per CPU second of annotating it, on one thread. LAC was made under other rules than this gold.

Two models with the same tags are also run together, to see whether they know different things: strict F1 of the best
sequence (no least probability) of each, and of the mean of both models' emissions and chains.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any


def labels_of(gold: Path) -> list[str]:
    """Return the labels of a gold layer, sorted."""
    from pipeline.model import read_layer  # noqa: PLC0415 — imports must not count as loading

    return sorted({span.label for sentence in read_layer(gold) for span in sentence.spans})


def lac_row(gold: Path, labels: list[str]) -> dict[str, Any]:
    """Score the small LAC's own layer."""
    from pipeline.annotators.lac import load_lac  # noqa: PLC0415 — as above
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
        "labels": {label: result.labels[label]["strict"].score.f1 for label in labels},
        "speed": sum(map(len, texts)) / taken,
    }


def model_row(folder: Path, gold: Path, labels: list[str]) -> dict[str, Any]:
    """Score a model folder's layer."""
    from pipeline.model import read_layer  # noqa: PLC0415 — as above
    from pipeline.training.base_card import score_model  # noqa: PLC0415 — as above

    found = score_model(folder, read_layer(gold))
    whole = found["scores"]["ALL"]
    return {
        "F1": whole["f1"],
        "interval": whole["interval"],
        "labels": {label: found["scores"][label]["f1"] for label in labels},
        "speed": found["characters_per_s"],
    }


def best_sequences(folders: list[Path], gold: Path) -> dict[str, float]:
    """Return strict F1 of the best sequence of each of two models, and of their mean."""
    import numpy as np  # noqa: PLC0415 — as above

    from pipeline.annotators.base import OUTSIDE, load_base  # noqa: PLC0415 — as above
    from pipeline.annotators.decoding import Chain, decode  # noqa: PLC0415 — as above
    from pipeline.model import read_layer  # noqa: PLC0415 — as above

    sentences = [sentence for sentence in read_layer(gold) if sentence.text]
    right = [{(span.start, span.end, span.label) for span in one.spans} for one in sentences]
    models = [load_base(folder, threads=1) for folder in folders]
    chains = [model.network.chain for model in models]
    tags = len(chains[0].kinds)
    scores = [
        [rows[:, -tags:] for rows in model.network.states([one.text for one in sentences])]
        for model in models
    ]

    def strict(shares: tuple[float, float]) -> float:
        parts = [
            sum(share * getattr(chain, name) for share, chain in zip(shares, chains, strict=True))
            for name in ("start", "stop", "transitions")
        ]
        chain = Chain(*parts, chains[0].kinds, chains[0].inside, chains[0].begins)
        hits = count = 0
        for one, other, wanted in zip(*scores, right, strict=True):
            emissions = (shares[0] * one + shares[1] * other)[:, None].astype(np.float32)
            words = decode(chain, emissions, np.array([len(one)], np.int32))
            found = {
                (int(start), int(end), chain.kinds[tag])
                for start, end, tag in zip(words.start, words.end, words.tag, strict=True)
                if chain.kinds[tag] != OUTSIDE
            }
            hits, count = hits + len(found & wanted), count + len(found)
        return 2 * hits / (count + sum(map(len, right)))

    return {
        str(folders[0]): strict((1, 0)),
        str(folders[1]): strict((0, 1)),
        "mean of both": strict((0.5, 0.5)),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gold", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    given = parser.parse_args()
    labels = labels_of(given.gold)
    rows = {"small LAC, raw layer": lac_row(given.gold, labels)}
    rows |= {str(folder): model_row(folder, given.gold, labels) for folder in given.models}
    print(
        f"| on {given.gold.parent.name} {given.gold.stem} | F1 | 95 % | {' | '.join(labels)} | characters/CPU s |"
    )
    print(f"|---|---:|---|{'---:|' * len(labels)}---:|")
    for name, row in rows.items():
        low, high = row["interval"]
        cells = " | ".join(f"{row['labels'][label]:.4f}" for label in labels)
        print(f"| {name} | {row['F1']:.4f} | {low:.4f} to {high:.4f} | {cells} | {row['speed']:,.0f} |")
    if len(given.models) == 2:  # noqa: PLR2004 — a pair
        for name, f1 in best_sequences(given.models, given.gold).items():
            print(f"best sequence, {name}: {f1:.4f}")


if __name__ == "__main__":
    main()
