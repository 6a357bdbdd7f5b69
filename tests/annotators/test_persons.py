from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biaozhu.annotators.persons import find_persons
from biaozhu.annotators.words import LacWord
from biaozhu.data.model import Sentence, with_spans
from biaozhu.knowledge.surnames import COMPOUND_SURNAMES, SURNAMES, surname_length


def _found(tagged: str) -> list[str]:
    """Run on words written as `王小明/PER/0.9 说/v`, without the spaces between them."""
    text, words = "", []
    for one in tagged.split():
        word, tag, *score = one.split("/")
        words.append(LacWord(len(text), len(text) + len(word), tag, float(score[0]) if score else 0.99))
        text += word
    (spans,) = find_persons([text], [words])
    assert all(span.label == "PERSON" and span.source == "persons" for span in spans)
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("tagged", "names"),
    [
        ("村长/n 王小明/PER/0.95 说/v", ["王小明"]),
        ("介绍/v 了/u 李先生/PER/0.99", []),
        ("肖立夫人/PER/0.6 到场/v", ["肖立"]),
        ("小/a 许/PER/0.9 来/v", []),
        ("供养/v 小樊玲玲/PER/0.8 读书/v", ["樊玲玲"]),
        ("记者/n 郑一宣摄/PER/0.8 ）/w", ["郑一宣"]),
        ("以/p 美方/PER/0.9 为/v", []),
        ("阿卜杜/PER/0.8 ·/w 买买提/PER/0.7 到会/v", ["阿卜杜·买买提"]),
        ("“/w 郑老七/PER/0.9 ”/w 豆腐/n", []),
        ("“/w 郑老七/PER/0.9 来/v 了/u ”/w", ["郑老七"]),
        ("高强/PER/0.9 服装/n 有限公司/n", []),
        ("云雀/PER/0.3 飞/v", []),
        ("作者/n 苏俊/PER/0.9 以/p/0.5 、/w", ["苏俊"]),
        ("村长/n 苏俊/PER/0.9 存/v/0.5 告诉/v", ["苏俊存"]),
        ("苏俊/PER/0.9 说/v/0.5 ，/w", ["苏俊"]),
        ("王杰/PER 、/w 高尚/a/0.9 全/a/0.9 、/w 李明/PER", ["王杰", "高尚全", "李明"]),
        (
            "王杰/PER 、/w 单/a/0.5 大年/TIME/0.5 （/w 满族/nz ）/w 、/w 齐/v/0.6 天/n/0.6",
            ["王杰", "单大年", "齐天"],
        ),
        ("王杰/PER 、/w 水稻/n 、/w 小麦/n", ["王杰"]),
        ("本报/n 记者/n 余/v/0.6 清楚/a/0.6", ["余清楚"]),
        ("记者/n 高兴/a/0.6 地/u 说/v", []),
        # a village's or a brand's name, or a person before one
        ("刘双河/PER/0.8 村/n 丰收/v", []),
        ("刘志坚/PER/0.75 村/s 里/f 的/u 带头人/n", ["刘志坚"]),
        ("刘志坚/PER/0.98 等/u 三个/m 村/n 的/u 村民/n", ["刘志坚"]),
        ("刘志坚/PER/0.6 等/u 三个/m 村/n", []),
        ("村民/n 刘志坚/PER/0.6 等/u 三个/m 村/n 的/u 人/n", ["刘志坚"]),
        ("李家/PER/0.99 等/u 三个/m 村/n", []),
        ("刘志坚/PER/0.99 路/n 通车/v", []),
        ("刘志坚/PER/0.75 科技/n 特派员/n", ["刘志坚"]),
        ("刘志坚/PER/0.75 科技/n 园/n", []),
        ("刘志坚/PER/0.99 食品/n 卫生/n 讲座/n", ["刘志坚"]),
        ("刘志坚/PER/0.99 豆制品/n 专卖店/n", []),
        ("刘志坚/PER/0.99 到/v 公司/n 上班/v", ["刘志坚"]),
        ("万顺/PER/0.9 童车/n 、/w 高兴/PER/0.9 玩具/n 等/u 12家/m 企业/n", []),
        # a people's name, or a given name that ends in 族
        ("毛南族/PER/0.9 歌手/n", []),
        ("高光族/PER/0.9 种田/v", ["高光族"]),
        ("由/p 市长/n 任/v/0.8 组长/n/0.8", []),
    ],
)
def test_persons_are_full_names_only(tagged: str, names: list[str]) -> None:
    assert _found(tagged) == names


# Surnames, titles, marks and what stands between them: where the rules about the end of a name meet.
_WORDS = "欧阳 司马 小明 徐娜 记者 村长 先生 夫人 女儿 说 报道 摄 有限公司 （满族） 、李强、 明·徐娜"
PIECES = st.sampled_from([*"王李明徐欧高水毛南方的等族牌村a1 、，（）·“”。\u3000", *_WORDS.split()])
TAGS = st.sampled_from(["PER", "PER", "PER", "n", "v", "a", "w", "TIME", "LOC"])
SENTENCES = st.lists(st.tuples(PIECES | st.text(min_size=1, max_size=3), TAGS, st.floats(0, 1)), max_size=10)
# Names that took characters of each other: one that grew over the next, one after a title that ran into another.
REPORTED = [
    [
        ("记者", "n", 1.0),
        ("明涛", "PER", 0.62),
        ("明", "PER", 0.37),
        ("徐娜", "PER", 0.61),
        ("报道", "v", 1.0),
    ],
    [
        *[("记者", "n", 1.0), ("王", "n", 0.5), ("徐", "n", 0.5)],
        *[("明", "PER", 0.9), ("·", "w", 1.0), ("徐娜", "PER", 0.9)],
    ],
]


@given(st.lists(SENTENCES, max_size=3))
@example(REPORTED)
@settings(max_examples=500)
def test_persons_are_disjoint_and_inside_the_text(article: list[list[tuple[str, str, float]]]) -> None:
    texts = ["".join(word for word, _, _ in sentence) for sentence in article]
    words = []
    for sentence in article:
        ends = [*itertools.accumulate(len(word) for word, _, _ in sentence)]
        words.append(
            [
                LacWord(end - len(word), end, tag, score)
                for end, (word, tag, score) in zip(ends, sentence, strict=True)
            ]
        )
    for text, spans in zip(texts, find_persons(texts, words), strict=True):
        if text:
            with_spans(Sentence("0" * 12, 0, len(text), text), spans)
        assert list(spans) == sorted(spans)
        assert all(text[span.start : span.end].strip() for span in spans)


def test_persons_leave_a_name_that_follows_whole() -> None:
    tagged = ["/".join(map(str, word)) for word in REPORTED[0]]
    assert _found(" ".join(tagged)) == ["明涛", "徐娜"]


def test_surnames_are_single_or_compound() -> None:
    assert surname_length("欧阳修") == 2
    assert surname_length("王安石") == 1
    assert surname_length("的") == 0
    assert surname_length("") == 0
    assert len(SURNAMES) > 500
    assert {len(name) for name in COMPOUND_SURNAMES} == {2}
