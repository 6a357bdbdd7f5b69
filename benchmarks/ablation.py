"""What each part of a training config is worth: held-out strict F1 on the gold, with all of it and without each part.

    python benchmarks/ablation.py configs/ner.cfg configs/crf.cfg
    python benchmarks/ablation.py configs/ner.cfg --corpus pfr1998 --sentences 600

Each section of the article is predicted by a model that saw the others only (as `biaozhu crossval`); 95 % intervals
come from resampling sentences. Parts are the columns of a `biaozhu_ner` (each encoder) and what it starts from, or the
features of a `biaozhu_crf`. With one article the intervals are wide: read differences against them. With `--corpus` so
many sentences of the second half of a fetched corpus's train part are learned from, and its dev part is predicted, with
the paired difference to all.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from paired_rows import line

from biaozhu.annotators.trained import annotate_with
from biaozhu.data.layers import find_layers
from biaozhu.data.model import with_spans
from biaozhu.nlp.encoders import remembering
from biaozhu.reading.article import find_articles, read_articles
from biaozhu.reading.holdout import group_sentences
from biaozhu.scoring.evaluation import evaluate_layer
from biaozhu.training.crossval import crossvalidate
from biaozhu.training.gold import GoldCorpus
from biaozhu.training.train import fit, read_config
from recipes.corpora.corpus_store import corpora_folder, read_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confection import Config

    from biaozhu.scoring.evaluation import Evaluation

HEAD = "| | strict micro F1 | PLACE | PERSON | AMOUNT | difference | CPU s |\n|---|---:|---:|---:|---:|---:|---:|"
FACTORY = {
    "biaozhu_crf": (("no classes", "classes", False), ("bigrams", "longest", 2), ("characters", "longest", 1))
}


def variants(config: Config) -> Iterator[tuple[str, Config]]:
    """Yield the config itself, then one without each of its parts."""
    yield "all", config
    ner = config["components"]["ner"]
    for name, key, value in FACTORY.get(ner["factory"], ()):
        changed = copy.deepcopy(config)
        changed["components"]["ner"]["model"]["tok2vec"][key] = value
        yield name, changed
    model = ner.get("model", {})
    for column in model.get("tok2vec", {}).get("*", {}):
        changed = copy.deepcopy(config)
        del changed["components"]["ner"]["model"]["tok2vec"]["*"][column]
        yield f"without {column}", changed
    if "prior" in model:
        changed = copy.deepcopy(config)
        changed["components"]["ner"]["model"]["prior_weight"] = 0.0
        yield "starts from nothing", changed


def on_corpus(config: Config, corpus: str, count: int) -> Iterator[str]:
    """Yield a table's rows: each variant learns the same sentences of a corpus, and predicts its dev part."""
    folder = corpora_folder() / corpus
    train, dev = read_part(folder, "train"), read_part(folder, "dev")
    half = len(train) // 2
    order = np.random.default_rng(1).permutation(len(train) - half)[:count] + half
    learned = [train[index] for index in sorted(order.tolist())]
    whole: Evaluation | None = None
    with remembering():
        for name, changed in variants(config):
            began = time.process_time()
            nlp = fit(changed, learned, name=name).nlp
            found = annotate_with(nlp, [sentence.text for sentence in dev], source=name)
            layer = [with_spans(sentence, spans) for sentence, spans in zip(dev, found, strict=True)]
            scored = evaluate_layer(dev, layer, name=name)
            whole = whole or scored
            yield f"| {name} | {line(scored, whole)} | {time.process_time() - began:.0f} |"


def main() -> None:
    """Print a Markdown table for each config."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path)
    parser.add_argument("--gold", type=Path, default=Path("annotations/gold"))
    parser.add_argument("--article", type=Path, default=Path("seeds"))
    parser.add_argument("--corpus", default="", help="a fetched corpus instead of the gold")
    parser.add_argument("--sentences", type=int, default=600)
    arguments = parser.parse_args()
    configs = [(path, read_config(path)) for path in arguments.configs]
    if arguments.corpus:
        for path, config in configs:
            print(f"\n{path}\n\n{HEAD}", flush=True)
            for row in on_corpus(config, arguments.corpus, arguments.sentences):
                print(row, flush=True)
        return
    gold = GoldCorpus(tuple(map(str, find_layers([arguments.gold])))).sentences()
    groups = group_sentences(read_articles(find_articles([arguments.article])), gold, at_least=5)
    with remembering():
        for path, whole in configs:
            print(f"\n{path}\n\n| | strict F1 | 95 % |\n|---|---:|---:|", flush=True)
            for name, config in variants(whole):
                held_out = crossvalidate(config, gold, groups, source=name)
                found = evaluate_layer(gold, held_out.sentences, name=name).overall["strict"]
                low, high = found.f1.best or (0, 0)
                print(
                    f"| {name} | {found.f1.value or 0:.4f} | {low:.4f} to {high:.4f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
