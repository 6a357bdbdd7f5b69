"""Groups of sentences: what is held out together when a model is scored, and sections, drawn together where articles are few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from biaozhu.data.errors import BiaozhuError, ScoringError, TrainingError, raise_collected
from biaozhu.data.model import Article, Sentence
from biaozhu.reading.sentences import section_of, section_titles

By = Literal["section", "article"]
# One section is cut into at most so many stretches.
STRETCHES = 5


def group_sentences(
    articles: Sequence[Article], gold: Sequence[Sentence], *, at_least: int = 5, by: By | None = None
) -> dict[str, str]:
    """Return the group of each sentence by its id: its article, or its section where there is one article.

    A section of fewer than `at_least` sentences joins the one after it (the last one the one before): a headline belongs to what follows
    it, and a fold of a sentence or two says nothing. One section is cut into stretches of so many sentences or more (see `name_held_out`).
    `by` decides whatever the number of articles. Sentences of an article that was not given raise TrainingError.
    """
    known = {article.id: article for article in articles}
    used = {sentence.article for sentence in gold}
    if strangers := sorted(used - set(known)):
        raise TrainingError(
            f"the gold has sentences of {', '.join(strangers)}, of which no article was given",
            next_step="Give every article of the gold",
        )
    if by == "article" or (by is None and len(used) > 1):
        return {sentence.id: known[sentence.article].name for sentence in gold}
    groups: dict[str, str] = {}
    for article in (known[identifier] for identifier in sorted(used)):
        sections = section_of(article, [sentence for sentence in gold if sentence.article == article.id])
        groups |= {key: f"{article.name} {group}" for key, group in _merged(sections, at_least).items()}
    count = min(STRETCHES, len(groups) // at_least)
    if by is None and len(set(groups.values())) == 1 and count > 1:
        ordered = sorted(gold, key=lambda sentence: sentence.start)
        cuts = [len(ordered) * part // count for part in range(count + 1)]
        for first, last in pairwise(cuts):
            name = f"{known[ordered[0].article].name} sentences {first + 1}-{last}"
            groups |= dict.fromkeys((sentence.id for sentence in ordered[first:last]), name)
    return groups


def name_held_out(gold: Sequence[Sentence], groups: Mapping[str, str]) -> Literal["article", "section", "stretch"]:
    """Name what `group_sentences` holds out together; a stretch leaves its neighbours to learn from."""
    if len({sentence.article for sentence in gold}) > 1:
        return "article"
    return "stretch" if any("-" in group.rpartition(" ")[2] for group in groups.values()) else "section"


def _merged(sections: Mapping[str, int], at_least: int) -> dict[str, int]:
    sizes = Counter(sections.values())
    target: dict[int, int] = {}
    waiting: list[int] = []
    for section in sorted(sizes):
        waiting.append(section)
        if sum(sizes[one] for one in waiting) >= at_least:
            target |= dict.fromkeys(waiting, section)
            waiting = []
    target |= dict.fromkeys(waiting, max(target.values(), default=max(sizes, default=0)))
    return {key: target[section] for key, section in sections.items()}


def sections_of(articles: Sequence[Article], gold: Sequence[Sentence]) -> dict[str, str]:
    """Return the name of each sentence's section by sentence id, `<article> §<number> <heading>`.

    The article is called by its file's stem, or by its id where two files share a stem. Articles and gold that do not fit each other raise
    ScoringError, a sentence that is in no block of its article OffsetError.
    """
    known, wanted = {article.id for article in articles}, {sentence.article for sentence in gold}
    what = "the gold has no sentence of this article"
    advice = "Give the unchanged article files that the gold was made from"
    problems: list[BiaozhuError] = [
        ScoringError(what, where=f"{article.name} ({article.id})", next_step=advice)
        for article in articles
        if article.id not in wanted
    ]
    what = "the gold has sentences of this article, but its file was not given"
    problems += [
        ScoringError(what, where=identifier, next_step="Give every article of the gold, or none")
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
