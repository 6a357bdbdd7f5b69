from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from biaozhu.cli import run
from biaozhu.reading.article import article_from_bytes
from biaozhu.scale import batch as duplicates_module
from biaozhu.scale.batch import without_duplicates
from biaozhu.scale.corpus_stream import Source

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from biaozhu.data.model import Article

PAGE = (
    "<html><head><title>茶叶丰收</title><script>var id = '{mark}';</script></head><body><article><p>宁波市的茶叶今年收了三十万斤，比去年多两成。</p>"
    "<p>茶农说，雨水好，人手也够，明年还要再种二百亩。</p></article></body></html>"
)


@given(st.lists(st.sampled_from(["甲。", "乙。", "丙。", "丁。", ""]), max_size=30))
def test_duplicates_leave_each_text_once_and_in_order(texts: list[str]) -> None:
    sources = [Source(str(number), f"x:{number}", text.encode()) for number, text in enumerate(texts)]
    found = list(without_duplicates(sources))
    assert [one.name for one in found] == [one.name for one in sources]
    assert [one.data.decode() for one in found if not one.problem] == list(dict.fromkeys(texts))
    for number, one in enumerate(found):
        if one.problem:
            assert f"the same text as x:{texts.index(texts[number])}." in one.problem


def test_duplicates_know_a_page_by_its_text() -> None:
    pages = [Source(name, name, PAGE.format(mark=name).encode(), page=True) for name in ("一", "二")]
    first, second = without_duplicates(pages)
    read = article_from_bytes(pages[0].data, name="一", where="", page=True)
    assert first.data.decode() == read.raw
    assert article_from_bytes(first.data, name="一", where="").id == read.id
    assert "BZ017" in second.problem
    (text,) = list(without_duplicates([*pages, Source("text", "text", read.raw.encode())]))[2:]
    assert "BZ017" in text.problem


def test_duplicates_go_on_after_a_page_that_breaks_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    real = duplicates_module.article_from_bytes

    def breaking(data: bytes, *, name: str, where: str, page: bool) -> Article:
        if name == "bad":
            raise ZeroDivisionError("no tree")
        return real(data, name=name, where=where, page=page)

    monkeypatch.setattr(duplicates_module, "article_from_bytes", breaking)
    pages = [Source(name, f"{name}.html", PAGE.format(mark=name).encode(), page=True) for name in ("bad", "good")]
    bad, good = without_duplicates(pages)
    assert bad.problem.startswith("BZ007 bad.html: ZeroDivisionError")
    assert bad.where == "bad.html"
    assert good.data
    assert not good.problem


def test_duplicates_of_an_id_alone_are_no_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class _Weak:
        def __init__(self, data: bytes) -> None:
            self._data = data

        def digest(self) -> bytes:
            return b"\0" * 6 + self._data.ljust(26, b"\0")

    monkeypatch.setattr(duplicates_module.hashlib, "sha256", _Weak)
    first, second = without_duplicates([Source("a", "x:1", b"one"), Source("b", "x:2", b"two")])
    assert not first.problem
    assert "another text with the article id of x:1" in second.problem


def test_duplicates_are_told_apart_across_shards(tmp_path: Path) -> None:
    lines = [json.dumps({"name": f"a{n}", "text": f"宁波市第{n % 20}村收了{n % 20 + 3}斤茶叶。"}) for n in range(30)]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    folder = tmp_path / "out"
    assert run(["preannotate", str(corpus), "--shards", str(folder), "--shard-size", "200"]) == 1
    manifest = json.loads((folder / "MANIFEST.json").read_bytes())
    assert manifest["shards"] > 3
    assert (manifest["articles"], manifest["failed"]) == (20, 10)
    failed = [json.loads(line) for line in (folder / "failed.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [one["name"] for one in failed] == [f"a{n}" for n in range(20, 30)]
    output = tmp_path / "one.jsonl"
    assert run(["preannotate", str(corpus), "-o", str(output)]) == 1
    assert len({json.loads(line)["article"] for line in output.open(encoding="utf-8")}) == 20
