"""Other forms of the characters of amounts: full-width, traditional, capital (壹万贰仟), and what looks alike (⼀)."""

from __future__ import annotations

import re

from biaozhu.reading.simplified import read_simplified, to_chinese_marks

# Not the punctuation, by which clauses are told.
_PUNCTUATION = frozenset("，。；：！？（）")
_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in _PUNCTUATION}
# No \u3000, which parts the cells of a line (1　石迪　2.08米): GB/T 15835 parts thousands by a quarter space, which texts write as any of these.
_LIKENESSES = dict(zip("○￥−∼〜╱µ\u00a0\u2009\u202f", "〇¥-~~/μ   ", strict=True))
_FORMS = str.maketrans(_FULL_WIDTH | _LIKENESSES) | read_simplified()
_CAPITAL = "壹贰弍叁叄肆伍陆柒捌玖拾佰仟"
_PLAIN = str.maketrans(_CAPITAL, "一二二三三四五六七八九十百千")
_OTHER = re.compile(f"[{re.escape(''.join(map(chr, _FORMS)))}{_CAPITAL}]")
_CAPITALS = re.compile(
    rf"(?:(?<![{_CAPITAL}零〇万亿几余多])|(?<=[元圆角]零))(?<!收(?=拾))([{_CAPITAL}][{_CAPITAL}零〇万亿几余多]*+)([元圆角分人户名亩吨斤])"
)


def fold_text(text: str) -> str:
    """Return the text with the forms that the patterns of amounts read, of the same length.

    Capital numerals are folded only where a measure word follows them: 陆 and 伍 are mostly other words.
    """
    text = to_chinese_marks(text)
    return _CAPITALS.sub(_in_plain, text.translate(_FORMS)) if _OTHER.search(text) else text


def _in_plain(found: re.Match[str]) -> str:
    run, measure = found.groups()
    # 大陆几亿人, 队伍三人; but 拾元伍角
    follows = found.string[: found.start()].rstrip("零").endswith(("元", "圆", "角"))
    certain = follows or sum(sign in _CAPITAL for sign in run) > 1 or run[0] not in "伍陆柒捌"
    if not certain and (measure != "元" or run[1:].strip("万亿")):
        return found[0]
    # 圆 is mostly another word.
    return run.translate(_PLAIN) + measure.replace("圆", "元")
