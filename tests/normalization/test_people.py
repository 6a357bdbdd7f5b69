from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from biaozhu.normalization.people import group_people

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.data.model import Article, Sentence

    Marked = Callable[[str], tuple[Article, tuple[Sentence, ...]]]


def test_people_of_one_name_are_one_person(marked: Marked) -> None:
    _, sentences = marked("支部书记[N林大有]说好。[N周青]也说好。[N林大有]走了。")
    people = group_people(sentences)
    assert [(person.name, len(person.mentions)) for person in people.persons] == [("林大有", 2), ("周青", 1)]
    assert people.persons[0].titles == ("书记",)


@pytest.mark.parametrize(
    ("text", "titled"),
    [
        ("镇长[N林大有]来了。林镇长说好。", {"林大有": ["林镇长"]}),
        ("[N欧阳春]来了。欧阳老师说好。", {"欧阳春": ["欧阳老师"]}),
        ("[N林大有]来了。林总说好，林总体说好。", {"林大有": ["林总"]}),
        ("书记[N林大有]和校长[N林小有]来了。林校长说好。", {"林小有": ["林校长"]}),
        ("副校长[N林大有]和书记[N林小有]来了。林校长说好。", {"林大有": ["林校长"]}),
        ("副校长[N林大有]和校长[N林小有]来了。林校长、林副校长说好。", {"林大有": ["林副校长"], "林小有": ["林校长"]}),
        ("[N林大有]来了。林律师、林总理、林总统说好。", {"林大有": ["林律师", "林总理", "林总统"]}),
        ("[N任大有]来了，他曾任主任。", {}),
        ("[N林大有]来了。周主任没来。", {}),
    ],
)
def test_people_titles_stand_for_the_person_they_fit(marked: Marked, text: str, titled: dict[str, list[str]]) -> None:
    _, sentences = marked(text)
    people = group_people(sentences)
    found = {p.name: [m.text for m in p.mentions if m.kind == "titled"] for p in people.persons}
    assert {name: texts for name, texts in found.items() if texts} == titled
    assert people.unresolved == ()


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("副县长[N林大有]来了。", ("副县长",)),
        ("总工程师[N林大有]来了。", ("总工程师",)),
        ("常务副总经理[N林大有]来了。", ("常务副总经理",)),
        ("邦首席部长[N拉维·库马尔]来了。", ("首席部长",)),
        ("[N林大有]副教授来了。", ("副教授",)),
        ("县委书记[N林大有]来了。", ("书记",)),
    ],
)
def test_people_titles_are_whole_offices(marked: Marked, text: str, titles: tuple[str, ...]) -> None:
    _, sentences = marked(text)
    assert group_people(sentences).persons[0].titles == titles


@pytest.mark.parametrize(
    ("text", "persons"),
    [
        ("[N拉维·库马尔]来了。[N库马尔]走了。[N拉维]也走了。", {"拉维·库马尔": 3}),
        ("[N库马尔]来了。[N拉维•库马尔]走了。", {"拉维•库马尔": 2}),
        ("[N拉维·库马尔·辛格]和[N拉维·库马尔]来了。[N拉维]走了。", {"拉维·库马尔·辛格": 3}),
        # Of two of the name nobody knows which.
        ("[N拉维·库马尔]和[N安妮·库马尔]来了。[N库马尔]走了。", {"拉维·库马尔": 1, "安妮·库马尔": 1, "库马尔": 1}),
        ("[N拉维·库马尔·辛格]来了。父亲是[N库马尔·辛格]。", {"拉维·库马尔·辛格": 1, "库马尔·辛格": 1}),
        ("[N拉维·库马尔]来了。[N维·库]走了。", {"拉维·库马尔": 1, "维·库": 1}),
        ("[N林大有]来了。[N大有]走了。", {"林大有": 1, "大有": 1}),
    ],
)
def test_people_parts_of_a_name_are_its_person(marked: Marked, text: str, persons: dict[str, int]) -> None:
    _, sentences = marked(text)
    assert {person.name: len(person.mentions) for person in group_people(sentences).persons} == persons


def test_people_leave_open_what_fits_two(marked: Marked) -> None:
    _, sentences = marked("[N林大有]和[N林小有]来了。林主任说好。")
    people = group_people(sentences)
    assert [mention.text for mention in people.unresolved] == ["林主任"]
    assert all(mention.kind == "name" for person in people.persons for mention in person.mentions)


def test_people_change_no_span(marked: Marked) -> None:
    _, sentences = marked("镇长[N林大有]来了。林镇长说好。")
    before = [sentence.spans for sentence in sentences]
    for person in group_people(sentences).persons:
        for mention in person.mentions:
            (sentence,) = [one for one in sentences if one.id == mention.sentence]
            assert sentence.text[mention.start : mention.end] == mention.text
    assert [sentence.spans for sentence in sentences] == before
