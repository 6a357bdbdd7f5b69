from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from biaozhu.cli import run
from biaozhu.data.errors import DuplicateError
from biaozhu.data.layers import write_layer
from biaozhu.reading.article import read_article, read_readable, read_sentences
from biaozhu.reading.sentences import split_article


def test_sources_layers_come_before_articles_and_folders_are_searched(tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in (("one", "青岛的草莓熟了。农民很高兴。\n"), ("two", "成都下雨了。\n")):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    one, two = (split_article(read_article(folder / f"{name}.txt")) for name in ("one", "two"))
    layer = tmp_path / "two.jsonl"
    write_layer(layer, two)
    assert read_sentences([folder / "one.txt", layer]) == (*two, *one)
    assert read_sentences([folder]) == (*one, *two)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (["one.txt", "one.jsonl"], "one.txt"),
        ([".", "one.jsonl"], "./one.txt"),
        (["one.jsonl", "again/one.jsonl"], "again/one.jsonl"),
    ],
)
def test_sources_of_the_same_sentences_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: list[str], where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.txt").write_text("青岛的草莓熟了。农民很高兴。\n", encoding="utf-8")
    sentences = split_article(read_article(Path("one.txt")))
    # What is cut otherwise is the same article too.
    for path, layer in (("one.jsonl", sentences[:1]), ("again/one.jsonl", sentences)):
        write_layer(Path(path), layer)
    with pytest.raises(DuplicateError) as caught:
        read_sentences(map(Path, given))
    assert Path(caught.value.where) == Path(where)
    assert run(["predict", "no-such-model", *given, "-o", "out.jsonl"]) == 2
    assert "BZ017" in capsys.readouterr().err
    keep = [word for path in ("one.jsonl", "again/one.jsonl") for word in ("--keep", path)]
    assert run(["predict", "no-such-model", "one.txt", *keep, "-o", "out.jsonl"]) == 2
    assert "BZ017" in capsys.readouterr().err
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize(
    ("work", "kept"),
    [({}, "one"), ({"two": 1}, "two"), ({"one": 1, "two": 1}, "one"), ({"one": 1, "three.ledger_": 2}, "three.ledger")],
)
def test_sources_of_copies_the_one_stays_with_most_work(tmp_path: Path, work: dict[str, int], kept: str) -> None:
    paths = [tmp_path / f"{name}.txt" for name in ("one", "two", "three.ledger")]
    for path in paths:
        path.write_text("成都下雨了。\n", encoding="utf-8")
    articles, problems = read_readable(paths, Counter(work))
    assert list(articles) == [tmp_path / f"{kept}.txt"]
    assert [(type(one), one.where) for one in problems] == [
        (DuplicateError, str(path)) for path in paths if path.stem != kept
    ]
