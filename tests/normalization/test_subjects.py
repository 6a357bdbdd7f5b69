from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from biaozhu.normalization.addresses import resolve_places
from biaozhu.normalization.subjects import subject_places

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.data.model import Article, Sentence

    Marked = Callable[[str], tuple[Article, tuple[Sentence, ...]]]


def last_steps(made: tuple[Article, tuple[Sentence, ...]]) -> list[str]:
    article, sentences = made
    found = subject_places(article, sentences, resolve_places(sentences))
    return [
        found[sentence.id, span.start].rpartition("/")[2]
        for sentence in sentences
        for span in sentence.spans
        if span.label == "AMOUNT"
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("[P平遥县]建了[A3座]桥。", ["平遥县"]),
        ("[P平遥县][P洪善镇]建了[A3座]桥。", ["洪善镇"]),
        ("[P新营村]种了[A30亩]，[P北营村]种了[A50亩]。", ["新营村", "北营村"]),
        ("[P洪善镇]在[P新营村]、[P北营村]等[A8个]村种了[A50亩]。", ["洪善镇", "洪善镇"]),
        ("[P新营村]与[P福建]青山公司签约，种了[A50亩]。", ["新营村"]),
        ("[P新营村]到[P山东]学习，种了[A50亩]。", ["新营村"]),
        ("[P新营村]修路。今年又修了[A3公里]。", ["新营村"]),
        ("# [P平遥县][P洪善镇]：修路\n今年修了[A3公里]。", ["洪善镇"]),
        ("# [P平遥县][P洪善镇]：修路\n目前全县修了[A3公里]，该镇修了[A1公里]。", ["平遥县", "洪善镇"]),
        ("# [P平遥县]：修路\n! [P新营村]的路\n今年修了[A3公里]。", ["平遥县"]),
        ("# [P平遥县]：修路\n“我们村修了[A3公里]。”[P新营村]支部书记[N林大有]说。", ["新营村"]),
        ("# [P平遥县]：修路\n“今年修了[A3公里]。”[P新营村]支部书记[N林大有]说。", ["新营村"]),
        ("该镇推选[P新营村]支部书记[N林大有]，还选出[A3人]。", [""]),
        ("今年修了[A3公里]。", [""]),
    ],
)
def test_subjects_find_the_place_that_an_amount_is_about(marked: Marked, text: str, places: list[str]) -> None:
    assert last_steps(marked(text)) == places
