"""The peers of benchmarks/peers/compare.py are read fairly: LAC in NumPy is the LAC that we run, and tags become the right spans."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from biaozhu.annotators.network.lac import load_lac

PEERS = Path(__file__).parent.parent / "benchmarks" / "peers"
TEXTS = [
    "",
    "陈小红昨天从广州来，带了３．５万元。",
    "《新华字典》印了20亩地那么多……",
    "a 𠮷 line\nwith  what LAC lacks",
]


def test_peers_lac_in_numpy_finds_the_words_of_ours() -> None:
    words = runpy.run_path(str(PEERS / "lac_in_numpy.py"))["load"]()
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
    spans_of_tokens = runpy.run_path(str(PEERS / "worker.py"))["spans_of_tokens"]
    text = "".join(word for word, _ in tokens)
    found = spans_of_tokens(text, tokens, "snownlp")[label][way]
    assert [text[start:end] for start, end in found] == expected


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(PEERS), *sys.path])
    return runpy.run_path(str(PEERS / "compare.py"))


def test_peers_join_a_run_to_what_was_joined_before(peers: Any) -> None:
    same = {
        "texts": "a",
        "gold": {},
        "seed": 1,
        "trained on": 2,
        "date": "2026-11-24",
        "accurate": "b",
        "CNN": {},
    }
    before = {
        **same,
        "machine": "X, 2 cores, load 11 to 31, Python 3",
        "peers": {"biaozhu fast": {}, "thulac": {}},
    }
    more = {**same, "machine": "X, 2 cores, load 5, Python 3", "peers": {"jionlp": {}}}
    whole = peers["joined"]([before, more])
    assert whole["machine"] == "X, 2 cores, load 5 to 31, Python 3"
    assert list(whole["peers"]) == ["thulac", "jionlp", "biaozhu fast"]
    assert whole["peers"]["jionlp"] == {"load": "load 5"}
    with pytest.raises(SystemExit, match="texts"):
        peers["joined"]([before, {**more, "texts": "other"}])


def test_peers_run_what_is_under_the_gpl_only_on_request(peers: Any) -> None:
    on_request = set(peers["ON_REQUEST"])
    assert on_request.isdisjoint((*peers["PEERS"], *peers["OURS"]))
    for path in (PEERS.parent.parent / "locks").glob("*.lock"):
        pinned = {line.partition("==")[0] for line in path.read_text("utf-8").splitlines() if "==" in line}
        assert on_request.isdisjoint(pinned) == (path.name != "jionlp.lock")


def test_peers_jionlp_takes_names_out_of_its_nested_tables() -> None:
    names_in = runpy.run_path(str(PEERS / "jionlp_tagger.py"))["names_in"]
    county = {"_full_name": "丙县", "_alias": "丙", "_admin_code": "110101"}
    city = {"_full_name": "乙市", "_alias": ["乙", None], "_admin_code": "110100", "丙县": county}
    tables = [{"甲省": {"_full_name": "甲省", "_alias": "甲", "乙市": city}}, {"丁国": {"main_city": ["戊"]}}]
    assert names_in(tables) == {"甲省", "甲", "乙市", "乙", "丙县", "丙", "丁国", "戊"}
