"""Live suggestions in a real Doccano: set up, asked for through its API and at a click in a real Chromium."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest
from doccano_pages import open_example, pages_of
from service import TOKEN, running

from biaozhu.annotators.network.models import load_model
from biaozhu.cli import run
from biaozhu.data.errors import RemoteError, ServiceError, UsageError
from biaozhu.data.labels import read_labels
from biaozhu.data.model import Sentence
from biaozhu.doccano.connection import find_account
from biaozhu.doccano.project import Project, ProjectSpec, find_project, switch_on, switch_to
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push
from biaozhu.serving.app import Limits
from biaozhu.serving.predictor import rule_predictor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from biaozhu.doccano.connection import Connection
    from biaozhu.serving.predictor import Predictor

pytestmark = pytest.mark.server
LABELS = read_labels()
TEXT = "𠮷日，白水县的王小明送来3万元。"
FOUND = [("白水县", "PLACE"), ("王小明", "PERSON"), ("3万元", "AMOUNT")]
WAND = '.toolbar-control button:has(path[d^="M7.5,5.6"])'  # Material Design's auto-fix; the button has no other name


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return rule_predictor(load_model("fast"))


@pytest.fixture(scope="module")
def url(predictor: Predictor) -> Iterator[str]:
    with running(predictor) as address:
        yield address


@pytest.fixture
def setting(doccano: Connection) -> ProjectSpec:
    setting = ProjectSpec(f"s-{secrets.token_hex(4)}", LABELS)
    push(doccano, [("suggest", [Sentence("b" * 12, 0, len(TEXT), TEXT)])], setting)
    return setting


def project_of(doccano: Connection, setting: ProjectSpec) -> Project:
    project = find_project(doccano, setting.name)
    assert project is not None
    return project


def configs(doccano: Connection, project: Project) -> list[dict]:
    return doccano.get(f"projects/{project.id}/auto-labeling/configs")


def ask(doccano: Connection, project: Project) -> None:
    (example,) = doccano.get(f"projects/{project.id}/examples")["results"]
    doccano.post(f"projects/{project.id}/auto-labeling?example={example['id']}", {})


def spans_of(doccano: Connection, setting: ProjectSpec) -> list[tuple[str, str]]:
    (sentence,) = pull(doccano, setting).sentences
    return [(sentence.text[span.start : span.end], span.label) for span in sentence.spans]


def test_suggest_fills_an_example_where_the_text_says(doccano: Connection, setting: ProjectSpec, url: str) -> None:
    project = project_of(doccano, setting)
    assert switch_on(project, url=url, token=TOKEN, labels=LABELS)
    ask(doccano, project)
    assert spans_of(doccano, setting) == FOUND
    ask(doccano, project)  # a second click doubles nothing
    assert spans_of(doccano, setting) == FOUND


def test_suggest_is_set_once_and_leaves_settings_of_others(doccano: Connection, setting: ProjectSpec, url: str) -> None:
    project = project_of(doccano, setting)
    other = {
        "model_name": "Custom REST Request",
        "model_attrs": {"url": url, "method": "POST", "params": {}, "headers": {}, "body": {}},
        "template": "[]",
        "label_mapping": {},
        "task_type": "Span",
    }
    doccano.post(f"projects/{project.id}/auto-labeling/configs", other)
    assert switch_on(project, url=url, token=TOKEN, labels=LABELS)
    assert not switch_on(project, url=url, token=TOKEN, labels=LABELS)
    assert len(configs(doccano, project)) == 2
    assert switch_on(project, url=url, token=TOKEN, labels=LABELS[:1])
    assert len(configs(doccano, project)) == 2
    assert switch_to(project, None)
    assert not switch_to(project, None)
    assert [one["template"] for one in configs(doccano, project)] == ["[]"]


@pytest.mark.parametrize(
    ("address", "token", "problem"),
    [
        ("http://127.0.0.1:9/predict", TOKEN, ServiceError),
        ("{url}", "another-token-of-the-tests", ServiceError),
        ("{health}", TOKEN, ServiceError),
        ("http://example.org/predict", TOKEN, UsageError),
        ("ftp://127.0.0.1/predict", TOKEN, UsageError),
        ("http://user:word@127.0.0.1/predict", TOKEN, UsageError),
    ],
)
def test_suggest_sets_nothing_that_does_not_work(
    doccano: Connection, setting: ProjectSpec, url: str, address: str, token: str, problem: type[Exception]
) -> None:
    project = project_of(doccano, setting)
    address = address.format(url=url, health=url.replace("/predict", "/health"))
    with pytest.raises(problem) as said:
        switch_on(project, url=address, token=token, labels=LABELS)
    assert len(str(said.value).splitlines()) == 1
    assert token not in str(said.value)
    assert configs(doccano, project) == []


def test_suggest_takes_no_error_for_a_text_without_entities(
    doccano: Connection, setting: ProjectSpec, predictor: Predictor
) -> None:
    project = project_of(doccano, setting)
    with running(predictor, Limits(body=60)) as address:  # enough for the trial, and not for the example
        switch_on(project, url=address, token=TOKEN, labels=LABELS)
        with pytest.raises(RemoteError, match="Doccano says 500"):
            ask(doccano, project)
    with pytest.raises(RemoteError, match="Doccano says 500"):
        ask(doccano, project)  # the service is gone


def test_suggest_command_says_what_changed(
    doccano: Connection,  # noqa: ARG001 — it must run
    doccano_server: Path,
    setting: ProjectSpec,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BIAOZHU_TOKEN", TOKEN)
    common = ["--project", setting.name, "--home", str(doccano_server), "--json"]
    for switch, changed in (("on", True), ("on", False), ("off", True), ("off", False)):
        assert run(["doccano", "suggest", switch, *common, *(["--url", url] if switch == "on" else [])]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert row == {"project": setting.name, "suggestions": switch, "changed": changed}
    assert run(["doccano", "suggest", "on", "--project", "no-such", "--home", str(doccano_server)]) == 2
    assert capsys.readouterr().err.startswith("BZ034 ")


def click_the_wand(page: Page) -> None:
    names = [label.name for label in LABELS]
    assert not any(name in page.inner_text("#container") for name in names)
    page.locator(WAND).click()
    with page.expect_response(lambda answer: "/auto-labeling?" in answer.url) as asked:
        page.locator(".v-dialog--active .v-input--switch").click()
    assert asked.value.status == 201
    page.locator(".v-dialog--active button", has_text="Close").click()
    for name in names:
        page.locator("#container").get_by_text(name, exact=True).first.wait_for()


@pytest.mark.browser
def test_suggest_shows_spans_at_a_click(
    doccano: Connection, doccano_server: Path, setting: ProjectSpec, url: str
) -> None:
    project = project_of(doccano, setting)
    switch_on(project, url=url, token=TOKEN, labels=LABELS)
    with pages_of(find_account(home=doccano_server)) as page:
        open_example(page, doccano, setting, 1)
        click_the_wand(page)
    assert spans_of(doccano, setting) == FOUND
