"""Agreement over time and bias in the report: from what `project pull` writes, named only as annotators."""

from __future__ import annotations

import json
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
MONTHS = ("2026-01", "2026-01", "2026-02", "2026-03")


def write_work(folder: Path, kept: list[tuple[Span, ...]], *, months: tuple[str, ...] = MONTHS) -> None:
    """A layer whose sentences were confirmed in these months; the last one was blind."""
    sentences, statuses = [], []
    for number, (spans, month) in enumerate(zip(kept, months, strict=True)):
        sentence = Sentence("0" * 12, number * len(TEXT), (number + 1) * len(TEXT), TEXT, spans)
        blind = number == len(kept) - 1
        shown, withheld = ((), (SHORT,)) if blind else ((SHORT,), None)
        time = f"{month}-02T08:00:00Z"
        sentences.append(sentence)
        statuses.append(SentenceStatus(sentence.id, "confirmed", shown, withheld, folder.name, time))
    layer = folder / "made.jsonl"
    write_layer(layer, sentences)
    write_status(status_path(layer), "p", folder.name, statuses)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two annotators: of one mind in January, half in February, a boundary apart in March."""
    whole = (PERSON, PLACE)
    write_work(tmp_path / "anna", [whole, whole, whole, (PERSON,)])
    write_work(tmp_path / "ben", [whole, whole, (PERSON, AMOUNT), (SHORT,)])
    write_layer(tmp_path / "gold.jsonl", [Sentence("0" * 12, 0, len(TEXT), TEXT, (PERSON, PLACE, AMOUNT))])
    return tmp_path


def report(folder: Path, *options: str) -> tuple[str, dict[str, Any]]:
    people = [word for name in ("anna", "ben") for word in ("--annotator", f"{name}={folder / name}")]
    out = folder / "out"
    given = [
        "--layer",
        f"pre={folder / 'gold.jsonl'}",
        *people,
        "-o",
        str(out),
        "--resamples",
        "200",
        *options,
    ]
    assert run(["report", *given]) == 0
    return (out / "index.html").read_text("utf-8"), json.loads((out / "checks.json").read_text("utf-8"))


def test_report_shows_agreement_over_time_of_the_annotators_it_is_given(
    folder: Path, read_page: Callable[[str], Any]
) -> None:
    html, checks = report(folder, "--lang", "en")
    assert "agreement" in read_page(html).ids
    section = html[html.index('<section id="agreement">') :].partition("</section>")[0]
    for month, comparisons, f1 in (("2026-01", 2, "1.000"), ("2026-02", 1, "0.500"), ("2026-03", 1, "0.000")):
        assert f'{month}</th><td>{comparisons}</td><td class="main">{f1}</td>' in section
    shown = checks["agreement"]["pairs"][0]["spans"]
    assert f'<span class="sub">spans {shown[0]}, {shown[1]}</span>' in section
    # February: each has one that the other lacks; March: one boundary.
    assert "anna – ben</th><td>4</td><td>1</td><td>0</td><td>0</td><td>1</td><td>1</td>" in section
    assert checks["agreement"]["by_month"]["2026-02"] == {"comparisons": 1, "strict": 0.5}
    assert checks["agreement"]["pairs"][0]["disagreements"] == {"missing": 1, "extra": 1, "boundary": 1}


def test_report_shows_the_bias_of_the_annotators_it_is_given(folder: Path, read_page: Callable[[str], Any]) -> None:
    html, checks = report(folder, "--lang", "en", "--gold", str(folder / "gold.jsonl"))
    assert "bias" in read_page(html).ids
    assert "Confirmed sentences, once for each annotator: 6 with the pre-annotation shown, 2 with it withheld." in html
    assert checks["bias"]["accepted_by_annotator"].keys() == {"anna", "ben"}
    # Hidden, the short name was ben's all the same; shown, everybody mended it.
    assert checks["bias"]["agreement"]["blind"]["count"] == 2
    assert checks["bias"]["agreement"]["shown"]["count"] == 0
    assert checks["bias"]["errors_taken"]["shown"] == {"count": 0, "of": 2, "rate": 0.0}


def test_report_measures_nothing_of_annotators_without_common_sentences_or_status(folder: Path) -> None:
    for name in ("anna", "ben"):
        status_path(folder / name / "made.jsonl").unlink()
    html, checks = report(folder)
    assert checks["bias"] is None
    assert checks["agreement"]["by_month"] == {}
    assert 'id="agreement"' in html
    other = Sentence("0" * 12, 900, 900 + len(TEXT), TEXT, (PERSON,))
    write_layer(folder / "ben" / "made.jsonl", [other])
    html, checks = report(folder)
    assert checks["agreement"] is None
    assert 'id="agreement"' not in html


def test_agree_prints_months_as_table_and_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = [str(folder / name) for name in ("anna", "ben")]
    assert run(["agree", *people]) == 0
    printed, said = capsys.readouterr()
    assert f"biaozhu adjudicate {people[0]} {people[1]} --common --questions" in said
    assert "Agreement by month" in printed
    assert "2026-03" in printed
    assert run(["agree", *people, "--json"]) == 0
    months = json.loads(capsys.readouterr().out)["by_month"]
    assert months["2026-01"] == {"comparisons": 2, "strict": 1.0}
    assert list(months) == ["2026-01", "2026-02", "2026-03"]


def test_report_takes_what_agree_writes_for_the_agreement_of_its_gold(folder: Path) -> None:
    path = folder / "agreement.json"
    assert run(["agree", str(folder / "anna"), str(folder / "ben"), "-o", str(path)]) == 0
    html, _checks = report(folder, "--gold", str(folder / "gold.jsonl"), "--agreement", str(path), "--lang", "en")
    assert "Articles of the gold that the agreement is about: 1 of 1." in html


def test_report_shows_articles_of_agree_before_there_were_months(folder: Path) -> None:
    path = folder / "agreement.json"
    assert run(["agree", str(folder / "anna"), str(folder / "ben"), "-o", str(path)]) == 0
    found = json.loads(path.read_text("utf-8"))
    del found["format"], found["by_month"]
    path.write_text(json.dumps(found | {"by_article": {"0" * 12: 0.25, "1" * 12: 0.5}}), "utf-8")
    html, _checks = report(folder, "--agreement", str(path))
    section = html[html.index('<section id="agreement">') :].partition("</section>")[0]
    assert '</th><td>–</td><td class="main">0.250</td>' in section
    assert '</th><td>–</td><td class="main">0.500</td>' in section


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found: found.update(by_month={"2026-01": 0.5}),
        lambda found: found["by_month"]["2026-01"].update(strict="much"),
        lambda found: found["pairs"][0].update(disagreements=3),
        lambda found: found["pairs"][0].pop("strict"),
        lambda found: found.update(by_article=[1]),
    ],
)
def test_report_refuses_what_is_no_agreement_file(folder: Path, spoil: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "agreement.json"
    assert run(["agree", str(folder / "anna"), str(folder / "ben"), "-o", str(path)]) == 0
    found = json.loads(path.read_text("utf-8"))
    spoil(found)
    path.write_text(json.dumps(found), "utf-8")
    with pytest.raises(ReportInputError, match="BZ052"):
        gather_content(ReportRequest(ScoringRequest(layers=(f"a={folder / 'gold.jsonl'}",), gold=()), agreement=path))
