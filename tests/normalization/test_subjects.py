from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from biaozhu.normalization.addresses import resolve_places
from biaozhu.normalization.subjects import Subject, subject_places

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.data.model import Article, Sentence

    Marked = Callable[[str], tuple[Article, tuple[Sentence, ...]]]


def subjects(made: tuple[Article, tuple[Sentence, ...]]) -> list[Subject]:
    article, sentences = made
    found = subject_places(article, sentences, resolve_places(sentences))
    return [
        found[sentence.id, span.start] for sentence in sentences for span in sentence.spans if span.label == "AMOUNT"
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
        ("[P日]机轰炸县城，炸死[A86人]。", [""]),
        # An enumeration of places with their numbers.
        (
            "[P平遥县]有[A9座]，分别在[P新营村][A3座]、[P北营村][A4座]和[P香乐乡][A2座]。",
            ["平遥县", "新营村", "北营村", "香乐乡"],
        ),
        ("其中[P新营村]（[A3座]）、[P北营村]（[A4座]）。", ["新营村", "北营村"]),
        ("[P平遥县]赴[P新营村][A3次]、[P北营村][A4次]。", ["平遥县", "平遥县"]),
        ("[P平遥县]离[P新营村][A3里]、[P北营村][A4里]。", ["平遥县", "平遥县"]),
        ("[P平遥县]人口是[P新营村]的[A3倍]、[P北营村]的[A4倍]。", ["平遥县", "平遥县"]),
        ("增速[P中国][A3%]、[P美国][A2%]、[P中国][A4%]。", ["中国", "美国", "中国"]),
        ("[P平遥县]大旱。[P汾河]暴涨，拨银[A5000两]。", ["平遥县"]),
    ],
)
def test_subjects_find_the_place_that_an_amount_is_about(marked: Marked, text: str, places: list[str]) -> None:
    assert [one.path.rpartition("/")[2] for one in subjects(marked(text))] == places


@pytest.mark.parametrize(
    ("text", "path", "is_sure"),
    [
        # 全市 is the city of this sentence, and clients are not where they come from.
        ("去年[P杭州]的客商来了。\n[P黄山市]市长[N孙勇]介绍，全市有[A3户]。", "安徽省/黄山市", True),
        ("去年[P杭州]的客商来过[A3次]。", "浙江省/杭州市", False),
        ("[P北京市]水务局介绍，全市有[A3座]。", "北京市", True),
        # A mountain is where it is, and no city of another sentence.
        ("我们从[P上海]出发。\n[P折多山]堵了[A7个小时]。", "折多山", True),
        ("[P平遥县]修路。\n今年又修了[A3公里]。", "山西省/晋中市/平遥县", False),
        ("[P平遥县]修路。未来[P宜宾]、[P乐山]一带有[A50毫米]降雨。", "山西省/晋中市/平遥县", False),
        ("[P平遥县]与[P福建]青山公司签约，种了[A50亩]。", "山西省/晋中市/平遥县", True),
        ("游客去了[P平遥县]，当地人说要[A5元]。", "山西省/晋中市/平遥县", False),
        ("[P泰国]工厂生产轮胎[A9条]。", "泰国", True),
        # 该镇 is no county, whatever the heading says.
        ("# [P平遥县]：修路\n该镇修了[A3公里]。", "山西省/晋中市/平遥县", False),
        (
            "# [P平遥县]：修路\n[P新营村]农民[N林大有]来了。\n[N林大有]种了[A3亩]。",
            "山西省/晋中市/平遥县/洪善镇/新营村",
            True,
        ),
        # Other counties have a 北洼乡; this one is made up.
        ("# [P青禾县]：修路\n[P北洼乡]修了[A3公里]。", "青禾县/北洼乡", True),
        ("[P青禾县][P北洼乡]修了[A3公里]。", "青禾县/北洼乡", True),
        ("| [P平遥县] | [A3亿元]", "山西省/晋中市/平遥县", True),
        ("[P匈牙利]项目停了。公司每股派[A3.5元]。", "匈牙利", False),
        # Another city has been named since, though no clause is about it.
        ("[P徐州市]修路。\n照片里[P武汉]防汛。全市有[A3万人]上堤。", "江苏省/徐州市", False),
        # Of what holds a village, the first place may be another.
        ("[P浙江]来人。\n[P凤阳][P胡编坎]有[A3户]。", "浙江省/凤阳/胡编坎", False),
        # Two towns of the province are called so.
        ("[P陕西省][P柳林镇]有[A3户]。", "柳林镇", False),
    ],
)
def test_subjects_say_whether_the_place_is_sure(marked: Marked, text: str, path: str, *, is_sure: bool) -> None:
    assert subjects(marked(text))[-1] == (path, is_sure)


# Written for this test, every amount with the place that it is about: its last step, or from / on all of them. The
# first half was there when the rules were made, the second was not looked at until they were.
ARTICLES = Path(__file__).with_name("subject_articles.txt").read_text(encoding="utf-8").split("== ")[1:]


@pytest.mark.parametrize(("articles", "right", "wrong"), [(ARTICLES[:15], 70, 0), (ARTICLES[15:], 53, 6)])
def test_subjects_of_articles_are_right_or_in_doubt(
    marked: Marked, articles: list[str], right: int, wrong: int
) -> None:
    verdicts: list[str] = []
    for article in articles:
        text = article.partition("\n")[2]
        wanted = re.findall(r"\[A[^]=]*=([^]]*)\]", text)
        for want, found in zip(wanted, subjects(marked(re.sub(r"=[^]]*\]", "]", text))), strict=True):
            steps = want.strip("/").split("/") if want else []
            path = found.path.split("/") if found.path else []
            same = path == steps if want.startswith("/") or not want else path[-1:] == steps
            verdicts.append("right" if same else "wrong" if found.path and found.is_sure else "unsure")
    assert verdicts.count("right") >= right
    assert verdicts.count("wrong") <= wrong
