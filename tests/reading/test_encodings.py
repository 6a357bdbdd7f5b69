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
from biaozhu.reading.encodings import decode_source

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
    assert decode_source(data, where="x") == (text, encoding)
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
        pytest.param(b"From: <Saved by X>\r\nSubject: a\r\n b\r\nMIME-Version: 1.0\r\n", "MHTML", id="mhtml"),
    ],
)
def test_decoding_refuses(data: bytes, words: str) -> None:
    with pytest.raises(EncodingError) as caught:
        decode_source(data, where="x.txt")
    message = str(caught.value)
    assert words in message
    assert message.startswith("BZ010 x.txt")
    assert "\n" not in message


def test_decoding_refuses_nothing_at_all() -> None:
    with pytest.raises(EmptyArticleError):
        decode_source(b"", where="x.txt")


def test_decoding_names_the_first_wrong_byte() -> None:
    with pytest.raises(EncodingError, match="0xff") as caught:
        decode_source("甲乙".encode() + b"\xff", where="x.txt")
    assert caught.value.where == "x.txt@6"


@given(st.binary(max_size=300) | st.text(max_size=80).map(lambda text: text.encode("gb18030", "ignore")))
def test_decoding_any_bytes_come_back_or_are_refused(data: bytes) -> None:
    try:
        text, encoding = decode_source(data, where="x")
    except BiaozhuError:
        return
    assert encode(text, encoding) == data


# Everyday sentences of 4 to 25 characters, with names, figures and lists in them.
SHORT_CHINESE = (
    "今天上午下了一场雨。|县里新修了三条公路。|他买了五斤苹果和两瓶酒。|王小明住在白水县城关镇。|会议定于明天上午九点召开。|全村有200户人家。|"
    "李芳是中学语文老师。|这本书卖三十五元。|去年粮食产量达到八万吨。|我们明天去北京。|老人今年八十岁了。|学校放假两个月。|合作社养了一千头猪。|"
    "请把门关上。|火车晚点四十分钟。|张伟昨天从上海回来。|工厂有员工三百人。|天气预报说周末有大风。|孩子们在操场上踢球。|镇政府发放补贴12万元。|"
    "她喜欢喝绿茶。|医院新增床位五十张。|河水涨了半米。|超市里的鸡蛋涨价了。|村民代表一致同意。|警方抓获两名嫌疑人。|公司总部设在深圳市南山区。|"
    "果园里种着桃树、梨树。|种植面积扩大到三千亩。|爷爷养了一只猫。|电影晚上七点开始。|刘强任副县长。|道路施工，请绕行。|产品销往二十多个国家。|"
    "春天来了，花都开了。|项目总投资3.2亿元。|水库蓄水量不足一半。|他每天跑步五公里。|图书馆周一不开放。|货车撞上了护栏。|地点：县文化馆二楼|"
    "猕猴桃今年喜获丰收。|赵敏获得一等奖。|我家在山东省济南市。|气温降到零下五度。|乡卫生院来了新医生。|农户收入增加两成。|这里的辣椒很有名。|"
    "谢谢大家！|关于召开党员大会的通知"
)
SHORT_FOREIGN = {
    "euc_kr": "서울특별시 김철수는 3만원을 냈다.|오늘 날씨가 매우 좋습니다.|부산광역시 인구는 330만 명이다.|그는 사과 다섯 개를 샀다.|비가 와서 경기가 취소되었다.|"
    "커피 한 잔 주세요.|제주도는 섬이다.|안녕하세요.|감사합니다.|정부는 새 정책을 발표했다.|고양이가 자고 있다.|물가가 작년보다 5% 올랐다.",
    "euc_jp": "東京都の人口は千四百万人である。|今日は天気がいいです。|新工場建設計画発表|京都大学名誉教授田中一郎氏死去|彼は本を五冊買った。|カタカナのテキスト",
    "shift_jis": "東京都の人口は千四百万人である。|今日は天気がいいです。|新工場建設計画発表|京都大学名誉教授田中一郎氏死去|彼は本を五冊買った。|カタカナのテキスト",
    "big5": "台北市人口二百五十萬人。|他昨天買了三本書。|王小明住在高雄市。|今天天氣很好。|這個項目投資三億元。|會議明天上午十點開始。",
    "cp1251": "Сегодня хорошая погода.|Иван Петров заплатил 300 рублей.|МОСКВА|Здравствуйте|Население города растёт.|СССР",
}


@pytest.mark.parametrize("text", SHORT_CHINESE.split("|"))
def test_decoding_takes_short_chinese_in_gbk(text: str) -> None:
    assert decode_source(text.encode("gbk"), where="x") == (text, "gb18030")


@pytest.mark.parametrize(
    ("text", "codec"), [(text, codec) for codec, texts in SHORT_FOREIGN.items() for text in texts.split("|")]
)
def test_decoding_refuses_short_texts_of_other_encodings(text: str, codec: str) -> None:
    with pytest.raises(EncodingError):
        decode_source(text.encode(codec), where="x")
