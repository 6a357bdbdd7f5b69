"""Plan of a run: which sentences are answered already, and which calls ask about the others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.data.errors import ConfigError
from biaozhu.data.files import read_bytes
from biaozhu.data.shipped import find_shipped
from biaozhu.llm.answers import make_key
from biaozhu.llm.prompt import PROMPT_VERSION, count_chars, draw_examples, make_prompt, read_gold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from biaozhu.data.labels import Label
    from biaozhu.data.model import Sentence
    from biaozhu.llm.answers import AnswerCache, Checked, Problem
    from biaozhu.llm.config import Config
    from biaozhu.llm.prompt import Prompt

# Pictures of the guideline, which a prompt cannot show.
PICTURE_LINE = re.compile(r"^!\[.*\)\n+", re.MULTILINE)
MAX_BATCH_CHARS = 4000  # of sentences in one call: few long ones must not outgrow an answer


@dataclass(frozen=True, slots=True)
class Question:
    """A sentence that is asked about, the text around it, and the key of its answer in the cache."""

    sentence: Sentence
    before: str
    after: str
    key: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Sentences of one article that one call asks about."""

    prompt: Prompt
    questions: tuple[Question, ...]

    def messages(self, problems: Sequence[Sequence[Problem]] = ()) -> list[dict[str, str]]:
        """Return the messages of the call."""
        texts = [one.sentence.text for one in self.questions]
        before, after = self.questions[0].before, self.questions[-1].after
        return self.prompt.render(texts, before=before, after=after, problems=problems)


@dataclass(frozen=True, slots=True)
class Plan:
    """Work to be done: the sentences and the prompt of each article, and the calls to make.

    `known` are the answers by sentence id that the cache had; `checksum` is of all that answers depend on.
    """

    config: Config
    articles: tuple[tuple[Sentence, ...], ...]
    prompts: tuple[Prompt, ...]
    known: Mapping[str, Checked]
    batches: tuple[Batch, ...]
    checksum: str

    @property
    def source(self) -> str:
        """Source of the spans of its layer."""
        return f"{self.config.name}@{self.checksum[:8]}"

    @property
    def text_chars(self) -> int:
        """Characters of articles that would be sent, without context, examples and guideline."""
        return sum(len(one.sentence.text) for batch in self.batches for one in batch.questions)

    @property
    def sent_chars(self) -> int:
        """Characters of all messages that would be sent, were every first answer right."""
        return sum(count_chars(batch.messages()) for batch in self.batches)


def make_plan(
    config: Config, articles: Sequence[Sequence[Sentence]], *, labels: Sequence[Label], cache: AnswerCache
) -> Plan:
    """Plan what to ask about the sentences of articles that the cache has no answer for; raises ConfigError."""
    ids = [one.id for one in labels]
    if unknown := sorted(set(config.proposes) - set(ids)):
        raise ConfigError(f"proposes.{unknown[0]} is not a label of the label set", where=config.name)
    guideline = read_guideline(config)
    gold = read_gold(map(Path, config.gold), labels=ids) if config.gold and config.examples else ()
    drawn = [draw_examples(gold, some, config.examples, labels=ids) for some in articles]
    prompts = tuple(make_prompt(labels, guideline, some, form=config.answer) for some in drawn)
    asked = (config.base_url, config.model, config.request_parameters)
    known: dict[str, Checked] = {}
    batches: list[Batch] = []
    for sentences, prompt in zip(articles, prompts, strict=True):
        waiting = []
        for question in _questions(sentences, prompt, asked, config.context_chars):
            answer = cache.read(question.key, question.sentence.text)
            if answer is None:
                waiting.append(question)
            else:
                known[question.sentence.id] = answer
        batches += [Batch(prompt, some) for some in _in_batches(waiting, config.batch_sentences)]
    # Not by article: a layer of many articles has one source.
    examples = [one.id for one in gold], config.examples
    base = make_prompt(labels, guideline, (), form=config.answer).checksum
    checksum = make_key(PROMPT_VERSION, base, examples, *asked, config.context_chars)
    return Plan(config, tuple(map(tuple, articles)), prompts, known, tuple(batches), checksum)


def read_guideline(config: Config) -> str:
    """Return the guideline as the prompt quotes it; empty where it quotes none."""
    if not config.guideline:
        return ""
    path = find_shipped(Path(config.guideline))
    try:
        return PICTURE_LINE.sub("", read_bytes(path).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError("the guideline is not UTF-8", where=str(path)) from None


def _questions(
    sentences: Sequence[Sentence], prompt: Prompt, asked: tuple[object, ...], context_chars: int
) -> Iterator[Question]:
    article = "".join(one.text for one in sentences)
    end = 0
    for sentence in sentences:
        start, end = end, end + len(sentence.text)
        before, after = article[max(0, start - context_chars) : start], article[end : end + context_chars]
        # Its surroundings count: another article may have the same sentence with another meaning.
        key = make_key(prompt.checksum, *asked, before, sentence.text, after)
        yield Question(sentence, before, after, key)


def _in_batches(questions: Sequence[Question], most: int) -> Iterator[tuple[Question, ...]]:
    batch: list[Question] = []
    chars = 0
    for question in questions:
        size = len(question.sentence.text)
        if batch and (len(batch) >= most or chars + size > MAX_BATCH_CHARS):
            yield tuple(batch)
            batch, chars = [], 0
        batch.append(question)
        chars += size
    if batch:
        yield tuple(batch)
