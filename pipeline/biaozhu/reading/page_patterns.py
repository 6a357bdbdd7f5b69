"""What the lines of a Chinese news page look like: labels, dates, bylines, breadcrumbs, captions, numbering.

The words are the furniture of Chinese news sites in general; none is taken from one page.
"""

from __future__ import annotations

import re

SOURCE_LABELS = ("文章来源", "信息来源", "稿件来源", "新闻来源", "稿源", "来源", "转自", "摘自")
AUTHOR_LABELS = ("作者", "撰文", "撰稿", "记者", "通讯员", "供稿", "文字")
TIME_LABELS = (
    "发布时间",
    "发表时间",
    "更新时间",
    "发稿时间",
    "发布日期",
    "发表日期",
    "时间",
    "日期",
)
_ANYWHERE = (
    *SOURCE_LABELS,
    *TIME_LABELS[:-2],
    "作者",
    "责任编辑",
    "责任主编",
    "值班编辑",
    "执行编辑",
    "网络编辑",
    "编辑",
    "责编",
    "主编",
    "编审",
    "审核",
    "审校",
    "校对",
    "校审",
    "监制",
    "终审",
    "初审",
    "复审",
    "关键词",
    "关键字",
    "标签",
    "Tags",
    "分享到",
    "分享至",
    "分享",
    "您当前的位置",
    "您的当前位置",
    "您现在的位置",
    "您所在的位置",
    "你的位置",
    "您的位置",
    "当前位置",
    "所在位置",
    "打印",
    "打印本页",
    "字号",
    "字体大小",
    "字体",
    "浏览次数",
    "浏览量",
    "浏览",
    "阅读次数",
    "阅读量",
    "阅读",
    "点击数",
    "点击量",
    "点击次数",
    "点击",
    "访问量",
    "评论数",
    "上一篇",
    "下一篇",
    "上一条",
    "下一条",
    "原标题",
    "原文链接",
    "本文链接",
    "本文来源",
    "相关新闻",
    "相关阅读",
    "相关链接",
    "相关文章",
    "推荐阅读",
    "延伸阅读",
    "热门推荐",
    "二维码",
)
_AT_THE_EDGES = (
    *AUTHOR_LABELS,
    *TIME_LABELS,
    "主办",
    "主管",
    "承办",
    "协办",
    "主办单位",
    "网站",
    "发布者",
    "发布人",
)
# After one of these the page has no article text left, only links and imprint.
_CLOSING = re.compile(
    r"^[\[(（【]?\s*(?:责任编辑|责编|值班编辑|网络编辑|编辑|上一篇|下一篇|相关新闻|相关阅读|相关链接|相关文章|推荐阅读|延伸阅读|热门推荐)"
)

_COLON = r"\s*[:：|｜丨]"


def _labels(words: tuple[str, ...]) -> str:
    # Longest first, and letters may be spaced out: 作　者：
    return "|".join(r"[\s]{0,2}".join(word) for word in sorted(set(words), key=len, reverse=True))


