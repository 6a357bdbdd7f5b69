"""Three articles as a newcomer has them: a text, an HTML page and a file in GB18030."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """龙泉镇青瓷产业带动就业

5月12日，记者从浙江省龙泉市了解到，当地青瓷企业已有1326家，从业人员2.3万人。
市青瓷协会会长周晓明介绍，去年全市青瓷产值达到38.6亿元，比上年增长12.4%。
在上垟镇源底村，村民陈国华把自家三间老屋改成了工作室，一年收入20余万元。

新路子

查田镇党委书记林海燕说，镇里今年安排资金300万元，修建道路6.5公里。
遂昌县、庆元县的近百名学员也来到龙泉市学习。
"""
PAGE = """<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>湄潭县：茶园变景区</title></head>
<body><nav>首页 新闻</nav><article><h1>湄潭县：茶园变景区</h1>
<p>春天的贵州省遵义市湄潭县，60万亩茶园一片翠绿。核桃坝村党支部书记刘万军告诉记者，全村种茶1.1万亩。</p>
<p>茶农何正芳种了15亩茶，去年卖茶青收入9万多元。她家还办起了民宿，8个房间，旺季天天满客。</p>
<p>据介绍，湄潭县有茶企761家，年产干茶7.4万吨，产值75.63亿元。</p></article></body></html>"""
GB18030 = """甘肃定西：小土豆做成大产业

初秋时节，甘肃省定西市安定区的田野上一片忙碌。种植户马占海正带着12名工人收土豆，他家今年种了260亩。
安定区农业农村局局长王建平介绍，全区马铃薯种植面积稳定在100万亩，加工企业达到28家。
在鲁家沟镇太平村，合作社理事长杨秀英说，社里吸纳了86户农户，每户年均增收8000元。
"""


def write_own_articles(folder: Path) -> Path:
    """Write the three articles and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qingci.txt").write_text(TEXT, encoding="utf-8")
    (folder / "meitan.html").write_text(PAGE, encoding="utf-8")
    (folder / "dingxi.txt").write_bytes(GB18030.encode("gb18030"))
    return folder
