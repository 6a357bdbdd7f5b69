from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest
from base_models import write_model

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import annotate_by_layer, preannotate_articles
from biaozhu.cli import run
from biaozhu.data.layers import find_layers, read_layer
from biaozhu.data.ledger import read_ledger
from biaozhu.data.model import check_against_raw
from biaozhu.reading.article import list_left_out, read_article

if TYPE_CHECKING:
    from pathlib import Path

ARTICLE = """青石新闻网
来源:青石日报 作者:王小明
2021-05-06 10:20:00

山东省青岛市:小草莓成了大产业

本报讯(记者王小明)去年，青岛市即墨区农民李大海种了3亩草莓，收入5万元。“今年还要再种2000株。”李大海说。
四川省成都市的欧阳文静、郑国强等3人前来考察，用两年时间建成26个大棚。
"""
loaded = cache(load_model)


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "berries.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def test_preannotate_finds_places_persons_and_amounts(article: Path) -> None:
    (done,) = preannotate_articles([read_article(article)], model=loaded("accurate"))
    check_against_raw(done.sentences, done.article.raw)
    found = {
        label: [one.text[span.start : span.end] for one in done.sentences for span in one.spans if span.label == label]
        for label in ("PLACE", "PERSON", "AMOUNT")
    }
    assert found["PLACE"] == ["山东省", "青岛市", "青岛市", "即墨区", "四川省", "成都市"]
    assert found["PERSON"] == ["王小明", "李大海", "李大海", "欧阳文静", "郑国强"]
    assert found["AMOUNT"][:3] == ["3亩", "5万元", "2000株"]
    assert found["AMOUNT"][-1] == "26个"


def test_preannotate_accounts_for_every_span_of_every_layer(article: Path) -> None:
    (done,) = preannotate_articles([read_article(article)], model=loaded("fast"))
    kept = {(one.id, span.start, span.end, span.label) for one in done.sentences for span in one.spans}
    decided = [(entry.source, entry.sentence, entry.start, entry.end, entry.label) for entry in done.entries]
    assert len(set(decided)) == len(decided)
    for source, sentences in done.layers.items():
        assert [one.id for one in sentences] == [one.id for one in done.sentences]
        for one in sentences:
            for span in one.spans:
                assert span.source == source
                where = (one.id, span.start, span.end, span.label)
                assert (where in kept) != ((source, *where) in decided)


def test_preannotate_does_not_depend_on_the_articles_beside_it(article: Path) -> None:
    other = article.with_name("other.txt")
    other.write_text("记者从北京市海淀区获悉，当地种了百合花300亩。\n", encoding="utf-8")
    one, two = (read_article(path) for path in (article, other))
    model = loaded("fast")
    assert list(preannotate_articles([one, two], model=model)) == [
        *preannotate_articles([one], model=model),
        *preannotate_articles([two], model=model),
    ]


def test_preannotate_takes_no_text_at_all() -> None:
    assert annotate_by_layer([], model=loaded("fast")) == {
        "network": [],
        "repeated": [],
        "amounts": [],
    }


def test_preannotate_command_writes_sentences_layers_and_ledger(article: Path, tmp_path: Path) -> None:
    output, layers = tmp_path / "out" / "pre.jsonl", tmp_path / "layers"
    command = ["preannotate", str(article), "-o", str(output), "--layers", str(layers), "--ledger"]
    assert run([*command, "--model", "fast"]) == 0
    (done,) = preannotate_articles([read_article(article)], model=loaded("fast"))
    assert read_layer(output) == done.sentences
    entries = (*list_left_out(done.article), *done.entries)
    assert read_ledger(output.with_suffix(".ledger.jsonl")) == entries
    for source, sentences in done.layers.items():
        assert read_layer(layers / source / "berries.jsonl") == sentences


def test_preannotate_command_takes_a_network_from_its_folder(article: Path, tmp_path: Path) -> None:
    folder, output, layers = tmp_path / "net", tmp_path / "pre.jsonl", tmp_path / "layers"
    write_model(folder)
    assert run(["preannotate", str(article), "-o", str(output), "--layers", str(layers), "--model", str(folder)]) == 0
    (done,) = preannotate_articles([read_article(article)], model=load_model(str(folder), threads=1))
    assert read_layer(output) == done.sentences
    assert read_layer(layers / "network" / "berries.jsonl") == done.layers["network"]


@pytest.mark.parametrize("options", [[], ["--jobs", "2"]], ids=["few", "stream"])
def test_preannotate_command_refuses_what_is_no_network(
    article: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    output, trained = tmp_path / "pre.jsonl", tmp_path / "trained"
    trained.mkdir()
    (trained / "meta.json").write_text("{}")
    for name in ("small", str(tmp_path / "none"), str(trained)):
        assert run(["preannotate", str(article), "-o", str(output), "--model", name, *options]) == 2
        assert capsys.readouterr().err.startswith(f"BZ002 {name}: ")
    assert not output.exists()


@pytest.mark.parametrize("size", ["accurate", "fast"])
def test_preannotate_command_prints_lines_without_output(
    article: Path, capsys: pytest.CaptureFixture[str], size: str
) -> None:
    assert run(["preannotate", str(article), "--model", size, "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(list(json.loads(line)) == ["id", "article", "start", "end", "text", "spans"] for line in lines)


def test_preannotate_command_refuses_what_makes_no_sense(
    article: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["preannotate", str(article), "--ledger"]) == 2
    assert "BZ002" in capsys.readouterr().err
    namesake = tmp_path / "folder" / article.name
    namesake.parent.mkdir()
    namesake.write_text("别的文章。\n", encoding="utf-8")
    assert run(["preannotate", str(article), str(namesake), "--layers", str(tmp_path / "layers")]) == 2
    assert "same file name" in capsys.readouterr().err
    assert not (tmp_path / "layers").exists()
    assert run(["preannotate", str(tmp_path / "none.txt")]) == 2
    assert "BZ003" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x.failed", "x.ledger", "failed"])
def test_preannotate_command_takes_articles_that_are_called_as_ledgers_are(tmp_path: Path, name: str) -> None:
    articles, out, layers = (tmp_path / one for one in ("odd", "out", "layers"))
    articles.mkdir()
    for one in (name, "plain"):
        (articles / f"{one}.txt").write_text(f"{ARTICLE}{one}\n", "utf-8")
    options = ("-o", str(out), "--layers", str(layers), "--ledger", "--model", "fast")
    assert run(["preannotate", str(articles), *options]) == 0
    assert {path.name for path in find_layers([out])} == {"plain.jsonl", f"{name}_.jsonl"}
    assert (out / f"{name}_.ledger.jsonl").is_file()
    assert len(find_layers([layers / "network"])) == 2


def test_preannotate_command_does_not_import_the_heavy_ones(article: Path) -> None:
    program = (
        "import sys; from biaozhu.cli import run; "
        f"assert run(['preannotate', {str(article)!r}]) == 0; "
        "heavy = {'spacy', 'spacy_pkuseg', 'torch', 'sklearn', 'jieba', 'matplotlib', 'trafilatura'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
