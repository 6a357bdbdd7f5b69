"""The calls of a plan, several at a time: answers checked, asked again once where they are wrong, and losses named."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from biaozhu import __version__
from biaozhu.annotators.registry import Annotator
from biaozhu.data.errors import EndpointError, UsageError
from biaozhu.data.files import write_json
from biaozhu.data.layers import RUN_SUFFIX
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span
from biaozhu.llm.answers import AnswerCache, AnswerProblem, Checked, check_answer, check_marks, make_unanswered
from biaozhu.llm.config import Meter, hide_key
from biaozhu.llm.endpoint import CallFailedError, Endpoint, NoBudgetError
from biaozhu.llm.plan import PROMPT_VERSION, PromptBatch, PromptPlan, Question, read_guideline

STEP = "llm"
FORMAT = "biaozhu.llm.v1"
MAX_FAILURES = 3  # calls in a row that fail in spite of all retries, before no more is asked
MANY_SENTENCES = 10_000  # What the summary says the price of, as far as this run tells
SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """Results of a plan: the spans of each sentence that has an answer by its id, what is lost, and the figures."""

    plan: PromptPlan
    spans: Mapping[str, tuple[Span, ...]]
    losses: tuple[Entry, ...]
    figures: Mapping[str, Any]

    @property
    def annotator(self) -> Annotator:
        """The model as an annotator, which gives for the texts of each planned article what it answered."""
        texts = (tuple(one.text for one in sentences) for sentences in self.plan.articles)
        found = ([self.spans.get(one.id, ()) for one in sentences] for sentences in self.plan.articles)
        rows, own = dict(zip(texts, found, strict=True)), self.plan.config
        return Annotator(own.name, lambda texts: rows[tuple(texts)], proposes=own.proposes, built_in=True)

    def losses_of(self, sentences: Iterable[Sentence]) -> list[Entry]:
        """Return what is lost of some sentences."""
        ids = {one.id for one in sentences}
        return [one for one in self.losses if one.sentence in ids]

    def write_record(self, layer: Path, articles: Collection[str]) -> None:
        """Write beside a layer of some articles, named by their ids, what it came from."""
        plan, config = self.plan, self.plan.config
        guideline = read_guideline(config)
        wanted: list[Sentence] = []
        described = {}
        for some, prompt in zip(plan.articles, plan.prompts, strict=True):
            if some and some[0].article in articles:
                wanted += some
                examples = [one.id for one in prompt.examples]
                described[some[0].article] = {"checksum": prompt.checksum, "examples": examples}
        record = {
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
                "guideline": hashlib.sha256(guideline.encode()).hexdigest() if guideline else None,
                "articles": described,
            },
            "sentences": len(wanted),
            "answered": sum(one.id in self.spans for one in wanted),
            "run": dict(self.figures),
            "losses": [asdict(entry) for entry in self.losses_of(wanted)],
        }
        write_json(record_path(layer, config.name), record)


def carry_out(
    plan: PromptPlan, key: str, *, cache: AnswerCache, tell: Callable[[int, int, str], None] | None = None
) -> Outcome:
    """Make the calls of a plan; `tell` hears how many sentences are done, of how many, and the cost so far.

    EndpointError: no call can succeed, or none did. UsageError: the budget has no room for a single call.
    """
    meter = Meter(plan.config.budget, plan.config.prices)
    begun = time.monotonic()
    answers = dict(plan.known)
    retries, form = 0, None
    asked = sum(len(batch.questions) for batch in plan.batches)
    if plan.batches:
        endpoint = Endpoint(plan.config, key, meter, plan.batches[0].prompt.labels)
        most = max((endpoint.most_used(one.messages()) for one in plan.batches), key=lambda one: one.input)
        if not meter.fits(most):
            what = f"one call may take {most.input:,} tokens and answer with {most.output:,}, more than the budget"
            advice = "Raise the budget, or lower parameters.max_tokens and batch_sentences"
            raise UsageError(what, where=plan.config.name, next_step=advice)
        for done in _run(_Asker(endpoint, cache, key), plan):
            answers |= done
            if tell:
                tell(len(answers) - len(plan.known), asked, f"{plan.config.model}: {meter.show_cost()}")
        retries, form = endpoint.retries, endpoint.format
        if not endpoint.answered:
            first = next(one.problems[0] for one in answers.values() if not one.answered)
            detail = f" ({first.detail})" if first.detail else ""
            raise EndpointError(f"no call was answered: {first.reason}{detail}", where=plan.config.base_url)
    figures = {
        **meter.describe(),
        "for_10000_sentences": meter.describe(MANY_SENTENCES / asked) if asked else None,
        "seconds": round(time.monotonic() - begun, 3),
        "retries": retries,
        "format": form,
        "sentences": sum(map(len, plan.articles)),
        "cache_hits": len(plan.known),
    }
    return _conclude(plan, answers, figures)


def record_path(layer: Path, name: str) -> Path:
    """Return where the record of a model's part in a layer lies."""
    return layer.with_suffix(f".{name}{RUN_SUFFIX}")


