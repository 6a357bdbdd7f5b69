"""Take the README's pictures in a real headless Chromium: the report of `make run`, and Doccano's pages.

Run after `make run`, with Doccano up: .venv/bin/python docs/take_pictures.py [--home HOME] [PICTURE…]

The pictures of Doccano are of projects that are made for them and removed afterwards. What the adjudicator's page
shows is invented.
"""

from __future__ import annotations

import argparse
import re
import secrets
import shutil
import threading
from base64 import b64encode
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from biaozhu.annotators.network.models import ACCURATE, load_model
from biaozhu.commands.options import LOCAL
from biaozhu.curation.adjudication import Dispute
from biaozhu.data.errors import RemoteError, ServerError
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import read_layer
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.doccano.adjudication_project import ask_adjudicator
from biaozhu.doccano.connection import Account, connect
from biaozhu.doccano.local.server import get_status
from biaozhu.doccano.local.state import read_state
from biaozhu.doccano.project import ProjectSpec, find_project, require_project, switch_on
from biaozhu.doccano.push import push
from biaozhu.serving.app import make_app
from biaozhu.serving.predictor import rule_predictor
from biaozhu.serving.server import address_of, bind, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import Project

PICTURES = Path("docs/pictures")
REPORT = Path("reports/seeds/index.html")
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip
SIZES = {"desktop": (1280, 1400), "phone": (390, 844)}


LAYER = Path("annotations/pre/handan-2020-07-02.jsonl")
PAGE = 8
# Icons of Material Design; the buttons have no other name.
WAND = '.toolbar-control button:has(path[d^="M7.5,5.6"])'
# Where a stretch of the shown text is: each line is a <text> whose id is its offsets.
PLACE_OF = """([from, to]) => {
    const line = document.querySelector('#container text[id*=":"]'), range = document.createRange();
    range.setStart(line.firstChild, from);
    range.setEnd(line.firstChild, to);
    const {left, right, top, bottom} = range.getBoundingClientRect();
    return {left, right, top, bottom};
}"""
COMMENTS = '.toolbar-control button:has(path[d^="M20,2H4A2"])'

INVENTED = "去年,云溪县桃林镇柳湾村的林小满种了三十亩猕猴桃,带动约200户村民增收12万元。"
ANNA = (
    "云溪县 PLACE",
    "桃林镇 PLACE",
    "柳湾村 PLACE",
    "林小满 PERSON",
    "三十亩 AMOUNT",
    "200户 AMOUNT",
    "12万元 AMOUNT",
)
BEN = (
    "云溪县 PLACE",
    "桃林镇柳湾村 PLACE",
    "林小满 PERSON",
    "三十亩 AMOUNT",
    "约200户 AMOUNT",
    "12万元 AMOUNT",
)


def take_report(browser: Browser) -> None:
    """Take the top of the report at two widths, and the article's text with its layers."""
    for name, (width, height) in SIZES.items():
        page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
        page.goto(REPORT.resolve().as_uri())
        page.screenshot(path=PICTURES / f"report-{name}.png")
        page.close()


def take_service(browser: Browser) -> None:
    """Take the page of `biaozhu serve` with its own example."""
    with service() as (url, token):
        page = browser.new_page(viewport={"width": 1000, "height": 1090}, locale="zh-CN")
        page.goto(url.removesuffix("predict"))
        page.fill("#token", token)
        page.click("#example")
        page.click("#go")
        page.locator("#rows tr").first.wait_for()
        page.screenshot(path=PICTURES / "serve.png")
        page.close()


def take_doccano(browser: Browser, connection: Connection, account: Account) -> None:
    """Take the annotator's page of a sentence with all three labels."""
    with made_for_it(connection, "biaozhu-annotation") as setting:
        push(connection, [(LAYER.stem, read_layer(LAYER))], setting)
        with example(browser, account, require_project(connection, setting.name), PAGE) as page:
            page.wait_for_timeout(2000)
            page.screenshot(path=PICTURES / "doccano.png")


def take_annotating(browser: Browser, connection: Connection, account: Account) -> None:
    """Take the guideline's picture: a key and a stroke, the label, the confirmation, one step under the other."""
    text = "柳湾村的林小满种了30亩猕猴桃。"
    spans = (Span(0, 3, "PLACE", "lac"), Span(4, 7, "PERSON", "lac"))
    sentence = Sentence(sha256(text.encode()).hexdigest()[:12], 0, len(text), text, spans)
    steps: list[tuple[str, bytes]] = []
    with made_for_it(connection, "biaozhu-annotating") as setting:
        push(connection, [("orchard", [sentence])], setting)
        project = require_project(connection, setting.name)
        with example(browser, account, project, 1, width=1000, height=420) as page:
            start, end = text.index("30亩"), text.index("猕猴桃")
            box = page.evaluate(PLACE_OF, [start, end])
            middle = (box["top"] + box["bottom"]) / 2
            page.keyboard.press("s")
            page.mouse.move(box["left"] + 1, middle)
            page.mouse.down()
            page.mouse.move(box["right"] - 1, middle, steps=8)
            steps.append(("① 按一下 s,再划过文字", clip(page)))
            page.mouse.up()
            steps.append(("② 松手就标上了", clip(page)))
            page.locator(".toolbar-control button").first.click()
            page.mouse.move(500, 350)
            steps.append(("③ 看完点 ✕,变成 ✓", clip(page)))
    page = browser.new_page(viewport={"width": 620, "height": 420})
    page.set_content(
        "<style>body{margin:0;font:18px 'Noto Sans CJK SC',sans-serif}div{display:flex;align-items:center;height:140px;"
        "border-bottom:1px solid #ccc}p{width:190px;margin:0 14px}img{border-left:1px solid #ccc}</style>"
        + "".join(
            f'<div><p>{words}</p><img src="data:image/png;base64,{b64encode(picture).decode()}"></div>'
            for words, picture in steps
        )
    )
    shown = Image.open(BytesIO(page.screenshot())).convert("RGB")
    page.close()
    # Few colours: Doccano sends the guideline, and this in it, with every list of projects.
    shown.quantize(32).save(PICTURES / "annotating.png", optimize=True)


