"""The peers of benchmarks/peers.py are read fairly: LAC in NumPy is the LAC that we run, and tags become the right spans."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from pipeline.annotators.lac import load_lac

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
TEXTS = [
    "",
    "陈小红昨天从广州来，带了３．５万元。",
    "《新华字典》印了20亩地那么多……",
    "a 𠮷 line\nwith  what LAC lacks",
]


def test_peers_lac_in_numpy_finds_the_words_of_ours() -> None:
    words = runpy.run_path(str(BENCHMARKS / "peers_lac.py"))["load"]()
    ours = load_lac("small", threads=1).words(TEXTS)
    for text, row in zip(TEXTS, ours, strict=True):
        assert words(text) == [(text[one.start : one.end], one.tag) for one in row]


@pytest.mark.parametrize(
    ("tokens", "label", "way", "expected"),
    [
        ([("陈", "nr"), ("小红", "nr"), ("说", "v")], "PERSON", "joined", ["陈小红"]),
        ([("陈", "nr"), ("小红", "nr"), ("说", "v")], "PERSON", "apart", ["陈", "小红"]),
        ([("3", "m"), (".", "w"), ("5万", "m"), ("元", "q"), ("。", "w")], "AMOUNT", "measured", ["3.5万元"]),
        ([("长", "v"), ("15", "m"), ("%", "w")], "AMOUNT", "measured", ["15%"]),
        ([("第三", "m"), ("名", "q"), ("20", "m"), ("亩", "m")], "AMOUNT", "not bare", []),
        ([("第三", "m"), ("名", "q"), ("得", "v"), ("20", "m"), ("亩", "m")], "AMOUNT", "not bare", ["20亩"]),
        ([("买", "v"), ("20", "m"), (".", "w"), ("广州", "ns")], "AMOUNT", "all", ["20"]),
    ],
)
def test_peers_worker_reads_tags_as_spans(
    tokens: list[tuple[str, str]], label: str, way: str, expected: list[str]
) -> None:
    spans_of_tokens = runpy.run_path(str(BENCHMARKS / "peers_worker.py"))["spans_of_tokens"]
    text = "".join(word for word, _ in tokens)
    found = spans_of_tokens(text, tokens, "snownlp")[label][way]
    assert [text[start:end] for start, end in found] == expected
