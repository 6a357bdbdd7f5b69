"""Bytes to text, strictly: an encoding is taken only when the bytes prove it, and encoding back gives the bytes.

UTF-8 is tried first, since random or foreign bytes are almost never valid UTF-8. UTF-16 is taken with its byte
order mark only. What is left may be GB18030, which decodes nearly anything, so the result must also read like
Chinese: the hundred most frequent characters of modern Chinese make up about 30 % of any running Chinese text,
and under 8 % of Korean, Japanese or broken UTF-8 that is decoded as GB18030.
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
_COMMON = frozenset(
    character
    for lead in range(0xB0, 0xD8)  # the rows of GB 2312 level 1, the 3,755 common characters
    for trail in range(0xA1, 0xFF)
    for character in bytes((lead, trail)).decode("gb2312", "ignore")
)
_FREQUENT_SHARE = 0.12
_COMMON_SHARE = 0.85
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
_MARK = re.compile("[\xa0·°×—…‘’“”\u3000-\u3020\uff00-\uff5f]")
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes, *, where: str) -> tuple[str, str]:
    """Return a source file's text and encoding: utf-8, utf-8-bom, utf-16-le, utf-16-be or gb18030.

    A byte order mark stays, as U+FEFF at offset 0. No bytes raise EmptyArticleError; binary data, NUL characters, and bytes that are none
    of these encodings for sure raise EncodingError.
    """
    if not data:
        raise EmptyArticleError("the file is empty", where=where)
    for magic, kind in _KINDS:
        if data.startswith(magic):
            again = "Save its text as UTF-8 and run again"
            raise EncodingError(f"this is {kind}, not text", where=where, next_step=again)
    text, encoding = _decode(data, where)
    if "\0" in text:
        what = "a NUL character, so binary or UTF-16 without a byte order mark"
        raise EncodingError(what, where=f"{where}@{text.index(chr(0))}")
    controls = len(_CONTROLS.findall(text))
    if controls > _CONTROL_SHARE * len(text):
        raise EncodingError(f"binary: {controls} control characters", where=where)
    return text, encoding


def _decode(data: bytes, where: str) -> tuple[str, str]:
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
    known = sum(count for character, count in counts.items() if character in _COMMON or _MARK.match(character))
    return known >= _COMMON_SHARE * foreign
