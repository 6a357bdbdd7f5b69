"""Hints about articles that will not be annotated well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from biaozhu.commands.console import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from biaozhu.data.model import Article

CHINESE = re.compile("[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]")
KANA = re.compile("[ぁ-ヿ]")
# Of the letters; an article about a company has many Latin ones.
MIN_CHINESE_SHARE, MAX_KANA_SHARE = 0.3, 0.1


def is_chinese(text: str) -> bool:
    """Tell whether most letters of a text are Chinese characters, and hardly any are Japanese."""
    letters = sum(map(str.isalpha, text))
    return not letters or (
        len(CHINESE.findall(text)) >= MIN_CHINESE_SHARE * letters
        and len(KANA.findall(text)) <= MAX_KANA_SHARE * letters
    )


def say_where_not_chinese(articles: Iterable[Article]) -> None:
    """Name the articles whose text is not Chinese."""
    for article in articles:
        if not is_chinese(article.raw):
            say(f"hint: {article.name} is not Chinese text; biaozhu finds little in it")
