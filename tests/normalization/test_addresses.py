from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biaozhu.data.model import Sentence, Span
from biaozhu.knowledge.division_names import ABBREVIATIONS, PROVINCE
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.normalization.addresses import resolve_places, root_of
from biaozhu.normalization.names import place_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.data.model import Article
    from biaozhu.normalization.places import Place

    Marked = Callable[[str], tuple[Article, tuple[Sentence, ...]]]

COUNTY = ("山西省", "晋中市", "平遥县")
ARTICLE = """
# [P平遥县][P洪善镇]：党员带头
[P洪善镇]的[P新营村]、[P北营村]连成一片。[P北营村]修路。
他们去[P河南]、[P山东]和[P曲阳]学习，[P浙江]也来人。
# [P平遥]：南边
[P南政镇]在[P侯郭村]打井。[P胡编营村]没有井。[P汾河]流过[P平遥县]。
"""


def by_name(places: tuple[Place, ...]) -> dict[str, Place]:
    return {place.text: place for place in places}


def test_addresses_give_paths_in_the_context_of_the_article(marked: Marked) -> None:
    _, sentences = marked(ARTICLE)
    found = by_name(resolve_places(sentences))
    assert found["平遥县"].path == found["平遥"].path == COUNTY
    assert found["洪善镇"].path == (*COUNTY, "洪善镇")
    # Villages of these names are in many counties.
    assert found["新营村"].path == (*COUNTY, "洪善镇", "新营村")
    assert found["北营村"].level == "village"
    assert found["河南"].path == ("河南省",)
    assert found["山东"].level == found["浙江"].level == "province"
    assert found["曲阳"].path[2:] == ("曲阳县",)


def test_addresses_keep_the_articles_name_of_a_township_that_has_changed_its_kind(marked: Marked) -> None:
    _, sentences = marked(ARTICLE)
    found = by_name(resolve_places(sentences))
    # The table of 2023 has 南政乡.
    assert found["南政镇"].path == (*COUNTY, "南政镇")
    assert found["侯郭村"].path == (*COUNTY, "南政镇", "侯郭村")


def test_addresses_look_names_up_without_marks(marked: Marked) -> None:
    places = resolve_places(marked("[P平遥县\u0301]和[P青岛市\ufe0f]。")[1])
    assert [(place.text, place.path[-1]) for place in places] == [
        ("平遥县\u0301", "平遥县"),
        ("青岛市\ufe0f", "青岛市"),
    ]


def test_addresses_say_what_they_do_not_know(marked: Marked) -> None:
    _, sentences = marked(ARTICLE)
    found = by_name(resolve_places(sentences))
    unknown = found["胡编营村"]
    assert (unknown.status, unknown.level, unknown.path) == ("unknown", "village", ())
    assert unknown.under == (*COUNTY, "南政镇")
    assert (found["汾河"].status, found["汾河"].path) == ("natural", ())


@pytest.mark.parametrize(
    ("text", "under"),
    [
        ("去[P喀什]，然后去[P巴基斯坦]的[P吉尔吉特]", ("巴基斯坦",)),
        ("[P巴基斯坦]首都[P伊斯兰堡]", ("巴基斯坦",)),
        ("[P墨玉县]下雪。飞往[P伦敦]", ()),
        # By its last character a village.
        ("[P平遥县]下雪。飞往[P汉堡]", ()),
        ("[P平遥县]下雪。[P假假县]也下雪", ()),
        # Places of this name are in the province, but in no part of the city.
        ("[P乌鲁木齐市]下雪。[P和田]说", ("新疆维吾尔自治区",)),
        ("[P平遥县][P乐平乡][P假河村]修路", (*COUNTY, "乐平乡")),
        ("[P平遥县]修路。[P假河村]也修路", COUNTY),
        ("[P平遥县][P洪善镇]修路。[P假河镇]也修路", COUNTY),
        ("[P汾河][P假河村]修路", ()),
        ("[P平遥县]东邻[P祁县]。由[P假河公社]改镇", COUNTY),
        ("[P平遥县]与[P祁县]、[P太谷县]接壤。由[P假河公社]改镇", COUNTY),
        ("[P平遥县]与[P祁县]隔河相望。由[P假河公社]改镇", COUNTY),
    ],
)
def test_addresses_put_the_unknown_where_the_text_puts_it(marked: Marked, text: str, under: tuple[str, ...]) -> None:
    _, sentences = marked(text)
    place = resolve_places(sentences)[-1]
    assert (place.path, place.under) == ((), under)
    tree = place_tree([place])
    assert [child["name"] for child in tree["children"]] == [(*under, place.text)[0]]


