"""The peers of benchmarks/peers are read and scored fairly: tags become the right spans, and spans the right figures."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from biaozhu.annotators.network.lac import load_lac
from biaozhu.data.model import Sentence, Span

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
def run_script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(PEERS), *sys.path])
    return lambda name: runpy.run_path(str(PEERS / f"{name}.py"))


@pytest.fixture
def peers(run_script: Any) -> Any:
    return run_script("compare")


def test_peers_join_new_rows_beside_and_in_place_of_those_before(peers: Any) -> None:
    facts = {"machine": "X", "seed": 1, "texts": "a", "sets": {"seed gold": {"sentences": 2}}}
    before = {**facts, "peers": {"biaozhu fast": {"load": 1}, "thulac": {"load": 2}}}
    now = {**facts, "peers": {"jionlp": {"load": 3}, "biaozhu fast": {"load": 4}}}
    joined = peers["join_rows"](before, now)
    assert list(joined["peers"].items()) == [
        ("thulac", {"load": 2}),
        ("jionlp", {"load": 3}),
        ("biaozhu fast", {"load": 4}),
    ]
    with pytest.raises(SystemExit, match="texts"):
        peers["join_rows"](before, {**now, "texts": "other"})


def test_peers_labelled_sentences_are_distinct_and_have_our_labels_only(run_script: Any, tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    row = {"text": "王芳在北京大学", "entities": [[3, 7, "ORG"], [3, 5, "LOC"], [0, 2, "PER"], [4, 6, "LOC"]]}
    path.write_text(f"{json.dumps(row)}\n{json.dumps({**row, 'entities': []})}\n", encoding="utf-8")
    (sentence,) = run_script("gold_sets")["read_labelled"](path, ("PLACE", "PERSON"))
    assert [span.key for span in sentence.spans] == [(0, 2, "PERSON"), (3, 5, "PLACE")]


@pytest.fixture
def gold(run_script: Any) -> Any:
    texts = [("北京北京", (Span(0, 2, "PLACE"), Span(2, 4, "PLACE"))), ("王芳", (Span(0, 2, "PERSON"),))]
    sentences = tuple(Sentence("0" * 12, 0, len(text), text, spans) for text, spans in texts)
    labels = ("PLACE", "PERSON")
    return run_script("gold_sets")["GoldSet"](sentences, ("d", "e"), labels, "sha", ("news", "spoken"))


def test_peers_are_scored_in_their_best_way_by_label_and_kind(run_script: Any, gold: Any) -> None:
    places = [{"joined": [[0, 4]], "apart": [[0, 2], [2, 4]]}, {"joined": [], "apart": []}]
    persons = [{"apart": [[0, 1]]}, {"apart": [[0, 2]]}]
    found = [{"PLACE": place, "PERSON": person} for place, person in zip(places, persons, strict=True)]
    row = run_script("strict_scores")["score_peer"](found, {"set": gold})["set"]
    assert row["PLACE"] == {"F1": 1.0, "way": "apart"}
    assert row["PERSON"] == {"F1": 0.6667, "way": "apart"}
    assert row["kinds"] == {"news": 0.8, "spoken": 1.0}
    low, high = row["all"]["95 %"]
    assert low <= row["all"]["F1"] == 0.8571 <= high


def test_peers_that_lack_a_label_have_no_figure_of_all(run_script: Any, gold: Any) -> None:
    found: list[Any] = [{"PLACE": {"units": []}}, {"PLACE": {"units": []}}]
    row = run_script("strict_scores")["score_set"](found, gold)
    assert row == {"PLACE": {"F1": 0.0, "way": "units"}}


def test_peers_time_whole_documents_only(peers: Any, gold: Any) -> None:
    lines = map(json.loads, peers["list_texts"]({"modern test": gold, "UNER test": gold}).splitlines())
    assert [(one["document"], one["timed"]) for one in lines] == [
        ("modern test/d", True),
        ("modern test/e", True),
        ("UNER test/d", False),
        ("UNER test/e", False),
    ]


def test_peers_page_says_what_the_figures_say(run_script: Any) -> None:
    figures = json.loads((PEERS / "figures.json").read_bytes())
    page = run_script("page")
    assert page["render_page"](figures) == (PEERS / "README.md").read_text(encoding="utf-8")
    docs = PEERS.parent.parent / "docs" / "benchmarks.md"
    assert page["render_summary"](figures) in docs.read_text(encoding="utf-8")


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
