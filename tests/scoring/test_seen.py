"""What a model has seen: all of its training data, and of what it was cross-validated on the other groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scoring_layers import marked

from biaozhu.scoring.breakdown import SeenNames

if TYPE_CHECKING:
    from biaozhu.data.model import Sentence

FIRST = marked("[清河镇|PLACE]的[王小明|PERSON]", article=1)
SECOND = marked("[清河镇|PLACE]种[三亩|AMOUNT]桃", article=1, start=20)
THIRD = marked("[三亩|AMOUNT]地", article=1, start=40)
GROUPS = {FIRST.id: "一", SECOND.id: "二", THIRD.id: "二"}


@pytest.mark.parametrize(
    ("sentence", "surface", "known"),
    [
        (FIRST, "清河镇", True),
        (SECOND, "清河镇", True),
        (FIRST, "王小明", False),
        (SECOND, "王小明", True),
        (FIRST, "三亩", True),
        # It stands in both sentences of its group, which were held out together.
        (THIRD, "三亩", False),
        (FIRST, "桃源村", False),
    ],
)
def test_seen_of_cross_validation_is_what_other_groups_have(sentence: Sentence, surface: str, *, known: bool) -> None:
    seen = SeenNames([], held_out=[FIRST, SECOND, THIRD], groups=GROUPS)
    assert seen.knows(sentence.id, surface) == known


def test_seen_in_training_is_seen_everywhere() -> None:
    seen = SeenNames([[FIRST], [THIRD]], held_out=[SECOND], groups={SECOND.id: "二"})
    assert all(seen.knows(one, surface) for one in ("x", SECOND.id) for surface in ("王小明", "三亩", "清河镇"))
    assert not seen.knows(SECOND.id, "桃源村")


@pytest.mark.parametrize(
    ("sentence", "known"),
    [
        (FIRST, False),
        # What differs from a sentence of another group in its names alone, and one that is the same.
        (marked("[沙坪村|PLACE]的[邓远|PERSON]", article=1, start=60), True),
        (marked("[清河镇|PLACE]的[王小明|PERSON]", article=1, start=80), True),
        (marked("[沙坪村|PLACE]的[邓远|PLACE]", article=1, start=60), False),
        (marked("去[沙坪村|PLACE]的[邓远|PERSON]", article=1, start=60), False),
    ],
)
def test_seen_knows_a_sentence_without_its_names(sentence: Sentence, *, known: bool) -> None:
    groups = {**GROUPS, sentence.id: GROUPS.get(sentence.id, "三")}
    seen = SeenNames([], held_out=[*{one.id: one for one in (FIRST, SECOND, THIRD, sentence)}.values()], groups=groups)
    assert seen.knows_sentence(sentence) == known
    assert SeenNames([[sentence]]).knows_sentence(sentence)
