"""The accurate model's card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.annotators.base import CONFIG, DICTIONARY, GRAPH, SCORES
from pipeline.training.base_card import part_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MEGABYTE = 1_000_000


def card(folder: Path, config: Mapping[str, Any]) -> str:
    """Return the model card in Markdown.

    Args:
        folder: the model's, with its files.
        config: what `e5_build.finish_e5` wrote.
    """
    corpus, transformer, done = config["corpus"], config["transformer"], config["done"]
    training, test, exported = config["training"], config["test"], config["exported"]
    size = sum((folder / name).stat().st_size for name in (GRAPH, SCORES, DICTIONARY, CONFIG)) / MEGABYTE
    labels = ", ".join(config["labels"])
    lines = [
        f"# {folder.name}: {labels}, read by a pretrained transformer",
        "",
        f"The lower {training['layers']} layers of multilingual-e5-small (Wang et al. 2024, https://arxiv.org/abs/2402.05672), one code",
        f"point a token: {transformer['rows']:,} entries of its vocabulary are single characters, further ones (full width, variants)",
        "share their rows, and what is in none has one row. A constrained CRF as the base model's stands on top; all of it was",
        f"trained on the corpus {corpus['name']}. One graph for ONNX Runtime, matrices and tables in 8 bits, activations in full",
        f"precision; {size:.1f} MB with all files. It goes wherever the base model goes (`preannotate --base {folder.name}`, `base annotate",
        "--model`, `biaozhu.BaseEncoder.v1`), and needs no PyTorch to run. Rebuild it with `biaozhu corpus fetch` and",
        "`biaozhu base build configs/e5.cfg` (extra `train`); a build that is limited by minutes depends on the machine.",
        "",
        f"## Strict scores on {corpus['name']} test",
        "",
        f"{test['sentences']:,} sentences, scored once, by the exported model; 95 % intervals by bootstrap over sentences.",
        "",
        *_table(test),
        "",
        f"Chosen on dev: temperature {config['temperature']}; a span is given if its probability is at least {config['least']}. Strict F1 on dev:",
        f"{config['dev_best_sequence']['micro']:.4f} for all spans of the best sequence, {config['dev']['micro']:.4f} for those, and",
        f"{_figure(exported['scores']['ALL']['f1'])} by the exported model, whose arrays are in 8 bits.",
        "",
        f"Expected calibration error of the spans' probabilities on test: {_figure(test['calibration_error'])}. On one thread it loads in",
        f"{test['load_s']:.2f} s and reads {test['characters_per_s']:,} characters/s of processor time.",
        "",
        "## Training",
        "",
        f"{done['steps']:,} steps over {done['characters']:,} characters in {done['minutes']} minutes; an epoch has {done['per_epoch']:,} steps"
        + _limit(config),
        "Sentences without a name are drawn less often, and all are varied anew each epoch as for the base model; words and parts",
        "of speech are a second task. Averaged weights; dev chose nothing but what is named above.",
        *_history(done),
        "",
        "## Data",
        "",
        f"- {corpus['licence']}. Taken from {corpus['package']} (SHA-256 `{corpus['package_sha256']}`).",
        f"- {transformer['licence']}. Taken from {transformer['package']} (SHA-256 `{transformer['package_sha256']}`).",
        f"- Sentences of train with a near-duplicate elsewhere (Jaccard index of 4-character shingles of at least {corpus['near_duplicates']['likeness']})",
        f"  left train: {_counts(corpus['near_duplicates']['left_train'])}. No annotated article of this repository was used.",
        "",
        *part_rows(corpus),
        "",
        *(line for remark in config.get("remarks", ()) for line in (remark, "")),
        "Whoever wants to use the model for another purpose than research has to ask those whose corpus it is.",
        "",
    ]
    return "\n".join(lines)


def _table(test: Mapping[str, Any]) -> list[str]:
    rows = []
    for label, one in test["scores"].items():
        low, high = one["interval"]
        shown = [_figure(one[name]) for name in ("precision", "recall", "f1")]
        rows.append(
            f"| {' | '.join([label, *shown])} | {_figure(low)} to {_figure(high)} | {one['gold']:,} |"
        )
    return [
        "| label | precision | recall | F1 | 95 % | gold spans |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
    ]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _limit(config: Mapping[str, Any]) -> str:
    minutes = config["training"]["minutes"]
    return f" (at most {minutes:g} minutes were given)." if minutes else "."


def _history(done: Mapping[str, Any]) -> list[str]:
    lines = [
        f"| {one['epoch']} | {one['steps']:,} | {one['characters']:,} | {one['loss']:.4f} | {one['micro']:.4f} |"
        for one in done["history"]
    ]
    head = [
        "",
        "| epoch | steps | characters | loss | dev F1, best sequence |",
        "| --- | --- | --- | --- | --- |",
    ]
    return [*head, *lines]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
