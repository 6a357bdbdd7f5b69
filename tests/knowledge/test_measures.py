from __future__ import annotations

import re
from pathlib import Path

import pytest

import biaozhu
from biaozhu.knowledge.measures import ARABIC_ONLY, MEASURES, NOT_BEFORE, SMALLER, measure_kind, measure_pattern

ALL = {word for words in MEASURES.values() for word in words.split()}


@pytest.mark.parametrize(
    ("measure", "kind"),
    [
        ("个", "classifier"),
        ("大类", "classifier"),
        ("亩", "unit"),
        ("元/亩", "money"),
        ("港元", "money"),
        ("个月", "time"),
        ("%", "ratio"),
        ("学校", None),
    ],
)
def test_measures_kind(measure: str, kind: str | None) -> None:
    assert measure_kind(measure) == kind


def test_measures_rules_name_only_measures() -> None:
    assert set(NOT_BEFORE) <= ALL
    assert ARABIC_ONLY <= ALL
    # 文 measures in some contexts alone, one of which is a larger unit before it.
    assert {unit for scale in SMALLER for unit in scale} <= ALL | {"文"}


def test_measures_pattern_prefers_the_longest() -> None:
    pattern = re.compile(measure_pattern(" ".join(MEASURES.values())))
    for word in ALL:
        found = pattern.match(word)
        assert found
        assert found.group() == word


@pytest.mark.parametrize("text", ["人民", "个体户", "家庭", "分之", "年代", "点钟", "成立"])
def test_measures_pattern_stops_at_other_words(text: str) -> None:
    assert not re.match(measure_pattern(" ".join(MEASURES.values())), text)


def test_measures_and_other_patterns_repeat_no_group_possessively() -> None:
    # A regression test: Python up to 3.11.4 goes wrong where such a group goes back within itself (CPython's issue 106052): no
    # 500万元 had a value there. Atomic groups say the same: (?>(?:…)*).
    package = Path(biaozhu.__file__).parent
    files = [path for path in package.rglob("*") if path.suffix in (".py", ".toml")]
    assert [path.name for path in files if re.search(r"\)(?:[+*?]|\{[0-9,]+\})\+", path.read_text("utf-8"))] == []
