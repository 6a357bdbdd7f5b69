"""Bytes to text, strictly: an encoding is taken only when the bytes prove it, and encoding back gives the bytes.

UTF-8 is tried first, since random or foreign bytes are almost never valid UTF-8. UTF-16 is taken with its byte
order mark only. What is left may be GB18030, which decodes nearly anything, so the result must also read like
Chinese: the hundred most frequent characters of modern Chinese make up about 30 % of any running Chinese text,
and under 8 % of Korean, Japanese or broken UTF-8 that is decoded as GB18030. In less than a sentence or two they need not
occur at all: there the six hundred most frequent ones and Chinese punctuation have to make up nearly half.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from contextlib import suppress

from biaozhu.data.errors import EmptyArticleError, EncodingError

# The hundred or so most frequent characters of modern Chinese (common knowledge of every frequency list).
_FREQUENT = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好"
)
# With the five hundred that come next (counted in half of annotations/modern/own): three of four characters of Chinese text.
_USUAL = _FREQUENT.union(
    "天元山那斯尔公没四长日县名老五万百还只克月德西车开米马头南六海拉江八前安你回口东州她手看道明门文今城金特河走平场岁七给路最被第边利北九全千台者比市打半张石镇事师林叫王次布罗话周其块字已每与哈见队花阿军"
    "问村司楼阳死先位书新外清写区任女巴白带记住兰火亚员钱斤收李么别内站田将黄红由夜间告格至卡原通钟信吃听报尼院晚知守才合正英余教声太又称儿笑代夫关价条此总入卖提达连号表华早建片美球再科湖少木士坐重期雷请包"
    "单雪真首酒苏宁什省计风心世志往武程向奥接线因约无数赛福根几远认乡意费交议维放身谁春股战气立修客保土沙纳讲送刚官票古像普云处相座梅亲直想居船贵龙诺演曾做户算果持跟川店流光塔常爱玉茶完停喜超谢商查伊管然满"
    "基房洛青源岛买萨结班汉却瓦留父乐治传案己陈据投干牛跑鲁改证唱板温样未吉铁让医系广义黑拿哥丽落双鱼退图警领应银支孙候港句博指兵局强京飞望史步馆资友排设语油角波何联货景拍旧怀街离段款倒非换胡标农件判洋复转"
    "率贝运姆麦托夏伯照眼雨服勒便影政取厂反静皮画族底快奖杨韩刘星毛香杰许热失吴言决办它考伦吗桥登昨恩藏共宝令翻树足思若骑弟亿则举调更呢易乌目奇男集背降校份塞空顿答仁导解秀喝索欧兴梁董丁音穿并选评歌徐迪务"
)
_COMMON = frozenset(
    character
    for lead in range(0xB0, 0xD8)  # the rows of GB 2312 level 1, the 3,755 common characters
    for trail in range(0xA1, 0xFF)
    for character in bytes((lead, trail)).decode("gb2312", "ignore")
)
_FREQUENT_SHARE = 0.12
_COMMON_SHARE = 0.85
_USUAL_SHARE = 0.45
_ENOUGH = 30
_CONTROL_SHARE = 0.02

_KINDS = (
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"%PDF-", "a PDF"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
)
_MHTML = re.compile(rb"(?:[\w-]+:.*\n(?:[ \t].*\n)*)*?MIME-Version:", re.IGNORECASE)
_HEAD_BYTES = 4096
_MARK = re.compile("[\xa0·°×—…‘’“”\u3000-\u3020\uff00-\uff5f]")
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode_source(data: bytes, *, where: str) -> tuple[str, str]:
    """Return a source file's text and encoding: utf-8, utf-8-bom, utf-16-le, utf-16-be or gb18030.

    A byte order mark stays, as U+FEFF at offset 0. No bytes raise EmptyArticleError; binary data, NUL characters, and bytes that are none
    of these encodings for sure raise EncodingError.
    """
    if not data:
        raise EmptyArticleError("the file is empty", where=where)
    kinds = [kind for magic, kind in _KINDS if data.startswith(magic)]
    kinds += ["a page or a mail in one file (MHTML)"] * bool(_MHTML.match(data[:_HEAD_BYTES]))
    if kinds:
        again = "Save its text as UTF-8 and run again"
        raise EncodingError(f"this is {kinds[0]}, not text", where=where, next_step=again)
    text, encoding = _decode_strictly(data, where)
    if "\0" in text:
        what = "a NUL character, so binary or UTF-16 without a byte order mark"
        raise EncodingError(what, where=f"{where}@{text.index(chr(0))}")
    controls = len(_CONTROLS.findall(text))
    if controls > _CONTROL_SHARE * len(text):
        raise EncodingError(f"binary: {controls} control characters", where=where)
    return text, encoding


def _decode_strictly(data: bytes, where: str) -> tuple[str, str]:
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise EncodingError("UTF-32", where=where)
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError as error:
                what = f"broken UTF-16 ({error.reason})"
                raise EncodingError(what, where=f"{where}@{error.start}") from None
    try:
        return data.decode("utf-8"), "utf-8-bom" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    except UnicodeDecodeError as error:
        broken = error
    with suppress(UnicodeDecodeError):
        text = data.decode("gb18030")
        # Some four-byte forms decode to characters that have a shorter form: then the file could not be rebuilt.
        same = text.encode("gb18030") == data
        if same and (text.startswith("\ufeff") or _reads_like_chinese(text)):
            return text, "gb18030"
    what = f"neither UTF-8 (first wrong byte 0x{data[broken.start]:02x}) nor GB18030 that reads like Chinese"
    raise EncodingError(what, where=f"{where}@{broken.start}")


def _reads_like_chinese(text: str) -> bool:
    counts = Counter(character for character in text if character > "\x7f")
    foreign = counts.total()
    ideographs = sum(count for character, count in counts.items() if "\u3400" <= character <= "\u9fff")
    if ideographs >= _ENOUGH:
        return sum(counts[character] for character in _FREQUENT) >= _FREQUENT_SHARE * ideographs
    marks = sum(count for character, count in counts.items() if _MARK.match(character))
    known, usual = (marks + sum(counts[character] for character in some) for some in (_COMMON, _USUAL))
    # Hangul decodes to common characters, too, but to any of them: what is not certain is refused.
    return known >= _COMMON_SHARE * foreign and usual >= _USUAL_SHARE * foreign
