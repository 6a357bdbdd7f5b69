"""Traditional characters to simplified ones, ASCII marks to Chinese ones, full width to half: one code point to one.

The table of characters is from OpenCC (Apache License 2.0), built by `recipes/simplified.py`; a character with several simplified
forms has the most frequent one. What simplified texts write themselves (著, 乾) is not in it.
"""

from __future__ import annotations

import lzma
import re
import unicodedata
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("simplified.txt.xz")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_ASCII_MARK = re.compile("[,;!?](?![0-9A-Za-z ])|(?<![0-9A-Za-z ])[,;!?]")
_MARKS = str.maketrans(",;!?", "，；！？")
_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_HALF_WIDTH = str.maketrans({**_FULL_WIDTH, "\u3000": " ", "“": '"', "”": '"', "‘": "'", "’": "'"})


def to_half_width(text: str) -> str:
    """Return the text with full-width ASCII (！ to ～), U+3000 and “”‘’ in half width; the length is unchanged."""
    return text.translate(_HALF_WIDTH)


def to_simplified(text: str) -> str:
    """Return the text with traditional characters in their simplified form; the length is unchanged."""
    return text if text.isascii() else text.translate(read_simplified())


def is_traditional(text: str) -> bool:
    """Tell whether a text is in traditional characters: more than a tenth of its Chinese ones have another simplified form."""
    other = sum(one != plain for one, plain in zip(text, to_simplified(text), strict=True))
    return other * 10 > len(_CHINESE.findall(text))


def to_chinese_marks(text: str) -> str:
    """Return the text with , ; ! ? in their Chinese form, but for those inside numbers and Latin text; the length is unchanged."""
    return _ASCII_MARK.sub(lambda found: found.group().translate(_MARKS), text)


@cache
def read_simplified() -> dict[int, str]:
    """Return the table for `str.translate`: code points of traditional characters and their simplified forms."""
    traditional, simplified = lzma.decompress(TABLE.read_bytes()).decode("utf-8").split()
    table = dict(zip(traditional, simplified, strict=True))
    # Radicals (⼤) and compatibility forms, which PDFs give in place of the characters.
    for code in (*range(0x2F00, 0x2FD6), *range(0xF900, 0xFB00)):
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1:
            table[chr(code)] = table.get(plain, plain)
    return str.maketrans(table)
