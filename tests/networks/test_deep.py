"""The deep model: what it finds, for any text, and what of its folder is refused."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biaozhu.annotators.labelled import OUTSIDE
from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.network.runtime import CONFIG
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.transformer.deep import ARRAYS, FOLDER, load_deep
from biaozhu.data.errors import ModelDataError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "记者李建国从湖北省武汉市报道，当地种了120亩莲藕。"
loaded = cache(load_deep)


def test_deep_finds_persons_places_and_amounts() -> None:
    (words,) = loaded().words([TEXT])
    found = {(TEXT[word.start : word.end], word.tag) for word in words if word.tag != OUTSIDE}
    assert found == {("李建国", "PERSON"), ("湖北省", "PLACE"), ("武汉市", "PLACE"), ("120亩", "AMOUNT")}
    assert loaded().labels == ("PLACE", "PERSON", "AMOUNT")


@settings(max_examples=20)
@given(st.lists(st.text(max_size=50), max_size=4))
@example(["", "\ud800", TEXT * 30, " "])
@example(["ﷺ" * 400, "㍿½" * 300])
def test_deep_leaves_out_no_character_and_stays_inside(texts: list[str]) -> None:
    for text, words in zip(texts, loaded().words(texts), strict=True):
        assert "".join(text[word.start : word.end] for word in words) == text
        assert all(0 <= word.score <= 1 for word in words)


def test_deep_is_alone_what_it_is_beside_others() -> None:
    texts = [TEXT, "普京访华。", TEXT[:9]]
    for words, (alone,) in zip(loaded().words(texts), (loaded().words([text]) for text in texts), strict=True):
        assert [word[:3] for word in words] == [word[:3] for word in alone]
        assert [word.score for word in words] == pytest.approx([word.score for word in alone], abs=2e-4)


def test_deep_asks_the_transformer_only_where_the_accurate_model_doubts() -> None:
    sure, doubtful = "大家都说今天的天气真好。", "普京访华，乔灌不去。"
    alone = replace(loaded(), transformer=None)  # type: ignore[arg-type]  # any use of it fails
    assert alone.emissions([sure]).shape[:2] == (len(sure), 1)
    with pytest.raises(AttributeError):
        alone.emissions([sure, doubtful])
    with pytest.raises(AttributeError):
        replace(alone, min_doubt=0.0).emissions([sure])


def test_deep_tells_custom_models_the_scores_it_decides_by() -> None:
    texts = ["大家都说今天的天气真好。", TEXT, "普京访华，乔灌不去。"]
    network = loaded()
    both = network.outputs(texts)[..., network.states_width :], network.emissions(texts)
    for column, text in enumerate(texts):
        one, other = (scores[: len(text), column] for scores in both)
        assert one == pytest.approx(other, abs=1e-3)


def test_deep_is_a_model_of_preannotation() -> None:
    (spans,) = annotate_combined([TEXT], model=load_model("deep", threads=1))
    assert [TEXT[span.start : span.end] for span in spans] == ["李建国", "湖北省", "武汉市", "120亩"]


@pytest.mark.parametrize("fault", ["lexicon", "beside", "pieces", "format", "chain"])
def test_deep_of_another_lexicon_or_damaged_is_refused(tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "deep"
    shutil.copytree(FOLDER, folder)
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    if fault == "lexicon":
        config["lexicon"]["layout"] = "0"
    elif fault == "beside":
        config["beside"] = "0"
    elif fault == "format":
        config["format"] = 0
    else:
        arrays = dict(np.load(folder / ARRAYS))
        del arrays["pieces" if fault == "pieces" else "start"]
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        (folder / ARRAYS).write_bytes(buffer.getvalue())
        config["files"][ARRAYS] = hashlib.sha256(buffer.getvalue()).hexdigest()
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelDataError):
        load_deep(folder, threads=1)
