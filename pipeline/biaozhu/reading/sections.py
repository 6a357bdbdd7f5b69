"""Name the section that each gold sentence is in: the unit of resampling where articles are few."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from biaozhu.data.errors import BiaozhuError, ScoringError, raise_collected
from biaozhu.reading.sentences import section_of, section_titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.data.model import Article, Sentence


def sections_of(articles: Sequence[Article], gold: Sequence[Sentence]) -> dict[str, str]:
    """Return the name of each sentence's section by sentence id, `<article> §<number> <heading>`.

    The article is called by its file's stem, or by its id where two files share a stem. Articles and gold that do not fit each other raise
    ScoringError, a sentence that is in no block of its article OffsetError.
    """
    known, wanted = {article.id for article in articles}, {sentence.article for sentence in gold}
    problems: list[BiaozhuError] = [
        ScoringError(
            "the gold has no sentence of this article",
            where=f"{article.name} ({article.id})",
            next_step="Give the unchanged article files that the gold was made from",
        )
        for article in articles
        if article.id not in wanted
    ]
    problems += [
        ScoringError(
            "the gold has sentences of this article, but its file was not given",
            where=identifier,
            next_step="Give every article file with --article, or none",
        )
        for identifier in sorted(wanted - known)
    ]
    raise_collected(problems)
    stems = Counter(article.name for article in articles)
    names: dict[str, str] = {}
    for article in articles:
        called = article.name if stems[article.name] == 1 else article.id
        titles = section_titles(article)
        mine = [sentence for sentence in gold if sentence.article == article.id]
        for identifier, number in section_of(article, mine).items():
            names[identifier] = f"{called} §{number} {titles[number]}".rstrip()
    return names
