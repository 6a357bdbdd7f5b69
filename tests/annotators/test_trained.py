from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import spacy
from training_material import invented_gold, small_project

from biaozhu.annotators.trained import annotate_with, load_trained
from biaozhu.cli import run
from biaozhu.data.errors import MissingFileError, ModelDataError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Span, with_spans
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article
from biaozhu.training.train import train

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    config, _ = small_project(folder)
    return train(config, folder / "tiny").folder


def test_trained_gives_spans_with_source_and_score(model: Path) -> None:
    text = "去年 孙丽在雅安市卖了120元。"
    first, empty, second = load_trained(model)([text, "", text])
    assert [(span.start, span.end, span.label, span.source) for span in first] == [
        (3, 5, "PERSON", "tiny"),
        (6, 9, "PLACE", "tiny"),
        (11, 15, "AMOUNT", "tiny"),
    ]
    assert empty == ()
    assert first == second
    assert all(span.score is not None and 0.5 < span.score <= 1 for span in first)


def test_trained_takes_any_pipeline_with_entities() -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PLACE", "pattern": "杭州"}])  # type: ignore[attr-defined]
    assert annotate_with(nlp, ["在杭州。"], source="rules") == [(Span(1, 3, "PLACE", "rules"),)]


def test_trained_says_that_a_model_is_missing_or_damaged(model: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no model"):
        load_trained(tmp_path)
    (tmp_path / "meta.json").write_bytes((model / "meta.json").read_bytes())
    (tmp_path / "config.cfg").write_bytes((model / "config.cfg").read_bytes())
    with pytest.raises(ModelDataError, match="does not load"):
        load_trained(tmp_path)


def test_trained_predict_command_takes_articles_and_layers(model: Path, tmp_path: Path) -> None:
    write_layer(tmp_path / "some.jsonl", invented_gold(3))
    article = tmp_path / "news.txt"
    article.write_text("王小明在青岛市。\n\n李秀英在桐庐县买了30斤。\n", encoding="utf-8")
    output = tmp_path / "out.jsonl"
    assert run(["predict", str(model), str(tmp_path / "some.jsonl"), str(article), "-o", str(output)]) == 0
    layer = read_layer(output)
    assert [one.text for one in layer[3:]] == ["王小明在青岛市。", "李秀英在桐庐县买了30斤。"]
    assert len(layer[0].spans) == 3
    # A regression test: nothing said that a model's own training data were what it was scored on.
    assert {span.source for one in layer[:3] for span in one.spans} == {"tiny:in-sample"}
    assert {span.source for one in layer[3:] for span in one.spans} == {"tiny"}


def test_trained_predict_command_writes_nothing_without_a_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_layer(tmp_path / "some.jsonl", invented_gold(1))
    output = tmp_path / "out.jsonl"
    assert run(["predict", str(tmp_path / "none"), str(tmp_path / "some.jsonl"), "-o", str(output)]) == 2
    assert capsys.readouterr().err.startswith("BZ003")
    assert not output.exists()


def test_trained_predict_command_keeps_what_others_have_predicted(model: Path, tmp_path: Path) -> None:
    known, other, output = tmp_path / "known.txt", tmp_path / "other.txt", tmp_path / "out.jsonl"
    known.write_text("王小明在青岛市。\n", encoding="utf-8")
    other.write_text("李秀英在桐庐县买了30斤。\n", encoding="utf-8")
    (sentence,) = split_article(read_article(known))
    held_out = with_spans(sentence, [Span(0, 3, "PERSON", "held out")])
    write_layer(tmp_path / "kept.jsonl", [held_out])
    command = ["predict", str(model), str(known), str(other), "--keep", str(tmp_path / "kept.jsonl")]
    assert run([*command, "-o", str(output)]) == 0
    kept, predicted = read_layer(output)
    assert kept == held_out
    assert predicted.text == "李秀英在桐庐县买了30斤。"
    assert {span.source for span in predicted.spans} == {"tiny"}
    # Where nothing is left to predict, what is kept is all there is.
    command.remove(str(other))
    assert run([*command, "-o", str(output)]) == 0
    assert read_layer(output) == (held_out,)
