"""Which sentences are held out together, and how their sections are called."""

from __future__ import annotations

import pytest

from biaozhu.data.errors import BiaozhuError, ScoringError, TrainingError
from biaozhu.data.model import Article, Block, Metadata, Sentence
from biaozhu.reading.holdout import group_sentences, name_held_out, sections_of
from biaozhu.reading.sentences import split_article


def make_article(identifier: str, name: str, sizes: tuple[int, ...]) -> Article:
    """An article with a section of so many sentences for each size, each below a heading but the first."""
    raw, blocks = "", []
    for section, size in enumerate(sizes):
        if section:
            blocks.append(Block(len(raw), len(raw) + 2, "heading", section))
            raw += f"节{section}\n"
        for _ in range(size):
            blocks.append(Block(len(raw), len(raw) + 3, "paragraph", section))
            raw += "好的。\n"
    return Article(identifier, name, identifier, "utf-8", raw, tuple(blocks), Metadata(title="题目"))


def sizes_of(groups: dict[str, str]) -> dict[str, int]:
    return {group: list(groups.values()).count(group) for group in dict.fromkeys(groups.values())}


@pytest.mark.parametrize(
    ("sizes", "at_least", "expected"),
    [
        ((5, 5), 5, {"x 0": 5, "x 1": 6}),
        ((4, 5), 5, {"x sentences 1-5": 5, "x sentences 6-10": 5}),
        (
            (32,),
            5,
            {f"x sentences {at + 1}-{at + size}": size for at, size in ((0, 6), (6, 6), (12, 7), (19, 6), (25, 7))},
        ),
        ((6, 2), 5, {"x 0": 9}),
        ((6, 1, 1, 6), 5, {"x 0": 6, "x 3": 11}),
        ((1, 1), 5, {"x 1": 3}),
        ((1, 1), 1, {"x 0": 1, "x 1": 2}),
    ],
)
def test_holdout_small_sections_join_the_next(sizes: tuple[int, ...], at_least: int, expected: dict[str, int]) -> None:
    article = make_article("0123456789ab", "x", sizes)
    groups = group_sentences([article], split_article(article), at_least=at_least)
    assert sizes_of(groups) == expected
    stretches = any("sentences" in group for group in expected)
    assert name_held_out(split_article(article), groups) == ("stretch" if stretches else "section")


def test_holdout_several_articles_are_held_out_whole() -> None:
    one, two = (make_article(f"{name * 12}", name, (6, 6)) for name in "ab")
    both = [*split_article(one), *split_article(two)]
    assert sizes_of(group_sentences([one, two], both)) == {"a": 13, "b": 13}
    assert sizes_of(group_sentences([one, two], split_article(one))) == {"a 0": 6, "a 1": 7}
    assert sizes_of(group_sentences([one, two], split_article(one), by="article")) == {"a": 13}
    by_section = sizes_of(group_sentences([one, two], both, by="section"))
    assert by_section == {"a 0": 6, "a 1": 7, "b 0": 6, "b 1": 7}
    assert name_held_out(both, group_sentences([one, two], both)) == "article"
    with pytest.raises(TrainingError):
        group_sentences([one], both)


def test_sections_are_named_by_article_number_and_heading() -> None:
    one, two = (make_article(f"{name * 12}", "x", (1, 1)) for name in "ab")
    alone = sections_of([one], split_article(one))
    assert list(alone.values()) == ["x §0 题目", "x §1 节1", "x §1 节1"]
    both = sections_of([one, two], [*split_article(two), *split_article(one)])
    assert set(both.values()) == {
        f"{one.id} §0 题目",
        f"{one.id} §1 节1",
        f"{two.id} §0 题目",
        f"{two.id} §1 节1",
    }
    untitled = Article(one.id, "x", one.sha256, "utf-8", one.raw, one.blocks, Metadata())
    assert next(iter(sections_of([untitled], split_article(one)).values())) == "x §0"


@pytest.mark.parametrize("given", ["ab", "b", "a"])
def test_sections_want_the_articles_of_the_gold(given: str) -> None:
    articles = [make_article(name * 12, "x", (1,)) for name in given]
    gold = [Sentence(name * 12, 0, 3, "好的。") for name in ("b" if given == "ab" else "ab")]
    with pytest.raises(BiaozhuError) as caught:
        sections_of(articles, gold)
    assert type(caught.value) is ScoringError
