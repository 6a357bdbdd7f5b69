"""Patterns of lines of a Chinese news page: labels, dates, bylines, breadcrumbs, captions, numbering.

The words are the furniture of Chinese news sites in general; none is taken from one page.
"""

from __future__ import annotations

import re
from typing import Literal

SOURCE_LABELS = ("文章来源", "信息来源", "稿件来源", "新闻来源", "本文来源", "稿源", "来源", "转自", "摘自")
AUTHOR_LABELS = ("作者", "撰文", "撰稿", "记者", "通讯员", "供稿", "文字")
TIME_LABELS = (*("发布时间", "发表时间", "更新时间", "发稿时间", "发布日期", "发表日期"), *("时间", "日期"))
Edge = Literal["head", "tail"]
"""Where a line stands that is outside the running text: before all of it, or after."""


def _spaced(text: str) -> str:
    # Longest first, and letters may be spaced out: 作　者：
    return "|".join(r"\s{0,2}".join(word) for word in sorted(text.split(), key=len, reverse=True))


_NAME = (
    r"(?:[\u3400-\u9fff·]{2,4}|[\u3400-\u9fff·]{2,16}(?:[局部委办院社站网报台府校队组团号]|中心|公司|大学|发布|在线|频道|融媒体?)"
    r"|[\u3400-\u9fff]{0,4}[A-Za-z0-9_.@-]{1,20})(?:\s?[(（][^)）]{1,12}[)）])?"
)
_NAMES = rf"(?:{_NAME}(?:[\s、,，/;；&+|｜]+{_NAME}){{0,7}}[\s、,，/;；]*)?"
_MEDIA = r"[^，。,；;！？!?]{0,24}(?:[网报社台号刊局府委部院]|新闻|客户端|媒体?|公众号|微信|微博|发布|在线|频道|中心|日报|晚报)"
DATE = re.compile(
    r"(?:19|20)\d{2}\s{0,2}(?:[-/.]\s?\d{1,2}\s?[-/.]\s?\d{1,2}|年\s?\d{1,2}\s?月\s?\d{1,2}\s?日)"
    r"(?:\s{0,3}(?:T|星期.|周.)?\s{0,3}\d{1,2}[:：]\d{2}(?:[:：]\d{2})?)?"
)
_DAY = rf"(?:{DATE.pattern})\s{{0,3}}(?:星期.|周.)?"
_CONTROLS = _spaced(
    "分享到 分享至 分享 打印 打印本页 字号 字体大小 字体 调整字体 放大 缩小 正常 默认 二维码 收藏 保存 关闭 关闭窗口 返回 返回顶部 返回首页 返回列表 回到顶部 首页 评论 点赞 赞 在看 "
    "扫一扫 纠错 编辑 正文 微信 微博 朋友圈 QQ QQ空间 登录 注册 设为首页 加入收藏 举报 投诉 反馈 复制链接 上一页 下一页 尾页 末页 浏览次数 浏览量 浏览 "
    "阅读次数 阅读量 阅读 点击数 点击量 点击次数 点击 访问量 评论数 上一篇 下一篇 上一条 下一条 相关新闻 相关阅读 相关链接 相关文章 推荐阅读 "
    "延伸阅读 热门推荐 热门文章 最新文章 相关推荐 猜你喜欢 为您推荐 喜欢此内容的人还喜欢 阅读原文 阅读全文 展开全文 查看更多 加载更多 Tags"
)
_CONTROL = rf"(?:{_CONTROLS}|A[+-]|[大中小]|T\|T)"


def _valued(kinds: dict[str, str]) -> dict[str, str]:
    return {word: value for words, value in kinds.items() for word in words.split()}


