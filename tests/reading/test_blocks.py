"""Furniture, title, headings, captions and paragraphs of invented pages of many shapes."""

from __future__ import annotations

import pytest
from block_kinds import MORE, PROSE, kinds, without_text
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.model import Metadata
from biaozhu.reading.blocks import find_blocks
from biaozhu.reading.sentences import split_text


def test_blocks_page_with_all_its_furniture() -> None:
    raw = (
        "云溪新闻网\n首页 > 新闻 > 本地 > 正文\n云溪春耕：机声响田间\n——走进青禾乡\n"
        "2021年03月05日 09:30　来源：云溪日报　作者：周文清\n字号：大 中 小\n[打印]\n"
        f"\u3000\u3000{PROSE}\n\u3000\u3000{MORE}\n"
        "（责任编辑：钱一一）\n上一篇：水库开闸\n下一篇：夜市开张\n云溪新闻网 版权所有 浙ICP备12345678号\n"
    )
    assert without_text(raw) == "ffttfffppffff"
    assert find_blocks(raw)[1] == Metadata("云溪春耕：机声响田间", "云溪日报", "周文清", "2021年03月05日 09:30")


def test_blocks_title_above_labels_on_lines_of_their_own() -> None:
    raw = f"视频\n图片\n\n云溪建起三座冷库\n发布时间：2022-8-1 10:00\n来源：青禾广播\n撰稿：赵一\n浏览次数：88\n\n{PROSE}\n{MORE}\n关键词：冷库 云溪\n编辑：孙二"
    assert without_text(raw) == "fftffffppff"
    assert find_blocks(raw)[1] == Metadata("云溪建起三座冷库", "青禾广播", "赵一", "2022-8-1 10:00")


def test_blocks_source_line_above_the_title() -> None:
    raw = f"2021-05-06 来源：云溪网\n云溪修通三条路\n{PROSE}\n"
    assert without_text(raw) == "ftp"
    assert find_blocks(raw)[1] == Metadata("云溪修通三条路", "云溪网", "", "2021-05-06")


def test_blocks_question_as_title_on_a_page() -> None:
    assert without_text(f"当前位置：时评\n田谁来种？\n来源：云溪网\n{PROSE}") == "ftfp"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(PROSE, "p", id="one paragraph"),
        pytest.param(f"{PROSE}\n\n{MORE}\n", "pp", id="only paragraphs"),
        pytest.param(f"云溪春耕正忙\n\n{PROSE}\n{MORE}", "tpp", id="title and paragraphs"),
        pytest.param(f"云溪春耕正忙\n——走进青禾乡\n{PROSE}", "ttp", id="subtitle"),
        pytest.param("云溪今天下雨", "p", id="one line without an end mark"),
        pytest.param("云溪今天下雨\n明天转晴\n后天有风", "ppp", id="no running text at all"),
        pytest.param(f"各位代表：\n{PROSE}\n{MORE}", "ppp", id="a salutation is no furniture"),
        pytest.param(f"{PROSE}\n记者：您怎么看？\n钱一一：我看很好。\n{MORE}", "pppp", id="interview"),
        pytest.param(f"{PROSE}\n他说：“编辑：这个词怎么讲？”\n{MORE}", "ppp", id="label inside speech"),
        pytest.param(
            f"{PROSE}\n来源：这里的水来自三条河。它们都在山里。\n{MORE}",
            "ppp",
            id="label before running text",
        ),
        pytest.param(f"{PROSE}\n青禾村支书\n钱一一", "ppp", id="signature"),
        pytest.param(f"{PROSE}\n青禾村\n石桥村\n云山村\n{MORE}\n茶园新路\n{PROSE}", "ppppphp", id="list, then heading"),
        pytest.param(f"春耕\n第一段很短。\n{PROSE}", "tpp", id="short title"),
        pytest.param(f"{PROSE}\n{MORE}\n时间：周五下午\n地点：村部\n{PROSE}", "ppppp", id="a notice inside"),
    ],
)
def test_blocks_plain_text_has_no_furniture(raw: str, expected: str) -> None:
    assert without_text(raw) == expected


