"""The page in a real Chromium: accessible, readable on a phone, usable without its script, quick."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from biaozhu.curation.agreement import Agreement, GroupAgreement, PairAgreement
from biaozhu.curation.bias import Bias, Contrast, Rate
from biaozhu.data.diff import Change
from biaozhu.data.ledger import Entry
from biaozhu.reporting.content import (
    CurveFigures,
    CurveFit,
    ReportedPoint,
    ReportRequest,
    RoundTrip,
    gather_content,
)
from biaozhu.reporting.report import write_report
from biaozhu.scoring.layer_scoring import ScoringRequest
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from biaozhu.reporting.content import ReportContent

pytestmark = pytest.mark.browser

SECONDS_TO_OPEN = 3.0
MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 — only these tests need it

    quiet = [
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    # Chromium's sandbox does not start as root.
    options = quiet + ["--no-sandbox"] * (os.getuid() == 0)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield found
        found.close()


RATE = Rate(1, 2, 0.5)
CONTRAST = Contrast(RATE, RATE, 0.0, (-0.1, 0.1))


@pytest.fixture(scope="module")
def address(material: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a report with every section that there is, losses and a round trip that differs."""
    folder = tmp_path_factory.mktemp("page")
    pair = PairAgreement("a", "b", 3, (2, 2), {"micro": 0.9}, {"micro": 0.95}, {"boundary": 1})
    points = tuple(ReportedPoint(at, at / 100, at / 120, at / 90) for at in (10, 40, 80))
    whole = replace(
        material,
        ledger=(Entry("pull", "loss", "dropped", "x:0-3", 0, 2, "PLACE", "云岭"),),
        round_trip=RoundTrip(
            identical=False, sentences=1, changes=(Change("x:0-3", "moved", text="云岭"),), losses=("x",)
        ),
        agreement=Agreement(
            annotators=("a", "b"),
            pairs=(pair,),
            mean_strict=0.9,
            mean_partial=0.95,
            alpha=0.9,
            alpha_by_label={},
            by_article={
                material.given.gold[0].article: GroupAgreement(1, None),
                "y": GroupAgreement(2, 0.9),
            },
            by_month={"2026-01": GroupAgreement(3, 0.9)},
        ),
        curve=CurveFigures(
            points,
            tuple(CurveFit(at, at / 200) for at in (10, 180)),
            worth=0.02,
            worth_low=-0.01,
            worth_high=0.05,
            distinguishable=False,
        ),
        bias=Bias(
            sentences={"shown": 2, "blind": 2},
            accepted=RATE,
            accepted_by_annotator={"a": RATE},
            fates={"kept": 1, "moved": 1, "relabelled": 0, "removed": 0, "added": 0},
            edited=RATE,
            edited_by_label={"PLACE": RATE},
            edited_by_score={"no score": RATE},
            agreement=CONTRAST,
            errors_taken=CONTRAST,
            omissions_taken=replace(CONTRAST, difference=None, interval=None),
        ),
    )
    write_report(folder, whole)
    return (folder / "index.html").as_uri()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_passes_axe(browser: Browser, address: str, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 — only this test needs it

    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(address)
    for section in (
        "learning",
        "agreement",
        "bias",
        "losses",
        "confusion",
        "breakdown",
        "errors",
        "provenance",
    ):
        assert page.locator(f"section#{section}").is_visible(), section
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = Axe().run(page)
    page.close()
    assert len(found.response["passes"]) > 20
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_page_never_scrolls_sideways(browser: Browser, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


def test_page_switches_layers_without_its_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    mark = page.locator(".m1").first
    assert mark.is_visible()
    page.locator("#t1").uncheck()
    assert not mark.is_visible()
    assert page.locator(".errs li").first.is_visible()
    assert not page.locator(".tools").first.is_visible()
    context.close()


def test_page_draws_layers_under_the_text_and_gives_hidden_ones_no_room(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    piece = page.locator("mark.g.l1c.l2c").first
    room = "one => parseFloat(getComputedStyle(one).paddingBottom)"
    sizes = piece.evaluate("one => getComputedStyle(one).backgroundSize").split(", ")
    deep = piece.evaluate(room)
    # The tint ends where the lanes begin, and a lane is a thin bar: text never stands on full colour.
    assert sizes == [f"100% calc(100% - {deep:.0f}px)", "100% 3px", "100% 3px"]
    page.locator("#t1").uncheck()
    assert deep > piece.evaluate(room) > 0
    page.close()


def test_page_filters_errors_by_label(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    box = page.locator("[data-errors='1']")
    total = box.locator("li:visible").count()
    box.locator("select").select_option("PERSON")
    lines = box.locator("li:visible")
    assert 0 < lines.count() < total
    assert all("PERSON" in (line.get_attribute("data-l") or "") for line in lines.all())
    assert box.locator("[data-count]").inner_text() == str(lines.count())
    page.close()


def test_page_error_leads_to_its_place_and_back_by_keyboard(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    line = page.locator("[data-errors='1'] li").first
    line.locator("a").focus()
    page.keyboard.press("Enter")
    place = page.locator(":target")
    assert place.get_attribute("id") == (line.locator("a").get_attribute("href") or "")[1:]
    assert place.is_visible()
    page.locator("[data-step='1']").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.classList.contains('m')")
    page.keyboard.press("Enter")
    assert page.locator("li:target").is_visible()
    page.close()


def test_page_says_on_a_phone_that_a_table_goes_on_sideways(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(address)
    table = page.locator("#scores .scroll").first
    assert table.evaluate("one => one.scrollWidth > one.clientWidth")
    hint = table.evaluate("one => one.previousElementSibling.className")
    assert hint == "hint"
    assert page.locator(".hint").first.is_visible()
    page.close()
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    page.goto(address)
    assert page.locator("#agreement .hint").count() == 0
    page.close()


@pytest.mark.slow
def test_page_of_a_thousand_articles_opens_in_time(browser: Browser, tmp_path: Path, write_case: Callable) -> None:
    layers: list[str] = []
    articles, gold = [], []
    for number in range(1000):
        typed = "\n\n".join(
            f"第{at}节:[PLACE 云岭县]的账本\n\n去年[PLACE 柳树湾村]的[PERSON 何春生]种了[AMOUNT {at + number + 2}亩]"
            "梨树,雇了几个人,又在渠边修了路,日子一天比一天好。村里的老人说,这样的光景从前想也不敢想。"
            for at in range(8)
        )
        case = write_case(tmp_path / "in", f"第{number}篇\n\n{typed}\n", name=f"n{number}")
        layers += [f"规则={case['pre']}", f"模型={case['model']}"]
        articles.append(case["article"])
        gold.append(case["gold"])
    material = gather_content(
        ReportRequest(
            ScoringRequest(
                layers=tuple(layers),
                articles=tuple(articles),
                gold=tuple(gold),
                sampling=Sampling(resamples=200),
            )
        )
    )
    write_report(tmp_path / "out", material)
    assert (tmp_path / "out" / "index.html").stat().st_size <= MOST_BYTES
    page = browser.new_page()
    session = page.context.new_cdp_session(page)
    # The time of the page's own thread: other work on the machine does not count.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto((tmp_path / "out" / "index.html").as_uri())
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    assert 0 < metrics["TaskDuration"] < SECONDS_TO_OPEN
    assert page.locator("#by_article tbody tr").count() == 1000
    # From the table to the text, and from an error there to its place, without a server.
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.locator("#by_article tbody a").nth(990).click()
    page.locator(":target article").wait_for()
    assert page.locator("article.art").count() == 20
    line = page.locator("[data-errors='1'] li a").first
    line.click()
    assert page.locator(":target").is_visible()
    page.close()
