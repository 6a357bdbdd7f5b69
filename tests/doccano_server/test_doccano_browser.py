"""In a real Chromium: annotators see the pre-annotations where they belong, and what they draw comes back true."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from doccano_pages import PLACE_OF, draw, open_example, pages_of, press

from biaozhu.commands.doccano.specs import GUIDELINE, read_spec
from biaozhu.commands.options import LABELS as LABELS_FILE
from biaozhu.data.labels import read_labels
from biaozhu.data.model import Sentence, Span
from biaozhu.doccano.connection import Account
from biaozhu.doccano.local.state import read_state
from biaozhu.doccano.project import ProjectSpec
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from biaozhu.doccano.connection import Connection

pytestmark = [pytest.mark.server, pytest.mark.browser]
LABELS = read_labels(LABELS_FILE)


@pytest.fixture
def page(doccano_server: Path, doccano: Connection) -> Iterator[Page]:
    """Doccano's pages, logged in as the administrator."""
    state = read_state(doccano_server)
    assert state is not None
    with pages_of(Account(doccano.url, state.username, state.password)) as page:
        yield page


@pytest.mark.parametrize("before", ["", "在", "𠮷", "😀𠮷", "e\u0301", "👨‍👩‍👧", "  ", "在\r\n", "\u200f<b>"])
def test_doccano_browser_draws_where_the_sentence_says(page: Page, doccano: Connection, before: str) -> None:
    setting = ProjectSpec(f"b-{secrets.token_hex(4)}", LABELS)
    text = f"{before}白水县的𫖯林小满有3万元"
    place, person = len(before), len(before) + 4
    sent = (Span(place, place + 3, "PLACE", "lac", 0.5),)
    push(doccano, [("draw", [Sentence("b" * 12, 0, len(text), text, sent)])], setting)
    open_example(page, doccano, setting, 1)
    assert "地点" in page.inner_text("#container")
    assert draw(page, text, (person, person + 4), "人物") == text[person : person + 4]
    spans = pull(doccano, setting).sentences[0].spans
    assert spans == (*sent, Span(person, person + 4, "PERSON", "doccano"))
    assert text[person : person + 4] == "𫖯林小满"


def test_doccano_browser_shows_little_beside_the_text(page: Page, doccano: Connection) -> None:
    setting = ProjectSpec(f"b-{secrets.token_hex(4)}", LABELS)
    text = "白水县的林小满有3万元" * 8
    spans = tuple(Span(at, at + 3, "PLACE", "places", 0.98) for at in range(0, len(text), len("白水县的林小满有3万元")))
    sentence = Sentence("b" * 12, 0, len(text), text, spans)
    push(doccano, [("beside", [sentence])], setting)
    open_example(page, doccano, setting, 1)
    rows = page.locator(".v-data-table tbody tr")
    rows.nth(1).wait_for()
    shown = {row.locator("td").first.text_content(): row.is_visible() for row in rows.all()}
    assert shown == {"sid": False, "article": True, "biaozhu": False}
    assert rows.nth(1).inner_text() == "article\tbeside"


def test_doccano_browser_shows_the_guideline_with_its_picture(page: Page, doccano: Connection) -> None:
    setting = read_spec(f"b-{secrets.token_hex(4)}", LABELS_FILE, GUIDELINE)
    push(doccano, [("guide", [Sentence("d" * 12, 0, 2, "白水", ())])], setting)
    open_example(page, doccano, setting, 1)
    press(page, "Show guideline")
    picture = page.locator(".v-dialog--active img")
    picture.wait_for()
    assert picture.evaluate("one => one.complete && one.naturalWidth") == 620
    assert "先按键,再选字" in page.locator(".v-dialog--active").inner_text()


def test_doccano_browser_link_stays_chinese_through_the_login(doccano_server: Path, doccano: Connection) -> None:
    # A regression test: whoever was not logged in came to the English login, and to English pages from there.
    setting = ProjectSpec(f"b-{secrets.token_hex(4)}", LABELS)
    report = push(doccano, [("link", [Sentence("e" * 12, 0, 2, "白水", ())])], setting)
    state = read_state(doccano_server)
    assert state is not None
    with pages_of(Account(doccano.url, state.username, state.password), start=report.url) as page:
        assert "/zh/projects" in page.url
        project = page.locator("tr", has_text=setting.name)
        project.wait_for()
        assert "看完一句点左上的 ✕" in project.inner_text()


def test_doccano_browser_opens_the_link_in_chinese_and_a_key_first_labels_at_once(
    page: Page, doccano: Connection
) -> None:
    setting = ProjectSpec(f"b-{secrets.token_hex(4)}", LABELS)
    text = "白水县的林小满有3万元"
    report = push(doccano, [("link", [Sentence("c" * 12, 0, len(text), text, ())])], setting)
    page.goto(report.url)
    page.wait_for_selector("#container text[id*=':']")
    page.keyboard.press(LABELS[0].shortcut)
    box = page.evaluate(PLACE_OF, [0, 3])
    with page.expect_response(lambda answer: answer.url.endswith("/spans") and answer.request.method == "POST"):
        page.mouse.move(box["left"] + 1, box["middle"])
        page.mouse.down()
        page.mouse.move(box["right"] - 1, box["middle"], steps=8)
        page.mouse.up()
    with page.expect_response(lambda answer: answer.url.endswith("/states") and answer.request.method == "POST"):
        press(page, "未选")
    pulled = pull(doccano, setting)
    assert [span.key for span in pulled.sentences[0].spans] == [(0, 3, LABELS[0].id)]
    assert pulled.confirmed == {pulled.sentences[0].id}