def clip(page: Page) -> bytes:
    """Return a picture of the toolbar's beginning and of the text."""
    page.wait_for_timeout(1200)
    return page.screenshot(clip={"x": 8, "y": 72, "width": 390, "height": 138})


def take_adjudication(browser: Browser, connection: Connection, account: Account) -> None:
    """Take the adjudicator's page: the agreed spans in the text, and in the comments what each annotator holds."""
    dispute = Dispute([_invented(ANNA, "anna")], [_invented(BEN, "ben")], ("anna", "ben"))
    with made_for_it(connection, "biaozhu-adjudication") as setting:
        ask_adjudicator(connection, dispute, setting, home=Path())
        # High enough for the window of comments not to cover the text.
        with example(browser, account, require_project(connection, setting.name), 1, height=1120) as page:
            page.locator(COMMENTS).click()
            page.locator(".v-dialog--active .v-card__text").first.wait_for()
            page.wait_for_timeout(2000)
            page.screenshot(path=PICTURES / "adjudication.png")


def take_suggestion(browser: Browser, connection: Connection, account: Account) -> None:
    """Take the page right after a click on the wand: a sentence without spans gets those of the pre-annotators."""
    with service() as (url, token), made_for_it(connection, "biaozhu-suggestion") as setting:
        sentences = [with_spans(one, ()) for one in read_layer(LAYER)][PAGE - 1 : PAGE]
        push(connection, [(LAYER.stem, sentences)], setting)
        project = require_project(connection, setting.name)
        switch_on(project, url=url, token=token, labels=setting.labels)
        with example(browser, account, project, 1) as page:
            page.locator(WAND).click()
            with page.expect_response(lambda answer: "/auto-labeling?" in answer.url):
                page.locator(".v-dialog--active .v-input--switch").click()
            page.locator(".v-dialog--active button", has_text=re.compile("Close|关闭")).click()
            page.wait_for_timeout(2000)
            page.screenshot(path=PICTURES / "suggestion.png")


@contextmanager
def service() -> Iterator[tuple[str, str]]:
    """Run the service as `biaozhu serve` does by default; the address of /predict and the token."""
    token = secrets.token_urlsafe()
    listening = bind("127.0.0.1", 0)
    listen(listening)
    config = uvicorn.Config(make_app(rule_predictor(load_model(ACCURATE)), token=token), log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield address_of(listening), token
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def made_for_it(connection: Connection, name: str) -> Iterator[ProjectSpec]:
    """A project to be made, removed afterwards."""
    if find_project(connection, name):
        raise SystemExit(RemoteError(f"there is a project {name!r}", next_step="Rename or remove it"))
    try:
        yield ProjectSpec(name, read_labels())
    finally:
        made = find_project(connection, name)
        if made:
            connection.delete(f"projects/{made.id}")


@contextmanager
def example(
    browser: Browser,
    account: Account,
    project: Project,
    number: int,
    *,
    width: int = 1280,
    height: int = 860,
) -> Iterator[Page]:
    """A window that is logged in and shows one example of the project."""
    page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
    try:
        page.goto(f"{account.url}/auth")
        page.fill("input[name=username]", account.username)
        page.fill("input[name=password]", account.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/projects**")
        page.goto(project.url.replace("page=1", f"page={number}"))
        page.wait_for_selector("#container text[id*=':']")
        yield page
    finally:
        page.close()


def _invented(keys: tuple[str, ...], source: str) -> Sentence:
    found = [(INVENTED.index(text), text, label) for text, label in map(str.split, keys)]
    spans = tuple(Span(at, at + len(text), label, source) for at, text, label in found)
    return Sentence(sha256(INVENTED.encode()).hexdigest()[:12], 0, len(INVENTED), INVENTED, spans)


def find_running(home: Path) -> Account:
    """Return the administrator's account of the Doccano of this folder, which must be up."""
    state = read_state(home)
    if state is None or not get_status(home=home).healthy:
        raise SystemExit(ServerError("Doccano is not up", next_step="Run `biaozhu doccano up`"))
    return Account(state.url, state.username, state.password)


ALONE = {"report": take_report, "serve": take_service}
TAKEN = {
    "annotating": take_annotating,
    "doccano": take_doccano,
    "adjudication": take_adjudication,
    "suggestion": take_suggestion,
}


def main() -> None:
    """Take all pictures, or the named ones, into docs/pictures/."""
    parser = argparse.ArgumentParser()
    names = [*ALONE, *TAKEN]
    parser.add_argument("pictures", nargs="*", choices=names, default=names)
    parser.add_argument("--home", type=Path, default=LOCAL, help="of the Doccano that is up")
    options = parser.parse_args()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        for name in options.pictures:
            if name in ALONE:
                ALONE[name](browser)
            else:
                account = find_running(options.home)
                TAKEN[name](browser, connect(account), account)
        browser.close()


if __name__ == "__main__":
    main()
