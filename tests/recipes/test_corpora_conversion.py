"""The conversion of a segmented and tagged text under the guideline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import CorpusError
from biaozhu.data.model import check_against_raw
from recipes.corpora import pfr
from recipes.corpora.msra import read_sentences
from recipes.corpora.tokens import parse_line


def spans_of(line: str) -> list[str]:
    ((text, spans),) = pfr.convert([parse_line(line)])
    return [f"{text[span.start : span.end]}:{span.label}" for span in spans]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("周/nr 青山/nr 说/v", ["周青山:PERSON"]),
        ("欧阳/nr 春/nr 说/v", ["欧阳春:PERSON"]),
        ("林/nr 大有/nr 周/nr 青/nr 何/nr 小帆/nr", ["林大有:PERSON", "周青:PERSON", "何小帆:PERSON"]),
        ("周/nr 林/nr 大有/nr 女士/n", ["周林大有:PERSON"]),
        ("周/nr 书记/n", []),
        ("老周/nr 和/c 小何/nr 、/w 林某/nr", []),
        ("蓉蓉/nr 笑/v", []),
        ("马克/nr ·/w 吐温/nr 写/v", ["马克·吐温:PERSON"]),
        ("卡洛斯·门多萨/nr 总统/n", ["卡洛斯·门多萨:PERSON"]),
        ("茅/nr 盾/nr 文学奖/n", []),
    ],
)
def test_persons_full_names_only(line: str, expected: list[str]) -> None:
    assert spans_of(line) == expected


def test_persons_given_name_alone_is_none() -> None:
    lines = ["林/nr 大有/nr 来/v", "周/nr 大有/nr 去/v", "大有/nr 同志/n"]
    paragraphs = pfr.convert([parse_line(line) for line in lines])
    assert [len(spans) for _, spans in paragraphs] == [1, 1, 0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("河北/ns 曲阳县/ns 灵山镇/ns", ["河北:PLACE", "曲阳县:PLACE", "灵山镇:PLACE"]),
        ("香港/ns 特别/a 行政区/n 政府/n", ["香港特别行政区:PLACE"]),
        ("广西/ns 壮族/nz 自治区/n", ["广西壮族自治区:PLACE"]),
        ("华北/ns 平原/n 上/f", ["华北平原:PLACE"]),
        ("吕梁/ns 地区/n", ["吕梁地区:PLACE"]),
        ("亚洲/ns 地区/n", ["亚洲:PLACE"]),
        ("中山路/ns 、/w 大昭寺/ns", []),
        ("大连港/ns", ["大连:PLACE"]),
        ("连云港/ns", ["连云港:PLACE"]),
        ("中/j 美/j 两/m 国/n", ["中:PLACE", "美:PLACE"]),
        ("京/j 九/j 线/n", []),
        ("京/j 沪/j 、/w 京/j 哈/j 三/m 大/a 干线/n", []),
        ("京/j 沪/j 两地/n", ["京:PLACE", "沪:PLACE"]),
        ("亚/j 太/j 国家/n", ["亚太:PLACE"]),
        ("回/j 汉/j 群众/n", []),
        ("驻华/vn 大使/n", ["华:PLACE"]),
        ("抗日/vn 战争/n", []),
        ("德国队/nt 与/p 八一队/nt", ["德国:PLACE"]),
        ("中国/ns 人/n", ["中国:PLACE"]),
        ("伊斯兰/ns 国家/n", []),
    ],
)
def test_places_one_span_a_unit(line: str, expected: list[str]) -> None:
    assert spans_of(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("２６/m 家/q 企业/n", ["２６家:AMOUNT"]),
        ("２０/m 余/m 万/m 株/q", ["２０余万株:AMOUNT"]),
        ("十/m 多/m 年/q", ["十多年:AMOUNT"]),
        ("三/m 年/q 多/m", ["三年:AMOUNT"]),
        ("４０００/m —/w ５０００/m 斤/q", ["４０００—５０００斤:AMOUNT"]),
        ("５/m 元/q 到/v ８/m 元/q", ["５元到８元:AMOUNT"]),
        ("５/m 元/q ８/m 角/q", ["５元８角:AMOUNT"]),
        ("３/m 个/q 月/n", ["３个月:AMOUNT"]),
        ("１/m 个/q 半/m 小时/n", ["１个半小时:AMOUNT"]),
        ("７５％/m 以上/f", ["７５％:AMOUNT"]),
        ("百分之三/m 、/w 三分之一/m", ["百分之三:AMOUNT", "三分之一:AMOUNT"]),
        ("６/m 大/a 类/q 项目/n", ["６大类:AMOUNT"]),
        ("六/m 大/a 领域/n", []),
        ("万/m 名/q 青年/n", ["万名:AMOUNT"]),
        ("上百/m 人/n", ["百人:AMOUNT"]),
        ("约/d ３００/m 人/n", ["３００人:AMOUNT"]),
        ("一/m 条/q 路/n 、/w 两/m 项/q", []),
        ("１/m 个/q 人/n", ["１个:AMOUNT"]),
        ("两/m 年/q 时间/n", ["两年:AMOUNT"]),
        ("这/r 一/m 年/q", []),
        ("新/a 的/u 一/m 年/q", []),
        ("几/m 天/q", []),
        ("几百/m 亩/q", ["几百亩:AMOUNT"]),
        ("第一/m 次/q 、/w 第/m ３/m 名/q", []),
        ("１９９８年/t １月/t ５日/t", []),
        ("上午/t ９/m 点/q", []),
        ("前/f １０/m 个/q 月/n", []),
        ("“/w 三/m 个/q 有利于/v ”/w", []),
        ("二/m 等/q 奖/n", []),
        ("６．２/m 级/q 地震/n", ["６．２级:AMOUNT"]),
        ("三/m 级/q", []),
        ("千/m 里/q 长廊/n", []),
        ("许多/m 种/q 、/w 多/m 年/q", []),
    ],
)
def test_amounts_under_the_guideline(line: str, expected: list[str]) -> None:
    assert spans_of(line) == expected


def test_amounts_keep_full_width_and_true_offsets() -> None:
    ((text, (span,)),) = pfr.convert([parse_line("共/d １．５万/m 户/q 。/w")])
    assert (span.start, span.end, text[span.start : span.end]) == (1, 6, "１．５万户")


@pytest.mark.parametrize("line", ["词", "/n", "词/"])
def test_tokens_refuses_a_pair_without_word_or_pos(line: str) -> None:
    with pytest.raises(CorpusError, match="BZ023"):
        parse_line(line)


def test_read_paragraphs_names_the_line() -> None:
    with pytest.raises(CorpusError) as caught:
        pfr.read_paragraphs("好/a\n\n坏")
    assert caught.value.where == "line 3"


PAIRS = st.lists(
    st.tuples(
        st.text(alphabet="一两三十百万几多１２．％—周林大有曲阳县。！”“·", min_size=1, max_size=4),
        st.sampled_from(["m", "q", "nr", "ns", "nt", "j", "v", "w", "n", "t"]),
    ),
    min_size=1,
    max_size=30,
)


@given(st.lists(PAIRS, min_size=1, max_size=4))
def test_sentences_of_loses_nothing_without_saying_so(lines: list[list[tuple[str, str]]]) -> None:
    tokens = [parse_line(" ".join(f"{word}/{pos}" for word, pos in line)) for line in lines]
    paragraphs = pfr.convert(tokens)
    raw, sentences, lost = pfr.sentences_of(paragraphs)
    check_against_raw(sentences, raw)
    assert "".join(token.text for line in tokens for token in line) == raw.replace("\n", "")
    kept = sum(len(sentence.spans) for sentence in sentences)
    assert kept + len(lost) == sum(len(spans) for _, spans in paragraphs)


def test_msra_reads_tags_and_joins_nothing_across_an_end() -> None:
    content = "京 S-LOC\r\n沪 S-LOC\r\n周 B-PER\r\n青 M-PER\r\n山 E-PER\r\n林 B-PER\r\n青 E-PER\r\n\r\n好 O\r\n"
    first, second = read_sentences(content)
    assert [(span.start, span.end, span.label) for span in first[1]] == [
        (0, 1, "PLACE"),
        (1, 2, "PLACE"),
        (2, 5, "PERSON"),
        (5, 7, "PERSON"),
    ]
    assert second == ("好", ())


@pytest.mark.parametrize("line", ["周 X-PER-", "周青 O", "周", "周 B-FOO"])
def test_msra_refuses_what_is_no_tag(line: str) -> None:
    with pytest.raises(CorpusError, match="BZ023") as caught:
        read_sentences(f"好 O\n{line}\n")
    assert caught.value.where == "line 2"
