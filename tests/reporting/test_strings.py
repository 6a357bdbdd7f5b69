"""Every word in both languages."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter
from typing import get_args

import pytest
from scoring_layers import read_schema

from biaozhu.curation.adjudication import Kind as DisagreementKind
from biaozhu.curation.bias import FATES
from biaozhu.data.diff import Kind
from biaozhu.reporting.authorship import SOURCES, GoldAuthorKind
from biaozhu.reporting.content import RoundTrip
from biaozhu.reporting.page.overlay import Status
from biaozhu.reporting.page.strings import LANGUAGES, make_translator, read_strings
from biaozhu.reporting.page.verdict import Direction, Doubt, Trust
from biaozhu.reporting.page.view import SECTIONS
from biaozhu.scoring.breakdown import ASPECTS
from biaozhu.scoring.error_patterns import PATTERNS
from biaozhu.scoring.scores import SCHEMES
from biaozhu.scoring.significance import UnitKind
from biaozhu.scoring.value_scores import FIELDS
from biaozhu.training.curves.extrapolation import Failure


def used_keys() -> set[str]:
    folder = files("biaozhu.reporting")
    sources = [
        one.read_text("utf-8")
        for inside in ("", "page", "page/templates")
        for one in folder.joinpath(inside).iterdir()
        if one.name.endswith((".py", ".j2"))
    ]
    pattern = r"\b(?:t|words)\(\s*[\"']([^\"'{]+)[\"']\s*[,)]"
    found = {key for text in sources for key in re.findall(pattern, text)} | set(SECTIONS)
    found |= {f"scheme.{scheme}{end}" for scheme in SCHEMES for end in ("", ".means")}
    found |= {f"pattern.{pattern}{end}" for pattern in PATTERNS for end in ("", ".means")}
    found |= {f"aspect.{aspect}" for aspect in ASPECTS} | {f"units.{kind}" for kind in get_args(UnitKind)}
    found |= {f"status.{status}" for status in get_args(Status)} - {"status.gold", "status.plain"}
    found |= {f"{key}.{trust}" for key in ("trust", "use") for trust in get_args(Trust)}
    found |= {f"source.{source}" for source in SOURCES} | {"surface.seen", "surface.unseen"}
    found |= {f"says.{direction}" for direction in get_args(Direction)} | {"no_score", "not_checked"}
    found |= {f"doubt.{doubt}" for doubt in get_args(Doubt)} | {f"author.{kind}" for kind in get_args(GoldAuthorKind)}
    charts = ("f1", "threshold", "reliability", "length", "learning", "history")
    found |= {f"chart.{chart}{end}" for chart in charts for end in ("", ".text")}
    found |= {f"layer.held_out_{by}" for by in ("article", "section")} | {"footer", "footer.paged"}
    found |= {f"agreement.{name}" for name in ("scope", "foreign")}
    found |= {f"next.{step}" for step in ("about", "more", "articles", "use", "person", "blind", "other", "held_out")}
    found |= {f"learning.{end}" for end in ("sure", "nothing")} | {
        "no_gold",
        "agreement.articles",
        "agreement.time",
    }
    found |= {f"agreement.{name}" for name in ("month", "article")}
    found |= {f"learning.failure.{failure}" for failure in get_args(Failure) if failure}
    found |= {f"bias.{name}" for name in ("agreement", "errors_taken", "omissions_taken")}
    found |= {f"fate.{fate}" for fate in FATES} | {f"kind.{kind}" for kind in get_args(DisagreementKind)}
    found |= {f"role.{role}" for role in read_schema()["$defs"]["input"]["properties"]["role"]["enum"]}
    found |= {f"change.{kind}" for kind in get_args(Kind)}
    trips = (RoundTrip(same, losses=lost) for same, lost in ((True, ()), (False, ()), (False, ("x",))))
    found |= {trip.state for trip in trips}
    found |= {f"values.field.amount_{field}" for field in (*FIELDS, "all_of_these", "place")}
    return found | {f"values.field.place_{field}" for field in ("path", "level", "path_where_one_is_given")}


def test_strings_are_there_in_every_language_and_used() -> None:
    table = read_strings()
    assert used_keys() == table.keys()
    for key, words in table.items():
        assert set(words) == set(LANGUAGES), key
        assert all(word.strip() for word in words.values()), key


def test_strings_name_the_same_places_in_every_language() -> None:
    places = {
        key: [{name for _, name, _, _ in Formatter().parse(words[language]) if name} for language in LANGUAGES]
        for key, words in read_strings().items()
    }
    assert {key for key, (chinese, english) in places.items() if chinese != english} == set()
    assert any(chinese for chinese, _ in places.values())


def test_strings_refuse_a_key_they_lack() -> None:
    with pytest.raises(KeyError):
        make_translator("zh")("no such key")
