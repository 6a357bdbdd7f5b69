"""The splitter: every rule by an invented text, and true offsets for any text at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rebuilt import rebuild

from biaozhu.data.errors import OffsetError
from biaozhu.data.model import Article, Block, Metadata, Sentence
from biaozhu.reading.sentences import (
    section_of,
    section_titles,
    split_article,
    split_text,
)

# What the rules turn on, so that hypothesis meets their combinations often.
TRICKY = st.text(
    st.sampled_from(
        "甲乙的a1 \t\n\r\u2028\u3000\xa0\ufeff\u200b。．.！!?？…—“”‘’「」\"'（）()[]【】《》,，;；:：、/𠮷\ud800"
    ),
    max_size=60,
)
ANY = st.text(max_size=120) | TRICKY | st.text(st.characters(), max_size=60)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in split_text(text)]


def make_article(raw: str, *blocks: Block) -> Article:
    return Article("0123456789ab", "x", "0123456789ab", "utf-8", raw, blocks, Metadata(title="题目"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("他说：“好。”她走了。", ["他说：“好。”", "她走了。"], id="closing quote stays"),
        pytest.param("他说：“‘好。’”她走了。", ["他说：“‘好。’”", "她走了。"], id="nested closing quotes"),
        pytest.param("「走吧。」『好！』", ["「走吧。」", "『好！』"], id="corner quotes"),
        pytest.param(
            '他说:"好。"她走了。"行。"他答。',
            ['他说:"好。"', "她走了。", '"行。"', "他答。"],
            id="straight quotes",
        ),
        pytest.param("他说。 ”她走了。", ["他说。 ”", "她走了。"], id="space before a closing quote"),
        pytest.param("“谁来种地？”，他问。走。", ["“谁来种地？”，他问。", "走。"], id="comma goes on"),
        pytest.param("“谁来种地？”的问题。难。", ["“谁来种地？”的问题。", "难。"], id="的 goes on"),
        pytest.param("“先种。再收。”的办法。好。", ["“先种。再收。”的办法。", "好。"], id="quoted name is one"),
        pytest.param("“好！”——他喊。走。", ["“好！”——他喊。", "走。"], id="dash goes on"),
        pytest.param("“来吗？”、“走吗？”的话都说了。", ["“来吗？”、“走吗？”的话都说了。"], id="list of quotes"),
        pytest.param("以“春天！你好”为主题。好。", ["以“春天！你好”为主题。", "好。"], id="slogan inside its clause"),
        pytest.param("“春天！你好”活动启动。好。", ["“春天！你好”活动启动。", "好。"], id="slogan first"),
        pytest.param('以"春天!你好"为题。好。', ['以"春天!你好"为题。', "好。"], id="slogan in straight quotes"),
        pytest.param("“来！去”、“是？否”两句。", ["“来！去”、“是？否”两句。"], id="slogans in a row"),
        pytest.param("“来！去”“是？否”两句。", ["“来！去”“是？否”两句。"], id="slogans without a comma"),
        pytest.param("举行“向前冲！”比赛。好。", ["举行“向前冲！”比赛。", "好。"], id="slogan with its end mark"),
        pytest.param("他喊“来。去。”她走了。", ["他喊“来。", "去。”", "她走了。"], id="speech inside a clause"),
        pytest.param("“来！去”", ["“来！", "去”"], id="quote that ends the line"),
        pytest.param(f"以“春天！{'甲' * 21}”为题。", ["以“春天！", f"{'甲' * 21}”为题。"], id="long quote is speech"),
        pytest.param(f"以“春天！{'甲' * 20}”为题。", [f"以“春天！{'甲' * 20}”为题。"], id="as long as a slogan may be"),
        pytest.param("《谁来种地？》一书出版。好。", ["《谁来种地？》一书出版。", "好。"], id="book title"),
        pytest.param("他来了！她呢？走了。", ["他来了！", "她呢？", "走了。"], id="full width marks"),
        pytest.param("他来了!她呢?走了。", ["他来了!", "她呢?", "走了。"], id="half width marks"),
        pytest.param("她来了.他走了.", ["她来了.", "他走了."], id="half width full stop"),
        pytest.param("真的？！是。。。对！！！", ["真的？！", "是。。。", "对！！！"], id="runs of marks"),
        pytest.param("每斤0.7元，约０．７元。共3.5亿。", ["每斤0.7元，约０．７元。", "共3.5亿。"], id="decimals"),
        pytest.param("比例为3.\t5。", ["比例为3.", "5。"], id="a stop before white space is no decimal"),
        pytest.param("要求:1.加强管理。2. 落实责任。", ["要求:1.加强管理。", "2. 落实责任。"], id="numbering"),
        pytest.param("得分:100.很好。", ["得分:100.", "很好。"], id="three digits are no numbering"),
        pytest.param("见12.很好。", ["见12.", "很好。"], id="a number inside a clause is no numbering"),
        pytest.param("it's好。'行。'走了。", ["it's好。", "'行。'", "走了。"], id="apostrophe"),
        pytest.param(
            "Mr. Li met Dr. Wu at 9 a.m. today. He left.",
            ["Mr. Li met Dr. Wu at 9 a.m. today.", "He left."],
            id="abbreviations",
        ),
        pytest.param(
            "U.S. Steel Inc.公司。No.5号。",
            ["U.S. Steel Inc.公司。", "No.5号。"],
            id="abbreviations before ideographs",
        ),
        pytest.param("罗伯特.李来了。走了。", ["罗伯特.李来了。", "走了。"], id="dot of a foreign name"),
        pytest.param("见http://a.cn/x?y=1!z。好。", ["见http://a.cn/x?y=1!z。", "好。"], id="address"),
        pytest.param("See www.a.cn/x.html. Then go.", ["See www.a.cn/x.html.", "Then go."], id="address before a stop"),
        pytest.param("文件a.txt和b@c.com.cn都有。", ["文件a.txt和b@c.com.cn都有。"], id="file and mail"),
        pytest.param("他想…还是算了……再说……", ["他想…还是算了……再说……"], id="ellipsis inside"),
        pytest.param(
            "等等... 再说。好……。走。",
            ["等等... 再说。", "好……。", "走。"],
            id="ellipsis in dots, ellipsis then stop",
        ),
        pytest.param("“我……”他低头。", ["“我……”他低头。"], id="ellipsis in a quote"),
        pytest.param("他来;她走；我等。", ["他来;她走；我等。"], id="semicolons"),
        pytest.param("他(见附录。第二页!)走了。好。", ["他(见附录。第二页!)走了。", "好。"], id="half width brackets"),
        pytest.param(
            "他（见附录。第二页！）走了。好。",
            ["他（见附录。第二页！）走了。", "好。"],
            id="full width brackets",
        ),
        pytest.param(
            "（编者按：这是说明。）正文。",
            ["（编者按：这是说明。）", "正文。"],
            id="a whole sentence in brackets",
        ),
        pytest.param("他(未关闭。第二句。", ["他(未关闭。", "第二句。"], id="bracket that never closes"),
        pytest.param("1)甲来。2)乙走。", ["1)甲来。", "2)乙走。"], id="bracket that never opened"),
        pytest.param("他说。[1]接着走。", ["他说。[1]", "接着走。"], id="note mark"),
        pytest.param("没有句末标点的一段", ["没有句末标点的一段"], id="no end mark"),
        pytest.param("甲县:党建带动产业 产业助力脱贫", ["甲县:党建带动产业 产业助力脱贫"], id="a space does not end"),
        pytest.param(
            "甲。\u3000\u3000乙\r\n\xa0丙\u2028丁\n\n \u200b\n",
            ["甲。", "乙", "丙", "丁"],
            id="white space and lines",
        ),
        pytest.param("", [], id="empty"),
        pytest.param(" \n\u3000\ufeff", [], id="only white space"),
        pytest.param("。！\n？", ["。！", "？"], id="only marks"),
        pytest.param("问a?b=1。买Yahoo!、看!它。", ["问a?b=1。", "买Yahoo!、看!", "它。"], id="marks inside Latin"),
    ],
)
def test_sentences_rule(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@pytest.mark.parametrize("before", ["短。", "这一句话比十六个字还要长,它说的是县里的事。"])
def test_sentences_whole_sentence_in_brackets_is_one_wherever_it_begins(before: str) -> None:
    assert cut(f"{before}（括号里也是一句。）后面还有一句。") == [before, "（括号里也是一句。）", "后面还有一句。"]


@pytest.mark.parametrize("closer", list("”’」』）)】》〉]}"))
def test_sentences_every_closer_stays(closer: str) -> None:
    assert cut(f"甲乙。{closer}丙丁。") == [f"甲乙。{closer}", "丙丁。"]


@example("\r\ufeff\u20280")
@given(ANY)
def test_sentences_offsets_are_true_and_gaps_are_white(text: str) -> None:
    reached = 0
    for start, end in split_text(text):
        assert reached <= start < end <= len(text)
        assert all(character.isspace() or character in "\ufeff\u200b\u2060" for character in text[reached:start])
        assert text[start:end] == text[start:end].strip()
        assert not set(text[start:end]) & set("\n\r\u2028")
        reached = end
    assert all(character.isspace() or character in "\ufeff\u200b\u2060" for character in text[reached:])


@given(ANY)
def test_sentences_split_again_changes_no_line_without_end_marks(text: str) -> None:
    plain = "".join(character for character in text if character not in "。．.！!?？｡‼⁇⁈⁉")
    lines = [line for start, end in split_text(plain) for line in [plain[start:end]]]
    assert all(cut(line) == [line] for line in lines)


@given(
    st.lists(
        st.text(st.sampled_from("甲乙丙12的,"), min_size=1, max_size=9).map(lambda clause: f"丁{clause}。"),
        max_size=9,
    )
)
def test_sentences_plain_clauses_come_back_one_by_one(clauses: list[str]) -> None:
    assert cut("".join(clauses)) == clauses


@pytest.mark.parametrize(
    "unit",
    [
        "。",
        "(",
        ")",
        '"',
        " ",
        "。 ",
        "http://!",
        "甲(乙)",
        "甲(乙。)",
        "1.",
        "a.",
        "“",
        "[1",
        "。[1]",
        "\n",
        ".",
        "。”的",
    ],
)
def test_sentences_hostile_text_takes_linear_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    split_text(text)
    # Quadratic time would be minutes.
    assert time.process_time() - began < 5


RAW = "站名\n题目\n甲来。乙走。\n小节\n丙说"
ARTICLE = make_article(
    RAW,
    Block(0, 2, "furniture", 0),
    Block(3, 5, "title", 0),
    Block(6, 12, "paragraph", 0),
    Block(13, 15, "heading", 1),
    Block(16, 18, "caption", 1),
)


def test_sentences_article_leaves_furniture_out() -> None:
    sentences = split_article(ARTICLE)
    assert [sentence.text for sentence in sentences] == ["题目", "甲来。", "乙走。", "小节", "丙说"]
    assert all(RAW[sentence.start : sentence.end] == sentence.text for sentence in sentences)
    assert rebuild(ARTICLE, sentences) == RAW


def test_sentences_know_their_section() -> None:
    sentences = split_article(ARTICLE)
    assert list(section_of(ARTICLE, sentences).values()) == [0, 0, 0, 1, 1]
    assert section_titles(ARTICLE) == ("题目", "小节")


def test_sentences_of_another_text_are_in_no_section() -> None:
    for stranger in (Sentence("ba9876543210", 6, 9, "甲来。"), Sentence(ARTICLE.id, 4, 7, "目\n甲")):
        with pytest.raises(OffsetError, match="no block"):
            section_of(ARTICLE, [stranger])


@given(ANY)
def test_sentences_and_gaps_rebuild_any_text(text: str) -> None:
    article = make_article(text, *([Block(0, len(text), "paragraph", 0)] if text else []))
    assert rebuild(article, split_article(article)) == text
