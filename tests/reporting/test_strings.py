"""Every word in both languages."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter
from typing import get_args

import pytest

from biaozhu.data.diff import Kind
from biaozhu.reporting.bias_tables import CONTRASTS, FATES
from biaozhu.reporting.page.overlay import Status
from biaozhu.reporting.page.strings import LANGUAGES, read_strings, translator
from biaozhu.scoring.breakdown import ASPECTS
from biaozhu.scoring.error_patterns import PATTERNS
from biaozhu.scoring.match import SCHEMES
from biaozhu.scoring.scores_document import schema
from biaozhu.scoring.significance import UnitKind
from biaozhu.training.extrapolation import Failure


def used_keys() -> set[str]:
    folder = files("biaozhu.reporting.page")
    sources = [one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".py")]
    sources += [
        one.read_text("utf-8") for one in folder.joinpath("templates").iterdir() if one.name.endswith(".j2")
    ]
    found = {
        key for text in sources for key in re.findall(r"\b(?:t|words)\(\s*[\"']([^\"'{]+)[\"']\s*[,)]", text)
    }
    found |= {f"{kind}.{scheme}" for kind in ("scheme",) for scheme in SCHEMES}
    found |= {f"scheme.{scheme}.means" for scheme in SCHEMES}
    found |= {f"pattern.{pattern}{end}" for pattern in PATTERNS for end in ("", ".means")}
    found |= {f"aspect.{aspect}" for aspect in ASPECTS} | {f"units.{kind}" for kind in get_args(UnitKind)}
    found |= {f"status.{status}" for status in get_args(Status)} - {"status.gold", "status.plain"}
    found |= {f"learning.failure.{failure}" for failure in get_args(Failure) if failure}
    found |= {f"bias.{name}" for name in CONTRASTS} | {f"fate.{fate}" for fate in FATES}
    found |= {f"role.{role}" for role in schema()["$defs"]["input"]["properties"]["role"]["enum"]}
    found |= {f"change.{kind}" for kind in get_args(Kind)}
    return found


def test_strings_have_every_key_in_every_language() -> None:
    table = read_strings()
    assert used_keys() - table.keys() == set()
    assert len(used_keys()) > 100
    for key, words in table.items():
        assert set(words) == set(LANGUAGES), key
        assert all(word.strip() for word in words.values()), key


def test_strings_name_the_same_places_in_every_language() -> None:
    places = {
        key: [
            {name for _, name, _, _ in Formatter().parse(words[language]) if name} for language in LANGUAGES
        ]
        for key, words in read_strings().items()
    }
    assert {key for key, (chinese, english) in places.items() if chinese != english} == set()
    assert any(chinese for chinese, _ in places.values())


def test_strings_refuse_a_key_they_lack() -> None:
    with pytest.raises(KeyError):
        translator("zh")("no such key")