_LOCATIONS = "您当前的位置 您的当前位置 您现在的位置 您所在的位置 你的位置 您的位置 当前位置 所在位置"
# What a label is followed by where it is furniture: 审核：张三 is, 审核：镇政府对1200户逐户核查 is text.
_ANYWHERE = _valued(
    {
        "责任编辑 责任主编 值班编辑 执行编辑 网络编辑 责编 编审 审校 校对 校审 监制 终审 初审 复审": _NAMES,
        " ".join(SOURCE_LABELS): _MEDIA,
        "发布时间 发表时间 更新时间 发稿时间 发布日期 发表日期": (
            r"\s*(?:[\d\s:：年月日/.TZ-]*|今天|昨天|刚刚|\d+\s?(?:分钟|小时|天)前)[^，。,；;！？\d]{0,20}"
        ),
        "分享到 分享至 分享 打印 打印本页 字号 字体大小 字体 二维码": rf"[\[【(（\s]*(?:{_CONTROL}[\s|｜/·\[\]【】()（）]*)*",
        "浏览次数 浏览量 浏览 阅读次数 阅读量 阅读 点击数 点击量 点击次数 点击 访问量 评论数 评论": (
            r"(?:[\d,.]+\s?[万千wWkK]?\+?\s?(?:次|人次|人|条|个)?)?"
        ),
        _LOCATIONS: r"[^。，！？]{0,40}(?:[>»›→＞]|首页|正文)[^。，！？]{0,40}",
        "上一篇 下一篇 上一条 下一条 原标题 原文链接 本文链接 相关新闻 相关阅读 相关链接 相关文章 推荐阅读 延伸阅读 热门推荐": (
            r"[^。]{0,80}"
        ),
    }
)
_AT_EDGES = _valued(
    {
        f"{' '.join(AUTHOR_LABELS)} 编辑 主编 审核 发布者 发布人": _NAMES,
        f"{' '.join(SOURCE_LABELS)} 主办 主管 承办 协办 主办单位 网站": r"[^，。,；;！？!?\d]{0,24}|.{0,6}",
        _LOCATIONS: r"[^。，！？\d]{0,80}",
        "时间 日期": rf"(?:{_DAY})?",
        "关键词 关键字 标签 Tags": r"[^。！？!?：:\d]{0,80}",
    }
)
_LABEL = re.compile(rf"(?P<label>{_spaced(' '.join((*_ANYWHERE, *_AT_EDGES)))})\s*[:：|｜丨]")
_OPENING = re.compile(rf"(?:[【\[]{_CONTROL}[】\]])?[\[(（【]?\s*(?:{_DAY}[\s|｜/]*)?")
# Words that notices and interviews begin their entries with, too.
_GENERIC = frozenset(_AT_EDGES) - {*SOURCE_LABELS, "Tags"}
# After one of these the page has no article text left, only links and imprint.
CLOSING = re.compile(
    r"^[\[(（【]?\s*(?:责任编辑|责编|值班编辑|网络编辑|上一篇|下一篇|相关新闻|相关阅读|相关链接|相关文章|推荐阅读|延伸阅读|热门推荐|相关推荐|猜你喜欢|为您推荐|喜欢此内容)"
)
# What is attached to a notice stands below all else and belongs to it.
ATTACHED = re.compile(r"^附[件表图录]?\s?\d{0,2}\s?[:：.、]")
_RULE = re.compile(r"[-—_=*~·＊☆★◆■\s]{3,}(?:分[割隔]线[-—_=*~·\s]*)?")
_SHORT_TIME = re.compile(r"\d{1,2}[-/]\d{1,2}\s{1,3}\d{1,2}[:：]\d{2}$")
_SHORT_DATE = re.compile(r"[\d\s:：年月日/.-]{0,16}")
_VALUE_END = re.compile(rf"\s{{2,}}|[|｜【\[\])）】]|\s(?={_CONTROL})")
_BARE = re.compile(rf"(?:[\[(（【]?\s*{_CONTROL}\s*[\])）】]?[:：|｜/·]?){{1,6}}")
_IMPRINT = re.compile(
    r"©|版权所有(?![者权人])|All Rights Reserved|Copyright|ICP[备证](?:案号?)?[:：\s]{0,2}\d|公网安备(?:案号?)?[:：\s]{0,2}\d"
    r"|^[^，。]{0,20}许可证[^，。]{0,4}[:：]?\s*[^，。\s]{0,8}\d{4}[^，。]{0,40}$"
    r"|^(?=未经|凡|本[网站报刊文台页]|版权|以上|所有|任何|[不禁严请谢])[^。\d]{0,40}(?:不得|禁止|严禁|请勿|谢绝)[^。\d]{0,12}(?:转载|摘编|镜像)[^。\d]{0,20}。?$",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"^[\[(（【*※]?\s*(?:(?:特别|郑重|免责|版权|本[网站号])声明|声明|免责条款)\s*[】\])）:：]{1,2}[^\d]{0,200}"
    r"(?:转载|版权[归均所]|本[网站][^报]|自媒体|如有侵权|不代表|自行承担|仅供参考|信息存储)"
    r"|^(?:本文|本[网站号]|以上(?:内容|文章|图文)|文章|图片)[^。\d]{0,24}"
    r"(?:不代表[^。\d]{0,12}(?:观点|立场|意见|[网站台号])|版权归|仅供参考|(?:[由自]|如有?|若有?|涉及?)侵权|用户上传|自媒体(?:用户|账号|平台|上传))"
    r"|^(?:请|立即|马上)?(?:打开|下载)[^，。]{0,8}(?:APP|客户端)(?:[，,]?[^，。\d]{0,8}|[^，。\d]{0,12})。?$"
    r"|^点击(?:查看|进入|关注|阅读|下载|播放|图片|蓝字|上方|下方)[^，。\d]{0,12}$|^返回.{2,4}[，,]查看更多"
    r"|^.{0,8}(?:[扫长按识别描码]{1,4}[^。，\d]{0,8}二维码|扫一扫)(?:[^。\d]{0,4}(?:关注|分享|打开|下载|阅读|进入|查看|在手机)[^。\d]{0,20})?$",
    re.IGNORECASE,
)
_BREADCRUMB = re.compile(
    r"^(?:(?:首页|主页)(?:\s*(?:>{1,2}|»|›|→|＞|&gt;)\s*[^>»›→＞。]{1,60})+|[^>»›＞。，\d]{1,12}(?:\s*(?:>{1,2}|»|›|＞|&gt;)\s*[^>»›＞。，\d]{1,60})+)$"
)
_PROMOTION = re.compile(r"^.{2,30}\s{1,4}(?:主办|主管|承办|协办)$")
# Rather the name of a site or channel than a title.
SITE = re.compile(
    r"^(?=.{2,20}$)[^，。、,：:“”]*(?:网|网站|网络|频道|客户端|门户|传媒|媒体|日报|晚报|早报|晨报|时报|都市报|电视台|电台|融媒体中心|在线)$"
)
# Reporters and nothing else.
BYLINE = re.compile(
    r"^[(（]?(?:(?:本报|本网|本刊|本台|新华社|中新社|[^(（【\[]{2,8}[网报社台])\s*)?(?:全媒体|融媒体|特约|实习|见习|首席)?"
    r"(?:记者|通讯员|文[/／]图|图[/／]文|文[/／]|图[/／])\s*([^，。,？！?!：:“”)）]{2,30}?)(?:\s*摄影报道)?[)）]?$"
)
_ROLE_LAST = re.compile(r"^[(（]?[^，。,？！?!：:“”()（）]{2,30}\s(?:摄影报道|文[/／]图|图[/／]文)[)）]?$")
# Where and when a report was filed, by itself: 新华社北京11月28日电, 本报讯（记者 张三）. Without a date only of those that say so.
_DATELINE = re.compile(
    r"^据?(?:(?:本[报网刊台]|[\u3400-\u9fff]{2,8}[社网报台])[\u3400-\u9fff]{0,8}\s?(?:\d{1,2}月)?\d{1,2}日\s?(?:专?电|讯|消息)"
    r"|(?:本[报网刊台]|新华社|中新社)[\u3400-\u9fff]{0,8}?(?:专?电|讯|消息))"
    r"\s*(?:[(（][^()（）。]{2,40}[)）]|(?:全媒体|融媒体|特约|实习|见习|首席)?记者[^，。,？！?!：:]{2,30})?$"
)
_AUTHOR_IN_TEXT = re.compile(
    r"[（(](?:本报|本网)?(?:全媒体|融媒体|见习|特约)?(?:记者|通讯员)\s*([^（()）。，,]{2,24})[）)]"
)
# Of a byline what is no name: roles (本报记者 张三 通讯员 李四), and at its end the place (发自某地, 某地报道).
_NO_NAME = re.compile(
    r"(?:^|(?<=[\s、,，;；/／|｜]))(?:本[报网刊台])?(?:全媒体|融媒体|特约|实习|见习|首席)?(?:记者|通讯员|实习生|[文图][/／])(?!站|团|协会)[\s:：]*"
    r"|发自.*|\s[\u3400-\u9fff]{0,8}报道$"
)
_CATEGORY = re.compile(r"^(?:分类|栏目|所属栏目|频道)\s*[:：]\s*\S{1,12}$")
_MENU = re.compile(
    r"首页|主页|新闻|要闻|视频|图片|评论|财经|体育|娱乐|专题|政务|公开|服务|互动|论坛|关于我们|联系我们|网站地图"
)
_CAPTION = re.compile(
    r"^(?:[▲△▼▽↑↓←→☝☟]|[（(]?图[为片\d一二三四五六①-⑨]?\s?(?:[:：]|[/／](?!文\s))|图为|[上下左右]图|资料图|配图|插图|示意图|图片说明|图说)"
    r"|(?:(?<!拍)摄|摄影|供图|资料图|资料图片|图片来源[^。]{1,16}|图自[^。]{1,12})\s?[)）】]?。?$"
    r"|(?:摄影|图片来源|供图)[:：/／]"
)
_NUMBERED = re.compile(
    r"^(?:[一二三四五六七八九十]{1,3}\s?[、.．]|[（(][一二三四五六七八九十\d]{1,3}[)）]|第[一二三四五六七八九十百\d]{1,4}[章节篇]|\d{1,2}\s?[、.．]|0\d\s|[■◆●★◎▌])"
)
_TITLED = re.compile(r"^([^:：“”\"。，,]{2,16})[:：]\s*[^\s“\"「].{3,}$")
# Words, a colon and more words, as the entries of a notice have.
ENTRY = re.compile(r"^[^:：，。]{1,16}[:：]\s*\S")
_BOXED = re.compile(r"^【[^】]{2,30}】$")
_CONTINUES = re.compile(r"^(?:但|而|然|此|因|所|于是|同时|据|记者|目前|当|随|其|这|那|为此|近)")
_END_MARK = re.compile(r"[。！？!?…｡.．][”’」』)）】》\"'\s]*$")
_MENU_LENGTH = 5
_LABEL_LINE = 200
_DISCLAIMER_LENGTH = 400
_DATED_LINE, _BESIDE = 90, 24
# What stands beside a date under a title: who published it, when and how often it was read; with one of those, a name.
_PUBLISHER = re.compile(
    r"(?![在从])(?!.*[我你他她它们了吗呢吧啊嘛去到把给跟被说这那])[\u3400-\u9fffA-Za-z·]{1,16}"
    r"(?:[网报社台刊号]|新闻|客户端|媒体?|公众号|微信|微博|发布|在线|频道|政府|办公室|[宣文][传化旅]部|(?<=[\u3400-\u9fff]{3})[局委])"
)
_SHORT_NAME = re.compile(r"[\u3400-\u9fff·]{2,4}")
_STATED = re.compile(
    r"发布|发表|发于|更新|创建|首发|[来來]源|转自|作者|[记記]者|[编編][辑輯]|责编|原创|[阅閱][读讀]|浏览|点击|评论|分[类類]|栏目|字[数號号体]|本[报网刊台]"
    r"|(?:上传|公开|成文|印发|生成|录入|发文)(?:时间|日期)|(?<![\u3400-\u9fff])(?:时间|日期)"
)
_TEXT_SIGN = re.compile(
    r"[，。,；;！？!?]|[我你他她它们了吗呢吧啊嘛去到把给跟被说这那]|\d\s?(?![次人条万楼阅浏点评])[\u3400-\u9fff]"
    r"|(?:^|\s)(?!分类|来源|作者|编辑|记者|发布|时间|日期|栏目|责编|点击|浏览|阅读)[\u3400-\u9fff]{2,3}\s?[:：]\s?[^\s:：]{9}"
    # The head of a form, or of minutes.
    r"|(?:^|[\s|｜])(?:单位|地点|地址|姓名|金额|数量|主持人?|参加人员|出席人员|记录人?|经办人|负责人|联系人|(?:制表|填表|填报|编制)(?:人|单位|日期)?)\s?[:：]"
)
_TIME_WORD = re.compile(rf"星期.|周.|[上下]午|[AP]M|北京时间|{_CONTROL}")


