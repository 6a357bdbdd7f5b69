"""Compare the speed of pre-annotation with that of its networks alone, the machine's roof, and jieba.posseg.

    python benchmarks/speed.py [TEXT...]

One process, one thread, one text (by default the seed article repeated, in copies that differ by a line): CPU seconds,
so that a busy machine counts for less, the best of rounds that take turns. For each choice of `--model`: `whole` reads
the article, splits it, runs all annotators and makes the JSONL lines; `words` is the network and its decoding;
`network` the network alone; `roof` what its matrix products alone would allow: their count a character, at the rate at
which BLAS does products of these shapes. `one article` starts `biaozhu preannotate` on one file, in seconds.
"""

from __future__ import annotations

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


SEED = Path("seeds/handan-2020-07-02.txt")
COPIES, ROUNDS, STARTS = 8, 4, 3
# Rows, inner and outer size of each product, and how often a character passes through it (two directions).
Shape = tuple[int, int, int, int]
SHAPES: dict[str, tuple[Shape, ...]] = {
    "fast": ((4096, 64, 288, 2), (160, 96, 288, 2), (4096, 192, 50, 1)),
}
REPEATS = 20


def main() -> None:
    """Print one JSON object: the machine, characters a CPU second of each, and their ratios."""
    import jieba  # noqa: PLC0415 — a peer, loaded where it is timed
    import jieba.posseg  # noqa: PLC0415 — as above

    from biaozhu.annotators.network.models import NAMED, load_model  # noqa: PLC0415 — beside its peer
    from biaozhu.reading.article import article_from_bytes  # noqa: PLC0415 — as above
    from biaozhu.reading.sentences import split_article  # noqa: PLC0415 — as above
    from biaozhu.scale.batch import annotate_sources  # noqa: PLC0415 — as above
    from biaozhu.scale.corpus_stream import Source  # noqa: PLC0415 — as above

    given = [Path(name) for name in sys.argv[1:]]
    texts = [path.read_text(encoding="utf-8") for path in given or [SEED] * COPIES]
    sources = [
        Source(f"copy {number}", str(number), f"{text}\n{number}\n".encode()) for number, text in enumerate(texts)
    ]
    articles = [article_from_bytes(one.data, name=one.name, where=one.where) for one in sources]
    sentences = [sentence.text for article in articles for sentence in split_article(article)]
    characters = sum(len(article.raw) for article in articles)
    jieba.setLogLevel(40)
    works: dict[str, Callable[[], object]] = {
        "jieba.posseg": lambda: [list(jieba.posseg.cut(text)) for text in sentences]
    }
    for size in NAMED:
        model: Any = load_model(size, threads=1)
        works[f"{size}: whole"] = partial(annotate_sources, sources, model=model)
        if size in SHAPES:
            works[f"{size}: words"] = partial(model.words, sentences)
            works[f"{size}: network"] = partial(_network, model, sentences)
    seconds = {name: float("inf") for name in works}
    with threadpool_limits(1):
        for work in works.values():
            work()  # loads what is loaded once
        for _ in range(ROUNDS):
            for name, work in works.items():
                seconds[name] = min(seconds[name], _timed(work))
        rates = {name: round(characters / taken) for name, taken in seconds.items()}
        rates |= {f"{size}: roof": round(1 / _roof(shapes)) for size, shapes in SHAPES.items()}
    result = {
        "machine": platform.processor() or platform.machine(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "characters": characters,
        "characters/CPU s": rates,
        "whole / jieba.posseg": {size: round(rates[f"{size}: whole"] / rates["jieba.posseg"], 2) for size in NAMED},
        "of the roof": {
            size: {
                what: round(rates[f"{size}: {what}"] / rates[f"{size}: roof"], 2)
                for what in ("network", "words", "whole")
            }
            for size in SHAPES
        },
        "one article, s": {size: _start(size) for size in NAMED},
    }
    print(json.dumps(result, ensure_ascii=False, indent=2))


def _network(model: Any, sentences: Sequence[str]) -> None:
    from biaozhu.annotators.network import batching, fast  # noqa: PLC0415 — beside its peer

    is_fast = isinstance(model, fast.Fast)
    for batch in batching.make_batches(sentences, fast.LIMITS if is_fast else batching.LIMITS):
        if is_fast:
            model.shares(batch.texts, batch.lengths)
        else:
            model.emissions(batch.texts)


def _start(size: str) -> dict[str, float]:
    """Return the least wall and CPU seconds of a whole run of the command on one article."""
    wall, spent = float("inf"), float("inf")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "biaozhu", "preannotate", str(SEED), "--model", size]
        for _ in range(STARTS):
            started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([*command, "-o", f"{folder}/out.jsonl"], check=True, capture_output=True)
            wall = min(wall, time.perf_counter() - started)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = min(spent, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"wall": round(wall, 2), "CPU": round(spent, 2)}


def _roof(shapes: tuple[Shape, ...]) -> float:
    """Return the CPU seconds that the products of one character take at best."""
    random = np.random.default_rng(0)
    seconds = 0.0
    for rows, inner, outer, times in shapes:
        left = random.random((rows, inner), np.float32)
        right = random.random((inner, outer), np.float32)
        result = np.empty((rows, outer), np.float32)
        repeats = REPEATS * max(1, 4096 // rows)
        products = partial(_products, left, right, result, repeats)
        products()
        seconds += times * min(_timed(products) for _ in range(ROUNDS)) / (repeats * rows)
    return seconds


def _products(left: np.ndarray, right: np.ndarray, result: np.ndarray, repeats: int) -> None:
    for _ in range(repeats):
        np.matmul(left, right, out=result)


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
