"""What each part of a training config is worth: held-out strict F1 on the gold, with all of it and without each part.

    python benchmarks/ablation.py configs/ner.cfg configs/crf.cfg

Each section of the article is predicted by a model that saw the others only (as `biaozhu crossval`); 95 % intervals
come from resampling sentences. Parts are the columns of a `biaozhu_ner` (each encoder) and what it starts from, or the
features of a `biaozhu_crf`. With one article the intervals are wide: read differences against them.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.model import find_layers
from pipeline.reading.article import find_articles, read_articles
from pipeline.reading.groups import group_sentences
from pipeline.scoring.evaluation import Setting, evaluate
from pipeline.training.crossval import crossvalidate
from pipeline.training.encoder import remembering
from pipeline.training.gold import GoldCorpus
from pipeline.training.train import read_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confection import Config

FACTORY = {
    "biaozhu_crf": (("no classes", "classes", False), ("bigrams", "longest", 2), ("characters", "longest", 1))
}


def variants(config: Config) -> Iterator[tuple[str, Config]]:
    """Yield the config itself, then one without each of its parts."""
    yield "all", config
    ner = config["components"]["ner"]
    for name, key, value in FACTORY.get(ner["factory"], ()):
        changed = copy.deepcopy(config)
        changed["components"]["ner"][key] = value
        yield name, changed
    model = ner.get("model", {})
    for column in model.get("tok2vec", {}).get("*", {}):
        changed = copy.deepcopy(config)
        del changed["components"]["ner"]["model"]["tok2vec"]["*"][column]
        yield f"without {column}", changed
    if "start" in model:
        changed = copy.deepcopy(config)
        changed["components"]["ner"]["model"]["trust"] = 0.0
        yield "starts from nothing", changed


def main() -> None:
    """Print a Markdown table for each config."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path)
    parser.add_argument("--gold", type=Path, default=Path("annotations/gold"))
    parser.add_argument("--article", type=Path, default=Path("seeds"))
    arguments = parser.parse_args()
    gold = GoldCorpus(tuple(map(str, find_layers([arguments.gold])))).sentences()
    groups = group_sentences(read_articles(find_articles([arguments.article])), gold, at_least=5)
    with remembering():
        for path in arguments.configs:
            print(f"\n{path}\n\n| | strict F1 | 95 % |\n|---|---:|---:|", flush=True)
            for name, config in variants(read_config(path)):
                held_out = crossvalidate(config, gold, groups, source=name)
                found = evaluate(gold, held_out.sentences, name=name, setting=Setting()).overall["strict"]
                interval = found.f1.best
                print(
                    f"| {name} | {found.score.f1 or 0:.4f} | {interval.low or 0:.4f} to {interval.high or 0:.4f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