def is_prose(line: str) -> bool:
    """Tell whether a line is running text: it has a full stop or a Chinese comma's worth of length."""
    return "。" in line or len(line) > 80 or (len(line) >= 15 and ends(line) and line[-1] not in "!?！？")  # noqa: PLR2004 — lengths of lines, in code points


def ends(line: str) -> bool:
    """Tell whether a line closes with an end mark, quotes and brackets aside."""
    return _END_MARK.search(line[-12:]) is not None


def is_furniture(line: str, *, edge: Edge | None) -> bool:
    """Tell whether a line is page furniture; `edge`: where it stands if outside the running text."""
    if len(line) <= _DISCLAIMER_LENGTH and _DISCLAIMER.search(line):
        return True
    if _IMPRINT.search(line[:_LABEL_LINE]) and (edge or len(line) < 60):  # noqa: PLR2004 — an imprint is short
        return True
    # A tab stands between the cells of a table.
    if len(line) > _LABEL_LINE or "。" in line.rstrip("。") or "\t" in line:
        return False
    return (
        _has_controls_only(line)
        or _is_labelled(line, at_edge=edge is not None)
        or re.fullmatch(_DAY, line) is not None
        or (_BREADCRUMB.match(line) is not None and (edge == "head" or line.startswith(("首页", "主页"))))
        or (edge is not None and not ends(line) and _is_beside_text(line, edge))
    )


