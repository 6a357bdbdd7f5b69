"""The page at `/`: nothing from outside, and in a real Chromium spans, values and paths, errors in words, two languages."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from service import TOKEN, WITH_TOKEN, running

from biaozhu.annotators.network.models import load_model
from biaozhu.serving.app import Limits
from biaozhu.serving.predictor import rule_predictor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from biaozhu.serving.predictor import Predictor

TEXT = "😀四川省苍溪县的王小明种了30余亩猕猴桃,收入27万元。\r\n\n😀苍溪县有9个村。"
PIECES = (
    "𠮷",
    "😀",
    "e\u0301",
    "\r\n",
    "\u2028",
    " ",
    "\x00",
    "苍溪县",
    "王小明",
    "3万元",
    "20-30亩",
    "零下",
    "在",
    "。",
)
ZH, EN = "zh-CN", "en-GB"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return rule_predictor(load_model("accurate"))


@pytest.fixture(scope="module")
def home(predictor: Predictor) -> Iterator[str]:
    with running(predictor) as url:
        yield url.removesuffix("predict")


def explain(home: str, text: str) -> dict[str, dict[str, Any]]:
    answer = requests.post(f"{home}meaning", json={"text": text}, headers=WITH_TOKEN, timeout=30)
    assert answer.status_code == 200
    return {one["text"]: one for one in answer.json()["entities"]}


def test_serving_page_meaning_adds_values_and_paths_to_what_predict_finds(home: str) -> None:
    found = explain(home, TEXT)
    plain = requests.post(f"{home}predict", json={"text": TEXT}, headers=WITH_TOKEN, timeout=30).json()
    assert {one["text"] for one in plain["entities"]} == found.keys()
    assert found["苍溪县"]["meaning"]["path"] == ["四川省", "广元市", "苍溪县"]
    assert found["王小明"]["meaning"] is None
    area, money = found["30余亩"]["meaning"], found["27万元"]["meaning"]
    assert (area["unit"], area["base_unit"], area["approx"]) == ("亩", "m²", "余")
    assert (money["low"], money["base_unit"], money["place"]) == ("270000", "CNY", "四川省/广元市/苍溪县")


@pytest.mark.parametrize("text", ["", " \n", "无。", "a\r\nb"])
def test_serving_page_meaning_of_little_is_little(home: str, text: str) -> None:
    assert explain(home, text) == {}


@settings(deadline=None, max_examples=20)
@given(text=st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_serving_page_meaning_has_the_entities_of_predict_for_any_text(home: str, text: str) -> None:
    plain, explained = (
        requests.post(f"{home}{route}", json={"text": text}, headers=WITH_TOKEN, timeout=30).json()
        for route in ("predict", "meaning")
    )
    for one in explained["entities"]:
        assert (one.pop("meaning") is None) == (one["label"] == "PERSON")
    assert explained == plain


def test_serving_page_meaning_needs_the_token(home: str) -> None:
    assert requests.post(f"{home}meaning", json={"text": TEXT}, timeout=10).status_code == 401


def test_serving_page_has_nothing_from_outside_and_says_so_to_the_browser(home: str) -> None:
    answer = requests.get(home, timeout=10)
    text, policy = answer.text, answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert re.findall(r"(?:src|href)=\"([^\"]*)", text) == ["data:,"]
    assert not re.search(r"https?://|@import|\sstyle=|\son[a-z]+=", text)
    assert len(re.findall("<(?:script|style)", text)) == policy.count("'sha256-") == 2
    assert {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "unsafe" not in policy
    assert TOKEN not in text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 — only the tests of a browser need it

    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=quiet + ["--no-sandbox"] * (os.getuid() == 0)
        )
        yield found
        found.close()


@pytest.fixture
def asked() -> list[str]:
    """The hosts of all requests, and what the browser's console has of errors."""
    return []


@pytest.fixture
def page(browser: Browser, home: str, asked: list[str], request: pytest.FixtureRequest) -> Iterator[Page]:
    options = {"viewport": {"width": 390, "height": 844}, "locale": ZH} | getattr(request, "param", {})
    made = browser.new_page(**options)
    made.on("request", lambda one: asked.append(urlsplit(one.url).netloc))
    made.on("console", lambda one: asked.append(one.text) if "Content Security" in one.text else None)
    made.on("pageerror", lambda one: asked.append(str(one)))
    made.goto(home)
    yield made
    assert set(asked) <= {urlsplit(home).netloc, ""}
    made.close()


def ask(page: Page, text: str, token: str = TOKEN) -> None:
    if page.locator("#token").is_visible():
        page.locator("#token").fill(token)
    page.locator("#input").fill(text)
    page.locator("#go").click()


