"""Groups of sentences that are held out together when a model is scored on unseen text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from biaozhu.data.errors import TrainingError
from biaozhu.reading.sentences import section_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.data.model import Article, Sentence

By = Literal["section", "article"]


def group_sentences(
    articles: Sequence[Article], gold: Sequence[Sentence], *, at_least: int = 5, by: By | None = None
) -> dict[str, str]:
    """Return the group of each sentence by its id: its article, or its section where there is one article.

    A section of fewer than `at_least` sentences joins the one after it (the last one the one before): a headline belongs to what follows
    it, and a fold of a sentence or two says nothing. `by` decides whatever the number of articles. Sentences of an article that was not
    given raise TrainingError.
    """
    known = {article.id: article for article in articles}
    used = {sentence.article for sentence in gold}
    if strangers := sorted(used - set(known)):
        raise TrainingError(
            f"the gold has sentences of {', '.join(strangers)}, of which no article was given",
            next_step="Give every article of the gold with --article",
        )
    if by == "article" or (by is None and len(used) > 1):
        return {sentence.id: known[sentence.article].name for sentence in gold}
    groups: dict[str, str] = {}
    for article in (known[identifier] for identifier in sorted(used)):
        sections = section_of(article, [sentence for sentence in gold if sentence.article == article.id])
        groups |= {key: f"{article.name} {group}" for key, group in _merged(sections, at_least).items()}
    return groups


def _merged(sections: Mapping[str, int], at_least: int) -> dict[str, int]:
    sizes = Counter(sections.values())
    target: dict[int, int] = {}
    waiting: list[int] = []
    last: int | None = None
    for section in sorted(sizes):
        waiting.append(section)
        if sum(sizes[one] for one in waiting) >= at_least:
            target |= dict.fromkeys(waiting, section)
            waiting, last = [], section
    target |= dict.fromkeys(waiting, last if last is not None else waiting[-1] if waiting else 0)
    return {key: target[section] for key, section in sections.items()}
