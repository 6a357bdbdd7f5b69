"""Label Studio's tasks: which of their data is the text, and whose spans are taken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import FormatError
from biaozhu.formats.convert import import_documents, read_documents

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.formats.convert import ImportedLayer


def read(path: Path, tasks: list[dict]) -> ImportedLayer:
    path.write_text(json.dumps(tasks), "utf-8")
    return import_documents(read_documents(path, "labelstudio", names={}, renamed={}))


def task_about(*targets: object, start: object = 0, end: object = 2, **data: str) -> dict:
    value = {"start": start, "end": end, "labels": ["LOC"] if targets else []}
    results = [{"type": "labels", "to_name": one, "value": value} for one in targets or [None]]
    return {"id": 1, "data": data, "annotations": [{"result": results}]}


@pytest.mark.parametrize(
    ("tasks", "kept", "lost"),
    [
        ([task_about("title", title="白水白水", text="在白水县")], 0, 1),
        ([task_about("text2", "text", text="白水县")], 1, 1),
        ([task_about("t", text="白水县", url="x"), task_about(None, text="白水")], 2, 0),
        ([task_about("t", text="白水县"), task_about("u", text="白水")], 0, 2),
        ([task_about("text", body="白水县", audio="https://x.example/a.mp3")], 1, 0),
        ([task_about("text", text="白水县", start="0", end=2.0)], 1, 0),
        ([task_about(text="白水县")], 0, 1),
        ([task_about("text", text="白水县"), task_about("text", text="白水县", end=3)], 1, 1),
        ([task_about("text", text="白水县"), task_about("text", text="白水县")], 1, 0),
    ],
)
def test_formats_labelstudio_takes_spans_of_its_text_alone(
    tmp_path: Path, tasks: list[dict], kept: int, lost: int
) -> None:
    imported = read(tmp_path / "a", tasks)
    assert [span.label for one in imported.sentences for span in one.spans] == ["LOC"] * kept
    assert [(one.severity, one.start, one.end >= 2) for one in imported.entries] == [("loss", 0, True)] * lost


@pytest.mark.parametrize(
    "task", [task_about(None, audio="https://x.example/a.mp3"), task_about(None, url="/data/upload/录音.mp3"), task_about(None, title="白水")]
)  # fmt: skip
def test_formats_labelstudio_refuses_what_is_no_text_of_the_file(tmp_path: Path, task: dict) -> None:
    with pytest.raises(FormatError):
        read(tmp_path / "a", [task_about("text", text="白水县"), task])