@pytest.mark.browser
def test_serving_page_shows_spans_values_and_paths(page: Page) -> None:
    ask(page, TEXT)
    rows = page.locator("#rows tr")
    rows.first.wait_for()
    cells = [[cell.inner_text() for cell in row.locator("th, td").all()] for row in rows.all()]
    assert ["苍溪县", "地点", "", "四川省 › 广元市 › 苍溪县"] in cells
    assert ["王小明", "人物", "", ""] in cells
    assert ["27万元", "数量", "270,000 元", "四川省 › 广元市 › 苍溪县 (不确定)"] in cells
    assert ["30余亩", "数量", "30 亩 (余) = 20,000 m²", "四川省 › 广元市 › 苍溪县 (不确定)"] in cells
    # An astral character before it, and a line end that the text field has shortened: the marks are still true.
    marks = [mark.evaluate("one => one.firstChild.data") for mark in page.locator("#text mark").all()]
    assert marks == [row[0] for row in cells]
    assert page.locator("#status").inner_text().startswith(f"共 {len(cells)} 处")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("low", "high", "unit", "base", "shown"),
    [
        ("1", "1", "1/2", "0.5", "1/2 = 0.5"),
        ("1", "3", "1/4", "0.75", "1/4–3/4 = 0.75"),
        ("5", "5", "%", "0.05", "5 % = 0.05"),
    ],
)
def test_serving_page_writes_a_share_as_what_it_is(
    page: Page, low: str, high: str, unit: str, base: str, shown: str
) -> None:
    meaning = {"low": low, "high": high, "unit": unit, "per": "", "approx": "", "bound": "", "doubt": ""}
    meaning |= {"base_low": base, "base_high": base, "base_unit": "1"}
    assert page.evaluate("one => valueOf(one)", meaning) == shown


@pytest.mark.browser
@pytest.mark.parametrize(("text", "hints"), [("hello", 1), ("无。", 0)])
def test_serving_page_says_where_a_text_is_not_chinese(page: Page, text: str, hints: int) -> None:
    ask(page, text)
    status = page.locator("#status", has_text="共 0 处")
    status.wait_for()
    assert status.inner_text().count("没有汉字") == hints


@pytest.mark.browser
def test_serving_page_has_each_word_in_both_languages(page: Page) -> None:
    english, chinese = page.evaluate("[WORDS.en, WORDS.zh].map(one => Object.keys(one))")
    assert english == chinese
    shown = page.evaluate("[...document.querySelectorAll('[data-t]')].map(one => one.dataset.t)")
    assert set(shown) <= set(chinese)
    assert page.evaluate("document.documentElement.lang") == ZH


@pytest.mark.browser
def test_serving_page_keeps_the_token_in_memory_only(page: Page) -> None:
    ask(page, "无。")
    page.locator("#shown").wait_for()
    assert not page.locator("#gate").is_visible()
    assert page.locator("#token").input_value() == ""
    kept = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length, location.search]")
    assert kept == ["", 0, 0, ""]
    page.locator("#rows tr").first.wait_for(state="detached")
    ask(page, TEXT)
    page.locator("#rows tr").first.wait_for()
    page.reload()
    assert page.locator("#gate").is_visible()


@pytest.mark.browser
def test_serving_page_shows_markup_in_a_text_as_text(page: Page) -> None:
    text = "<img src=x onerror=alert(1)>苍溪县<script>alert(1)</script>"
    ask(page, text)
    page.locator("#shown").wait_for()
    assert page.locator("#text img, #text script").count() == 0
    shown = page.locator("#text").evaluate(
        "one => { const copy = one.cloneNode(true); copy.querySelectorAll('.tag').forEach(t => t.remove());"
        " return copy.textContent; }"
    )
    assert shown == text


@pytest.mark.browser
@pytest.mark.parametrize(
    ("page", "words"),
    [({"locale": ZH}, "令牌不对。"), ({"locale": EN}, "The token is wrong.")],
    indirect=["page"],
)
def test_serving_page_says_errors_in_words_of_the_browsers_language(page: Page, words: str) -> None:
    ask(page, TEXT, token="a-wrong-token-of-the-tests")  # noqa: S106 — it opens nothing
    page.locator("#problem").wait_for()
    assert page.locator("#words").inner_text() == words
    assert "BZ062" in page.locator("#said").inner_text()
    assert page.locator("#token").evaluate("one => one === document.activeElement")
    ask(page, " ")
    assert page.locator("#input").evaluate("one => one === document.activeElement")


@pytest.mark.browser
def test_serving_page_says_when_a_text_is_too_long_or_the_service_gone(browser: Browser, predictor: Predictor) -> None:
    page = browser.new_page(locale=ZH)
    with running(predictor, Limits(body=100)) as url:
        page.goto(url.removesuffix("predict"))
        ask(page, "长" * 100)
        page.locator("#problem").wait_for()
        assert page.locator("#words").inner_text().startswith("文本太长")
    ask(page, "短。")
    page.locator("#words", has_text="服务没有应答").wait_for()
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    "page",
    [
        {"viewport": {"width": width, "height": 844}, "color_scheme": scheme, "locale": locale}
        for width, scheme, locale in ((390, "light", ZH), (1280, "dark", EN))
    ],
    indirect=True,
)
def test_serving_page_passes_axe_and_never_scrolls_sideways(page: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 — only this test needs it

    def violations() -> list[tuple[str, str]]:
        return [(one["id"], one["nodes"][0]["html"]) for one in Axe().run(page).response["violations"]]

    assert violations() == []
    page.locator("#go").click()
    page.locator("#problem").wait_for()
    assert violations() == []
    ask(page, TEXT * 5)
    page.locator("#rows tr").first.wait_for()
    assert violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
