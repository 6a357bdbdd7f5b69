"""A text put together again from its sentences and the gaps between them."""

from __future__ import annotations

from collections.abc import Iterable

from biaozhu.data.model import Article, Sentence


def rebuild(article: Article, sentences: Iterable[Sentence]) -> str:
    """Join the texts of the sentences, which are the article's, in order and disjoint, and the gaps between them."""
    parts, reached = [], 0
    for sentence in sentences:
        assert sentence.article == article.id
        assert reached <= sentence.start
        parts += [article.raw[reached : sentence.start], sentence.text]
        reached = sentence.end
    return "".join([*parts, article.raw[reached:]])