def _has_controls_only(line: str) -> bool:
    if _RULE.fullmatch(line):
        return True
    words = line.split()
    bare = [word for word in words if _BARE.fullmatch(word)]
    return bool(bare) and all(word.isdecimal() or not any(map(str.isalnum, word)) for word in words if word not in bare)


def _is_beside_text(line: str, edge: Edge) -> bool:
    words = line.split()
    menu = len(words) >= _MENU_LENGTH and max(map(len, words)) <= _MENU_LENGTH
    return (
        (menu and any(map(_MENU.fullmatch, words)))
        or (edge == "head" and (_PROMOTION.match(line) or _CATEGORY.match(line)) is not None)
        or (edge == "head" and _is_dated(line))
    )


def is_generic_entry(line: str) -> bool:
    """Tell whether a furniture line begins with a word that a notice or an interview may begin an entry with."""
    return any(label in _GENERIC for label, _ in _split_labels(line)[:1])


def _is_labelled(line: str, *, at_edge: bool) -> bool:
    opening = _OPENING.match(line)
    if opening is None or not _LABEL.match(line, opening.end()):
        return False
    return all(
        _fits_label(_ANYWHERE.get(label), text) or (at_edge and _fits_label(_AT_EDGES.get(label), text))
        for label, text in _pair_labels(line)
    )


