"""scores.json: what the schema says, whatever the layers, and nothing else."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import given, settings
from scoring_layers import LABELS, layer_pairs, marked, read_schema

from biaozhu import __version__
from biaozhu.data.errors import ScoresFileError
from biaozhu.scoring.error_patterns import PATTERNS
from biaozhu.scoring.evaluation import EvaluationOptions, compare_evaluations, evaluate_layer
from biaozhu.scoring.scores_document import (
    FORMAT,
    InputFile,
    make_scores_document,
    read_scores,
    write_scores,
)
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.data.model import Sentence

QUICK = EvaluationOptions(labels=LABELS, sampling=Sampling(resamples=100))
INPUTS = [InputFile("gold", "gold", "gold.jsonl", "0" * 64, 3, 4)]
CHECK = jsonschema.Draft202012Validator(read_schema(), format_checker=jsonschema.FormatChecker())


@given(layer_pairs())
@settings(deadline=None, max_examples=10)
def test_document_fits_its_schema(layers: tuple[tuple[Sentence, ...], tuple[Sentence, ...]]) -> None:
    a = evaluate_layer(layers[0], layers[1], name="a", options=QUICK)
    b = evaluate_layer(layers[0], layers[0], name="b", options=QUICK)
    document = make_scores_document([a, b], [compare_evaluations(a, b)], inputs=INPUTS, command=["biaozhu"])
    CHECK.validate(json.loads(json.dumps(document, allow_nan=False)))


def test_document_schema_is_a_schema_and_knows_every_pattern() -> None:
    jsonschema.Draft202012Validator.check_schema(read_schema())
    assert set(read_schema()["$defs"]["errors"]["properties"]["pattern"]["enum"]) == set(PATTERNS)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("made"),
        lambda document: document.update(extra=1),
        lambda document: document["layers"][0]["overall"]["strict"]["f1"].update(value=1.5),
        lambda document: document["layers"][0]["overall"].pop("type"),
        lambda document: document["made"]["inputs"][0].update(sha256="0"),
    ],
)
def test_document_schema_refuses_what_is_not_a_document(spoil: object) -> None:
    layer = [marked("[清河镇|PLACE]")]
    document = make_scores_document([evaluate_layer(layer, layer, options=QUICK)], inputs=INPUTS, command=["biaozhu"])
    document = json.loads(json.dumps(document))
    CHECK.validate(document)
    spoil(document)  # type: ignore[operator]
    with pytest.raises(jsonschema.ValidationError):
        CHECK.validate(document)


def test_document_is_written_and_read_back(tmp_path: Path) -> None:
    gold, layer = [marked("[清河镇|PLACE]的[王小明|PERSON]")], [marked("[清河镇|PLACE]的[王小|PERSON]明")]
    document = make_scores_document(
        [evaluate_layer(gold, layer, name="model", options=QUICK)],
        inputs=INPUTS,
        command=["biaozhu", "x"],
    )
    write_scores(tmp_path / "scores.json", document)
    found = read_scores(tmp_path / "scores.json")
    assert found["format"] == FORMAT
    assert found["made"]["version"] == __version__
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(found["made"]["date"])
    assert dt.timedelta() <= age < dt.timedelta(minutes=1)
    assert found["made"]["command"] == ["biaozhu", "x"]
    model = found["layers"][0]
    assert model["overall"]["strict"]["f1"]["value"] == 0.5
    assert model["labels"]["AMOUNT"]["strict"]["f1"] == {
        "value": None,
        "percentile": None,
        "bca": None,
        "exact": None,
        "undefined": 0,
    }
    case = model["errors"][0]["examples"][0]
    assert [span["text"] for span in (*case["gold"], *case["predicted"])] == ["王小明", "王小"]
    assert case["text"] == "王小明"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "biaozhu.scores.v0"}', "\xff"])
def test_document_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "scores.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ScoresFileError):
        read_scores(path)
