"""Compare the speed of pre-annotation with that of its network alone, the machine's roof, and jieba.posseg.

    python benchmarks/speed.py [TEXT...]

One process, one thread, one text (by default the seed article repeated, in copies that differ by a line): CPU seconds,
so that a busy machine counts for less, the best of three rounds that take turns. `roof` is what the network's
matrix products alone would allow: their count a character, at the rate at which BLAS does products of these shapes.
`whole` reads the article, splits it, runs all annotators and makes the JSONL lines.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = Path("seeds/handan-2020-07-02.txt")
COPIES, ROUNDS = 8, 3
HIDDEN, TAGS, GATES = 128, 57, 384
# Rows, inner and outer size of each product, and how often a character passes through it (two directions).
SHAPES = (
    (4096, HIDDEN, GATES, 2),
    (4096, 2 * HIDDEN, GATES, 2),
    (96, HIDDEN, GATES, 4),
    (4096, 2 * HIDDEN, TAGS, 1),
)
REPEATS = 20


def main() -> None:
    """Print one JSON object: the machine, characters a CPU second of each, and their ratios."""
    import jieba  # noqa: PLC0415 — a peer, loaded where it is timed
    import jieba.posseg  # noqa: PLC0415 — as above

    from pipeline.annotators.lac import load_lac  # noqa: PLC0415 — beside its peer
    from pipeline.reading.article import article_from_bytes  # noqa: PLC0415 — as above
    from pipeline.reading.sentences import split_checked  # noqa: PLC0415 — as above
    from pipeline.scale.batch import annotate_sources  # noqa: PLC0415 — as above
    from pipeline.scale.sources import Source  # noqa: PLC0415 — as above

    given = [Path(name) for name in sys.argv[1:]]
    texts = [path.read_text(encoding="utf-8") for path in given or [SEED] * COPIES]
    sources = [
        Source(f"copy {number}", str(number), f"{text}\n{number}\n".encode())
        for number, text in enumerate(texts)
    ]
    articles = [article_from_bytes(one.data, name=one.name, where=one.where) for one in sources]
    sentences = [sentence.text for article in articles for sentence in split_checked(article)]
    characters = sum(len(article.raw) for article in articles)
    model = load_lac("small", threads=1)
    jieba.setLogLevel(40)
    works: dict[str, Callable[[], object]] = {
        "whole": lambda: annotate_sources(sources, model=model),
        "network and decoding": lambda: model.words(sentences),
        "network": lambda: model.states(sentences),
        "jieba.posseg": lambda: [list(jieba.posseg.cut(text)) for text in sentences],
    }
    seconds = {name: float("inf") for name in works}
    with threadpool_limits(1):
        for work in works.values():
            work()  # loads what is loaded once
        for _ in range(ROUNDS):
            for name, work in works.items():
                seconds[name] = min(seconds[name], _timed(work))
        rates = {name: round(characters / taken) for name, taken in seconds.items()}
        rates["roof"] = round(1 / _roof())
    result = {
        "machine": platform.processor() or platform.machine(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "characters": characters,
        "characters/CPU s": rates,
        "whole / jieba.posseg": round(rates["whole"] / rates["jieba.posseg"], 2),
        "whole / network": round(rates["whole"] / rates["network"], 2),
        "network / roof": round(rates["network"] / rates["roof"], 2),
        "whole / roof": round(rates["whole"] / rates["roof"], 2),
    }
    print(json.dumps(result, ensure_ascii=False, indent=2))


def _roof() -> float:
    """Return the CPU seconds that the products of one character take at best."""
    random = np.random.default_rng(0)
    seconds = 0.0
    for rows, inner, outer, times in SHAPES:
        left = random.random((rows, inner), np.float32)
        right = random.random((inner, outer), np.float32)
        result = np.empty((rows, outer), np.float32)
        repeats = REPEATS * max(1, 4096 // rows)

        def products(
            left: np.ndarray = left,
            right: np.ndarray = right,
            result: np.ndarray = result,
            repeats: int = repeats,
        ) -> None:
            for _ in range(repeats):
                np.matmul(left, right, out=result)

        products()
        seconds += times * min(_timed(products) for _ in range(ROUNDS)) / (repeats * rows)
    return seconds


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
