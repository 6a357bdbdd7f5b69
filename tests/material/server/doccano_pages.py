"""Doccano's pages in a real Chromium, used as a person would."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from biaozhu.doccano.project import ProjectSpec, find_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from biaozhu.doccano.connection import Account, Connection

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Where a stretch of the shown text is on the page. Each line is a <text> whose id is its UTF-16 offsets, `from:to`.
PLACE_OF = """([from, to]) => {
    for (const line of document.querySelectorAll('#container text[id*=":"]')) {
        const [first, last] = line.id.split(':').map(Number);
        if (from < first || to > last) continue;
        const range = document.createRange();
        range.setStart(line.firstChild, from - first);
        range.setEnd(line.firstChild, to - first);
        const box = range.getBoundingClientRect();
        return {left: box.left, right: box.right, middle: (box.top + box.bottom) / 2, text: range.toString()};
    }
    return null;
}"""


@contextmanager
def pages_of(account: Account, *, start: str = "") -> Iterator[Page]:
    """A window that is logged in, from a link or from the login's own page."""
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(start or f"{account.url}/auth")
        page.fill("input[name=username]", account.username)
        page.fill("input[name=password]", account.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/projects**")
        yield page
        browser.close()


def open_example(page: Page, connection: Connection, setting: ProjectSpec, number: int) -> None:
    project = find_project(connection, setting.name)
    assert project is not None
    page.goto(project.url.replace("/zh/", "/").replace("page=1", f"page={number}"))
    page.wait_for_selector("#container text[id*=':']")


def draw(page: Page, text: str, place: tuple[int, int], label: str) -> str:
    """Draw a span with the mouse, at code points of the text; return what the page shows there."""
    start, end = (len(text[:offset].encode("utf-16-le")) // 2 for offset in place)
    box = page.evaluate(PLACE_OF, [start, end])
    with page.expect_response(
        lambda answer: answer.url.endswith("/spans") and answer.request.method == "POST"
    ) as posted:
        page.mouse.move(box["left"] + 1, box["middle"])
        page.mouse.down()
        page.mouse.move(box["right"] - 1, box["middle"], steps=8)
        page.mouse.up()
        page.locator(".v-list-item:visible", has_text=label).last.click()
    assert posted.value.status == 201
    return str(box["text"])


def comment(page: Page, text: str) -> str:
    """Write a comment on the example that is open; return what stood in the window of comments before."""
    press(page, "Click to comment on document")
    window = page.locator(".v-dialog--active")
    window.locator(".v-card__text.body-1").first.wait_for()
    before = window.inner_text()
    window.locator("textarea").fill(text)
    with page.expect_response(lambda answer: "/comments" in answer.url and answer.request.method == "POST"):
        window.get_by_role("button").filter(has_text="Send").click()
    window.get_by_role("button").filter(has_text="Close").click()
    window.wait_for(state="hidden")
    return before


def confirm(page: Page) -> None:
    """Mark the example that is open as done."""
    with page.expect_response(lambda answer: answer.url.endswith("/states") and answer.request.method == "POST"):
        press(page, "Not Checked")


def press(page: Page, hint: str) -> None:
    """Press the button of the toolbar that shows this hint."""
    buttons = page.locator(".v-toolbar .v-btn--icon:visible")
    for number in range(buttons.count()):
        buttons.nth(number).hover()
        shown = page.locator(".v-tooltip__content.menuable__content__active", has_text=hint)
        page.wait_for_timeout(400)
        if shown.count():
            buttons.nth(number).click()
            return
    raise AssertionError(hint)
