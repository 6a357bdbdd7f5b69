"""Take the README's pictures in a real headless Chromium: the report of `make run`, and the article in Doccano.

Run after `make run`, with Doccano up: .venv/bin/python docs/take_pictures.py
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from pipeline.doccano.server import status

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


def main() -> None:
    """Take all pictures into docs/pictures/."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        take_report(browser)
        take_doccano(browser)
        browser.close()


if __name__ == "__main__":
    main()
