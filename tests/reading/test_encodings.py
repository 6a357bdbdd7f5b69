"""Bytes to text: what is taken, what is refused, and that encoding again gives the bytes."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest
from encoded import encode
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import BiaozhuError, EmptyArticleError, EncodingError
from biaozhu.reading.encodings import decode

CHINESE = (
    "春耕时节，云溪县的农技员走进田间，手把手教农户育秧。今年全县早稻面积预计达到三十万亩，比去年增加一成。\n"
    "入夏以来，这里的瓜果陆续上市，合作社的冷库里堆满了等待装车的纸箱。"
)
TRADITIONAL = "縣委書記昨天表示，這個項目將於明年完成。我們對於農村的發展有很大的信心，希望各位能夠繼續努力。"
KOREAN = "한국의 수도는 서울이다. 서쪽으로는 황해를 사이에 두고 있으며, 동쪽으로는 바다가 있다."
JAPANESE = "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。"
RUSSIAN = "Все люди рождаются свободными и равными в своем достоинстве и правах."
FRENCH = "Tous les êtres humains naissent libres et égaux en dignité et en droits. Été à café."


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.txt", b"0" * 10_000_000)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        (CHINESE, "utf-8", "utf-8"),
        ("\ufeff" + CHINESE, "utf-8", "utf-8-bom"),
        ("\ufeff" + CHINESE, "utf-16-le", "utf-16-le"),
        ("\ufeff" + CHINESE, "utf-16-be", "utf-16-be"),
        (CHINESE, "gbk", "gb18030"),
        (CHINESE + "𠮷㐀", "gb18030", "gb18030"),
        ("\ufeff" + KOREAN, "gb18030", "gb18030"),
        (TRADITIONAL, "gb18030", "gb18030"),
        ("云溪今天下雨。", "gbk", "gb18030"),
        ("A long English line with one word: 云溪。", "gbk", "gb18030"),
        (KOREAN, "utf-8", "utf-8"),
        ("plain ASCII", "ascii", "utf-8"),
        ("甲\r\n\u2028乙\u3000\xa0\x1b[31m", "utf-8", "utf-8"),
    ],
)
def test_decoding_takes_and_gives_back(text: str, codec: str, encoding: str) -> None:
    data = text.encode(codec)
    assert decode(data, where="x") == (text, encoding)
    assert encode(text, encoding) == data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(KOREAN.encode("euc_kr"), "nor GB18030", id="euc-kr"),
        pytest.param(JAPANESE.encode("euc_jp") * 3, "nor GB18030", id="euc-jp"),
        pytest.param(JAPANESE.encode("shift_jis"), "nor GB18030", id="shift-jis"),
        pytest.param(TRADITIONAL.encode("big5"), "nor GB18030", id="big5"),
        pytest.param(RUSSIAN.encode("koi8_r"), "nor GB18030", id="koi8-r"),
        pytest.param(FRENCH.encode("cp1252"), "nor GB18030", id="cp1252"),
        pytest.param(CHINESE.encode() + b"\xff", "nor GB18030", id="utf-8 with a bad byte"),
        pytest.param(CHINESE.encode()[:-1], "nor GB18030", id="truncated utf-8"),
        pytest.param(CHINESE.encode("gbk") + b"\xff", "nor GB18030", id="gbk with a bad byte"),
        pytest.param("甲\ud800乙".encode("utf-8", "surrogatepass"), "nor GB18030", id="lone surrogate"),
        pytest.param(CHINESE.encode("utf-16-le"), "BZ010", id="utf-16 without a mark"),
        pytest.param(b"\xff\xfe" + b"\x00\xd8" * 3, "broken UTF-16", id="utf-16 with lone surrogates"),
        pytest.param(b"\xff\xfea", "broken UTF-16", id="utf-16 of odd length"),
        pytest.param(CHINESE.encode("utf-32"), "UTF-32", id="utf-32"),
        pytest.param("甲\0乙".encode(), "NUL", id="nul"),
        pytest.param(b"\xff\xfe" + "甲\0".encode("utf-16-le"), "NUL", id="nul in utf-16"),
        pytest.param(bytes(range(1, 128)), "control characters", id="control characters"),
        pytest.param(zipped(), "zip", id="zip bomb"),
        pytest.param(gzip.compress(CHINESE.encode()), "gzip", id="gzip"),
        pytest.param(b"%PDF-1.7\n", "PDF", id="pdf"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "PNG", id="png"),
        pytest.param(b"{\\rtf1\\ansi", "RTF", id="rtf"),
    ],
)
def test_decoding_refuses(data: bytes, words: str) -> None:
    with pytest.raises(EncodingError) as caught:
        decode(data, where="x.txt")
    message = str(caught.value)
    assert words in message
    assert message.startswith("BZ010 x.txt")
    assert "\n" not in message


def test_decoding_refuses_nothing_at_all() -> None:
    with pytest.raises(EmptyArticleError):
        decode(b"", where="x.txt")


def test_decoding_names_the_first_wrong_byte() -> None:
    with pytest.raises(EncodingError, match="0xff") as caught:
        decode("甲乙".encode() + b"\xff", where="x.txt")
    assert caught.value.where == "x.txt@6"


@given(st.binary(max_size=300) | st.text(max_size=80).map(lambda text: text.encode("gb18030", "ignore")))
def test_decoding_any_bytes_come_back_or_are_refused(data: bytes) -> None:
    try:
        text, encoding = decode(data, where="x")
    except BiaozhuError:
        return
    assert encode(text, encoding) == data
