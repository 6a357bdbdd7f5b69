from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.data.layers import write_layer
from biaozhu.reading.article import read_article, read_sentences
from biaozhu.reading.sentences import split_checked

if TYPE_CHECKING:
    from pathlib import Path


def test_sources_layers_come_before_articles_and_folders_are_searched(tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in (("one", "青岛的草莓熟了。农民很高兴。\n"), ("two", "成都下雨了。\n")):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    one, two = (split_checked(read_article(folder / f"{name}.txt")) for name in ("one", "two"))
    layer = tmp_path / "two.jsonl"
    write_layer(layer, two)
    assert read_sentences([folder / "one.txt", layer]) == (*two, *one)
    assert read_sentences([folder]) == (*one, *two)
