"""Take the README's pictures in a real headless Chromium: the report of `make run`, and the article in Doccano.

Run after `make run`, with Doccano up: .venv/bin/python docs/take_pictures.py
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from playwright.sync_api import sync_playwright

from pipeline.annotators.lac import load_lac
from pipeline.doccano.connection import connect, find_account
from pipeline.doccano.project import Setting, find_project
from pipeline.doccano.push import push
from pipeline.doccano.server import status
from pipeline.doccano.state import read_state
from pipeline.doccano.suggest import switch_on
from pipeline.labels import read_labels
from pipeline.model import read_layer, with_spans
from pipeline.serving.app import make_app
from pipeline.serving.predictor import rule_predictor
from pipeline.serving.server import address_of, bind

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURES = Path("docs/pictures")
REPORT = Path("reports/seeds/index.html")
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip
SIZES = {"desktop": (1280, 1400), "phone": (390, 844)}


def take_report(browser: Browser) -> None:
    """Take the top of the report at two widths, and the article's text with its layers."""
    for name, (width, height) in SIZES.items():
        page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
        page.goto(REPORT.resolve().as_uri())
        page.screenshot(path=PICTURES / f"report-{name}.png")
        page.close()


def take_doccano(browser: Browser) -> None:
    """Log in and take the annotator's page of a sentence with all three labels."""
    found = status(home=Path(".doccano"))
    if not found.healthy:
        sys.exit("Doccano is not up: run `biaozhu doccano up`")
    password = json.loads((found.home / "state.json").read_text(encoding="utf-8"))["password"]
    page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="zh-CN")
    page.goto(f"{found.url}/auth")
    page.get_by_label("Username").or_(page.locator("input[name=username]")).first.fill(found.username)
    page.locator("input[type=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects**")
    page.goto(f"{found.url}/projects/1/sequence-labeling?page={PAGE}")
    page.wait_for_timeout(4000)
    page.screenshot(path=PICTURES / "doccano.png")
    page.close()


PAGE = 8


def take_suggestion(browser: Browser, home: Path = Path(".doccano")) -> None:
    """Take the page right after a click on the wand: a sentence without spans gets those of the pre-annotators."""
    connection = connect(find_account(home=home))
    setting = Setting("biaozhu-suggestion", read_labels())
    sentences = [with_spans(one, ()) for one in read_layer(LAYER)][PAGE - 1 : PAGE]
    push(connection, [(LAYER.stem, sentences)], setting)
    project = find_project(connection, setting.name)
    token = secrets.token_urlsafe()
    listening = bind("127.0.0.1", 0)
    config = uvicorn.Config(make_app(rule_predictor(load_lac("small")), token=token), log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="zh-CN")
    try:
        switch_on(connection, project, url=address_of(listening), token=token, labels=setting.labels)
        state = read_state(home)
        page.goto(f"{connection.url}/auth")
        page.fill("input[name=username]", state.username)
        page.fill("input[name=password]", state.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/projects**")
        page.goto(project.url)
        page.wait_for_selector("#container text[id*=':']")
        page.locator(WAND).click()
        with page.expect_response(lambda answer: "/auto-labeling?" in answer.url):
            page.locator(".v-dialog--active .v-input--switch").click()
        page.locator(".v-dialog--active button", has_text="Close").click()
        page.wait_for_timeout(2000)
        page.screenshot(path=PICTURES / "suggestion.png")
    finally:
        page.close()
        connection.delete(f"projects/{project.id}")
        server.should_exit = True
        thread.join()


LAYER = Path("annotations/pre/handan-2020-07-02.jsonl")
WAND = '.toolbar-control button:has(path[d^="M7.5,5.6"])'  # Material Design's auto-fix; the button has no other name


def main() -> None:
    """Take all pictures into docs/pictures/."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        take_report(browser)
        take_doccano(browser)
        take_suggestion(browser)
        browser.close()


if __name__ == "__main__":
    main()