_LABEL = re.compile(rf"(?P<label>{_labels((*_ANYWHERE, *_AT_THE_EDGES))}){_COLON}")
_LABELLED_ANYWHERE = re.compile(rf"[\[(（【]?\s*(?:{_labels(_ANYWHERE)}){_COLON}")
_LABELLED_AT_EDGES = re.compile(rf"[\[(（【]?\s*(?:{_labels((*_ANYWHERE, *_AT_THE_EDGES))}){_COLON}")
_BARE = re.compile(
    rf"[\[(（【]?\s*(?:{_labels(_ANYWHERE[len(SOURCE_LABELS) :])}|收藏|关闭|关闭窗口|返回|返回顶部|返回首页|回到顶部|首页|评论|点赞|"
    r"扫一扫|纠错|正文|微信|微博|QQ空间|登录|注册|设为首页|加入收藏|打印本页|A[+-]|[大中小])\s*[\])）】]?[:：]?"
)
_IMPRINT = re.compile(
    r"©|版权所有|All Rights Reserved|Copyright|ICP备|公网安备|许可证|(?:未经|不得)[^。]{0,12}(?:授权|许可|转载)|免责声明",
    re.IGNORECASE,
)
_BREADCRUMB = re.compile(
    r"^(?:首页|主页|[^>»›→。]{1,12})(?:\s*(?:>{1,2}|»|›|→|＞|&gt;)\s*[^>»›→＞。]{1,60})+$"
)
_PROMOTION = re.compile(r"^.{2,30}\s{1,4}(?:主办|主管|承办|协办)$")
_SITE = re.compile(
    r"^(?=.{2,20}$)[^，。、,：:“”]*(?:网|网站|网络|频道|客户端|门户|传媒|媒体|日报|晚报|早报|晨报|时报|都市报|电视台|电台|融媒体中心|在线)$"
)
DATE = re.compile(
    r"(?:19|20)\d{2}\s{0,2}(?:[-/.]\s?\d{1,2}\s?[-/.]\s?\d{1,2}|年\s?\d{1,2}\s?月\s?\d{1,2}\s?日)"
    r"(?:\s{0,3}(?:T|星期.|周.)?\s{0,3}\d{1,2}[:：]\d{2}(?:[:：]\d{2})?)?"
)
_BYLINE = re.compile(
    r"^[\[(（【]?(?:(?:本报|本网|本刊|本台|新华社|中新社|.{2,8}[网报社台])\s*)?(?:特约|实习|见习|首席)?(?:记者|通讯员|文/|文／|图/|图／)[^，。,？！?!：:“”]{2,30}$"
)
_AUTHOR_IN_TEXT = re.compile(
    r"[（(](?:本报|本网)?(?:全媒体|融媒体|见习|特约)?(?:记者|通讯员)\s*([^（()）。，,]{2,24})[）)]"
)
_CAPTION = re.compile(
    r"^(?:[▲△▼▽↑↓←→☝☟]|[（(]?图[为片\d一二三四五六①-⑨]?\s?[:：/／]|图为|[上下左右]图|资料图|配图|插图|示意图|图片说明|图说)"
    r"|(?:(?<!拍)摄|摄影|供图|资料图|资料图片|图片来源[^。]{1,16}|图自[^。]{1,12})\s?[)）】]?。?$"
    r"|(?:摄影|图片来源|供图)[:：/／]"
)
_NUMBERED = re.compile(
    r"^(?:[一二三四五六七八九十]{1,3}\s?[、.．]|[（(][一二三四五六七八九十\d]{1,3}[)）]|第[一二三四五六七八九十百\d]{1,4}[章节篇]|\d{1,2}\s?[、.．]|0\d\s|[■◆●★◎▌])"
)
_TITLED = re.compile(r"^([^:：“”\"。，,]{2,16})[:：]\s*[^\s“\"「].{3,}$")
_ENTRY = re.compile(r"^[^:：，。]{1,16}[:：]\s*\S")
_BOXED = re.compile(r"^【[^】]{2,30}】$")
_CONTINUES = re.compile(r"^(?:但|而|然|此|因|所|于是|同时|据|记者|目前|当|随|其|这|那|为此|近)")
_END_MARK = re.compile(r"[。！？!?…｡.．][”’」』)）】》\"'\s]*$")
_NAVIGATION_WORDS = 5
_LABEL_LINE = 200


def is_prose(line: str) -> bool:
    """Tell whether a line is running text: it has a full stop or a Chinese comma's worth of length."""
    return "。" in line or len(line) > 80 or (len(line) >= 15 and ends(line) and line[-1] not in "!?！？")  # noqa: PLR2004 — lengths of lines, in code points


def ends(line: str) -> bool:
    """Tell whether a line closes with an end mark, quotes and brackets aside."""
    return _END_MARK.search(line[-12:]) is not None


