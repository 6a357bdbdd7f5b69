from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import ModelDataError
from biaozhu.knowledge import lexicon as module
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.lexicon import DIVISION, FOREIGN, KINDS, WIDTH, lexicon_columns, lexicon_facts
from biaozhu.knowledge.word_tables import COMPOUND_SURNAMES, SURNAMES
from biaozhu.knowledge.world import KINDS as WORLD_KINDS
from biaozhu.knowledge.world import world_names

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGINS, ENDS, INSIDE = 0, KINDS, 2 * KINDS
SINGLE, FIRST, SECOND = 3 * KINDS, 3 * KINDS + 1, 3 * KINDS + 2
PLACE, PERSON = module.TAGS["ns"], module.TAGS["nr"]
PIECES = st.lists(
    st.one_of(
        st.sampled_from(["北京", "司马迁", "平遥县", "欧阳", "葡萄牙", "解放军", "𠮷", "\n", "\ud800", "a", "，"]),
        st.text(max_size=3),
    ),
    max_size=8,
).map("".join)


def words_of_jieba() -> dict[str, int]:
    found = find_spec("jieba")
    assert found is not None
    assert found.origin is not None
    lines = (Path(found.origin).parent / "dict.txt").read_text(encoding="utf-8").splitlines()
    kinds: dict[str, int] = {}
    for line in lines:
        word, _, tag = line.rsplit(" ", 2)
        kinds[word] = module.TAGS.get(tag, module.FIRST_LETTERS.get(tag[0], module.OTHER))
    return kinds


@pytest.fixture(scope="module")
def kinds() -> dict[str, int]:
    return words_of_jieba()


@given(PIECES)
def test_lexicon_marks_what_the_tables_hold_and_no_more(kinds: dict[str, int], text: str) -> None:
    wanted = np.zeros((len(text), WIDTH), np.uint8)
    for start in range(len(text)):
        for end in range(start + 2, len(text) + 1):
            word = text[start:end]
            meaning = gazetteer().named.get(word)
            bits = [kinds[word]] if word in kinds and end - start < module.LONGEST + 1 else []
            bits += [] if meaning is None else [DIVISION + 2 * (meaning.level - 1) + meaning.full]
            world = world_names().get(word, 0)
            bits += [FOREIGN + kind for kind in range(WORLD_KINDS) if world >> kind & 1]
            for bit in bits:
                wanted[start, BEGINS + bit] = wanted[end - 1, ENDS + bit] = 1
                wanted[start + 1 : end - 1, INSIDE + bit] = 1
            if word in COMPOUND_SURNAMES:
                wanted[start, FIRST] = wanted[end - 1, SECOND] = 1
        wanted[start, SINGLE] = text[start] in SURNAMES
    np.testing.assert_array_equal(lexicon_columns([text])[0], wanted)


@given(st.lists(PIECES, max_size=4))
def test_lexicon_columns_of_a_text_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    for text, columns in zip(texts, lexicon_columns(texts), strict=True):
        assert columns.shape == (len(text), WIDTH)
        np.testing.assert_array_equal(columns, lexicon_columns([text])[0])


def test_lexicon_knows_a_place_and_a_person() -> None:
    (columns,) = lexicon_columns(["葡萄牙人欧阳修"])
    assert columns[:3, [BEGINS + PLACE, INSIDE + PLACE, ENDS + PLACE]].tolist() == np.eye(3).tolist()
    assert columns[4, BEGINS + PERSON]
    assert columns[6, ENDS + PERSON]
    assert columns[4:6, [FIRST, SECOND]].tolist() == [[1, 0], [0, 1]]


@pytest.fixture
def anew() -> Iterator[None]:
    module.loaded_lexicon.cache_clear()
    yield
    module.loaded_lexicon.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("anew")
def test_lexicon_without_daachorse_gives_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    texts = ["在平遥县,司马迁见了葡萄牙人。", "", "新疆维吾尔自治区"]
    before = lexicon_columns(texts)
    module.loaded_lexicon.cache_clear()
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "import_automaton", lambda: None)
    for one, other in zip(lexicon_columns(texts), before, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("anew")
def test_lexicon_refuses_another_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHA256", "0" * 64)
    with pytest.raises(ModelDataError, match=r"not that of jieba 0\.42\.1"):
        lexicon_columns(["北京"])


def test_lexicon_facts_name_the_columns() -> None:
    assert lexicon_facts()["width"] == WIDTH
