"""Sentences from whatever a command is given: articles, which are split, and layers, which are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.data.layers import find_layers, read_layers
from biaozhu.reading.article import find_articles, read_articles
from biaozhu.reading.sentences import split_checked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from biaozhu.data.model import Sentence


def read_sentences(files: Iterable[Path]) -> tuple[Sentence, ...]:
    """Return the sentences of layers (`*.jsonl`, with their spans) and of articles, in this order.

    It raises what `read_layer` and `read_articles` do; folders of either are read as well.
    """
    layers, sources = divide_sources(files)
    articles = map(split_checked, read_articles(sources))
    return (*read_layers(layers), *(sentence for article in articles for sentence in article))


def list_layer_sources(files: Iterable[Path]) -> list[Path]:
    """Return those of files and folders from which layers are read."""
    return [path for path in files if path.exists() and divide_sources([path])[0]]


def divide_sources(files: Iterable[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the layers and the articles of files and folders; a folder of layers alone is one of layers."""
    layers: list[Path] = []
    articles: list[Path] = []
    for path in files:
        inside = find_articles([path])
        is_layer = path.suffix == ".jsonl" or (inside == (path,) and any(path.glob("*.jsonl")))
        layers += [path] if is_layer else []
        articles += () if is_layer else inside
    return find_layers(layers), tuple(articles)
