from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.model import Article, Block, Metadata, Sentence, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.data.model import BlockKind

LABELS = {"P": "PLACE", "N": "PERSON", "A": "AMOUNT"}
MARK = re.compile(r"\[([PNA])(.*?)\]")
ID = "0123456789ab"
Made = tuple[Article, tuple[Sentence, ...]]


def make(text: str) -> Made:
    """Lines are blocks: `# ` heads a heading, `! ` a caption; sentences end at 。 and its closing quote."""
    raw, blocks, sentences, section = "", [], [], 0
    for line in text.strip().split("\n"):
        kind: BlockKind = "heading" if line[:2] == "# " else "caption" if line[:2] == "! " else "paragraph"
        section += kind == "heading"
        begin = len(raw)
        for part in re.findall(r"[^。]+(?:。”?)?", line.removeprefix("# ").removeprefix("! ")):
            plain, spans, reached = "", [], 0
            for match in MARK.finditer(part):
                plain += part[reached : match.start()]
                spans.append(Span(len(plain), len(plain) + len(match[2]), LABELS[match[1]]))
                plain, reached = plain + match[2], match.end()
            plain += part[reached:]
            sentences.append(Sentence(ID, len(raw), len(raw) + len(plain), plain, tuple(spans)))
            raw += plain
        blocks.append(Block(begin, len(raw), kind, section))
        raw += "\n"
    return Article(ID, "made", ID, "utf-8", raw, tuple(blocks), Metadata()), tuple(sentences)


@pytest.fixture
def marked() -> Callable[[str], Made]:
    """Return the maker of an article and its layer from marked text: [P平遥县]有[A3个]镇。"""
    return make
