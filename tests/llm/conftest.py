"""What the tests of language models share: a server, a folder with articles and gold, and a configuration."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chat_server import chat_server

from biaozhu.data.labels import read_labels
from biaozhu.llm.answers import AnswerCache
from biaozhu.llm.config import read_model_config
from biaozhu.llm.plan import make_plan
from biaozhu.llm.work import carry_out
from biaozhu.reading.article import article_from_bytes
from biaozhu.reading.sentences import split_article

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chat_server import ChatServer

ROOT = Path(__file__).parents[2]
TEXT = "青岛市农民王小明买了30斤种子。\n王小明说，李大海也去了济南。\n今天没有别的事情。\n"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server that answers rightly unless it is told otherwise."""
    with chat_server() as running:
        yield running


class Project:
    """A working folder with an article, a configuration and a cache of its own."""

    def __init__(self, folder: Path, server: ChatServer) -> None:
        self.folder, self.server = folder, server
        self.article = folder / "fields.txt"
        self.article.write_text(TEXT, encoding="utf-8")
        self.write()

    def write(self, more: str = "", **values: Any) -> Path:
        """Write the configuration, of which `values` replace some keys and `more` adds tables."""
        defaults = {
            "base_url": self.server.url,
            "model": "test-model",
            "guideline": "",
            "examples": 0,
            "retry_seconds": 0.01,
            "timeout_seconds": 5.0,
            "concurrency": 1,
        }
        lines = [f"{name} = {_toml(value)}" for name, value in {**defaults, **values}.items()]
        self.config = self.folder / "llm.toml"
        self.config.write_text("\n".join([*lines, more]), encoding="utf-8")
        return self.config

    def plan(self, *texts: str) -> tuple[Any, AnswerCache]:
        """Plan what to ask about texts, each an article; of the project's own where there is none."""
        articles = [split_article(article_from_bytes(text.encode(), name="x", where="x")) for text in texts or (TEXT,)]
        cache = AnswerCache(self.folder / "cache" / "answers.sqlite")
        return make_plan(read_model_config(self.config), articles, labels=read_labels(), cache=cache), cache

    def ask(self, *texts: str) -> Any:
        """Ask about texts, and give what came of it."""
        plan, cache = self.plan(*texts)
        try:
            return carry_out(plan, "", cache=cache)
        finally:
            cache.close()


@pytest.fixture
def project(tmp_path: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A folder as `Project` describes it, which is the working folder."""
    (tmp_path / "configs").mkdir()
    shutil.copy(ROOT / "configs" / "labels.toml", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    return Project(tmp_path, server)


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).replace("'", '"')
