"""The influence of pre-annotations in the report: from annotators' status files over `bias -o` to the page."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from biaozhu.cli import run
from biaozhu.curation.status import SentenceStatus, status_path, write_status
from biaozhu.data.errors import ReportInputError
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.reporting.content import ReportRequest, gather_content
from biaozhu.scoring.layer_scoring import ScoringRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = "周望山到云岭县买了三斤茶"
PERSON, PLACE, AMOUNT = Span(0, 3, "PERSON"), Span(4, 7, "PLACE"), Span(9, 11, "AMOUNT")
SHORT = Span(0, 2, "PERSON", "lac", 0.6)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Four sentences with the same wrong proposal: shown twice (taken over once), withheld twice."""
    sentences, statuses, gold = [], [], []
    for number in range(4):
        start, blind = number * len(TEXT), number >= 2
        kept = (SHORT,) if number == 0 else (PERSON, PLACE)
        sentence = Sentence("0" * 12, start, start + len(TEXT), TEXT, kept)
        sentences.append(sentence)
        gold.append(Sentence("0" * 12, start, start + len(TEXT), TEXT, (PERSON, PLACE, AMOUNT)))
        shown = () if blind else (SHORT,)
        hidden = (SHORT,) if blind else None
        statuses.append(SentenceStatus(sentence.id, "confirmed", shown, hidden, "anna", "2026-01-02"))
    layer = tmp_path / "anna" / "made.jsonl"
    write_layer(layer, sentences)
    write_status(status_path(layer), "p", "anna", statuses)
    write_layer(tmp_path / "gold.jsonl", gold)
    return {"layer": layer, "gold": tmp_path / "gold.jsonl", "bias": tmp_path / "bias.json"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_report_shows_the_influence_of_the_pre_annotation(
    files: dict[str, Path], tmp_path: Path, read_page: Callable, language: str
) -> None:
    assert run(["bias", str(files["layer"].parent), "--gold", str(files["gold"]), "-o", str(files["bias"])]) == 0
    options = ["--layer", f"a={files['gold']}", "--bias", files["bias"], "--lang", language]
    assert run(["report", *map(str, options), "-o", str(tmp_path / "out")]) == 0
    html = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "bias" in read_page(html).ids
    # The wrong span was taken over in one of two sentences when shown, in none when not.
    title = {"zh": "预标注的错误被留下的比例", "en": "errors taken over"}[language]
    row = html[html.index(title) :].partition("</tr>")[0]
    assert re.findall(r'<td>([^<]*)<span class="sub">([^<]*)</span>', row) == [("0.500", "1/2"), ("0.000", "0/2")]
    assert "+0.500" in row
    assert {"zh": "改边界 1", "en": "moved 1"}[language] in html
    assert {"zh": "预标注影响", "en": "bias"}[language] in html[html.index('id="provenance"') :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bias: bias.pop("fates"),
        lambda bias: bias["fates"].update(kept="many"),
        lambda bias: bias["accepted"].update(rate="half"),
        lambda bias: bias["agreement"].update(interval=[1]),
        lambda bias: bias.update(agreement=None),
    ],
)
def test_report_refuses_what_is_no_bias_file(files: dict[str, Path], spoil: Callable[[dict[str, Any]], object]) -> None:
    assert run(["bias", str(files["layer"].parent), "-o", str(files["bias"])]) == 0
    bias = json.loads(files["bias"].read_text("utf-8"))
    spoil(bias)
    files["bias"].write_text(json.dumps(bias), "utf-8")
    with pytest.raises(ReportInputError, match="BZ052"):
        gather_content(ReportRequest(ScoringRequest(layers=(f"a={files['gold']}",), gold=()), bias=files["bias"]))
