"""What each augmentation or part of the base model gives: heads trained with all, without each, and with none.

    BIAOZHU_CACHE=CACHE python benchmarks/augmentation.py configs/base.cfg --share 0.25 --epochs 2
    BIAOZHU_CACHE=CACHE python benchmarks/augmentation.py configs/base.cfg --share 0.25 --epochs 2 --parts

It needs PyTorch and `biaozhu corpus fetch pfr1998`. Each row is one member with the config's own seed, trained on the same
share of the train part (names for augmentation come from that share too) and exported as models/base is; its layer alone is
scored on the corpus's dev part, which chose the epoch, temperature and least probability, and on the seed article's gold,
which chose nothing. Intervals are over sentences; the difference is to the row `all` on the same sentences. The test part is
not read.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

# Before NumPy and PyTorch are imported: threads that wait for each other would blur the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from paired_rows import line

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.lac_weights import SIZES
from biaozhu.data.layers import find_layers, read_layer
from biaozhu.data.model import with_spans
from biaozhu.scoring.evaluation import EvaluationOptions, evaluate_layer
from recipes.base.build import (
    BaseConfig,
    export_members,
    frozen_lacs,
    read_config,
    read_material,
    train_base,
    with_states,
)
from recipes.corpora.corpus_store import Part, corpora_folder, read_manifest, read_part, write_corpus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.data.model import Sentence
    from biaozhu.scoring.evaluation import Evaluation
    from recipes.base.augment import Rates
    from recipes.base.build import Material
    from recipes.base.train import Settings

# `place` at 0 makes no chains either; `chain` at 0 leaves single places.
KINDS = ("marks", "headline", "place", "chain", "person")


@dataclass(frozen=True, slots=True)
class Row:
    """How a row is trained: settings, rates of augmentation, and whether what LAC sees is told."""

    settings: Settings
    rates: Rates
    lac: bool = True


def rows(settings: Settings, rates: Rates) -> dict[str, Row]:
    """Return the rates of each row: all, without each kind, none."""
    return {
        "all": Row(settings, rates),
        **{f"without {kind}": Row(settings, replace(rates, **{kind: 0.0})) for kind in KINDS},
        "none": Row(settings, replace(rates, **dict.fromkeys(KINDS, 0.0))),
    }


def parts(settings: Settings, rates: Rates) -> dict[str, Row]:
    """Return a row with all parts of the network, and one without each."""
    frozen = replace(settings, encoder_lr_factor=0.0)
    return {
        "all": Row(settings, rates),
        "LAC as it is": Row(frozen, rates),
        "without LAC": Row(frozen, rates, lac=False),
        "without lexicon": Row(replace(settings, lexicon=False), rates),
        # All bigrams are one.
        "without bigrams": Row(replace(settings, buckets=1, bigram=1), rates),
    }


def cut(name: str, share: float, folder: Path) -> int:
    """Write a corpus whose train part is a share of the fetched one's, drawn with seed 1; returns its sentences."""
    whole = corpora_folder() / name
    manifest = read_manifest(whole)
    kept = {}
    for part in ("train", "dev"):
        sentences = read_part(whole, part)
        words = read_part(whole, part, words=True) if "words" in manifest["parts"][part] else ()
        if part == "train":
            order = np.random.default_rng(1).permutation(len(sentences))[: round(share * len(sentences))]
            chosen = sorted(order.tolist())
            sentences = tuple(sentences[index] for index in chosen)
            ids = {one.id for one in sentences}
            words = tuple(one for one in words if one.id in ids)
        kept[part] = Part((whole / f"{part}.txt").read_text(encoding="utf-8"), sentences, words)
    write_corpus(folder / name, kept, {key: value for key, value in manifest.items() if key != "parts"})
    return len(kept["train"].sentences)


def build(config: BaseConfig, material: Material, folder: Path) -> Path:
    """Train one head and export it; returns the model's folder."""
    networks, _ = train_base(config, material, folder=folder / "work")
    dev = with_states(material.dev, frozen_lacs(material), lexicon=material.lexicon)
    export_members(folder / "model", networks, material, dev, {})
    return folder / "model"


def configured(material: Material, row: Row) -> Material:
    """Return the material as a row's settings want it."""
    tuned = material.start.lacs[0] if row.settings.encoder_lr_factor else None
    frozen = (SIZES if tuned is None else SIZES[1:]) if row.lac else ()
    return replace(material, frozen=frozen, tuned=tuned, lexicon=row.settings.lexicon)


def scored(folder: Path, gold: Sequence[Sentence], name: str) -> Evaluation:
    """Evaluate a model's layer alone."""
    model = load_base(folder, threads=1)
    found = model([one.text for one in gold])
    layer = [with_spans(one, spans) for one, spans in zip(gold, found, strict=True)]
    return evaluate_layer(gold, layer, name=name, options=EvaluationOptions(labels=model.labels))


def main() -> None:
    """Print a Markdown table for dev and for the seed gold, row by row as they are trained."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument(
        "--warm-up", type=int, default=50, help="steps; the config's own are for whole epochs"
    )
    parser.add_argument("--parts", action="store_true", help="parts of the network in place of augmentations")
    parser.add_argument("--gold", type=Path, default=Path("annotations/gold"))
    parser.add_argument("--only", nargs="*", help="rows to train, such as 'all' and 'none'")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = read_config(given.config)
    settings = replace(config.settings, members=1, epochs=given.epochs, warm_up=given.warm_up)
    with TemporaryDirectory() as room:
        count = cut(config.corpus, given.share, Path(room) / "corpora")
        material = read_material(replace(config, auxiliary=None), corpora=Path(room) / "corpora")
        seed_gold = [one for path in find_layers([given.gold]) for one in read_layer(path)]
        golds = {"dev": read_part(corpora_folder() / config.corpus, "dev"), "seed gold": seed_gold}
        print(f"{count} sentences of train, {given.epochs} epochs, seed {settings.seed}\n")
        print("| | gold | strict micro F1 | PLACE | PERSON | AMOUNT | difference | CPU s |")
        print("|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
        whole: dict[str, Evaluation] = {}
        for name, row in (parts if given.parts else rows)(settings, config.rates).items():
            if given.only and name not in given.only:
                continue
            begun = time.process_time()
            place = Path(room) / name.replace(" ", "-")
            model = build(
                BaseConfig(config.corpus, config.labels, row.settings, row.rates),
                configured(material, row),
                place,
            )
            spent = time.process_time() - begun
            for where, gold in golds.items():
                found = scored(model, gold, f"{name}, {where}")
                shown = line(found, whole.setdefault(where, found))
                print(f"| {name} | {where} | {shown} | {spent:.0f} |", flush=True)


if __name__ == "__main__":
    main()
