from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.annotators.place_units import cut_units, find_leading_units, is_generic
from biaozhu.annotators.places import LABEL, SOURCE, find_places
from biaozhu.annotators.words import LacWord


def words_of(tagged: str, score: float = 0.9) -> tuple[str, list[LacWord]]:
    """Read `平遥县/LOC 的/u` as a text and its words."""
    words: list[LacWord] = []
    text = ""
    for item in tagged.split(" "):
        word, _, tag = item.rpartition("/")
        words.append(LacWord(len(text), len(text) + len(word), tag, score))
        text += word
    return text, words


def found(tagged: str, score: float = 0.9) -> list[str]:
    text, words = words_of(tagged, score)
    (spans,) = find_places([text], [words])
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    "marked",
    [
        "平遥县|古陶镇",
        "山西省|晋中市|平遥县|古陶镇",
        "福建|龙岩",
        "平遥县|岳壁乡|梁坡底村",
        "内蒙古自治区|呼和浩特市",
        "延边朝鲜族自治州|延吉市",
        # names that hold a unit word stay whole
        "汾阳市|杏花村镇",
        "王省屯村",
        "陈村镇",
        "赵镇村",
        # units that no table has
        "平遥县|卜庐乡|魔芋沟村",
    ],
)
def test_place_units_cut_joined_names(marked: str) -> None:
    text = marked.replace("|", "")
    units = cut_units(text, 0, len(text))
    assert [text[unit.start : unit.end] for unit in units] == marked.split("|")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("福建青山食品有限公司", ["福建"]),
        ("平遥县大成灯具厂", ["平遥县"]),
        ("龙岩市委", ["龙岩"]),
        ("龙岩市委员会", ["龙岩市"]),
        ("泾县县委", ["泾县"]),
        ("福建省委", ["福建"]),
        ("古陶镇党委", ["古陶镇"]),
        ("平遥县古陶镇党委", ["平遥县", "古陶镇"]),
        ("卜庐镇党委", ["卜庐镇"]),
        ("魔芋沟村党支部", ["魔芋沟村"]),
        ("该镇党委", []),
        ("镇党委", []),
        ("县委组织部", []),
        ("中国科学院", ["中国"]),
        ("大成平遥红食品公司", []),
        ("新华书店", []),
        ("平安保险公司", []),
        ("中山大学", []),
    ],
)
def test_place_units_leading_an_organisation(name: str, expected: list[str]) -> None:
    assert [name[unit.start : unit.end] for unit in find_leading_units(name, 0, len(name))] == expected


@pytest.mark.parametrize(
    "name",
    [
        "该乡",
        "全县",
        "各村",
        "本村",
        "县内外",
        "县城",
        "我们村",
        "贫困村",
        "沿岸村",
        "竹编之乡",
        "大城市",
        "西部",
        "当地",
        "几个村",
    ],
)
def test_place_units_know_generic_words(name: str) -> None:
    assert is_generic(name)


@pytest.mark.parametrize("name", ["平遥县", "古陶镇", "福建", "西宁", "王省屯村", "大城县", "新乡", "太行山"])
def test_place_units_know_names(name: str) -> None:
    assert not is_generic(name)


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("他/r 到/v 福建/LOC 龙岩/LOC 考察/v", ["福建", "龙岩"]),
        ("平遥县古陶镇/LOC 群众/n", ["平遥县", "古陶镇"]),
        ("魔芋沟/LOC 村/n 的/u 果园/n", ["魔芋沟村"]),
        ("龙岩/LOC 市/n 召开/v", ["龙岩市"]),
        ("平遥县/LOC 西部/f", ["平遥县"]),
        ("汾河沿岸/LOC 农民/n", ["汾河"]),
        ("梁坡底村等村依山/LOC 就势/v", ["梁坡底村"]),
        ("\u3000\u3000/LOC 平遥县/LOC", ["平遥县"]),
        ("该乡/LOC 成立/v", []),
        ("中山路/LOC 上/f", []),
        ("龙岩人民公园/LOC 里/f", ["龙岩"]),
        ("与/p 福建青山食品有限公司/ORG 合作/v", ["福建"]),
        ("古陶镇/n 组织/v", ["古陶镇"]),
        ("如梁坡底村/LOC 干部/n", ["梁坡底村"]),
        ("在平遥县/LOC 工作/v", ["平遥县"]),
        ("和平县/LOC 群众/n", ["和平县"]),
        ("古陶镇/LOC 西部村庄/LOC", ["古陶镇"]),
        ("县城/n 西南/LOC", []),
        ("西南/LOC 各省/n", ["西南"]),
        ("赵屯村村委/ORG 主任/n", ["赵屯村"]),
        ("张三/PER 说/v", []),
        ("马耳/LOC 他/r 总理/n", ["马耳他"]),
    ],
)
def test_places_of_a_sentence(tagged: str, expected: list[str]) -> None:
    assert found(tagged) == expected


def test_places_drop_what_lac_doubts_and_no_table_knows() -> None:
    assert found("水清/n 、/w 岸绿/LOC", score=0.3) == []
    assert found("到/p 平遥/LOC 去/v", score=0.3) == ["平遥"]


