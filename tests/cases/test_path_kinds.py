"""Kinds of paths that public bug reports name, in places of our own."""

from __future__ import annotations

import pytest

from biaozhu.data.model import Article, Block, Metadata, Sentence, Span
from biaozhu.knowledge.division_names import CITY, COUNTY, PROVINCE, short_form
from biaozhu.knowledge.gazetteer import Division, gazetteer
from biaozhu.normalization.addresses import resolve_places
from biaozhu.normalization.places import Place
from biaozhu.normalization.table import article_meaning

ARTICLE = "0123456789ab"


def sentence(text: str, start: int = 0) -> Sentence:
    """Make a sentence of names and other words, parted by spaces; names begin with @."""
    plain, spans = "", []
    for word in text.split(" "):
        if word.startswith(("@", "#")):
            label = "PLACE" if word[0] == "@" else "AMOUNT"
            spans.append(Span(len(plain), len(plain) + len(word) - 1, label))
        plain += word.lstrip("@#")
    return Sentence(ARTICLE, start, start + len(plain), plain, tuple(spans))


def resolved(*texts: str) -> list[Place]:
    sentences: list[Sentence] = []
    for text in texts:
        sentences.append(sentence(text, sentences[-1].end if sentences else 0))
    return list(resolve_places(sentences))


AUTONOMOUS = [
    (division, unit)
    for code in "12345678"
    for province in gazetteer().within(code, PROVINCE)
    for level, unit in ((CITY, "州"), (COUNTY, "县"), (COUNTY, "旗"))
    for division in gazetteer().within(province.code, level)
    if division.name.endswith(f"自治{unit}") and short_form(division.name, level)
]


@pytest.mark.parametrize(("division", "unit"), AUTONOMOUS, ids=[division.name for division, _ in AUTONOMOUS])
def test_cases_short_forms_of_autonomous_divisions(division: Division, unit: str) -> None:
    (place,) = resolved(f"@{short_form(division.name, division.level)}{unit} 有500户")
    assert place.code == division.code


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("@喀左县", "辽宁省/朝阳市/喀喇沁左翼蒙古族自治县"),
        ("@科左后旗", "内蒙古自治区/通辽市/科尔沁左翼后旗"),
        ("@新疆 @博州", "新疆维吾尔自治区/博尔塔拉蒙古自治州"),
        ("@凉山州 @西昌", "四川省/凉山彝族自治州/西昌市"),
        ("@楚雄州 @楚雄市", "云南省/楚雄彝族自治州/楚雄市"),
        ("@上海 @浦东", "上海市/浦东新区"),
        ("@东莞市 @长安镇", "广东省/东莞市/长安镇"),
        ("@中山 @古镇镇", "广东省/中山市/古镇镇"),
        ("@三亚", "海南省/三亚市"),
        ("@仙桃 @毛嘴镇", "湖北省/仙桃市/毛嘴镇"),
        ("@郫县", "四川省/成都市/郫都区"),
        ("@通县", "北京市/通州区"),
        ("@大庸市", "湖南省/张家界市"),
        ("@中甸县", "云南省/迪庆藏族自治州/香格里拉市"),
        ("@宣武区", "北京市/西城区"),
        ("@海城县", "辽宁省/鞍山市/海城市"),
        # A city, and districts and towns of its name elsewhere.
        ("在 @西安", "陕西省/西安市"),
        ("@湖南 @岳阳 的专家到 @南京", "江苏省/南京市"),
        ("@辽源市 @东丰县 下雨， @西安 也下雨", "吉林省/辽源市/西安区"),
        # A town that is called like a brook.
        ("@泰顺县 @泗溪", "浙江省/温州市/泰顺县/泗溪镇"),
        ("@台前县 @侯庙 、 @夹河 两个乡镇", "河南省/濮阳市/台前县/夹河乡"),
        # The county of Taiwan sooner than its city of that name; what is in it.
        ("去 @宜蘭 旅遊", "台湾省/宜兰县"),
        ("@宜兰 @礁溪", "台湾省/宜兰县/礁溪乡"),
        ("@澎湖", "台湾省/澎湖县"),
        # Its list makes a river's name a county's.
        ("@大厂 、 @香河", "河北省/廊坊市/香河县"),
        ("@沪 @深 两市", "广东省/深圳市"),
        ("@刚果（金）", "刚果（金）"),
    ],
)
def test_cases_paths(text: str, path: str) -> None:
    place = resolved(text)[-1]
    assert (place.status, "/".join(place.path)) == ("known", path)


def test_cases_village_abroad_is_not_in_the_county_of_the_next_paragraph() -> None:
    (village,) = (
        place for place in resolved("@日本 @冈山县 下雪。", "@假假村 下雪。", "@石川县 下雨") if place.text == "假假村"
    )
    assert village.under == ("日本", "冈山县")


def test_cases_no_level_stands_twice() -> None:
    for code in ("4419", "4420", "4604", "6202"):
        city = gazetteer().within(code, CITY)[0].name
        for town in gazetteer().within(code, 4):
            path = resolved(f"@{city} @{town.name}")[-1].path
            assert len(set(path)) == len(path)
            assert path[-2:] == (city, town.name)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("后面的 @竹山", "natural"),
        ("@十堰 @竹山", "known"),
        ("@石河", "natural"),
        ("@衡山", "known"),
        # Of one name the city is meant more often, unless the words around it speak of the mountain or the river.
        ("去 @黄山 考察", "known"),
        ("登上 @黄山 看日出", "natural"),
        ("@黄山 脚下", "natural"),
        ("@黄山 风景区", "natural"),
        ("@怒江 的医院", "known"),
        ("@怒江 两岸", "natural"),
        ("沿 @怒江 而下", "natural"),
        ("踏遍 @大兴安岭 、 @准噶尔盆地", "natural"),
        ("@大兴安岭 的学校", "known"),
        ("@渭水 两岸", "natural"),
        ("@马里亚纳海沟", "natural"),
        ("刊登 @黄山 消息", "known"),
        # The lake is far better known than the county.
        ("@太湖 边", "natural"),
        ("@太湖县 开会。 @太湖 修路", "known"),
        ("@太湖 @晋熙镇", "known"),
        ("@泰安市 的 @泰山", "natural"),
    ],
)
def test_cases_hills_that_share_a_divisions_name(text: str, status: str) -> None:
    assert resolved(text)[-1].status == status


