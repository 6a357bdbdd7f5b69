from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Span
from biaozhu.normalization.names import NameRow, index_names
from biaozhu.normalization.table import article_meaning
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from biaozhu.data.model import Article, Sentence

    Marked = Callable[[str], tuple[Article, tuple[Sentence, ...]]]


def index(*marked: tuple[Article, tuple[Sentence, ...]]) -> list[NameRow]:
    return index_names((article, sentences, article_meaning(article, sentences)) for article, sentences in marked)


def test_names_have_a_row_each_over_all_articles(marked: Marked) -> None:
    first = marked("[P平遥县][P洪善镇][N林小满]种了[A190亩]。[N林小满]说：[P洪善镇]好，[P黄河]远。")
    second = marked("[N林小满]去[P平遥县]，不去[P不存镇]。")
    second = (replace(second[0], name="other"), second[1])
    rows = {(row.label, row.name): row for row in index(first, second)}
    assert [(row.label, row.name, row.times, row.articles) for row in rows.values()] == [
        ("PERSON", "林小满", 3, 2),
        ("PLACE", "平遥县", 2, 2),
        ("PLACE", "洪善镇", 2, 1),
        ("PLACE", "不存镇", 1, 1),
        ("PLACE", "黄河", 1, 1),
    ]
    assert rows["PLACE", "平遥县"].in_articles == f"{min('other', first[0].name)}; {max('other', first[0].name)}"
    assert rows["PLACE", "洪善镇"].path == "山西省/晋中市/平遥县/洪善镇"
    assert (rows["PLACE", "不存镇"].status, rows["PLACE", "不存镇"].path) == ("unknown", "")
    assert rows["PLACE", "黄河"].status == "natural"
    assert rows["PERSON", "林小满"].status == rows["PERSON", "林小满"].path == ""


def test_names_that_mean_two_places_have_two_rows(marked: Marked) -> None:
    texts = ("[P北京市][P朝阳区]", "[P长春市][P朝阳区]")
    rows = [row for row in index(*map(marked, texts)) if row.name == "朝阳区"]
    assert len({row.path for row in rows}) == len(rows) == 2


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_names_command_writes_spreadsheets_and_replaces_only_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    article = tmp_path / "=a.txt"
    article.write_text("平遥县的=cmd在。\n", encoding="utf-8")
    (line,) = split_article(read_article(article))
    write_layer(tmp_path / "l.jsonl", [replace(line, spans=(Span(0, 3, "PLACE"), Span(4, 8, "CROP")))])
    command = ["table", "=a.txt", "--layer", "l.jsonl", "--names"]
    for _ in range(2):
        assert run([*command, f"names.{ending}"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"2 names in names.{ending}" in captured.err
    if ending == "csv":
        rows = list(csv.DictReader(io.StringIO((tmp_path / "names.csv").read_bytes().decode("utf-8-sig"))))
        assert [(row["name"], row["label"], row["times"], row["in_articles"]) for row in rows] == [
            ("'=cmd", "CROP", "1", "'=a"),
            ("平遥县", "PLACE", "1", "'=a"),
        ]
    else:
        from pyarrow import parquet  # noqa: PLC0415 — an extra

        assert parquet.read_table(tmp_path / "names.parquet").column("times").to_pylist() == [1, 1]
    (tmp_path / f"mine.{ending}").write_bytes(b"PAR1 mine")
    for output in ("x.txt", f"mine.{ending}", "l.jsonl"):
        assert run([*command, output]) == 2
    assert run([*command, f"both.{ending}", "-o", f"both.{ending}"]) == 2
    assert not list(tmp_path.glob("both.*"))