@pytest.mark.parametrize(
    "line",
    [
        "来源：云溪网",
        "来源 云溪网  2021-01-02",
        "作　者：周文清",
        "【字体：大 中 小】",
        "[打印] [关闭]",
        "分享到：",
        "分享",
        "您当前的位置：首页 > 新闻",
        "2021-01-02 10:11",
        "2021年1月2日 星期六",
        "阅读量：1024",
        "云溪传媒集团　主办",
        "首页 新闻 视频 图片 评论 财经",
    ],
)
def test_blocks_furniture_above_the_text(line: str) -> None:
    assert kinds(f"云溪春耕正忙\n{line}\n{PROSE}\n{MORE}")[1] == ("f", line)


@pytest.mark.parametrize(
    "line",
    [
        "责任编辑：钱一一",
        "(责编:钱一一、赵二)",
        "【责任编辑：钱一一】",
        "编辑|钱一一 校对|赵二 审核|孙三",
        "关键词：春耕,早稻责任编辑：钱一一",
        "© 2021 云溪网 版权所有",
        "未经授权不得转载",
        "相关阅读：",
        "扫一扫",
        "返回顶部",
    ],
)
def test_blocks_furniture_below_the_text(line: str) -> None:
    assert kinds(f"{PROSE}\n{MORE}\n{line}")[-1] == ("f", line)


@pytest.mark.parametrize(
    "line",
    [
        "审核：村委会对86户逐户走访",
        "编辑：您家收了多少斤？",
        "来源：石桥水库每天放水300吨，浇了1200亩",
        "时间：3月5日至9日，共5天",
        "发布时间：3月5日，共发布3项成果",
        "时间：2021年3月5日上午在村部集合",
        "地点：云溪县青禾乡文化站",
        "标签：每袋米贴2张",
        "关键词：增收80万元",
        "主编：周文清写了3本乡志",
        "阅读：全乡建成12间书屋",
        "分享：赵一讲了4个故事",
        "打印：每村2台打印机",
        "评论：网友赵一说好。",
        "记者：您怎么看？",
        "（记者 周文清 通讯员 赵一）",
        "记者 周文清 通讯员 赵一",
        "本报记者 周文清",
        "本报记者 周文清 文/图",
        "(本报记者周文清)",
        "2021年3月5日上午9点在村部开会",
        "钱一一 孙二二 赵一 李三三 周文清",
        "全县办理许可证300份",
        "电信业务经营者应当明示许可证编号或者备案编号。",
        "盈利模式突围：用户不打开App，企业靠什么赚钱？",
        "扫描二维码，可查86户名单",
        "郑重声明：有人在平台冒用我局名义收费86元",
        "点击下载：86户名单",
        "未经批准不得采砂",
        "审核",
        "2021-03-05\t青禾乡\t86户",
    ],
)
@pytest.mark.parametrize("place", ["head", "inside", "tail"])
def test_blocks_text_that_looks_like_furniture_is_kept(line: str, place: str) -> None:
    raw = {
        "head": f"云溪春耕正忙\n{line}\n{PROSE}\n{MORE}",
        "inside": f"云溪春耕正忙\n{PROSE}\n{line}\n{MORE}",
        "tail": f"云溪春耕正忙\n{PROSE}\n{MORE}\n{line}",
    }[place]
    assert "f" not in without_text(raw)


def test_blocks_entries_of_a_notice_are_kept() -> None:
    entries = [
        "时间：2021-03-05",
        "对象：全乡1200户",
        "审核：村委会",
        "作者：周文清",
        "联系人：赵一",
        "主办：青禾乡政府",
    ]
    assert without_text("\n".join(["云溪补贴公告", PROSE, *entries])) == "tppppppp"
    interview = ["编辑：好不好", "周文清：86亩", "编辑：多少户", "周文清：300户"]
    assert "f" not in without_text("\n".join([PROSE, *interview]))


def test_blocks_credits_above_the_text_are_kept() -> None:
    credits_ = ["出品人：周文清", "撰稿：赵一一　钱二二", "录音：孙三三", "剪辑：李四四"]
    assert without_text("\n".join(["云溪纪录片字幕", *credits_, PROSE])) == "tppppp"
    # The head of a page.
    head = ["作者：赵一一", "编辑：钱二二", "录音：孙三三", "来源：云溪日报"]
    assert without_text("\n".join(["云溪春耕正忙", *head, PROSE])) == "tffpfp"


def test_blocks_attachments_below_the_imprint_are_kept() -> None:
    raw = f"云溪补贴公告\n{PROSE}\n责任编辑：钱一一\n附件：1.青禾乡补贴名单\n上一篇：水库开闸\n夜市开张"
    assert without_text(raw) == "tpfpff"


