"""No step takes four times as many characters of one sentence for much more than four times the work.

CPU seconds of one thread, with a generous ratio: a quadratic step takes sixteen times. The words are made up, so that
no network hides the rules; `benchmarks/growth.py` does the same with the networks, on all commands and more patterns.
"""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from biaozhu.annotators.amounts import find_amounts
from biaozhu.annotators.combine import combine_rows, list_losses
from biaozhu.annotators.labelled import find_labelled
from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS
from biaozhu.annotators.repeated import find_repeated
from biaozhu.annotators.words import LacWord
from biaozhu.data.model import Sentence, sentence_from_line, sentence_to_line, with_spans
from biaozhu.formats.conll import write_conll
from biaozhu.formats.serialization import to_remote_spans
from biaozhu.normalization.table import article_meaning
from biaozhu.reading.article import article_from_bytes
from biaozhu.scoring.scores import align_spans
from biaozhu.serving.app import answer

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")
SIZES = (1000, 4000)
NAMES = {"PLACE": "a", "PERSON": "b", "AMOUNT": "c"}
MAX_RATIO, MIN_SECONDS = 10.0, 0.05
PATTERNS = (
    "河北", "李明", "1元", "1%", "李明、", "河北、", "1元、", "每人1元", "半个", "1℃", "1", "一", "东村", "河北省石家庄市",
    "县长李明", "1-2元", "“河北”", "第一", "V1", "1亿3", "李明在河北买了1元",
    "李·明", "《", "扎西", "泰国", "记者 李明 ", "赴闽考察",
)  # fmt: skip


def _words(text: str, size: int) -> tuple[LacWord, ...]:
    tags = ("PERSON", "PLACE", "O", "AMOUNT")
    return tuple(
        LacWord(start, min(start + size, len(text)), tags[start // size % len(tags)], 0.95)
        for start in range(0, len(text), size)
    )


class _Clock:
    """CPU seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, call: Callable[[], Result]) -> Result:
        begun = time.thread_time()
        result = call()
        self.seconds[name] = time.thread_time() - begun
        return result


def _measure(pattern: str, size: int) -> dict[str, float]:
    text = (pattern * (size // len(pattern) + 1))[:size]
    clock = _Clock()
    article = clock.time("read", lambda: article_from_bytes(text.encode(), name="a", where="a"))
    words = [_words(text, max(1, len(pattern) // 2))]
    layers = {
        "amounts": clock.time("amounts", lambda: find_amounts([text])),
        "network": clock.time("network", lambda: find_labelled([text], words)),
        "repeated": clock.time("repeated", lambda: find_repeated([text], words)),
    }
    rows = clock.time("combine_rows", lambda: combine_rows(layers, DEFAULT_ANNOTATORS))
    bare = Sentence(article.id, 0, len(text), text)
    done = with_spans(bare, rows[0])
    clock.time("losses", lambda: list_losses([done], layers, DEFAULT_ANNOTATORS))
    clock.time("line", lambda: sentence_from_line(sentence_to_line(done)))
    clock.time("table", lambda: article_meaning(article, [done]))
    clock.time("push", lambda: to_remote_spans(text, done.spans, NAMES))
    clock.time("conll", lambda: write_conll([done]))
    clock.time("align", lambda: align_spans(done.spans, layers["network"][0]))
    clock.time("answer", lambda: answer([text], [(rows[0], None)], model="", many=False))
    return clock.seconds


@pytest.mark.parametrize("pattern", PATTERNS)
def test_growth_is_linear_in_the_length_of_a_sentence(pattern: str) -> None:
    _measure(pattern, 50)  # tables and patterns are made at the first text
    gc.disable()  # it goes through everything that other tests have left, too
    try:
        few, many = (_measure(pattern, size) for size in SIZES)
    finally:
        gc.enable()
    steep = {
        name: (few[name], seconds)
        for name, seconds in many.items()
        if seconds > MIN_SECONDS and seconds > MAX_RATIO * few[name]
    }
    assert not steep