def _fits_label(value: str | None, text: str) -> bool:
    return value is not None and re.fullmatch(value, text) is not None


def names_source_or_time(line: str) -> bool:
    """Tell whether a furniture line is the one under the title: source, author or time."""
    labels = {label for label, _ in _split_labels(line)}
    return bool(labels & {*SOURCE_LABELS, *AUTHOR_LABELS, *TIME_LABELS} or DATE.search(line))


def is_caption(line: str) -> bool:
    """Tell whether a line says itself that it is a picture's caption or credit."""
    return len(line) <= 120 and _CAPTION.search(line) is not None  # noqa: PLR2004 — a caption is short


def is_credit(line: str) -> bool:
    """Tell whether a line says who reported, or where and when, and nothing else."""
    return any(one.match(line) for one in (BYLINE, _ROLE_LAST, _DATELINE))


def heading_prefix(line: str) -> str | None:
    """Return what makes a line a heading by its form (number, box, or the words before a colon), else None."""
    if numbered := _NUMBERED.match(line):
        return numbered.group()
    if _BOXED.match(line):
        return line
    titled = _TITLED.match(line)
    return titled[1] if titled else None


def continues(line: str) -> bool:
    """Tell whether a line takes up what the paragraph before it said, or reports speech."""
    return _CONTINUES.match(line) is not None or any(mark in line for mark in '“”"？！?!…「')


