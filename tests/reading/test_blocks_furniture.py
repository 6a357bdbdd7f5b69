"""What a line with a date, or with the words of an imprint, is: text, or furniture of its page."""

from __future__ import annotations

import pytest
from block_kinds import MORE, PROSE, kinds, without_text


@pytest.mark.parametrize(
    "line",
    [
        "2021/3/5 09:12 钱一一：今天去青禾乡看茶园，收了30吨",
        "2021年3月5日 09:12 钱一一：今天去青禾乡看茶园",
        "钱一一 2021-03-05 09:12:33 今天去青禾乡看茶园",
        "钱一一 2021-03-05 09:12:33 到青禾了",
        "[2021-03-05 10:00:01] 钱一一: 我到青禾了",
        "2021-03-05 09:12:33,钱一一,青禾乡,30吨",
        "2021年3月5日 星期五 晴 青禾乡",
        "2021-03-05 我在青禾乡政府",
        "2021-03-05 09:12 钱一一：记者今天在青禾乡采访",
        "03-05 09:12 钱一一 到青禾",
        "2021年3月5日 青禾乡第三届人民代表大会",
        "云溪县青禾乡石桥村村民委员会 制表日期：2021年3月5日 单位：元",
        "青禾乡人民政府 2021年3月5日 单位：万元",
        "时间：2021年3月5日 地点：石桥村 主持人：周文清",
    ],
)
def test_blocks_text_behind_a_time_stamp_is_kept(line: str) -> None:
    # A regression test: chats, logs and diaries were furniture from their first line to their last.
    for raw in (line, f"{line}\n{line}1", f"{line}\n{PROSE}", f"云溪春耕正忙\n{line}\n{PROSE}", f"{PROSE}\n{line}"):
        assert "f" not in without_text(raw)


@pytest.mark.parametrize(
    "line",
    [
        "云溪日报 2021-03-05 09:30",
        "云溪网2021-03-05 10:00",
        "2021-03-05 09:30 云溪县人民政府",
        "2021-03-05 09:30 云溪日报 周文清",
        "2021-03-05 09:30 阅读 1024",
        "2021-03-05 09:30 1.2万阅读 评论 3",
        "发布于 2021-03-05",
        "原创 周文清 云溪发布 2021-03-05 09:30 浙江",
        "云溪网 | 2021-03-05 10:11 | 编辑：张三 [打印]",
        "云溪日报 03-05 10:22",
        "云溪县农业农村局 成文日期：2021年3月5日",
        "云溪网 日期：2021年3月5日 浏览：120",
    ],
)
def test_blocks_date_beside_who_published_it_is_furniture(line: str) -> None:
    assert kinds(f"云溪春耕正忙\n{line}\n{PROSE}\n{MORE}")[1] == ("f", line)


@pytest.mark.parametrize(
    "line",
    [
        "打开反诈中心APP，青禾乡的周文清发现被骗了30万元。",
        "声明称，青禾茶业未经许可转载了文章",
        "周文清未经许可转载30篇文章，赔偿3万元。",
        "图片侵权案在云溪县开庭，周文清获赔3万元。",
        "本文作者周文清是青禾乡的自媒体",
        "全县30家网站完成ICP备案",
        "青禾茶业食品生产许可证编号1234，年产300吨。",
        "路线：青禾乡→石桥乡→云溪县城",
        "所在位置：青禾乡石桥村3组",
    ],
)
def test_blocks_sentence_with_the_words_of_an_imprint_is_kept(line: str) -> None:
    for raw in (f"云溪春耕正忙\n{line}\n{PROSE}", f"{PROSE}\n{line}\n{MORE}", f"{PROSE}\n{line}"):
        assert "f" not in without_text(raw)