def test_addresses_find_a_village_that_has_been_divided(marked: Marked) -> None:
    _, sentences = marked("[P曲阳县][P燕赵镇]有[P西么罗村]。[P东么罗村]在旁边。")
    found = by_name(resolve_places(sentences))
    assert found["东么罗村"].path[2:] == ("曲阳县", "燕赵镇", "东么罗村")


@pytest.mark.parametrize(
    ("text", "status"), [("[P和平镇]下雪。", "ambiguous"), ("[P平遥县]的[P假河镇]下雪。", "unknown"), ("[P汾河]。", "")]
)
def test_addresses_tree_says_why_a_place_has_no_path(marked: Marked, text: str, status: str) -> None:
    # A regression test: the report called ambiguous places unknown.
    node = place_tree(resolve_places(marked(text)[1]))
    while node["children"]:
        (node,) = node["children"]
    assert (node["unknown"], node["ambiguous"]) == (status == "unknown", status == "ambiguous")


def test_addresses_without_context_are_ambiguous_and_name_their_candidates(marked: Marked) -> None:
    _, sentences = marked("[P城关镇]下雪。[P和平街道]也下雪。")
    for place in resolve_places(sentences):
        assert place.status in ("ambiguous", "unknown")
        assert place.path == ()
        assert sum(candidate.score for candidate in place.candidates) <= 1.0 + 1e-6


@pytest.mark.parametrize(("before", "county"), [("平遥县", "140728"), ("曲阳县", "130634")])
def test_addresses_of_one_name_depend_on_the_place_before_it(marked: Marked, before: str, county: str) -> None:
    _, sentences = marked(f"[P{before}]的人。[P李家庄村]、[P{before}]都好。")
    for place in resolve_places(sentences):
        assert not place.code or place.code.startswith(county)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        # Of two districts of one name each is in the city before it, whatever the root of the article.
        ("[P福州市][P鼓楼区]修路，[P徐州市][P鼓楼区]也修。", ("福建省/福州市/鼓楼区", "江苏省/徐州市/鼓楼区")),
        ("[P沧州市]的[P新华区]修路，[P石家庄市]的[P新华区]也修。", ("河北省/沧州市/新华区", "河北省/石家庄市/新华区")),
        # Words of any city, and the names of districts of some.
        (
            "[P西安市][P新城区]修路，[P呼和浩特市][P新城区]也修。",
            ("陕西省/西安市/新城区", "内蒙古自治区/呼和浩特市/新城区"),
        ),
        ("[P历下区]、[P市中区]修路。", ("山东省/济南市/历下区", "山东省/济南市/市中区")),
        ("[P阳泉市][P城区]修路。[P城区]下雨。", ("山西省/阳泉市/城区", "山西省/阳泉市/城区")),
        ("[P西安市]修路。[P新城区]下雨。[P宝鸡市][P新城区]也下。", ("", "")),
    ],
)
def test_addresses_put_a_district_into_the_city_before_it(marked: Marked, text: str, paths: tuple[str, ...]) -> None:
    places = resolve_places(marked(text)[1])
    assert tuple("/".join(place.path) for place in places if place.text.endswith("区")) == paths


def test_addresses_put_what_no_table_has_into_the_city_right_before_it(marked: Marked) -> None:
    found = resolve_places(marked("[P兰州市][P胡编区]修路，[P拉萨市][P胡编区]也修。")[1])
    assert [place.under[-1] for place in found if not place.path] == ["兰州市", "拉萨市"]


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("[P法国]客商。", "法国"),
        ("[P法國]客商。", "法国"),
        ("[P蒙古]草原。", "蒙古"),
        ("[P寮國]下雨。", "寮国"),
        ("[P马绍尔群岛]渔民。", "马绍尔群岛"),
        # A township and a county of China have these names, too.
        ("[P巴西]队赢了。", "巴西"),
        ("[P黑山]总理说。", "黑山"),
        ("[P美]军说。", "美国"),
        ("[P日]方说。", "日本"),
        ("[P中][P蒙]边境。", "蒙古国"),
        ("[P蒙][P俄]边境。", "俄罗斯"),
        ("[P荷]籍客商。", "荷兰"),
    ],
)
def test_addresses_take_countries(marked: Marked, text: str, country: str) -> None:
    _, sentences = marked(text)
    place = resolve_places(sentences)[-1]
    assert (place.status, place.level, place.path) == ("known", "country", (country,))