@pytest.mark.parametrize(
    ("tagged", "score", "expected"),
    [
        ("来宾/LOC 的/u 甘蔗/n", 0.9, ["来宾"]),
        ("来宾/LOC 的/u 掌声/n", 0.5, []),
        ("各位/r 来宾/LOC 请/v", 0.9, []),
        ("广西来宾/LOC 的/u 甘蔗/n", 0.5, ["广西", "来宾"]),
        ("海南东方/LOC 的/u 芒果/n", 0.5, ["海南", "东方"]),
        ("四川东方/LOC 的/u 太阳/n", 0.5, ["四川"]),
        ("小庄/LOC 、/w 大庄/LOC 修路/v", 0.8, ["小庄", "大庄"]),
        (
            "新寨/LOC 、/w 古寨/LOC 、/w 大屯/LOC 、/w 老山/LOC 、/w 千岛/LOC",
            0.8,
            ["新寨", "古寨", "大屯", "老山", "千岛"],
        ),
        ("小庄/LOC 、/w 老山/LOC", 0.5, []),
        ("大山/LOC 深处/s", 0.9, []),
        ("新村/LOC 建设/vn", 0.9, []),
        ("西部/LOC 开发/v", 0.9, []),
        ("人民/LOC 生活/n", 0.9, []),
        ("四川南部/LOC 多/v 雨/n", 0.9, ["四川"]),
    ],
)
def test_places_know_names_that_are_words_as_well(tagged: str, score: float, expected: list[str]) -> None:
    assert found(tagged, score=score) == expected


def test_places_are_no_village_before_a_collective_in_doubt() -> None:
    assert found("发展/v 兴旺村/LOC 集体/n 经济/n", score=0.5) == []
    assert found("发展/v 兴旺村/LOC 集体/n 经济/n", score=0.9) == ["兴旺村"]


def article(*tagged: str) -> list[list[str]]:
    rows = [words_of(line) for line in tagged]
    spans = find_places([text for text, _ in rows], [words for _, words in rows])
    return [[text[s.start : s.end] for s in row] for (text, _), row in zip(rows, spans, strict=True)]


def test_places_found_once_are_found_everywhere() -> None:
    rows = article("卜庐镇/LOC 地处/v 山区/n", "卜/n 庐镇/vn 化整为零/v", "卜/d 庐/n 果农/n")
    assert rows == [["卜庐镇"], ["卜庐镇"], []]


def test_places_know_the_villages_of_the_article_s_townships() -> None:
    rows = article("平遥县/LOC 岳壁乡/LOC 干部/n", "来到/v 梁/n 坡底村/vn 调研/v", "梁/n 坡底村/v")
    assert rows == [["平遥县", "岳壁乡"], ["梁坡底村"], ["梁坡底村"]]


def test_places_do_not_spread_a_name_that_is_a_word_as_well() -> None:
    rows = article("来宾/LOC 的/u 甘蔗/n", "各位/r 来宾/n 请/v")
    assert rows == [["来宾"], []]


def test_places_know_a_village_without_its_unit_word() -> None:
    rows = article("魔芋沟村/LOC 丰收/v", "魔芋/n 沟/n 等/u 村/n 增收/v")
    assert rows == [["魔芋沟村"], ["魔芋沟"]]


def test_places_of_the_article_are_no_people() -> None:
    rows = article("魔芋沟村/LOC 丰收/v", "魔芋沟/PER 等/u 村/n 增收/v")
    assert rows == [["魔芋沟村"], ["魔芋沟"]]


def test_places_short_names_stand_beside_a_place() -> None:
    rows = article("平遥县/LOC 卜庐镇/LOC 丰收/v", "平遥县/LOC 卜/d 庐/a ：/w 果香/n 满/v 山/n")
    assert rows[1] == ["平遥县", "卜庐"]


def test_find_places_leave_people_alone() -> None:
    rows = article("龙岩/LOC 多/v 山/n", "王龙岩/PER 说/v")
    assert rows == [["龙岩"], []]


CHARACTERS = st.sampled_from([*"平遥县古陶镇省市区乡村庄委等和的福建中国河山“、，　 \n😀A1"])
TAGS = st.sampled_from(["LOC", "ORG", "PER", "n", "f", "v", "w", "nz"])
SENTENCES = st.lists(
    st.tuples(
        st.lists(CHARACTERS, min_size=1, max_size=8).map("".join) | st.text(min_size=1, max_size=6),
        TAGS,
        st.floats(0, 1),
    ),
    max_size=8,
)


@given(st.lists(SENTENCES, max_size=4))
def test_places_are_sorted_disjoint_and_inside(sentences: list[list[tuple[str, str, float]]]) -> None:
    texts, rows = [], []
    for sentence in sentences:
        text, words = "", []
        for word, tag, score in sentence:
            words.append(LacWord(len(text), len(text) + len(word), tag, score))
            text += word
        texts.append(text)
        rows.append(words)
    for text, spans in zip(texts, find_places(texts, rows), strict=True):
        reached = 0
        for span in spans:
            assert reached <= span.start < span.end <= len(text)
            assert not re.search(r"\s", text[span.start : span.end])
            assert (span.label, span.source) == (LABEL, SOURCE)
            assert 0 <= (span.score or 0) <= 1
            reached = span.end
