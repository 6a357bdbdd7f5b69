"""A project and its labels are made once, whoever else makes them at the same moment."""

from __future__ import annotations

import json

import pytest
from doccano_answers import Answers, serving

from biaozhu.data.errors import RemoteError
from biaozhu.data.labels import Label
from biaozhu.doccano.connection import Account, connect
from biaozhu.doccano.project import ProjectSpec, ensure_project

LABEL = Label("PLACE", "地点", "#123456", "p", "…")
PROJECT = {"id": 3, "name": "x", "project_type": "SequenceLabeling", "collaborative_annotation": True}
THEIRS = {"id": 9, "text": "地点", "suffix_key": "p", "background_color": "#123456", "prefix_key": None}
LISTED = (200, json.dumps({"results": [PROJECT], "next": None}))
NO_LABELS, LABELS = (200, "[]"), (200, json.dumps([THEIRS]))
REFUSED = (400, '["Duplicate shortcut key"]')


def test_project_takes_a_label_that_another_push_has_made_meanwhile() -> None:
    with serving() as url:
        connection = connect(Account(url, token="x" * 40))
        Answers.plan += [LISTED, NO_LABELS, NO_LABELS, NO_LABELS, REFUSED, LABELS, LABELS]
        project = ensure_project(connection, ProjectSpec("x", [LABEL]))
        assert project.label_types == {"地点": 9}
        assert [method for method, *_ in Answers.asked].count("POST") == 1


@pytest.mark.parametrize(("there", "changed"), [("old", True), ("new", False)])
def test_project_tells_whether_its_guideline_is_another(there: str, *, changed: bool) -> None:
    with serving() as url:
        connection = connect(Account(url, token="x" * 40))
        Answers.plan += [LISTED, LABELS, (200, json.dumps({**PROJECT, "guideline": there}))]
        Answers.plan += [*[(200, "{}")] * changed, LABELS]
        project = ensure_project(connection, ProjectSpec("x", [LABEL], guideline="new"))
        assert project.guideline_changed is changed


def test_project_reports_a_label_that_the_server_refuses() -> None:
    with serving() as url:
        connection = connect(Account(url, token="x" * 40))
        Answers.plan += [LISTED, NO_LABELS, NO_LABELS, NO_LABELS, REFUSED, NO_LABELS]
        with pytest.raises(RemoteError):
            ensure_project(connection, ProjectSpec("x", [LABEL]))
