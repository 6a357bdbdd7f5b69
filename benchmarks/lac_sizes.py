"""Compare the two LACs that plain dependencies carry, and the fast model, as pre-annotation of the seed article.

    python benchmarks/lac_sizes.py [CACHE/corpora/pfr1998/dev.jsonl ...]

For each choice of `--lac`, in a process of its own: strict F1 of LAC's raw layer and of the combination on the gold,
characters per second of the network alone and of the whole pre-annotation (the article repeated, one thread, best of
three), seconds to load, peak memory. Then strict F1 of the combination on each further gold layer, read as one
article. Rates are for comparing the rows of one run with each other.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from biaozhu.annotators.network.word_models import Weights
    from biaozhu.annotators.words import WordModel

SEED = Path("seeds/handan-2020-07-02.txt")
GOLD = Path("annotations/gold/handan-2020-07-02.jsonl")
SIZES: tuple[Weights, ...] = ("fast", "small", "large", "both")
REPEATS = 3
LABELS = ("PLACE", "PERSON", "AMOUNT")


def measure(size: Weights, further: Sequence[Path]) -> dict[str, object]:
    """Measure one choice of weights in this process."""
    from biaozhu.annotators.network.word_models import (  # noqa: PLC0415 — after the clock has started
        load_model,
    )
    from biaozhu.annotators.preannotate import preannotate_articles  # noqa: PLC0415 — as above
    from biaozhu.data.layers import read_layer  # noqa: PLC0415 — as above
    from biaozhu.reading.article import read_article  # noqa: PLC0415 — as above
    from biaozhu.scoring.evaluation import evaluate_layer  # noqa: PLC0415 — as above

    article, gold = read_article(SEED), read_layer(GOLD)
    started = time.perf_counter()
    model = load_model(size, threads=1)
    load = time.perf_counter() - started
    done = next(iter(preannotate_articles([article], model=model)))
    scores = {}
    for name, layer in (("lac", done.layers["lac"]), ("combined", done.sentences)):
        found = evaluate_layer(gold, layer, name=name)
        rows = {"micro": found.overall} | {label: found.labels[label] for label in LABELS}
        scores[name] = {label: round(row["strict"].f1.value or 0.0, 4) for label, row in rows.items()}
    texts = [sentence.text for sentence in gold] * 10
    characters = sum(map(len, texts))
    network = min(_timed(lambda: model.words(texts)) for _ in range(REPEATS))
    whole = min(
        _timed(lambda: list(preannotate_articles([article] * 10, model=model))) for _ in range(REPEATS)
    )
    return {
        "weights": size,
        "scores": scores | {str(path): _scores(model, path) for path in further},
        "load s": round(load, 2),
        "network characters/s": round(characters / network),
        "whole characters/s": round(characters / whole),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _scores(model: WordModel, path: Path) -> dict[str, float]:
    from biaozhu.annotators.preannotate import annotate_combined  # noqa: PLC0415 — after the clock has started
    from biaozhu.data.layers import read_layer  # noqa: PLC0415 — as above
    from biaozhu.data.model import with_spans  # noqa: PLC0415 — as above
    from biaozhu.training.card import count_strictly, figures  # noqa: PLC0415 — as above

    gold = read_layer(path)
    labels = {span.label for sentence in gold for span in sentence.spans}
    rows = annotate_combined([sentence.text for sentence in gold], model=model)
    found = [
        with_spans(sentence, [span for span in spans if span.label in labels])
        for sentence, spans in zip(gold, rows, strict=True)
    ]
    return {
        label: round(figures(counts)[2] or 0.0, 4) for label, counts in count_strictly(gold, found).items()
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Print one JSON line for each choice, after a line on machine and day."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("layers", nargs="*", type=Path, metavar="GOLD", help="further gold layers (.jsonl)")
    parser.add_argument("--size", choices=SIZES, help="only this choice, in this process")
    given = parser.parse_args()
    further: list[Path] = given.layers
    for path in further:
        if not path.is_file():
            parser.error(f"{path}: no such file")
    if given.size:
        print(json.dumps(measure(given.size, further), ensure_ascii=False))
        return
    print(
        json.dumps(
            {"machine": platform.processor() or platform.machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        )
    )
    for size in SIZES:
        subprocess.run([sys.executable, __file__, "--size", size, *map(str, further)], check=True)


if __name__ == "__main__":
    main()
