"""Rules over a network's names: what they find, join, cut and leave out, whatever a network says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.annotators.amounts import find_amounts
from biaozhu.annotators.labelled import repair_names
from biaozhu.data.model import Span

LABELS = {"【": "PLACE", "〔": "PERSON"}


def read_marked(marked: str) -> tuple[str, list[Span]]:
    """Return a text and the spans that brackets mark in it."""
    text, spans, begun = "", [], (0, "")
    for sign in marked:
        if sign in LABELS:
            begun = (len(text), LABELS[sign])
        elif sign in "】〕":
            spans.append(Span(begun[0], len(text), begun[1], "network", 0.9))
        else:
            text += sign
    return text, spans


@pytest.mark.parametrize(
    ("given_spans", "wanted"),
    [
        # Abroad
        ("【澳大利亚】联邦议会。", "【澳大利亚】联邦议会。"),
        ("在联合国发言。", "在联合国发言。"),
        ("《中华人民共和国森林法》", "《中华人民共和国森林法》"),
        ("他是巴斯夫的工程师。", "他是巴斯夫的工程师。"),
        # Roads, facilities, estates
        ("【重庆】【天津】东路18号。", "【重庆】天津东路18号。"),
        ("【四川】大道。", "四川大道。"),
        ("【云南】高速通车。", "【云南】高速通车。"),
        ("【定州市】【王家大院】酒店。", "【定州市】王家大院酒店。"),
        ("【阴山】隧道。", "阴山隧道。"),
        ("【阴山】特长隧道和【黑水河】自然保护区。", "阴山特长隧道和黑水河自然保护区。"),
        ("【沙县】横街，【泉州】西街，【泉州】西路。", "沙县横街，【泉州】西街，泉州西路。"),
        ("人民大会堂【湖南】厅，【湖南】厅级干部。", "人民大会堂湖南厅，【湖南】厅级干部。"),
        ("【五亭桥】很长，【板桥】很小。", "五亭桥很长，【板桥】很小。"),
        ("【宜兴市】【金茂】【北京城】。", "【宜兴市】金茂北京城。"),
        # Provinces of one character
        ("【闽】【浙】【赣】边区。", "【闽浙赣】边区。"),
        ("【沪】【苏】【浙】【皖】三省一市。", "【沪】【苏】【浙】【皖】三省一市。"),
        ("在京剧院。", "在京剧院。"),
        # Divisions
        ("【喀什】地区。", "【喀什地区】。"),
        ("鄂温克旗。", "【鄂温克旗】。"),
        # The end of a name that the gazetteer has in full.
        ("属万【宝河镇】管。", "属【万宝河镇】管。"),
        ("【四平市】【铁东区】【叶赫满族镇】。", "【四平市】【铁东区】【叶赫满族镇】。"),
        ("促进小城镇发展。", "促进小城镇发展。"),
        # Groups of a village that have names
        ("住【西桥村】岩上组,【东桥村】【青石沟】组。", "住【西桥村】【岩上组】,【东桥村】【青石沟组】。"),
        ("【西桥村】大湾组、新屋组,【东桥村】工作组。", "【西桥村】【大湾组】、【新屋组】,【东桥村】工作组。"),
        ("在滨海城市旅游。", "在滨海城市旅游。"),
        # Persons
        ("村民买买提江·吐〔尔逊〕说", "村民〔买买提江·吐尔逊〕说"),
        ("〔查尔斯〕．〔狄更斯〕写作。", "〔查尔斯．狄更斯〕写作。"),
        ("媒体人士〔罗伯特·布朗〕说", "媒体人士〔罗伯特·布朗〕说"),
        ("约翰斯·霍普金斯大学。", "约翰斯·霍普金斯大学。"),
        ("牧民其木格说", "牧民〔其木格〕说"),
        ("扎西次仁放牧。", "〔扎西次仁〕放牧。"),
        ("〔小刚〕上学。", "小刚上学。"),
        ("〔小泽〕发言。", "〔小泽〕发言。"),
        ("〔赵支书〕带头。", "赵支书带头。"),
        ("〔王建国主任〕说", "〔王建国〕主任说"),
        ("村民田七斤养鸡。", "村民〔田七斤〕养鸡。"),
        ("枣不错，来三斤。", "枣不错，来三斤。"),
        ("从赵家庄到赵家沟。", "从【赵家庄】到【赵家沟】。"),
        ("【济南市】长到会。", "【济南】市长到会。"),
        ("在【福冈县】【长尾市】。", "在【福冈县】【长尾市】。"),
    ],
)
def test_repair_by_rules(given_spans: str, wanted: str) -> None:
    text, spans = read_marked(given_spans)
    same, right = read_marked(wanted)
    assert text == same
    assert [span.key for span in repair_names(text, spans)] == [span.key for span in right]


@pytest.mark.parametrize("text", ["村民王七斤说", "刘八斤家", "芙蓉路三段"])
def test_repair_amounts_leave_names_that_hold_a_number(text: str) -> None:
    assert find_amounts([text]) == [()]


ALPHABET = "王李买提江·•．. 小老七斤访问多哥赴闽考察路县市长旗记者说家、，。（）《》\ud800"


@given(st.text(ALPHABET, max_size=24), st.lists(st.integers(0, 24), max_size=6, unique=True))
def test_repair_spans_stay_inside_the_text_and_disjoint(text: str, borders: list[int]) -> None:
    points = sorted(one for one in borders if one <= len(text))
    spans = [
        Span(start, end, ("PLACE", "PERSON")[start % 2], "network", 0.9)
        for start, end in zip(points[::2], points[1::2], strict=False)
    ]
    reached = 0
    for span in repair_names(text, spans):
        assert reached <= span.start < span.end <= len(text)
        reached = span.end
