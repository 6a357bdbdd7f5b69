"""Scores, speed and size of the base model, and its model card."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.runtime import GRAPH
from biaozhu.data.model import Sentence, with_spans
from biaozhu.scoring.evaluation import ALL, EvaluationOptions, evaluate_layer

MEGABYTE = 1_000_000


def score_model(folder: Path, gold: Sequence[Sentence]) -> dict[str, Any]:
    """Annotate gold sentences with the model in its folder, on one thread, and score it.

    Times are the processor's: the same on a busy machine. `scores` is label (and ALL) -> precision, recall, f1 and its
    95 % interval, strict; `calibration_error` is the expected one of the spans' probabilities.
    """
    begun = time.process_time()
    model = load_base(folder, threads=1)
    loaded = time.process_time()
    found = model([sentence.text for sentence in gold])
    done = time.process_time()
    layer = [with_spans(sentence, spans) for sentence, spans in zip(gold, found, strict=True)]
    result = evaluate_layer(gold, layer, name="base", options=EvaluationOptions(labels=model.labels))
    rows = {ALL: result.overall, **result.labels}
    return {
        "scores": {
            label: {
                "precision": scored["strict"].precision.value,
                "recall": scored["strict"].recall.value,
                "f1": scored["strict"].f1.value,
                "interval": list(scored["strict"].f1.best or (None, None)),
                "gold": scored["strict"].counts.possible,
            }
            for label, scored in rows.items()
        },
        "load_s": round(loaded - begun, 3),
        "characters_per_s": round(sum(len(sentence.text) for sentence in gold) / (done - loaded)),
        "calibration_error": result.calibration.ece,
        "sentences": len(gold),
    }


def card(folder: Path, config: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: `card.md.j2`, filled in from the model's config."""
    size = f"{(folder / GRAPH).stat().st_size / MEGABYTE:.1f}"
    facts = {**config, "folder": folder.name, "size": size, "tuned": config["training"].get("encoder_lr_factor")}
    return render_card(Path(__file__).with_name("card.md.j2"), facts)


def render_card(template: Path, facts: Mapping[str, Any]) -> str:
    """Return a model card in Markdown: the template, filled in with facts of a model."""
    texts = Environment(trim_blocks=True, keep_trailing_newline=True)  # noqa: S701 — Markdown, from our own config
    texts.filters |= {
        "score": lambda value: "–" if value is None else f"{value:.4f}",
        "counts": lambda counts: ", ".join(f"{name} {count:,}" for name, count in counts.items()),
        "thousands": "{:,}".format,
    }
    return texts.from_string(template.read_text("utf-8")).render(facts)