@pytest.mark.parametrize(
    ("texts", "status", "under"),
    [
        # A county that no table has, or that is called like a prefecture abroad: its townships are not those elsewhere.
        (("@青岚县 第三区土地清册", "@和平乡 有500户"), "unknown", "青岚县"),
        (("@千叶县 第三区土地清册", "@白沙乡 有500户"), "unknown", "千叶县"),
        (("1949年， @千叶县 解放。", "@长安镇 有500户"), "unknown", "千叶县"),
        (("@青岚府 @长安镇 有500户",), "unknown", "青岚府"),
        (("@青岚县 开会。", "@青岚 修路"), "unknown", ""),
        # Its own county is one of the tables.
        (("@平遥县 @洪善镇 有500户",), "known", ""),
        # A township's bare name, alone or where namesakes of several meet by chance.
        (("@洪善 公社有500户",), "ambiguous", ""),
        # The only one of its name, in a county that the article names.
        (("他是 @平遥县 人。", "@洪善 公社有500户"), "known", ""),
        (("@龙门 和 @白沙 两公社修渠， @龙门 、 @白沙 修路",), "ambiguous", ""),
        # A list of counties.
        (("抄送 @江油 、 @剑阁 、 @梓潼",), "known", ""),
        (("抄送 @平昌 、 @南江 、 @通江",), "known", ""),
        # No division: a co-operative, a river, a school that could be anywhere.
        (("邻近的 @前进 社派来大车",), "unknown", ""),
        (("邻近的 @红旗 、 @前进 两社派来大车",), "unknown", ""),
        (("桥跨 @清河 而建", "@清河 水位上涨"), "natural", ""),
        (("@清河 的鱼",), "ambiguous", ""),
        (("@清河县 开会。", "@清河 的鱼"), "known", ""),
        # An origin and a destination hold nothing.
        (("祖先自 @山西 @洪洞县 迁来。", "@槐西沟村 有500户"), "unknown", ""),
        (
            ("@谷城县 的 @槐西沟村 有500户。", "工厂迁到 @武汉市 @东西湖区 。", "@槐西沟村 修路"),
            "unknown",
            "湖北省/襄阳市/谷城县",
        ),
        (("@谷城县 开会。", "多到 @江苏 @无锡 打工。", "@槐西沟村 修路"), "unknown", "湖北省/襄阳市/谷城县"),
        (("水过 @太和 、 @双溪",), "ambiguous", ""),
        (("@谷城县 开会。", "他是 @江苏 @无锡 人。", "@槐西沟村 修路"), "unknown", "湖北省/襄阳市/谷城县"),
    ],
)
def test_cases_known_means_known(texts: tuple[str, ...], status: str, under: str) -> None:
    place = resolved(*texts)[-1]
    assert (place.status, "/".join(place.under)) == (status, under)
    assert bool(place.candidates) == (status in ("known", "ambiguous"))


OF_NATURE = [
    division
    for code in "12345678"
    for province in gazetteer().within(code, PROVINCE)
    for division in (province, *gazetteer().within(province.code, CITY))
    if (short_form(division.name, division.level) or "x")[-1] in "江河湖海山岛岭峰峡湾洋溪"
]


@pytest.mark.parametrize("division", OF_NATURE, ids=[division.name for division in OF_NATURE])
def test_cases_cities_that_are_called_like_a_sea_or_a_mountain(division: Division) -> None:
    (place,) = resolved(f"在 @{short_form(division.name, division.level)} 放映")
    # 中山 and 文山 are districts and counties elsewhere as well.
    assert place.status in ("known", "ambiguous")
    assert place.candidates[0].code == division.code


def test_cases_village_lies_where_the_article_puts_it() -> None:
    places = resolved(
        "@平遥县 @洪善镇 @老槐村 有100户。",
        "@平遥县 @宁固镇 @老槐村 有200户。",
        "@老槐村 修路。",
        "@洪善镇 开会，",
        "@老槐村 也去。",
    )
    villages = [place.path[-2] for place in places if place.text == "老槐村"]
    assert villages == ["洪善镇", "宁固镇", "宁固镇", "洪善镇"]


def test_cases_university_is_no_place_that_an_amount_is_about() -> None:
    one = sentence("@平遥县 的 @洪善镇 请 @山西 大学教授讲课 #3次")
    two = sentence("@平遥县 请 @山西 客商参观 #3次")
    for made in (one, two):
        article = Article(
            ARTICLE, "made", ARTICLE, "utf-8", made.text, (Block(0, made.end, "paragraph", 0),), Metadata()
        )
        (row,) = article_meaning(article, [made]).rows
        assert row.place.startswith("山西省/晋中市/平遥县")


def test_cases_army_of_a_country_is_no_place_that_an_amount_is_about() -> None:
    made = sentence("1938年 @日 军烧毁房屋 #300间")
    article = Article(ARTICLE, "made", ARTICLE, "utf-8", made.text, (Block(0, made.end, "paragraph", 0),), Metadata())
    (row,) = article_meaning(article, [made]).rows
    assert row.place == ""