def test_blocks_kicker_above_the_title_is_part_of_it() -> None:
    raw = f"云溪新闻网\n春风送暖入农家\n云溪建起三座冷库\n来源：云溪日报\n{PROSE}"
    assert without_text(raw) == "fttfp"


def test_blocks_table_without_running_text_has_its_title() -> None:
    raw = "云溪统计表\n来源：云溪县统计局\n2021-03-05\n乡镇\t户数\n青禾乡\t86户\n石桥乡\t120户"
    assert without_text(raw) == "tffppp"


@pytest.mark.parametrize(
    "line",
    [
        "特别声明：以上内容由用户上传并发布，本平台仅提供信息存储服务。",
        "【免责声明】本站转载文章的观点不代表本站。如有侵权，请联系删除。",
        "版权声明：凡注明来源的作品，转载须注明出处。",
        "微信扫一扫，关注云溪发布",
        "长按识别二维码关注我们",
        "打开云溪客户端看更多",
        "返回云溪，查看更多",
        "阅读 86",
        "浏览次数：1.2万次",
        "上一页 1 2 3 下一页",
    ],
)
def test_blocks_junk_of_pages_is_furniture(line: str) -> None:
    assert without_text(f"云溪春耕正忙\n{PROSE}\n{MORE}\n{line}") == "tppf"


def test_blocks_links_after_the_end_are_furniture() -> None:
    assert without_text(f"{PROSE}\n相关阅读\n云溪建起三座冷库\n青禾夜市开张") == "pfff"


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (("一、抓早动快", "二、稳扎稳打"), "tphpphp"),
        (("（一）抓早动快", "（二）稳扎稳打"), "tphpphp"),
        (("青禾乡：抓早动快", "石桥乡：稳扎稳打"), "tphpphp"),
        (("【抓早动快】", "【稳扎稳打】"), "tphpphp"),
        (("抓早动快", "稳扎稳打"), "tphpphp"),
        (("抓早 动快", "稳扎 稳打"), "tphpphp"),
    ],
)
def test_blocks_headings(headings: tuple[str, str], expected: str) -> None:
    raw = f"云溪春耕正忙\n{PROSE}\n{headings[0]}\n{MORE}\n{PROSE}\n{headings[1]}\n{MORE}"
    assert without_text(raw) == expected
    assert [block.section for block in find_blocks(raw)[0]] == [0, 0, 1, 1, 1, 2, 2]


def test_blocks_captions_among_headings_of_one_pattern() -> None:
    raw = f"云溪春耕正忙\n青禾乡：抓早动快\n{PROSE}\n青禾乡的油菜花\n{MORE}\n石桥乡的鱼塘边\n石桥乡：稳扎稳打\n{PROSE}\n图为农户在插秧。\n{MORE}\n"
    assert without_text(raw) == "thpcpchpcp"
    # The picture above the heading that names the same place belongs to that section.
    assert [block.section for block in find_blocks(raw)[0]] == [0, 1, 1, 1, 1, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    "line",
    [
        "图为农户在插秧",
        "▲ 农户在插秧",
        "农户在插秧（周文清 摄）",
        "农户在插秧。周文清摄",
        "资料图片",
        "摄影：周文清",
        "图①：农户在插秧",
    ],
)
def test_blocks_captions_that_say_so(line: str) -> None:
    assert kinds(f"云溪春耕正忙\n{PROSE}\n{line}\n{MORE}")[2] == ("c", line)


def test_blocks_whole_sentence_captions_in_a_long_article() -> None:
    long = PROSE * 3
    set_off = "　　  农户在石桥乡的稻田里抢插秧苗，预计三日后结束。"
    stub = "　　农技员在田头向村民讲解育秧要领。"
    talk = "　　但这还不够。"
    body = [f"　　{long}"] * 9
    raw = "\n".join([*body[:2], set_off, *body[2:4], stub, *body[4:6], talk, *body[6:]])
    assert without_text(raw) == "ppcppcpppppp"


@pytest.mark.parametrize(("around", "kind"), [(3, "p"), (4, "c")])
def test_blocks_whole_sentence_captions_only_in_an_article_of_eight_paragraphs(around: int, kind: str) -> None:
    set_off = "　　  农户在石桥乡的稻田里抢插秧苗，预计三日后结束。"
    body = [f"　　{PROSE * 3}"] * around
    assert without_text("\n".join([*body, set_off, *body])) == f"{'p' * around}{kind}{'p' * around}"


