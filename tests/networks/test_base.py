"""The base model as an annotator: the graph, the folder, the spans."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from base_models import DICTIONARY, TAGS, emissions_of, random_weights, write_model
from hypothesis import given, settings
from hypothesis import strategies as st

from biaozhu.annotators.labelled import find_labelled
from biaozhu.annotators.network.base import DEFAULT, load_base
from biaozhu.annotators.network.char_rows import UNKNOWN, rows_of
from biaozhu.annotators.network.runtime import CONFIG, GRAPH
from biaozhu.data.errors import MissingFileError, ModelDataError
from biaozhu.data.model import Sentence, with_spans

if TYPE_CHECKING:
    from pathlib import Path

MODEL = DEFAULT


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write_model(folder)
    return folder


def test_rows_of_gives_all_characters_of_a_line_its_row() -> None:
    rows = rows_of(("", "", "甲乙", "丙"))
    assert [int(rows[ord(one)]) for one in "甲乙丙丁"] == [2, 2, 3, UNKNOWN]


@given(texts=st.lists(st.text(alphabet="山河周青1１。 \u3000𠮷x", min_size=0, max_size=30), max_size=6))
@settings(max_examples=40, deadline=None)
def test_base_spans_are_sorted_disjoint_trimmed_and_scored(tiny: Path, texts: list[str]) -> None:
    model = load_base(tiny, threads=1)
    found = model(texts)
    assert len(found) == len(texts)
    for text, spans in zip(texts, found, strict=True):
        if text:
            with_spans(Sentence("0" * 12, 0, len(text), text), spans)
        for span in spans:
            assert span.label in {"PLACE", "PERSON"}
            assert span.source == "base"
            assert text[span.start : span.end].strip() == text[span.start : span.end]
            assert span.score is not None
            assert span.score >= 0


def test_base_scores_are_the_probabilities_of_the_spans(tiny: Path) -> None:
    weights = random_weights(1)
    model = load_base(tiny, threads=1)
    text = "山河周青"
    rows = rows_of(DICTIONARY)[[ord(one) for one in text]]
    emissions = emissions_of(weights, rows)
    chain = model.chain
    weight: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(len(TAGS)), repeat=len(text)):
        score = chain.start[path[0]] + chain.stop[path[-1]] + sum(emissions[at, tag] for at, tag in enumerate(path))
        score += sum(chain.transitions[one, other] for one, other in itertools.pairwise(path))
        weight[path] = float(np.exp(np.float64(score)))
    total = sum(weight.values())
    best = max(weight, key=lambda path: weight[path])
    expected = []
    for start, tag in enumerate(best):
        if not TAGS[tag].endswith("-B"):
            continue
        end = start + 1
        while end < len(text) and best[end] == tag + 1:
            end += 1
        same = sum(
            value
            for path, value in weight.items()
            if path[start] == tag
            and all(path[at] == tag + 1 for at in range(start + 1, end))
            and (end == len(text) or path[end] != tag + 1)
        )
        expected.append((start, end, TAGS[tag][:-2], pytest.approx(same / total, abs=3e-3)))
    assert [(span.start, span.end, span.label, span.score) for span in model([text])[0]] == expected
    assert expected


def test_base_leaves_out_what_is_less_likely_than_the_model_says(tiny: Path, tmp_path: Path) -> None:
    text = "山河周青1。山山河周"
    (every,) = load_base(tiny, threads=1)([text])
    middle = sorted(span.score or 0 for span in every)[len(every) // 2]
    write_model(tmp_path, least=middle)
    (some,) = load_base(tmp_path, threads=1)([text])
    assert some == tuple(span for span in every if (span.score or 0) >= middle)
    assert 0 < len(some) < len(every)


def test_load_base_refuses_what_is_missing_or_changed(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        load_base(tmp_path)
    write_model(tmp_path)
    graph = (tmp_path / GRAPH).read_bytes()
    (tmp_path / GRAPH).write_bytes(graph[:-1])
    with pytest.raises(ModelDataError, match="not the one"):
        load_base(tmp_path)
    (tmp_path / GRAPH).write_bytes(graph)
    config = json.loads((tmp_path / CONFIG).read_text(encoding="utf-8"))
    (tmp_path / CONFIG).write_text(json.dumps({**config, "format": 99}))
    with pytest.raises(ModelDataError, match="format 99"):
        load_base(tmp_path)
    (tmp_path / CONFIG).write_text("[]")
    with pytest.raises(ModelDataError, match="not the config"):
        load_base(tmp_path)


def test_base_model_of_the_repository_finds_names_it_never_saw() -> None:
    text = "龙山县卧牛镇石佛村党支部书记上官云鹏介绍说，全村共有350户1200人。"
    (spans,) = load_base(MODEL, threads=1)([text])
    assert [(text[span.start : span.end], span.label) for span in spans] == [
        ("龙山县", "PLACE"),
        ("卧牛镇", "PLACE"),
        ("石佛村", "PLACE"),
        ("上官云鹏", "PERSON"),
        ("350户", "AMOUNT"),
        ("1200人", "AMOUNT"),
    ]


@pytest.mark.parametrize("folder", [MODEL, MODEL.with_name("fast")])
def test_base_models_of_the_repository_name_no_path_of_a_machine(folder: Path) -> None:
    assert folder.is_dir()
    named = [
        line for path in folder.glob("*.[jm][sd]*") for line in path.read_text("utf-8").splitlines() if '"/' in line
    ]
    assert named == []


def test_base_model_of_the_repository_is_small() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 12_000_000


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("林右昌在臺南市說明。", [("林右昌", "PERSON"), ("臺南市", "PLACE")]),
        ("李某和王某某在云州路报警。", []),
    ],
)
def test_base_network_follows_the_guideline_by_form(text: str, names: list[tuple[str, str]]) -> None:
    (spans,) = find_labelled([text], load_base(threads=1).words([text]))
    assert [(text[span.start : span.end], span.label) for span in spans] == names
