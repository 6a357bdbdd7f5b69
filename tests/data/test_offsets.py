from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biaozhu.data.offsets import Utf16Offsets

TEXTS = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("𠮷😀"), max_size=40)


def count_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(TEXTS)
@example("")
@example("😀𠮷野𠮷")
def test_offsets_are_those_of_the_encoded_text(text: str) -> None:
    offsets = Utf16Offsets(text)
    units = [count_units(text[:offset]) for offset in range(len(text) + 1)]
    assert [offsets.to_units(offset) for offset in range(len(text) + 1)] == units
    by_units = {unit: offset for offset, unit in enumerate(units)}
    for unit in range(-2, count_units(text) + 3):
        assert offsets.from_units(unit) == by_units.get(unit)


@pytest.mark.parametrize(
    ("text", "units", "expected"),
    [
        ("𠮷野", 1, None),
        ("𠮷野", 2, 1),
        ("𠮷野", 3, 2),
        ("𠮷野", 4, None),
        ("", 0, 0),
        ("😀", 2, 1),
        ("野", -1, None),
    ],
)
def test_offsets_inside_or_outside_a_character_are_none(text: str, units: int, expected: int | None) -> None:
    assert Utf16Offsets(text).from_units(units) == expected
