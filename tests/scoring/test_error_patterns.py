"""Error patterns of written sentences, and that every wrong span stands in exactly one case."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from scoring_layers import disjoint, marked

from biaozhu.data.model import Sentence, Span
from biaozhu.scoring.error_patterns import find_cases, heads_organisation


@pytest.mark.parametrize(
    ("gold", "found", "patterns"),
    [
        ("[桃源村|PLACE]的人", "[桃源村|PLACE]的人", []),
        ("[桃源村|PLACE]的人", "桃源村的人", ["missed"]),
        ("桃源村的人", "[桃源村|PLACE]的人", ["invented"]),
        ("[桃源村|PLACE]的人", "[桃源村|PERSON]的人", ["label"]),
        ("[桃源村|PLACE]的人", "桃[源村|PLACE]的人", ["boundary_left"]),
        ("[桃源村|PLACE]的人", "[桃源|PLACE]村的人", ["boundary_right"]),
        ("[桃源村|PLACE]的人", "桃[源村的|PLACE]人", ["boundary_both"]),
        ("[桃源村|PLACE]的人", "桃[源村|PERSON]的人", ["boundary_and_label"]),
        ("[清河县桃源村|PLACE]的人", "[清河县|PLACE][桃源村|PLACE]的人", ["split"]),
        ("[清河县|PLACE][桃源村|PLACE]的人", "[清河县桃源村|PLACE]的人", ["merged"]),
        ("[清河县|PLACE][桃源村|PLACE]的人", "清[河县桃|PLACE][源村|PLACE]的人", ["tangled"]),
        ("[桃源村|PLACE]的[王小明|PERSON]说", "桃源村的[王小|PERSON]明说", ["missed", "boundary_right"]),
        # At the head of an organisation's name.
        ("[清河镇|PLACE]党委", "清河镇党委", ["nested_in_organisation"]),
        ("[清河镇|PLACE]党委", "[清河镇党委|PLACE]", ["nested_in_organisation"]),
        ("清河县阳光种植合作社", "[清河县|PLACE]阳光种植合作社", ["nested_in_organisation"]),
        ("[清河县|PLACE]教育局", "清河县教育局", ["nested_in_organisation"]),
        # A label error or a merger is one wherever it stands, and amounts head no names.
        ("[清河镇|PLACE]党委", "[清河镇|PERSON]党委", ["label"]),
        ("[清河县|PLACE][桃源村|PLACE]党支部", "[清河县桃源村|PLACE]党支部", ["merged"]),
        ("[三家|AMOUNT]公司", "三家公司", ["missed"]),
    ],
)
def test_patterns_of_written_sentences(gold: str, found: str, patterns: list[str]) -> None:
    assert [case.pattern for case in find_cases(marked(gold), marked(found))] == patterns


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("清河县公司", "清河县", True),
        ("清河县人民政府", "清河县", True),
        ("清河县公安局", "清河县", True),
        ("清河县局面稳定", "清河县", False),
        ("清河县的公司", "清河县", False),
        ("清河县,公司", "清河县", False),
        ("清河县 公司", "清河县", False),
        ("清河县对口帮扶公司", "清河县", False),
        ("清河县", "清河县", False),
        ("清河县厂房", "清河县", False),
        ("清河县加工企业", "清河县", False),  # any of them, none by name
        ("清河县第二中学", "清河县", True),
    ],
)
def test_patterns_know_an_organisation_by_what_follows(text: str, name: str, *, expected: bool) -> None:
    assert heads_organisation(text, len(name)) is expected


def test_patterns_show_the_context_and_keep_the_shape() -> None:
    before, after = "一二三四五六七八九十甲乙丙丁戊己庚", "的人" * 10
    gold = marked(f"{before}[清河镇|PLACE]{after}", article=3, start=7)
    case = find_cases(gold, Sentence(gold.article, gold.start, gold.end, gold.text))[0]
    assert (case.before, case.text, case.after) == (before[-15:], "清河镇", after[:15])
    assert (case.sentence, case.start, case.end) == (gold.id, 17, 20)
    assert (case.gold, case.predicted, case.shape) == (gold.spans, (), "missed")
    nested = find_cases(marked("[清河镇|PLACE]党委"), marked("清河镇党委"))[0]
    assert (nested.pattern, nested.shape) == ("nested_in_organisation", "missed")


@given(disjoint(), disjoint())
def test_patterns_account_for_every_wrong_span_once(gold: tuple[Span, ...], found: tuple[Span, ...]) -> None:
    text = "清河镇党委书记王小明说今年引进三家公司投"
    sentence = Sentence("0" * 12, 0, 20, text, gold)
    cases = find_cases(sentence, Sentence("0" * 12, 0, 20, text, found))
    right = {(span.start, span.end, span.label) for span in gold} & {
        (span.start, span.end, span.label) for span in found
    }

    def wrong(spans: tuple[Span, ...]) -> Counter[Span]:
        return Counter(span for span in spans if (span.start, span.end, span.label) not in right)

    assert Counter(span for case in cases for span in case.gold) == wrong(gold)
    assert Counter(span for case in cases for span in case.predicted) == wrong(found)
    assert all(text[case.start : case.end] == case.text for case in cases)
