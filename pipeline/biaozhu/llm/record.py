"""A run's results as an annotator of `preannotate`, as a layer of its own, and as the record beside a layer."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from biaozhu import __version__
from biaozhu.annotators.registry import Annotator
from biaozhu.data.files import write_text
from biaozhu.data.model import Sentence, with_spans
from biaozhu.llm.plan import guideline_checksum
from biaozhu.llm.prompt import PROMPT_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from biaozhu.data.model import Span
    from biaozhu.llm.plan import Plan
    from biaozhu.llm.work import Outcome

FORMAT = "biaozhu.llm.v1"
SUFFIX = ".run.json"


def make_annotator(plan: Plan, outcome: Outcome) -> Annotator:
    """Return an annotator that gives for the texts of each planned article what the model answered."""
    rows = {
        tuple(one.text for one in sentences): [outcome.spans.get(one.id, ()) for one in sentences]
        for sentences in plan.articles
    }

    def find(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return rows[tuple(texts)]

    return Annotator(plan.config.name, find, proposes=plan.config.proposes, built_in=True)


def make_layer(sentences: Sequence[Sentence], outcome: Outcome) -> tuple[Sentence, ...]:
    """Return the sentences that have an answer, with their spans: what was not answered is not without names."""
    return tuple(with_spans(one, outcome.spans[one.id]) for one in sentences if one.id in outcome.spans)


def describe_run(plan: Plan, outcome: Outcome, articles: Sequence[int]) -> dict[str, Any]:
    """Return what a layer of some articles (by their number in the plan) came from."""
    config = plan.config
    some = [plan.articles[number] for number in articles]
    prompts = [plan.prompts[number] for number in articles]
    return {
        "format": FORMAT,
        "made": {"biaozhu": __version__, "date": datetime.now(UTC).isoformat(timespec="seconds")},
        "source": plan.source,
        "checksum": plan.checksum,
        "base_url": config.base_url,
        "model": config.model,
        "parameters": config.request_parameters,
        "context_chars": config.context_chars,
        "prompt": {
            "version": PROMPT_VERSION,
            "answer": config.answer,
            "guideline": guideline_checksum(config),
            "articles": {
                sentences[0].article: {
                    "checksum": prompt.checksum,
                    "examples": [one.id for one in prompt.examples],
                }
                for sentences, prompt in zip(some, prompts, strict=True)
                if sentences
            },
        },
        "sentences": sum(map(len, some)),
        "answered": sum(one.id in outcome.spans for sentences in some for one in sentences),
        "run": dict(outcome.figures),
        "losses": [asdict(entry) for sentences in some for entry in outcome.losses_of(sentences)],
    }


def record_path(layer: Path, name: str) -> Path:
    """Return where the record of a model's part in a layer lies."""
    return layer.with_suffix(f".{name}{SUFFIX}")


def write_record(layer: Path, plan: Plan, outcome: Outcome, articles: Sequence[int]) -> None:
    """Write the record beside a layer."""
    record = describe_run(plan, outcome, articles)
    write_text(record_path(layer, plan.config.name), json.dumps(record, ensure_ascii=False, indent=2) + "\n")
