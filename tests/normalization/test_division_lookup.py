from __future__ import annotations

import pytest

from biaozhu.data.errors import ModelDataError
from biaozhu.knowledge.gazetteer import CODE_DIGITS, gazetteer
from biaozhu.normalization.division_lookup import divisions_named, former_codes
from recipes.former_divisions import build_former_divisions


@pytest.mark.parametrize(
    ("name", "today"),
    [
        ("蓟县", ["蓟州区"]),
        ("均县", ["丹江口市"]),
        ("达县", ["达川区"]),
        ("莆田县", ["莆田市"]),
        ("昌江县", ["昌江区", "昌江黎族自治县"]),
        ("前郭", ["前郭尔罗斯蒙古族自治县"]),
        ("景区", []),
        ("某某某县", []),
    ],
)
def test_division_lookup_names(name: str, today: list[str]) -> None:
    assert [division.name for division in divisions_named(name) if len(division.code) <= 6] == today


def test_division_lookup_knows_every_former_code() -> None:
    for name in ("开县", "襄樊市", "宣武区", "中甸县"):
        codes = former_codes(name)
        assert codes
        for code in codes:
            assert len(gazetteer().within(code, CODE_DIGITS.index(len(code)))) == 1
    assert former_codes("平遥县") == ()


def test_division_lookup_recipe_takes_only_its_source(tmp_path) -> None:  # noqa: ANN001 — pytest's
    with pytest.raises(ModelDataError):
        build_former_divisions("代码,名称\n".encode(), tmp_path)
    assert list(tmp_path.iterdir()) == []