@pytest.mark.parametrize(("name", "path"), [("东南亚", "东南亚"), ("东非", "东非"), ("欧", "欧洲"), ("北美", "北美")])
def test_addresses_continents_are_no_countries(marked: Marked, name: str, path: str) -> None:
    _, sentences = marked(f"出口[P{name}]，[P{name}]的[P里尔]")
    first, _, last = resolve_places(sentences)
    assert (first.status, first.level, first.path) == ("known", "region", (path,))
    assert last.under == (path,)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[P廣東省][P廣州市]受災", "广东省/广州市"),
        ("[P臺灣]", "台湾省"),
        ("[P臺北市]", "台湾省/台北市"),
        ("[P台東縣]", "台湾省/台东县"),
        ("[P餘姚市][P黃家埠鎮]", "浙江省/宁波市/余姚市/黄家埠镇"),
        # Names abroad, too, that the text or the article's place puts here.
        ("[P黑山县]下雪。[P黑山]", "辽宁省/锦州市/黑山县"),
        ("[P四川省][P若尔盖县][P巴西镇]下雪。[P巴西]", "四川省/阿坝藏族羌族自治州/若尔盖县/巴西镇"),
        ("[P日本]的[P上海]居民", "上海市"),
        ("[P中][P美][P上海]会谈", "上海市"),
        ("[P粤][P港][P澳]", "澳门特别行政区"),
        ("[P苏州]开会。[P新加坡][P苏州]工业园区", "江苏省/苏州市"),
        ("去[P九华山]、[P鞍山]", "辽宁省/鞍山市"),
        ("[P越南]、[P老挝]、[P泰国]和[P缅甸]开会。他去了[P阳朔县]", "广西壮族自治区/桂林市/阳朔县"),
        ("[P苏州市][P昆山市]、[P苏州市][P常熟市]。[P新加坡][P苏州]工业园区", "江苏省/苏州市"),
        ("[P烟台市][P福山区]与[P日本][P福山市]结好。[P福山]", "山东省/烟台市/福山区"),
    ],
)
def test_addresses_in_china_have_paths_whatever_is_abroad(marked: Marked, text: str, path: str) -> None:
    _, sentences = marked(text)
    place = resolve_places(sentences)[-1]
    assert (place.status, "/".join(place.path)) == ("known", path)
    span = sentences[-1].spans[-1]
    assert place.text == sentences[-1].text[span.start : span.end]


@pytest.mark.parametrize(
    ("text", "status", "under"),
    [
        ("[P日本][P福山市]代表团", "unknown", "日本"),
        ("[P日本]的[P福山市]", "unknown", "日本"),
        ("[P日本][P冈山县]", "unknown", "日本"),
        ("[P韓國][P全州市]", "unknown", "韩国"),
        ("[P越南][P北宁]", "unknown", "越南"),
        ("[P越南][P河南省]", "unknown", "越南"),
        ("[P越南][P太原]下雪。[P太原]", "unknown", "越南"),
        ("[P日本][P广岛县][P福山市]", "unknown", "日本/广岛县"),
        ("[P中][P巴]热身赛", "unknown", ""),
        # No division of today is called so, and one is, in an article on another country.
        ("[P冈山县]下雪", "ambiguous", ""),
        ("[P韩国][P釜山]、[P大田]", "ambiguous", ""),
        # In an article on other countries a county's bare name need not be the county's.
        ("[P越南]、[P老挝]、[P泰国]和[P缅甸]开会。他去了[P阳朔]", "ambiguous", ""),
        ("[P日本][P冈山县]下雪。[P假假村]也下雪", "unknown", "日本/冈山县"),
        ("[P旧金山]", "unknown", ""),
        ("[P鹿儿岛]", "unknown", ""),
        ("[P济州岛]", "natural", ""),
        # Townships of China are called so, none of them near.
        ("[P柏林]下雪", "unknown", ""),
    ],
)
def test_addresses_abroad_have_no_path_in_china(marked: Marked, text: str, status: str, under: str) -> None:
    _, sentences = marked(text)
    place = resolve_places(sentences)[-1]
    assert (place.status, place.path, "/".join(place.under)) == (status, (), under)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("去[P九华山]、[P黄山]", "natural"),
        ("去[P九华山]、[P衡山]", "natural"),
        ("[P衢州市]下雨。不到[P衢江]边玩", "natural"),
        ("[P福鼎市]、[P杭州湾]有大风", "natural"),
        ("[P华东]大雨", "natural"),
        # A town is called so.
        ("[P德阳市]有雨。[P东北]有雪", "natural"),
        ("[P大别山区]下雪", "natural"),
        ("[P玉龙]下雪。[P玉龙]主峰高", "natural"),
        ("[P玉龙]主峰高。[P玉龙]下雪", "natural"),
        ("[P扬州][P瘦西湖]", "natural"),
        # Quarters of Hong Kong, and a group of a village.
        ("[P香港][P元朗]、[P柴湾]", "unknown"),
        ("住在[P香港]。[P调景岭]", "unknown"),
        ("[P假假沟]、[P假岭]两组", "unknown"),
        # A village of 凤翔区 is 关中社区.
        ("[P凤翔县]人，找[P关中]女士", "unknown"),
        # 高陂镇 is in the county that lies to the south, too.
        ("南至[P大埔县]界九十里。[P高陂镇]有烟棚", "ambiguous"),
    ],
)
def test_addresses_of_regions_and_hills_are_no_divisions(marked: Marked, text: str, status: str) -> None:
    _, sentences = marked(text)
    place = resolve_places(sentences)[-1]
    assert (place.status, place.path, place.under) == (status, (), ())


