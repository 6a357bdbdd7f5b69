"""Marked text: an answer that repeats each sentence with its spans between marks, for servers without structured output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from biaozhu.data.model import Span
from biaozhu.llm.answers import Checked, Problem, shorten, strip_wrapping

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from biaozhu.data.model import Sentence

NUMBER = re.compile(r"<(/?)(\d{1,4})>")
MARK = re.compile(r"<(/?)([^<>/\s]{1,40})>")


def mark_sentences(sentences: Sequence[Sentence]) -> str:
    """Return sentences as a model should answer them."""
    blocks = []
    for number, one in enumerate(sentences, 1):
        text = one.text
        for span in reversed(one.spans):
            marked = f"<{span.label}>{text[span.start : span.end]}</{span.label}>"
            text = text[: span.start] + marked + text[span.end :]
        blocks.append(f"<{number}>{text}</{number}>")
    return "\n".join(blocks)


def check_marks(content: str, texts: Sequence[str], *, labels: Collection[str]) -> list[Checked]:
    """Read the marked answer to a batch and align it with the texts, of which the first is number 1."""
    content = strip_wrapping(content)
    found = list(_blocks(content))
    reason = "empty answer" if not content else "no marked text in the answer" if not found else ""
    if any(not 1 <= number <= len(texts) for number, _ in found):
        reason = "an answer for a sentence that was not asked about"
    if reason:
        return [Checked(problems=(Problem(reason),))] * len(texts)
    by_number: dict[int, list[str]] = {}
    for number, marked in found:
        by_number.setdefault(number, []).append(marked)
    answers = []
    for number, text in enumerate(texts, 1):
        own = by_number.get(number, [])
        if len(own) == 1:
            answers.append(_align(own[0], text, labels))
        else:
            answers.append(
                Checked(problems=(Problem("two answers for one sentence" if own else "no answer"),))
            )
    return answers


def _blocks(content: str) -> Iterator[tuple[int, str]]:
    """Yield each number that is opened and closed, and what is between, in one pass however often a model repeats itself."""
    tags = [(tag, int(tag[2])) for tag in NUMBER.finditer(content)]
    last = {number: tag.start() for tag, number in tags if tag[1]}
    begun: tuple[int, int] | None = None
    for tag, number in tags:
        if begun is None and not tag[1] and last.get(number, -1) >= tag.end():
            begun = number, tag.end()
        elif begun is not None and tag[1] and number == begun[0]:
            yield number, content[begun[1] : tag.start()]
            begun = None


def _align(marked: str, text: str, labels: Collection[str]) -> Checked:  # noqa: C901 — one pass over the marks
    """Compare the answer with the text letter by letter; white space, which models change, is no letter."""
    places = [at for at, letter in enumerate(text) if not letter.isspace()]
    letters = ""
    spans: list[Span] = []
    problems: list[Problem] = []
    begun: tuple[str, int] | None = None
    reached = 0
    for mark in MARK.finditer(marked):
        closes, label = mark.groups()
        if mark[0] in text:
            if label in labels:
                return Checked(problems=(Problem("the sentence itself has such marks"),))
            continue
        letters += "".join(marked[reached : mark.start()].split())
        reached = mark.end()
        if not closes and begun is None:
            begun = label, len(letters)
        elif not closes or begun is None or begun[0] != label:
            return Checked(problems=(Problem("marks are nested or not closed"),))
        else:
            first, begun = begun[1], None
            if first == len(letters):
                problems.append(Problem("span is empty or has white space at its ends", "", shorten(label)))
            elif label not in labels:
                problems.append(Problem("unknown label", shorten(letters[first:]), shorten(label), 1))
            elif len(letters) <= len(places):
                spans.append(Span(places[first], places[len(letters) - 1] + 1, label))
    letters += "".join(marked[reached:].split())
    if begun:
        return Checked(problems=(Problem("marks are nested or not closed"),))
    own = "".join(text.split())
    if letters != own:
        at = next((at for at, letter in enumerate(own) if letters[at : at + 1] != letter), len(own))
        where = f"{letters[at : at + 10]!r} where the sentence has {own[at : at + 10]!r}"
        return Checked(problems=(Problem("the text comes back rewritten", detail=where),))
    return Checked(tuple(spans), tuple(problems))