class _Asker:
    """Asks about batches, in threads; what it is told to stop for ends all of them."""

    def __init__(self, endpoint: Endpoint, cache: AnswerCache, key: str) -> None:
        self.endpoint = endpoint
        self._key = key
        self._cache = cache
        self._lock = threading.Lock()
        self._failures = 0
        self._why_stopped = ""

    def ask(self, batch: PromptBatch, problems: Sequence[Sequence[AnswerProblem]] = ()) -> dict[str, Checked]:
        """Return the answer for each sentence of a batch, by its id; a wrong one is asked for again once."""
        done: dict[str, Checked] = {}
        try:
            content = self._call(batch, problems)
        except CallFailedError as failed:
            if failed.may_split and len(batch.questions) > 1:
                # Which sentence is too much, or is refused, only smaller calls tell.
                half = len(batch.questions) // 2
                for part in (slice(half), slice(half, None)):
                    done |= self.ask(replace(batch, questions=batch.questions[part]), problems[part])
                return done
            answer = make_unanswered(failed.reason, failed.detail)
            return {one.sentence.id: answer for one in batch.questions}
        texts = [one.sentence.text for one in batch.questions]
        check = check_answer if batch.prompt.form == "json" else check_marks
        checked = [_hide(one, self._key) for one in check(content, texts, labels=batch.prompt.labels)]
        wrong: dict[Question, Checked] = {}
        for question, answer in zip(batch.questions, checked, strict=True):
            if answer.problems and not problems:
                wrong[question] = answer
                continue
            if answer.answered:
                self._cache.write(question.key, answer)
            done[question.sentence.id] = answer
        if wrong:
            again = self.ask(replace(batch, questions=tuple(wrong)), [one.problems for one in wrong.values()])
            for question, answer in wrong.items():
                second = again[question.sentence.id]
                # What stood in the text the first time is not lost with a second call that fails.
                done[question.sentence.id] = second if second.answered or not answer.answered else answer
        return done

    def _call(self, batch: PromptBatch, problems: Sequence[Sequence[AnswerProblem]]) -> str:
        if self._why_stopped:
            raise CallFailedError(self._why_stopped)
        try:
            content = self.endpoint.ask(batch.messages(problems))
        except NoBudgetError as failed:
            self._why_stopped = failed.reason
            raise
        except CallFailedError as failed:
            with self._lock:
                self._failures = self._failures + 1 if failed.is_server else 0
                if self._failures >= MAX_FAILURES:
                    self._why_stopped = "not asked: the server had failed too often"
            raise
        with self._lock:
            self._failures = 0
        return content


def _hide(answer: Checked, key: str) -> Checked:
    """Return an answer without our key, which a server may say again in what is kept of it."""
    shown = (
        replace(one, text=hide_key(one.text, key), label=hide_key(one.label, key), detail=hide_key(one.detail, key))
        for one in answer.problems
    )
    return replace(answer, problems=tuple(shown))


def _run(worker: _Asker, plan: PromptPlan) -> Iterator[dict[str, Checked]]:
    pool = ThreadPoolExecutor(plan.config.concurrency, thread_name_prefix="llm")
    try:
        for future in as_completed([pool.submit(worker.ask, batch) for batch in plan.batches]):
            yield future.result()
    finally:
        # After an error or Ctrl-C no thread begins another call or waits for its next try.
        worker.endpoint.stop.set()
        pool.shutdown(cancel_futures=True)


def _conclude(plan: PromptPlan, answers: Mapping[str, Checked], figures: dict[str, Any]) -> Outcome:
    spans: dict[str, tuple[Span, ...]] = {}
    losses: list[Entry] = []
    for sentence in chain.from_iterable(plan.articles):
        answer = answers[sentence.id]
        if answer.answered:
            own = (replace(one, source=plan.source, score=plan.config.score) for one in answer.spans)
            spans[sentence.id] = tuple(own)
        for one in answer.problems:
            text = one.text if one.is_span else sentence.text[:SHOWN_CHARS]
            detail = f"occurrence {one.occurrence}" if one.is_span else one.detail
            place = sentence.id, 0, len(sentence.text), one.label, text
            losses.append(Entry(STEP, "loss", one.reason, *place, plan.source, detail=detail))
    unanswered = sum(map(len, plan.articles)) - len(spans)
    return Outcome(plan, spans, tuple(losses), {**figures, "unanswered": unanswered, "losses": len(losses)})
