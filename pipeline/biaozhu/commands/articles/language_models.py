"""Command: llm; and how `preannotate` asks language models: what goes to whom is said before it does."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option, confirm

from biaozhu.commands.articles.files import say_where_not_read
from biaozhu.commands.console import finish, print_json, progress_of_steps, say
from biaozhu.commands.options import LABELS, LabelsFile, Yes, layer_or_folder
from biaozhu.curation.status import SentenceStatus, status_path, write_status
from biaozhu.data.errors import ConfigError, UsageError
from biaozhu.data.files import cache_folder
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Article, Sentence, Span, with_spans
from biaozhu.data.outputs import check_output
from biaozhu.data.translation import translate
from biaozhu.llm.config import Usage, estimate_tokens, read_key, read_model_config
from biaozhu.reading.article import find_articles, read_readable
from biaozhu.reading.sentences import split_article

if TYPE_CHECKING:
    from biaozhu.llm.plan import PromptPlan
    from biaozhu.llm.work import Outcome


def llm(
    files: Annotated[list[Path], Argument(metavar="FILE", help="Articles, or folders of them.")],
    *,
    config: Annotated[Path, Option(metavar="TOML", help="The language model; see docs/llm.md.")],
    output: Annotated[Path, Option("--output", "-o", metavar="OUT", callback=layer_or_folder)],
    labels: LabelsFile = LABELS,
    yes: Yes = False,
    as_json: Annotated[bool, Option("--json", help="Print what it used as JSON.")] = False,
) -> None:
    """Ask a language model for the spans of articles: a layer of its own.

    Options:
        output: A .jsonl file, or a folder for a file by article.
    """
    say_where_not_read(files)
    read, problems = read_readable(find_articles(files))
    articles = list(read.values())
    whole = output.suffix == ".jsonl"
    paths = [output] if whole else [output / f"{one.name}.jsonl" for one in articles]
    check_distinct_names(paths)
    for path in paths:
        check_output(path, "layer", articles=[config, *files])
    check_records([config], paths)
    (asked,) = ask_models([config], articles, labels=labels, yes=yes, as_json=as_json)
    parts = [list(chain(*asked.plan.articles))] if whole else asked.plan.articles
    for path, sentences in zip(paths, parts, strict=True):
        write_answers(path, sentences, asked, {})
    finish(asked.losses, left_out=problems)


def write_answers(
    path: Path, sentences: Sequence[Sentence], asked: Outcome, hidden: Mapping[str, tuple[Span, ...]]
) -> None:
    """Write a model's layer with record and status, if it has answered; `hidden` is what it has not seen, by sentence."""
    # What was not answered is not without names.
    layer = [with_spans(one, asked.spans[one.id]) for one in sentences if one.id in asked.spans]
    if not layer:
        return
    write_layer(path, layer)
    asked.write_record(path, {one.article for one in layer})
    by = asked.plan.source, datetime.now(UTC).isoformat(timespec="seconds")
    statuses = [
        SentenceStatus(one.id, "confirmed", (), hidden.get(one.id), *by)
        if one.id in asked.spans
        else SentenceStatus(one.id, "untouched", (), hidden.get(one.id))
        for one in sentences
    ]
    write_status(status_path(path), asked.plan.config.base_url, asked.plan.config.name, statuses)


def check_records(configs: Sequence[Path], layers: Sequence[Path]) -> None:
    """Check before any work that records and status files beside layers replace nothing else; in a path * is the model's name."""
    if not configs:
        return
    from biaozhu.llm.work import record_path

    for config in configs:
        name = read_model_config(config).name
        for layer in layers:
            path = Path(*(name if part == "*" else part for part in layer.parts))
            check_output(record_path(path, name), "llm")
            check_output(status_path(path), "status")


def ask_models(
    configs: Sequence[Path], articles: Sequence[Article], *, labels: Path, yes: bool, as_json: bool
) -> list[Outcome]:
    """Ask each language model about all articles, after saying what goes to whom and, without `yes`, being told to, else UsageError."""
    from biaozhu.llm.answers import AnswerCache
    from biaozhu.llm.plan import make_plan
    from biaozhu.llm.work import carry_out

    read = [read_model_config(path) for path in configs]
    if twice := [name for name, count in Counter(one.name for one in read).items() if count > 1]:
        raise ConfigError("another model has this name", where=twice[0])
    keys = [read_key(one) for one in read]
    known = read_labels(labels)
    sentences = [split_article(article) for article in articles]
    with closing(AnswerCache(cache_folder() / "llm" / "answers.sqlite")) as cache:
        plans = [make_plan(one, sentences, labels=known, cache=cache) for one in read]
        _agree_to(plans, yes=yes)
        answered = []
        for plan, key in zip(plans, keys, strict=True):
            with progress_of_steps(plan.config.model) as tell:
                answered.append(carry_out(plan, key, cache=cache, tell=tell))
    for one in answered:
        say(_summarize(one))
    if as_json:
        print_json({one.plan.config.name: one.figures for one in answered})
    return answered


def check_distinct_names(names: Sequence[Path | str]) -> None:
    """Check that no layer would overwrite another."""
    if len(set(names)) < len(names):
        what = "two articles have the same file name, their layers would overwrite each other"
        raise UsageError(what, next_step="Rename one of the files")


def _agree_to(plans: Sequence[PromptPlan], *, yes: bool) -> None:
    for plan in plans:
        say(_announce(plan))
    if yes or not any(plan.batches for plan in plans):
        return
    if not sys.stdin.isatty():
        raise UsageError("nothing was sent: nobody can be asked", next_step="Give --yes to send it")
    if not confirm(translate("Send it?"), err=True):
        raise UsageError("nothing was sent", next_step="Answer y, or give --yes, to send it")


def _announce(plan: PromptPlan) -> str:
    config = plan.config
    if not plan.batches:
        return f"{config.name}: all {len(plan.known)} sentences are in the cache, nothing is sent"
    sentences = [one.sentence for batch in plan.batches for one in batch.questions]
    articles, characters = {one.article for one in sentences}, sum(len(one.text) for one in sentences)
    cost = Usage(estimate_tokens(plan.sent_chars)).cost(config.prices)
    currency = config.prices.currency if config.prices else ""
    price = "" if cost is None else f", about {cost:.2f} {currency} before answers"
    return (
        f"{config.name}: {characters:,} characters of {len(articles)} articles ({len(sentences)} sentences) go to "
        f"{config.base_url} (model {config.model}) in {len(plan.batches)} calls; with guideline, examples and context "
        f"{plan.sent_chars:,} characters{price}; {len(plan.known)} sentences are in the cache"
    )


def _summarize(done: Outcome) -> str:
    figures = done.figures
    many = figures["for_10000_sentences"]
    more = f"; 10,000 such sentences would take {_usage(many)}" if many else ""
    return (
        f"{done.plan.config.name}: {_usage(figures)}, {figures['retries']} tried again, {figures['seconds']:.1f} s; "
        f"{figures['cache_hits']} of {figures['sentences']} sentences from the cache, "
        f"{figures['unanswered']} without an answer{more}"
    )


def _usage(figures: Mapping[str, Any]) -> str:
    used = figures["tokens"]
    cost = "" if figures["cost"] is None else f", {figures['cost']:,.4f} {figures['currency']}"
    about = "about " if used["estimated"] else ""
    return f"{figures['calls']:,} calls, {about}{used['input']:,} + {used['output']:,} tokens{cost}"
