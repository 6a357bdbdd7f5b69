"""Plain technical English: a list of words that documents, help, errors and docstrings do not use.

Documents have none of them. What may be left in code is written down here, and may only shrink.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
# What is refused -> what to write.
WORDS = {
    r"\bis borne\b|\bbears? (?:with|bad)\b": "is tolerated, is waited for",
    r"\b(?:told|tell|tells|telling) apart\b": "distinguished",
    r"\b[Ww]hat answers\b": "the server",
    r"\b(?<![Tt]here )(?:is|are) no (?!longer\b|more\b|such\b|other\b|gold\b|evidence\b|fault\b|change\b|limit\b)": "is not a",
    r"\b[Mm]end(?:s|ed|ing)?\b": "fix, correct",
    r"\bof one's own\b": "your own, a local",
    r"\bwhoever\b|\bWhoever\b": "anyone who",
    r"\bshall\b": "must, will",
    r"\b(?:does|goes|go) without\b": "does not need",
    r"\b(?:is|are) for [a-z']+ to say\b": "is decided by",
    r"\blies? (?:among|beside|under|in|at)\b": "is in",
    r"\bstands? (?:in|under|beside|behind|at|there|more than once)\b": "is in, occurs",
    r"\bspeaks? (?:of|about|for|against)\b": "is about",
    r"\btells? (?:what|which|whether|how|nothing|it)\b": "says, shows",
    r"\bof a stranger\b|\bstranger's\b": "foreign, untrusted",
    r"\b(?:comes?|came) along\b": "is included",
    r"\bhowever (?:many|long)\b": "any number of",
    r"\bat work\b": "running, active",
    r"\b[Tt]aken for (?:dead|lost|one)\b": "considered",
    r"\bof ours\b": "of biaozhu",
}
PATTERN = re.compile("|".join(f"(?:{word})" for word in WORDS))
QUESTION = re.compile(r"(?:What|Which|How|Whether|That|Where|Who|When|Why)\b")
# The most that may be left, for code that was written before the list: lower a figure whenever fewer are left.
MOST_IN_DOCSTRINGS = 24
MOST_OPENINGS = 0
MOST_IN_STRINGS = 6
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name not in ("python.md", "configs.md")),
]
SOURCES = sorted((ROOT / "pipeline").rglob("*.py"))


@cache
def read_texts(path: Path) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Return the docstrings of a module, and its other strings that are sentences, each with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: list[tuple[int, str]] = []
    docstrings = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                docstrings.add(value)
                found.append((value.lineno, " ".join(value.value.split())))
    strings = [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node not in docstrings
        and " " in node.value.strip()
    ]
    return found, strings


def list_refused(path: Path, texts: list[tuple[int, str]]) -> Iterator[str]:
    for line, text in texts:
        for hit in PATTERN.finditer(text):
            yield f"{path.relative_to(ROOT)}:{line}: {text[max(0, hit.start() - 30) : hit.end() + 30]}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_words_of_documents_are_plain(path: Path) -> None:
    lines = list(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
    assert list(list_refused(path, lines)) == []


def test_words_of_help_and_errors_are_plain() -> None:
    hits = [hit for path in SOURCES for hit in list_refused(path, read_texts(path)[1])]
    assert len(hits) <= MOST_IN_STRINGS, "\n".join(hits)


def test_words_of_docstrings_only_get_fewer() -> None:
    hits = [hit for path in SOURCES for hit in list_refused(path, read_texts(path)[0])]
    assert len(hits) <= MOST_IN_DOCSTRINGS, "\n".join(hits)


def test_words_at_the_head_of_docstrings_are_no_questions() -> None:
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]}"
        for path in SOURCES
        for line, text in read_texts(path)[0]
        if QUESTION.match(text)
    ]
    assert len(hits) <= MOST_OPENINGS, "\n".join(hits)
