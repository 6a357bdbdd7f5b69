"""Compare the two LACs that plain dependencies carry, as pre-annotation of the seed article.

    python benchmarks/lac_sizes.py

For each choice of `--lac`, in a process of its own: strict F1 of LAC's raw layer and of the combination on the gold,
characters per second of the network alone and of the whole pre-annotation (the article repeated, one thread, best of
three), seconds to load, peak memory. Rates are for comparing the rows of one run with each other.
"""

from __future__ import annotations

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
    from collections.abc import Callable

SEED = Path("seeds/handan-2020-07-02.txt")
GOLD = Path("annotations/gold/handan-2020-07-02.jsonl")
SIZES = ("small", "large", "both")
REPEATS = 3
LABELS = ("PLACE", "PERSON", "AMOUNT")


def measure(size: str) -> dict[str, object]:
    """Measure one choice of weights in this process."""
    from pipeline.annotators.lac import load_lac  # noqa: PLC0415 — after the clock has started
    from pipeline.annotators.lac_pair import load_lac_pair  # noqa: PLC0415 — as above
    from pipeline.annotators.preannotate import preannotate_articles  # noqa: PLC0415 — as above
    from pipeline.model import read_layer  # noqa: PLC0415 — as above
    from pipeline.reading.article import read_article  # noqa: PLC0415 — as above
    from pipeline.scoring.evaluation import evaluate  # noqa: PLC0415 — as above

    article, gold = read_article(SEED), read_layer(GOLD)
    started = time.perf_counter()
    model = load_lac_pair(threads=1) if size == "both" else load_lac(size, threads=1)
    load = time.perf_counter() - started
    done = next(iter(preannotate_articles([article], model=model)))
    scores = {}
    for name, layer in (("lac", done.layers["lac"]), ("combined", done.sentences)):
        found = evaluate(gold, layer, name=name)
        rows = {"micro": found.overall} | {label: found.labels[label] for label in LABELS}
        scores[name] = {label: round(row["strict"].score.f1 or 0.0, 4) for label, row in rows.items()}
    texts = [sentence.text for sentence in gold] * 10
    characters = sum(map(len, texts))
    network = min(_timed(lambda: model.words(texts)) for _ in range(REPEATS))
    whole = min(
        _timed(lambda: list(preannotate_articles([article] * 10, model=model))) for _ in range(REPEATS)
    )
    return {
        "weights": size,
        "scores": scores,
        "load s": round(load, 2),
        "network characters/s": round(characters / network),
        "whole characters/s": round(characters / whole),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Print one JSON line for each choice, after a line on machine and day."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1]), ensure_ascii=False))
        return
    print(
        json.dumps(
            {"machine": platform.processor() or platform.machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        )
    )
    for size in SIZES:
        subprocess.run([sys.executable, __file__, size], check=True)


if __name__ == "__main__":
    main()
