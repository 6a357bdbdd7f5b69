"""Small gold that was invented for the tests, and a small config that learns it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from biaozhu.data.layers import write_layer
from biaozhu.data.model import Article, Sentence, Span, with_spans
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article

if TYPE_CHECKING:
    from pathlib import Path

PLACES = ("青岛市", "桐庐县", "泸定县", "雅安市", "潍坊市")
PERSONS = ("王小明", "李秀英", "赵铁柱", "欧阳文", "孙丽")
AMOUNTS = ("30斤", "5台", "120元", "8.5亩", "两千人")
SMALL_CONFIG = """
[paths]
train = ["gold.jsonl"]
dev = ${paths.train}

[system]
seed = 1

[nlp]
lang = "zh"
pipeline = ["ner"]

[nlp.tokenizer]
@tokenizers = "biaozhu.CharTokenizer.v1"

[components]

[components.ner]
factory = "biaozhu_ner"
l2 = 0.1
iterations = 60

[components.ner.model]
@architectures = "biaozhu.Crf.v1"

[components.ner.model.tok2vec]
@layers = "concatenate.v1"

[components.ner.model.tok2vec.*.classes]
@architectures = "biaozhu.ClassEncoder.v1"
window = 2

[components.ner.model.tok2vec.*.lac]
@architectures = "biaozhu.LacEncoder.v1"
size = "small"
window = 1

[corpora]

[corpora.train]
@readers = "biaozhu.GoldCorpus.v1"
paths = ${paths.train}

[corpora.dev]
@readers = "biaozhu.GoldCorpus.v1"
paths = ${paths.dev}

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = ${system.seed}
"""


def invented_gold(count: int = 25, *, article: str = "") -> tuple[Sentence, ...]:
    """Sentences that name a person, a place and an amount, in turn."""
    article = article or hashlib.sha256(b"invented").hexdigest()[:12]
    sentences = []
    position = 0
    for number in range(count):
        place, person = PLACES[number % 5], PERSONS[number * 2 % 5]
        amount = AMOUNTS[number * 3 % 5]
        parts = [
            ("去年 ", ""),
            (person, "PERSON"),
            ("在", ""),
            (place, "PLACE"),
            ("买了", ""),
            (amount, "AMOUNT"),
            ("。", ""),
        ]
        text, spans = "", []
        for part, label in parts:
            if label:
                spans.append(Span(len(text), len(text) + len(part), label, "made"))
            text += part
        sentences.append(Sentence(article, position, position + len(text), text, tuple(spans)))
        position += len(text)
    return tuple(sentences)


PARAGRAPH = "{0}在{1}买了{2}苹果，大家都说价钱合适，明年还想再来。{0}又去{1}卖了{2}大米，路上走了很久才到。"


def made_article(folder: Path, *, sections: int = 3, name: str = "made") -> tuple[Article, tuple[Sentence, ...]]:
    """An invented article with headings, and its gold: each invented name wherever it stands."""
    lines = ["秋收时节话丰收", ""]
    for number in range(sections):
        names = PERSONS[number % 5], PLACES[number % 5], AMOUNTS[number % 5]
        lines += [
            f"{'一二三四五'[number]}、各地的新鲜事",
            "",
            *(PARAGRAPH.format(*names) for _ in range(3)),
            "",
        ]
    path = folder / f"{name}.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    article = read_article(path)
    gold = []
    for sentence in split_article(article):
        spans = [
            Span(start, start + len(name), label)
            for names, label in ((PLACES, "PLACE"), (PERSONS, "PERSON"), (AMOUNTS, "AMOUNT"))
            for name in names
            for start in range(len(sentence.text))
            if sentence.text.startswith(name, start)
        ]
        gold.append(with_spans(sentence, spans))
    return article, tuple(gold)


def small_project(folder: Path) -> tuple[Path, Path]:
    """Write the config and the gold into a folder; returns their paths, the config naming the gold in full."""
    gold = folder / "gold.jsonl"
    write_layer(gold, invented_gold())
    config = folder / "small.cfg"
    config.write_text(SMALL_CONFIG.replace('"gold.jsonl"', f'"{gold}"'), encoding="utf-8")
    return config, gold


WORDS = ("我们", "在", "学校", "学习", "汉语", "老师", "喜欢", "苹果", "。")


def worded_sentences(count: int) -> tuple[Sentence, ...]:
    """Return sentences whose spans are their words."""
    found = []
    for number in range(count):
        words = [WORDS[(number * step) % 8] for step in range(1, 7)] + ["。"]
        text, spans = "", []
        for word in words:
            spans.append(Span(len(text), len(text) + len(word), "WORD"))
            text += word
        found.append(Sentence("a" * 12, number * 100, number * 100 + len(text), text, tuple(spans)))
    return tuple(found)