def labelled_values(line: str) -> list[tuple[str, str]]:
    """Return the label and value pairs of a furniture line: 来源：甲报 作者：乙 gives two."""
    if _DISCLAIMER.search(line):
        return []
    return [(label, _value(label, text)) for label, text in _split_labels(line)]


def _pair_labels(line: str) -> list[tuple[str, str]]:
    """Return labels and all that follows each, but for a date beside a name and the bracket around the line."""
    pairs = []
    for label, after in _split_labels(line):
        text = after if label in TIME_LABELS else DATE.sub("", after)
        text = text.strip(" \u3000|｜")
        pairs.append((label, text if text.count("(") + text.count("（") else text.rstrip(")）】] ")))
    return pairs


def _split_labels(line: str) -> list[tuple[str, str]]:
    matches = list(_LABEL.finditer(line))
    ends_at = [*(match.start() for match in matches), len(line)][1:]
    return [
        ("".join(match["label"].split()), line[match.end() : end]) for match, end in zip(matches, ends_at, strict=True)
    ]


def author_in_text(line: str) -> str:
    """Return the reporter whom a byline or a dateline names, (记者某某), or nothing."""
    match = BYLINE.match(line) or _AUTHOR_IN_TEXT.search(line[:_LABEL_LINE])
    return match[1].strip() if match else ""


def names_in_byline(author: str) -> str:
    """Return a byline without roles and the place it was filed from; as it is where nothing else stands there."""
    return _NO_NAME.sub("", author).strip(" \t\u3000、,，;；/／|｜") or author


def _value(label: str, text: str) -> str:
    date = DATE.search(text)
    if label in TIME_LABELS:
        return (date or _SHORT_DATE.match(text.strip()) or [""])[0]
    return _VALUE_END.split((text[: date.start()] if date else text).strip())[0].strip()


def _is_dated(line: str) -> bool:
    """Tell whether a line is a date, and beside it nothing but who published it and the like, which make no text."""
    date = DATE.search(line) or _SHORT_TIME.search(line)
    if date is None or len(line) > _DATED_LINE:
        return False
    before, after = line[: date.start()], line[date.end() :]
    numeric = re.search(r"[-/:：]", date.group()) is not None
    if not numeric and (before[-1:].isalnum() or after[:1].isalnum()):
        return False
    beside = f"{before} {after}"
    if (
        max(map(len, re.split(r"[\s|｜]+", beside))) <= _BESIDE
        and _STATED.search(beside)
        and not _TEXT_SIGN.search(beside)
    ):
        return True
    words = [word for word in re.split(r"[\s|｜/·•()（）\[\]【】]+", beside) if word and not _TIME_WORD.fullmatch(word)]
    published = [word for word in words if _PUBLISHER.fullmatch(word)]
    return published == words or (bool(published) and all(map(_SHORT_NAME.fullmatch, {*words} - {*published})))
