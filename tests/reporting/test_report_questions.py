"""The ten questions of docs/guides/readers.md: the text of a report answers each, without a mouse and without colour."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import with_spans
from biaozhu.reporting.content import ReportRequest, RoundTrip, gather_content
from biaozhu.reporting.report import render_report
from biaozhu.scoring.layer_scoring import ScoringRequest
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable

GUIDE = Path(__file__).parents[2] / "docs/guides/readers.md"
ABOUT = """
[[annotator]]
name = "anna"
kind = "person"
when = "2026-05"
[in_sample]
pre = { zh = "规则的作者读过这篇文章。", en = "Its authors had read it." }
"""
# The question as the guide has it, and what of the report answers it.
ANSWERS = {
    "不看就能用吗？": r"不逐条核对就能用吗：(还不能|不能)",
    "用多少内容测的？": r"评分依据：有金标准的 1 篇文章（共 2 篇）、\d+ 句（这些文章共 \d+ 句，占 9\d\.\d %）、\d+ 字",
    "是盲测吗？": "样本内，不是盲测。 规则的作者读过这篇文章。",
    "金标准谁标的？": r"anna 人 2026-05 1 \d+",
    "哪一层更好，确定吗？": r"model(比pre高|与pre之间).*95% 区间 .* 至 .*，p [=<] ",
    "这两层是什么？": r"预标注：规则和随软件提供的网络得到.*命令行给出的标注层",
    "哪些文章没有评分？": "没有评分的文章 1 篇（没有金标准）：other · 没有标过的一篇。",
    "错在哪里？": r"pre：错误 \d+ 处.*多标 \d+|pre：错误 \d+ 处.*漏标 \d+",
    "过程中有丢失吗？": r"Doccano 往返 完全一致.*丢失 0 处",
    "下一步做什么？": r"下一步：\S{10}",
}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory, write_case: Callable[..., dict[str, Path]]) -> str:
    """The words of a report: two articles, of which one has gold, and that for all but its last sentence."""
    folder = tmp_path_factory.mktemp("questions")
    case, other = write_case(folder), write_case(folder, "没有标过的一篇\n\n一句话。\n", name="other")
    gold = [
        with_spans(line, [replace(span, source="anna") for span in line.spans]) for line in read_layer(case["gold"])
    ]
    write_layer(folder / "gold" / "yunling.jsonl", gold[:-1])
    (folder / "gold" / "about.toml").write_text(ABOUT, encoding="utf-8")
    request = ScoringRequest(
        layers=tuple(f"{name}={one[name]}" for name in ("pre", "model") for one in (case, other)),
        articles=(case["article"], other["article"]),
        gold=(folder / "gold",),
        sampling=Sampling(resamples=200),
    )
    content = gather_content(ReportRequest(request))
    content = replace(content, ledger=(), round_trip=RoundTrip(identical=True, sentences=5))
    body = render_report(content, language="zh")[0].partition("<body")[2]
    words = re.sub(r"<script>.*?</script>|<[^>]*>", " ", f"<body{body}", flags=re.DOTALL)
    return re.sub(r" (?=[：。])|(?<=：) ", "", " ".join(unescape(words).split()))


def test_report_questions_of_the_guide_are_these_ten() -> None:
    rows = [line.split("|")[2].strip() for line in GUIDE.read_text("utf-8").splitlines() if line[:2] == "| "]
    assert rows[2:] == list(ANSWERS)
    assert len(ANSWERS) == 10


@pytest.mark.parametrize("question", ANSWERS)
def test_report_answers_the_question(text: str, question: str) -> None:
    assert re.search(ANSWERS[question], text), text[:1500]


def test_report_scores_only_the_sentences_that_have_gold(text: str) -> None:
    # A regression test: gold of a part of an article's sentences made `report` refuse the layer.
    covered, sentences = re.findall(r"p?云岭县:一条水渠带活三个村 (\d+) / (\d+)", text)[0]
    assert int(covered) == int(sentences) - 1