def is_furniture(line: str, *, at_edge: bool) -> bool:
    """Tell whether a line is page furniture; `at_edge`: it stands before or after all running text."""
    if _IMPRINT.search(line[:_LABEL_LINE]) and (at_edge or len(line) < 60):  # noqa: PLR2004 — an imprint is short
        return True
    if len(line) > _LABEL_LINE or "。" in line.rstrip("。"):
        return False
    if _BARE.fullmatch(line) or _LABELLED_ANYWHERE.match(line):
        return True
    words = line.split()
    if len(words) > 1 and all(_BARE.fullmatch(word) for word in words):
        return True
    if not at_edge:
        return _BREADCRUMB.match(line) is not None and line.startswith(("首页", "主页"))
    return bool(
        _LABELLED_AT_EDGES.match(line)
        or _BREADCRUMB.match(line)
        or _PROMOTION.match(line)
        or (_BYLINE.match(line) and not ends(line))
        or _is_dated(line)
        or (len(words) >= _NAVIGATION_WORDS and max(map(len, words)) <= 6)  # noqa: PLR2004 — a menu's entries
    )


def names_source_or_time(line: str) -> bool:
    """Tell whether a furniture line is the one under the title: source, author or time."""
    labels = {_squeeze(match["label"]) for match in _LABEL.finditer(line)}
    return bool(labels & {*SOURCE_LABELS, *AUTHOR_LABELS, *TIME_LABELS} or DATE.search(line))


def closes_the_page(line: str) -> bool:
    """Tell whether a furniture line is one after which only links and imprint follow."""
    return _CLOSING.match(line) is not None


def is_site_name(line: str) -> bool:
    """Tell whether a short line is rather the name of a site or channel than a title."""
    return _SITE.match(line) is not None


def is_caption(line: str) -> bool:
    """Tell whether a line says itself that it is a picture's caption or credit."""
    return len(line) <= 120 and _CAPTION.search(line) is not None  # noqa: PLR2004 — a caption is short


def heading_prefix(line: str) -> str | None:
    """Return what makes a line a heading by its form (number, box, or the words before a colon), else None."""
    if numbered := _NUMBERED.match(line):
        return numbered.group()
    if _BOXED.match(line):
        return line
    titled = _TITLED.match(line)
    return titled[1] if titled else None


def is_entry(line: str) -> bool:
    """Tell whether a line has the form of words, a colon and more words, as the entries of a notice have."""
    return _ENTRY.match(line) is not None


def continues(line: str) -> bool:
    """Tell whether a line takes up what the paragraph before it said, or reports speech."""
    return _CONTINUES.match(line) is not None or any(mark in line for mark in '“”"？！?!…「')


def labelled_values(line: str) -> list[tuple[str, str]]:
    """Return the label and value pairs of a furniture line: 来源：甲报 作者：乙 gives two."""
    matches = list(_LABEL.finditer(line))
    ends_at = [*(match.start() for match in matches), len(line)][1:]
    return [
        (_squeeze(match["label"]), _value(match["label"], line[match.end() : end]))
        for match, end in zip(matches, ends_at, strict=True)
    ]


def author_in_text(line: str) -> str:
    """Return the reporter whom a dateline names in brackets, (记者某某), or nothing."""
    match = _AUTHOR_IN_TEXT.search(line[:_LABEL_LINE])
    return match[1].strip() if match else ""


def _squeeze(label: str) -> str:
    return "".join(label.split())


def _value(label: str, text: str) -> str:
    text = text.strip()
    if _squeeze(label) in TIME_LABELS:
        date = DATE.search(text)
        return date.group() if date else re.split(r"\s{2,}|[|｜]", text)[0]
    if date := DATE.search(text):
        text = text[: date.start()]
    return re.split(r"\s{2,}|[|｜\])）】]", text.strip())[0].strip()


def _is_dated(line: str) -> bool:
    date = DATE.search(line)
    return date is not None and len(line) - len(date.group()) <= 24 and not ends(line) and date.start() <= 16  # noqa: PLR2004 — room for a source beside the date
