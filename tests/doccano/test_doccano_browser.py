"""In a real Chromium: annotators see the pre-annotations where they belong, and what they draw comes back true."""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from pipeline.doccano.project import Setting, find_project
from pipeline.doccano.pull import pull
from pipeline.doccano.push import push
from pipeline.doccano.state import read_state
from pipeline.labels import read_labels
from pipeline.model import Sentence, Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from pipeline.doccano.connection import Connection

pytestmark = [pytest.mark.server, pytest.mark.browser]
LABELS = read_labels()
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


@pytest.fixture
def page(doccano_server: Path, doccano: Connection) -> Iterator[Page]:
    """Doccano's pages, logged in as the administrator."""
    state = read_state(doccano_server)
    assert state is not None
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{doccano.url}/auth")
        page.fill("input[name=username]", state.username)
        page.fill("input[name=password]", state.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/projects**")
        yield page
        browser.close()


def open_example(page: Page, connection: Connection, setting: Setting, number: int) -> None:
    project = find_project(connection, setting.name)
    assert project is not None
    page.goto(project.url.replace("page=1", f"page={number}"))
    page.wait_for_selector("#container text[id*=':']")


@pytest.mark.parametrize("before", ["", "在", "𠮷", "😀𠮷", "e\u0301", "👨‍👩‍👧", "  ", "在\r\n", "\u200f<b>"])
def test_doccano_browser_draws_where_the_sentence_says(page: Page, doccano: Connection, before: str) -> None:
    setting = Setting(f"b-{secrets.token_hex(4)}", LABELS)
    text = f"{before}白水县的𫖯林小满有3万元"
    place, person = len(before), len(before) + 4
    sent = (Span(place, place + 3, "PLACE", "lac", 0.5),)
    push(doccano, [("draw", [Sentence("b" * 12, 0, len(text), text, sent)])], setting)
    open_example(page, doccano, setting, 1)
    assert "地点" in page.inner_text("#container")
    start, end = (len(text[:offset].encode("utf-16-le")) // 2 for offset in (person, person + 4))
    box = page.evaluate(PLACE_OF, [start, end])
    assert box["text"] == text[person : person + 4]
    with page.expect_response(
        lambda answer: answer.url.endswith("/spans") and answer.request.method == "POST"
    ) as posted:
        page.mouse.move(box["left"] + 1, box["middle"])
        page.mouse.down()
        page.mouse.move(box["right"] - 1, box["middle"], steps=8)
        page.mouse.up()
        page.locator(".v-list-item:visible", has_text="人物").last.click()
    assert posted.value.status == 201
    spans = pull(doccano, setting).sentences[0].spans
    assert spans == (*sent, Span(person, person + 4, "PERSON", "doccano"))
    assert text[person : person + 4] == "𫖯林小满"
