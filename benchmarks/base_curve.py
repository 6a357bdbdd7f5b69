"""What more text would give a base model's recipe: the same config on growing shares of the corpus's train part.

    BIAOZHU_CACHE=CACHE python benchmarks/base_curve.py configs/base.cfg --shares 0.125 0.25 0.5

It needs PyTorch and the fetched corpus. Each row is one member with the config's own seed, epochs and rates, trained on
a share of the sentences (the smaller ones stand in the larger) and exported; its layer is scored on the dev part, which
also chose epoch, temperature and least probability. The test part is not read.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

# Before NumPy and PyTorch: it sets their threads.
from augmentation import build, cut, scored
from paired_rows import scores

from recipes.base.build import read_config, read_material
from recipes.corpora.corpus_store import corpora_folder, read_part


def main() -> None:
    """Print a Markdown table, row by row as they are trained."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.125, 0.25, 0.5])
    given = parser.parse_args()
    whole = read_config(given.config)
    config = replace(whole, settings=replace(whole.settings, members=1), auxiliary=None)
    dev = read_part(corpora_folder() / config.corpus, "dev")
    print(f"| sentences | strict micro F1 | {' | '.join(config.labels)} | CPU s |")
    print(f"|---:|---:|{'---:|' * len(config.labels)}---:|", flush=True)
    for share in given.shares:
        with TemporaryDirectory() as room:
            began = time.process_time()
            corpora = Path(room) / "corpora"
            count = cut(config.corpus, share, corpora)
            model = build(config, read_material(config, corpora=corpora), Path(room) / "model")
            found = scored(model, dev, f"{count} sentences")
            cells = " | ".join(scores(found, config.labels))
            print(f"| {count:,} | {cells} | {time.process_time() - began:.0f} |", flush=True)


if __name__ == "__main__":
    main()