@pytest.mark.parametrize(
    ("short", "province"),
    [
        ("闽", "福建省"),
        ("鄂", "湖北省"),
        ("川", "四川省"),
        ("蒙", "内蒙古自治区"),
        ("内蒙", "内蒙古自治区"),
        ("濠", "澳门特别行政区"),
    ],
)
def test_addresses_take_one_character_names_of_provinces(marked: Marked, short: str, province: str) -> None:
    _, sentences = marked(f"客商赴[P{short}]考察。")
    assert resolve_places(sentences)[0].path == (province,)


def test_addresses_abbreviations_are_those_of_all_provinces() -> None:
    codes = {division.code for code in "123456789" for division in gazetteer().within(code, PROVINCE)}
    assert {code[:2] for code in ABBREVIATIONS.values()} == codes


def test_addresses_root_is_the_narrowest_that_explains_most() -> None:
    assert root_of(["平遥县", "平遥县", "洪善镇", "河南", "宁固镇"]) == "140728"
    assert root_of(["平遥县", "介休市", "灵石县", "山东"]) == "1407"
    assert root_of([]) == ""
    assert root_of(["某某某村"]) == ""


def test_addresses_tree_counts_every_mention_once(marked: Marked) -> None:
    _, sentences = marked(ARTICLE)
    places = resolve_places(sentences)
    tree = place_tree(places)
    assert tree["count"] == len(places)

    def leaves(node: dict[str, object]) -> list[str]:
        children = node["children"]
        assert isinstance(children, list)
        assert sum(int(child["count"]) for child in children) <= int(str(node["count"]))
        return [str(node["name"])] + [name for child in children for name in leaves(child)]

    names = leaves(tree)
    assert {"平遥县", "洪善镇", "新营村", "胡编营村"} <= set(names)


NAMES = st.sampled_from(
    ["平遥县", "洪善镇", "新营村", "山东", "城关镇", "某村", "黄河", "法国", "伦敦", "李家庄", "市辖区", "x"]
)


@settings(max_examples=60)
@given(st.lists(st.lists(NAMES, max_size=4), max_size=6))
def test_addresses_answer_every_mention_in_order(rows: list[list[str]]) -> None:
    sentences, start = [], 0
    for row in rows:
        text, spans = "在", []
        for name in row:
            spans.append(Span(len(text), len(text) + len(name), "PLACE"))
            text += name
        sentences.append(Sentence("0123456789ab", start, start + len(text), text, tuple(spans)))
        start += len(text)
    places = resolve_places(sentences)
    assert [(p.sentence, p.start, p.end) for p in places] == [
        (s.id, span.start, span.end) for s in sentences for span in s.spans
    ]
    for place in places:
        assert bool(place.path) == (place.status == "known")
        assert not (place.path and place.under)
