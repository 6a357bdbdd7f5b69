"""Invented articles, their gold and layers, for the tests of the report."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.reporting.content import ReportRequest, gather_content
from biaozhu.scoring.layer_scoring import ScoringRequest
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from biaozhu.reporting.content import ReportContent

TYPED = re.compile(r"\[([A-Z]+) ([^\]]+)\]")
LABELS = ("PLACE", "PERSON", "AMOUNT")

ARTICLE = """云岭县:一条水渠带活三个村

云岭晚报讯 开春以来,[PLACE 云岭县][PLACE 青石乡]把修渠当作头等大事。乡里先后请来[AMOUNT 12位]水利技术员,走遍[AMOUNT 9个]村,量了[AMOUNT 46公里]旧渠。村民[PERSON 周望山]说:“渠通了,地就活了。”

[PLACE 柳树湾村]:旧渠换新颜

[PLACE 柳树湾村]有[AMOUNT 318户][AMOUNT 1042人],耕地[AMOUNT 2600余亩]。村支部书记[PERSON 何春生]介绍,去年全村筹资[AMOUNT 38.5万元],新修渠道[AMOUNT 7.2公里],灌溉面积增加[AMOUNT 百分之三十]。[PLACE 云岭县]水利局派技术员[PERSON 孟晓岚]驻村[AMOUNT 40天]。如今每亩节水[AMOUNT 15方],省下的钱又买了[AMOUNT 6台]水泵。

[PLACE 沙坪村]:梨园里的账本

沿着[PLACE 清水河]往北,就是[PLACE 沙坪村]。[PERSON 邓远航]承包了[AMOUNT 85亩]梨园,去年卖梨[AMOUNT 11万斤],收入[AMOUNT 27万元]。他雇了[AMOUNT 20多人],大多是本村和[PLACE 下河村]的农户。今年他还打算到[PLACE 昆明]和[PLACE 大理]跑一跑销路。

[PLACE 下河村]:合作社开了分红会

[PLACE 下河村]合作社理事长[PERSON 罗锦绣]拿出一本厚厚的账:入社[AMOUNT 146户],分红[AMOUNT 52万元],最多的一户分到[AMOUNT 8600元]。会计[PERSON 谭小满]补充说,社里还留了[AMOUNT 10万元]修路。县里来的[PERSON 周望山]听了连连点头。
"""


def parse(typed: str) -> tuple[str, list[tuple[int, int, str]]]:
    """Return the text without the typed labels, and the spans' offsets in it."""
    text, spans, reached = "", [], 0
    for found in TYPED.finditer(typed):
        text += typed[reached : found.start()]
        spans.append((len(text), len(text) + len(found[2]), found[1]))
        text += found[2]
        reached = found.end()
    return text + typed[reached:], spans


def gold_of(raw: str, spans: list[tuple[int, int, str]]) -> tuple[Sentence, ...]:
    """Return the gold as sentence lines of the article whose file holds `raw`."""
    identifier = hashlib.sha256(raw.encode()).hexdigest()[:12]
    lines = []
    for found in re.finditer(r"[^\n。]+(?:。”?)?", raw):
        inside = [
            Span(start - found.start(), end - found.start(), label, "gold")
            for start, end, label in spans
            if start >= found.start() and found.end() >= end
        ]
        lines.append(Sentence(identifier, found.start(), found.end(), found[0], tuple(inside)))
    return tuple(lines)


def spoil(gold: tuple[Sentence, ...], rate: float, seed: int, source: str) -> tuple[Sentence, ...]:
    """Return a layer that errs at a rate, in every way there is, the same way for the same seed."""
    draw = random.Random(seed)  # noqa: S311 — test data
    lines = []
    for line in gold:
        spans: list[Span] = []
        for span in line.spans:
            score = round(draw.uniform(0.72, 0.999), 3)
            start, end, label = span.start, span.end, span.label
            if draw.random() < rate:
                score = round(draw.uniform(0.35, 0.9), 3)
                kind = draw.choice(("drop", "short", "long", "label"))
                if kind == "drop":
                    continue
                if kind == "short" and end - start > 1:
                    end -= 1
                if kind == "long" and len(line.text) > end:
                    end += 1
                if kind == "label":
                    label = draw.choice([one for one in LABELS if one != label])
            if not spans or start >= spans[-1].end:
                spans.append(Span(start, end, label, source, score))
        if draw.random() < rate and len(line.text) > 12 and not any(span.start < 4 for span in spans):
            spans.insert(0, Span(1, 3, "PERSON", source, 0.41))
        lines.append(Sentence(line.article, line.start, line.end, line.text, tuple(spans)))
    return tuple(lines)


@pytest.fixture(scope="session")
def write_case() -> Callable[..., dict[str, Path]]:
    """Return a function that writes an article, its gold and two layers to a folder and names the files."""

    def write(folder: Path, typed: str = ARTICLE, *, name: str = "yunling") -> dict[str, Path]:
        raw, spans = parse(typed)
        gold = gold_of(raw, spans)
        paths = {key: folder / f"{name}-{key}.jsonl" for key in ("gold", "pre", "model")}
        paths["article"] = folder / f"{name}.txt"
        folder.mkdir(parents=True, exist_ok=True)
        paths["article"].write_bytes(raw.encode())
        write_layer(paths["gold"], gold)
        write_layer(paths["pre"], spoil(gold, 0.3, 1, "network"))
        write_layer(paths["model"], spoil(gold, 0.1, 2, "model"))
        return paths

    return write


class Page(HTMLParser):
    """What a test asks of a page: ids, links, elements by name, and the text of the shown articles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.links: list[str] = []
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.article_text: list[str] = []
        self.figures: dict[str, list[str]] = {}
        self._inside = 0
        self._figure = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        found = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in found.items()]
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self._figure = found.get("data-n", "")
        if tag == "div" and found.get("class") == "tx":
            self._inside = 1
        elif tag == "div" and self._inside:
            self._inside += 1

    def handle_endtag(self, tag: str) -> None:
        self._figure = ""
        if tag == "div" and self._inside:
            self._inside -= 1

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.article_text.append(data)
        if self._figure:
            self.figures.setdefault(self._figure, []).append(data)


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Page]:
    """Return a function that parses a page."""
    return Page


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory, write_case: Callable[..., dict[str, Path]]) -> dict[str, Path]:
    """Return the files of one invented article."""
    return write_case(tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="session")
def material(case: dict[str, Path]) -> ReportContent:
    """Return that article, gathered with its gold and two layers."""
    return gather_content(
        ReportRequest(
            ScoringRequest(
                layers=(f"规则={case['pre']}", f"模型={case['model']}"),
                articles=(case["article"],),
                gold=(case["gold"],),
                sampling=Sampling(resamples=500),
            )
        )
    )
