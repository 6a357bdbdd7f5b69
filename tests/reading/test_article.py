"""Whole files: the seed, its variants in other encodings and line ends, HTML, and files that are no articles."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

import pytest
from encoded import encode
from hypothesis import given, settings
from hypothesis import strategies as st
from rebuilt import rebuild

from biaozhu.data.errors import (
    BiaozhuError,
    DuplicateError,
    EmptyArticleError,
    EncodingError,
    ManyProblemsError,
    MissingFileError,
)
from biaozhu.data.files import MAX_ARTICLE_BYTES
from biaozhu.data.model import Article, Metadata, check_against_raw, check_sentence
from biaozhu.reading.article import (
    article_from_bytes,
    count_passed_over,
    find_articles,
    find_unread,
    is_rewritten,
    read_article,
    read_articles,
    read_readable,
)
from biaozhu.reading.sentences import section_of, section_titles, split_article

SEED = Path(__file__).parents[2] / "seeds" / "handan-2020-07-02.txt"
SEED_SHA256 = "ced9bbd3438fe1b00b445e11e44691dd7145348bb11b4d8624def56e5a278d81"

PAGE = """<!DOCTYPE html><html lang="zh"><head><meta charset="{charset}"><title>云溪春耕：机声响田间</title>
<meta property="og:title" content="云溪春耕：机声响田间"><meta property="og:site_name" content="云溪日报">
<meta name="author" content="周文清"><meta property="article:published_time" content="2021-03-05T09:30:00+08:00">
</head><body><nav><a href="/">首页</a> <a href="/n">新闻</a></nav><article><h1>云溪春耕：机声响田间</h1>
<p>春耕时节，云溪县的农技员走进田间，手把手教农户育秧。今年全县早稻面积预计达到<b>三十万亩</b>，比去年增加一成。</p>
<h2>一、抓早动快</h2>
<p>入夏以来，这里的瓜果陆续上市，合作社的冷库里堆满了等待装车的纸箱。“订单已经排到了下个月。”负责人说。</p>
<script>alert("x")</script>
<p>石桥乡的五个村今年新修了三条水渠，灌溉面积比往年多出两千亩，&lt;春水&gt;流进了每一块田。</p></article>
<footer>版权所有 云溪日报社</footer></body></html>"""


def put(folder: Path, data: bytes, name: str = "x.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def texts(article: Article) -> list[str]:
    return [sentence.text for sentence in split_article(article)]


@pytest.fixture(scope="module")
def seed() -> Article:
    return read_article(SEED)


def test_article_seed_is_the_file_byte_for_byte(seed: Article) -> None:
    assert hashlib.sha256(SEED.read_bytes()).hexdigest() == SEED_SHA256 == seed.sha256
    assert (seed.id, seed.name, seed.encoding) == (SEED_SHA256[:12], SEED.stem, "utf-8")
    assert encode(seed.raw, seed.encoding) == SEED.read_bytes()


def test_article_seed_structure(seed: Article) -> None:
    lines = seed.raw.split("\n")
    counts = Counter(block.kind for block in seed.blocks)
    assert counts == {"furniture": 7, "title": 1, "heading": 5, "caption": 5, "paragraph": 31}
    by_kind = {
        kind: [seed.raw[block.start : block.end] for block in seed.blocks if block.kind == kind] for kind in counts
    }
    # Lines of the file, counted from 1, as a reader of it would sort them.
    assert by_kind["furniture"] == [lines[number - 1].strip() for number in (1, 2, 3, 7, 8, 9, 95)]
    assert by_kind["heading"] == [lines[number - 1].strip() for number in (13, 27, 37, 67, 85)]
    assert by_kind["caption"] == [lines[number - 1].strip() for number in (25, 35, 45, 77, 81)]
    assert by_kind["title"] == [lines[4]]
    assert section_titles(seed) == (lines[4], *by_kind["heading"])


def test_article_seed_metadata(seed: Article) -> None:
    # Taken from the file's own lines, so that no name of it stands here.
    lines = seed.raw.split("\n")
    source, author = lines[6].split("作者:")
    assert seed.metadata == Metadata(
        title=lines[4], source=source.removeprefix("来源:").strip(), author=author.strip(), time=lines[7]
    )


def test_article_seed_sentences(seed: Article) -> None:
    sentences = split_article(seed)
    assert len(sentences) == 100
    assert Counter(section_of(seed, sentences).values()) == {0: 4, 1: 13, 2: 14, 3: 35, 4: 23, 5: 11}
    assert rebuild(seed, sentences) == seed.raw
    check_against_raw(sentences, seed.raw)
    for sentence in sentences:
        check_sentence(sentence)
        assert sentence.text[0] not in "”’)）。，,;；"
    unended = [sentence.text for sentence in sentences if sentence.text[-1] not in "。?”"]
    assert len(unended) == 1 + 5 - 2 + 3  # the title, three headings (two end in a quote), three captions


@pytest.mark.parametrize(
    ("encoding", "change"),
    [
        ("utf-8-bom", lambda text: "\ufeff" + text),
        ("utf-16-le", lambda text: "\ufeff" + text),
        ("utf-16-be", lambda text: "\ufeff" + text),
        ("gb18030", lambda text: text),
        ("gb18030", lambda text: "\ufeff" + text),
        ("utf-8", lambda text: text.replace("\n", "\r\n")),
        ("utf-8", lambda text: text.replace("\n", "\r")),
        ("utf-8", lambda text: text.replace("\n", "\u2028")),
        ("gb18030", lambda text: text.replace("\n", "\r\n")),
        ("utf-8", lambda text: "\n\n\u3000\n" + text + "\n\n\n"),
    ],
)
def test_article_variants_have_the_same_sentences(tmp_path: Path, seed: Article, encoding: str, change: object) -> None:
    assert callable(change)
    raw = change(seed.raw)
    data = encode(raw, encoding)
    article = read_article(put(tmp_path, data))
    assert article.encoding == encoding
    assert article.raw == raw
    assert encode(article.raw, article.encoding) == data
    assert article.sha256 == hashlib.sha256(data).hexdigest()
    assert texts(article) == texts(seed)
    assert article.metadata == seed.metadata
    assert [block.kind for block in article.blocks] == [block.kind for block in seed.blocks]
    assert all("\ufeff" not in article.raw[block.start : block.end] for block in article.blocks)
    assert rebuild(article, split_article(article)) == raw


@pytest.mark.parametrize("charset", ["utf-8", "gb2312"])
@pytest.mark.parametrize("name", ["x.html", "x.HTM", "x.txt"])
def test_article_html(tmp_path: Path, name: str, charset: str) -> None:
    codec = {"gb2312": "gb18030"}.get(charset, charset)
    article = read_article(put(tmp_path, PAGE.format(charset=charset).encode(codec), name))
    assert article.encoding == f"html:{codec}"
    assert article.sha256 == hashlib.sha256(article.raw.encode()).hexdigest()
    assert article.metadata.title == "云溪春耕：机声响田间"
    assert article.metadata.source == "云溪日报"
    assert article.metadata.author == "周文清"
    assert article.metadata.time.startswith("2021-03-05")
    assert texts(article) == [
        "云溪春耕：机声响田间",
        "春耕时节，云溪县的农技员走进田间，手把手教农户育秧。",
        "今年全县早稻面积预计达到三十万亩，比去年增加一成。",
        "一、抓早动快",
        "入夏以来，这里的瓜果陆续上市，合作社的冷库里堆满了等待装车的纸箱。",
        "“订单已经排到了下个月。”",
        "负责人说。",
        "石桥乡的五个村今年新修了三条水渠，灌溉面积比往年多出两千亩，<春水>流进了每一块田。",
    ]
    assert rebuild(article, split_article(article)) == article.raw


def test_article_html_in_a_declared_legacy_encoding(tmp_path: Path) -> None:
    page = "<html><head><meta charset='big5'></head><body><article><p>{}</p></article></body></html>"
    text = (
        "縣委書記昨天表示，這個項目將於明年完成。我們對於農村的發展有很大的信心，希望各位能夠繼續努力，為大家作出更大的貢獻。"
        * 2
    )
    article = read_article(put(tmp_path, page.format(text).encode("big5"), "x.html"))
    assert article.encoding == "html:big5"
    assert article.raw == f"{text}\n"
    with pytest.raises(EncodingError):
        read_article(put(tmp_path, page.format(text).replace("big5", "rot13").encode("big5"), "y.html"))


def test_article_html_declares_what_it_is_not(tmp_path: Path) -> None:
    page = PAGE.format(charset="iso-8859-1").encode()
    assert read_article(put(tmp_path, page, "x.html")).encoding == "html:utf-8"


def test_article_html_states_its_source_line(tmp_path: Path) -> None:
    line = "<div><span>2021-03-05 09:30:00</span> 来源：<a>青禾广播</a> 作者：赵一</div><!-- 来源：注释 -->"
    page = PAGE.format(charset="utf-8").replace("<article>", f"{line}<article>")
    article = read_article(put(tmp_path, page.encode(), "x.html"))
    assert article.metadata == Metadata("云溪春耕：机声响田间", "青禾广播", "赵一", "2021-03-05 09:30:00")


def test_article_html_whose_text_is_html_again_is_refused(tmp_path: Path) -> None:
    page = PAGE.format(charset="utf-8").replace("云溪春耕：机声响田间", "&lt;html lang='zh'&gt;")
    with pytest.raises(EncodingError, match="begins like HTML itself"):
        read_article(put(tmp_path, page.encode(), "x.html"))


def test_article_of_json_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="JSON"):
        read_article(put(tmp_path, '{"id": "a", "text": "云溪县", "spans": []}'.encode(), "x.jsonl"))


def test_article_html_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="4 MiB"):
        read_article(put(tmp_path, b"<html>" + b" " * (4 << 20), "x.txt"))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<div>",
                "</p>",
                "<p>",
                "<!--",
                "-->",
                "<script>",
                "&#0;",
                "&#xD800;",
                "<svg>",
                "甲乙。",
                "”",
                "<td>",
                "<![CDATA[",
                "\x1b",
                "来源：甲报",
                "2021-03-05",
            ]
        ),
        max_size=12,
    ),
    st.integers(0, 900),
)
def test_article_html_broken_anyhow_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], place: int
) -> None:
    page = PAGE.format(charset="utf-8")
    path = put(tmp_path_factory.mktemp("page"), f"{page[:place]}{''.join(pieces)}{page[place:]}".encode(), "x.html")
    try:
        article = read_article(path)
    except BiaozhuError:
        return
    assert rebuild(article, split_article(article)) == article.raw
    again = read_article(put(path.parent, article.raw.encode(), "x.txt"))
    assert (again.id, again.raw, again.blocks) == (article.id, article.raw, article.blocks)


def test_article_html_saved_as_text_is_the_same_article(tmp_path: Path) -> None:
    page = read_article(put(tmp_path, PAGE.format(charset="utf-8").encode(), "x.html"))
    again = read_article(put(tmp_path, PAGE.format(charset="utf-8").encode(), "y.html"))
    text = read_article(put(tmp_path, page.raw.encode(), "x.txt"))
    assert again.raw == page.raw
    assert (text.id, text.raw, text.blocks, text.metadata) == (page.id, page.raw, page.blocks, page.metadata)
    assert split_article(text) == split_article(page)


@pytest.mark.parametrize(
    "data",
    [
        b"<html></html>",
        b"<!doctype html><html><body></body></html>",
        b"<html><body><script>1</script></body></html>",
        b"<html>" + b"<div>" * 20_000,
        b"<!doctype html><![CDATA[",
        b"<html\x01\x02><\xe7\x94\xb2>",
    ],
)
def test_article_html_without_text_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BiaozhuError) as caught:
        read_article(put(tmp_path, data, "x.html"))
    assert isinstance(caught.value, EmptyArticleError | EncodingError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b" \n\r\n", "\ufeff".encode(), "\u3000\u2028\u200b".encode()])
def test_article_without_text_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(EmptyArticleError, match=r"white space|empty"):
        read_article(put(tmp_path, data))


def test_article_of_furniture_alone_is_refused_but_in_another_format(tmp_path: Path) -> None:
    data = "来源：云溪日报\n2021-03-05\n".encode()
    with pytest.raises(EmptyArticleError):
        read_article(put(tmp_path, data))
    assert len(article_from_bytes(data, name="x", where="x", allow_furniture=True).blocks) == 2


def test_article_of_500_mb_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    with path.open("wb") as file:
        file.truncate(500 * 1024 * 1024)
    with pytest.raises(EncodingError, match="32 MiB"):
        read_article(path)
    assert MAX_ARTICLE_BYTES == 32 * 1024 * 1024


def test_article_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no such file"):
        read_article(tmp_path / "x")
    with pytest.raises(MissingFileError, match="folder"):
        read_article(tmp_path)
    with pytest.raises(MissingFileError, match="cannot be read"):
        read_article(Path("a\0b"))
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(MissingFileError, match="cannot be read"):
        read_article(loop)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_article_from_an_endless_device_is_refused() -> None:
    with pytest.raises(EncodingError, match="32 MiB"):
        read_article(Path("/dev/zero"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_article_without_the_right_to_read_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, b"x")
    path.chmod(0)
    with pytest.raises(MissingFileError, match="cannot be read"):
        read_article(path)


def test_article_several_files_are_read_without_the_bad_ones(tmp_path: Path) -> None:
    good = put(tmp_path, "云溪下雨。".encode(), "a.txt")
    bad = [tmp_path / "none", put(tmp_path, b"", "b.txt"), put(tmp_path, good.read_bytes(), "c.txt")]
    articles, problems = read_readable([bad[0], good, *bad[1:]])
    assert [(path, article.name) for path, article in articles.items()] == [(good, "a")]
    assert [(type(one), one.where) for one in problems] == [
        (MissingFileError, str(bad[0])),
        (EmptyArticleError, str(bad[1])),
        (DuplicateError, str(bad[2])),
    ]
    with pytest.raises(ManyProblemsError):
        read_articles([good, *bad])
    with pytest.raises(ManyProblemsError):
        read_readable(bad[:2])
    assert [article.name for article in read_articles([good])] == ["a"]


def test_article_pipe_among_the_files_of_a_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("县里来了人。", encoding="utf-8")
    os.mkfifo(tmp_path / "b.txt")
    articles, problems = read_readable(find_articles([tmp_path]))
    assert [article.name for article in articles.values()] == ["a"]
    assert [(one.code, one.where) for one in problems] == [("BZ003", str(tmp_path / "b.txt"))]


@pytest.mark.parametrize(
    ("data", "rewritten"),
    [
        (b"<html><p>x", True),
        ("云溪下雨，路滑，行人都慢走。过桥的车辆也\n慢行，注意安全。".encode(), True),
        ("云溪下雨。\n".encode(), False),
        (b"PK\x03\x04", False),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML><p>x", True),
        *((b"%s --><html><p>x" % mark, True) for mark in (b"<!--", b"<?xml")),
        *((b"%s --><p>x" % mark, False) for mark in (b"<!--", b"<?xml")),
        (b"<!--%s--><html><p>x" % (b"-" * 2048), False),
    ],
)
def test_article_text_that_is_not_its_file_is_known(data: bytes, *, rewritten: bool) -> None:
    assert is_rewritten(data) == rewritten


def test_article_folders_stand_for_the_articles_in_them(tmp_path: Path) -> None:
    for name in ("b.txt", "a.html", "README.md"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    loose = tmp_path / "README.md"
    assert find_articles([tmp_path, loose]) == (tmp_path / "a.html", tmp_path / "b.txt", loose)
    assert find_articles([tmp_path / "empty"]) == (tmp_path / "empty",)


def test_article_folders_count_every_file_that_is_not_read(tmp_path: Path) -> None:
    endings = [".docx", ".doc", ".md", ".pdf", ".rtf", ".csv", ".jsonl"]
    for ending in (*endings, ".ledger.jsonl"):
        (tmp_path / f"x{ending}").write_text("x", encoding="utf-8")
    # A folder of layers is read as one.
    assert count_passed_over(tmp_path) == Counter(set(endings) - {".jsonl"})
    (tmp_path / "good.txt").write_text("甲", encoding="utf-8")
    assert count_passed_over(tmp_path) == Counter(endings)


@pytest.mark.parametrize(
    ("given", "unread"),
    [
        (["."], ["deep/er", "north"]),
        (["north"], []),
        ([".", "north"], ["deep/er"]),
        ([".", "north", "deep/er"], []),
        (["a.txt", "missing"], []),
    ],
)
def test_article_subfolders_that_are_not_read_are_known(tmp_path: Path, given: list[str], unread: list[str]) -> None:
    for name in ("a.txt", "north/b.html", "deep/er/c.TXT", "layers/d.jsonl", ".hidden/e.txt", "north/b_files/f.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("甲", "utf-8")
    assert find_unread(tmp_path / one for one in given) == tuple(tmp_path / one for one in unread)