def test_blocks_interview_lines_are_no_headings() -> None:
    raw = f"{PROSE}\n记者：您怎么看\n{MORE}\n记者：还有呢\n{PROSE}\n记者：明白了\n{MORE}"
    assert "f" not in without_text(raw)


def test_blocks_list_items_are_paragraphs() -> None:
    assert without_text(f"{PROSE}\n化肥十吨\n种子五吨\n农膜三吨\n{MORE}") == "ppppp"


@pytest.mark.parametrize("byline", ["本报记者 周文清", "（记者 周文清）", "云溪报首席记者周文清"])
def test_blocks_byline_is_a_paragraph_and_names_the_author(byline: str) -> None:
    raw = f"云溪春耕正忙\n{byline}\n{PROSE}\n{MORE}"
    assert without_text(raw) == "tppp"
    assert find_blocks(raw)[1].author == "周文清"


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("记者 周文清 赵一 摄影报道", "周文清 赵一"),
        ("周文清 摄影报道", ""),
        ("文/图 周文清", "周文清"),
        ("图/文 周文清", "周文清"),
        ("文/周文清 图/赵一", "周文清 赵一"),
        ("本报云溪11月28日电(记者 周文清 通讯员 叶尔江·别克)", "周文清 叶尔江·别克"),
        ("新华社北京11月28日电", ""),
        ("据中新社云溪28日电（记者 周文清）", "周文清"),
        ("本报讯（记者 周文清）", "周文清"),
        ("本报讯", ""),
        ("云溪日报青禾3月5日讯 记者周文清", ""),
    ],
)
def test_blocks_dateline_is_no_heading_and_no_title(line: str, author: str) -> None:
    # A regression test: a dateline on a line of its own headed a section of the report.
    raw = f"云溪春耕正忙\n{line}\n{PROSE}\n{MORE}"
    assert without_text(raw) == "tppp"
    assert find_blocks(raw)[1].author == author
    assert without_text(f"{line}\n{PROSE}\n{MORE}") == "ppp"
    assert without_text(f"{PROSE}\n{line}\n{MORE}") == "ppp"


@pytest.mark.parametrize("line", ["云溪台的好消息", "新华社来了新记者", "图：文化站前的戏台"])
def test_blocks_heading_that_begins_like_a_dateline_stays_one(line: str) -> None:
    assert without_text(f"{PROSE}\n{line}\n{MORE}") in {"php", "pcp"}


def test_blocks_reporter_of_the_dateline_is_the_author() -> None:
    assert find_blocks(f"春耕\n云溪网讯(记者周文清){PROSE}")[1] == Metadata("春耕", "", "周文清", "")


@given(st.text(max_size=200) | st.text(st.sampled_from("甲乙。：: \n\r\u3000来源作者2021-图一、>|“”()"), max_size=200))
def test_blocks_are_trimmed_lines_in_order(raw: str) -> None:
    blocks, _ = find_blocks(raw)
    reached, section = 0, 0
    for block in blocks:
        assert reached <= block.start < block.end
        text = raw[block.start : block.end]
        assert text == text.strip()
        assert section <= block.section <= section + 1
        reached, section = block.end, block.section
    # Nothing that says something stands outside the blocks.
    said = "".join(raw[block.start : block.end] for block in blocks)
    invisible = "\ufeff\u200b\u2060"
    keep = [c for start, end in split_text(raw) for c in raw[start:end] if not c.isspace() and c not in invisible]
    assert keep == [c for c in said if not c.isspace() and c not in invisible]


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("作者：本报记者 周晓岚 通讯员 邓立", "周晓岚 邓立"),
        ("记者：许安 发自喀什", "许安"),
        ("作者：许安、记者林远", "许安、林远"),
        ("作者：许安 喀什报道", "许安"),
        ("作者：特约记者", "特约记者"),
        ("作者：记者站 许安", "记者站 许安"),
    ],
)
def test_blocks_name_authors_without_roles_and_places(line: str, author: str) -> None:
    raw = f"桃林镇的猕猴桃熟了\n来源：桃林网 {line}\n\n去年以来，桃林镇种了三十亩猕猴桃，今年还要再种五亩。\n"
    assert find_blocks(raw)[1].author == author
