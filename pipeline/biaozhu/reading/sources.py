"""Sentences from whatever a command is given: articles, which are split, and layers, which are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.data.layers import read_layer
from biaozhu.reading.article import find_articles, read_articles
from biaozhu.reading.sentences import split_checked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from biaozhu.data.model import Sentence


def read_sentences(files: Iterable[Path]) -> tuple[Sentence, ...]:
    """Return the sentences of layers (`*.jsonl`, with their spans) and of articles, in this order.

    Args:
        files: layers, articles, and folders of articles.

    Raises:
        MissingFileError, LineError, EncodingError, EmptyArticleError: see `read_layer` and `read_articles`.
    """
    found = find_articles(files)
    layers = [read_layer(path) for path in found if path.suffix == ".jsonl"]
    articles = read_articles(path for path in found if path.suffix != ".jsonl")
    return tuple(one for layer in (*layers, *map(split_checked, articles)) for one in layer)
