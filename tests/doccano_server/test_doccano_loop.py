"""Against a real Doccano: a loop goes a whole round, stops where people must act, and goes on."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest
from doccano_cli import run
from doccano_people import Person
from training_material import made_article, small_project

from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import with_spans
from biaozhu.doccano.project import require_project
from biaozhu.doccano.remote import list_examples

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.doccano.connection import Connection

pytestmark = pytest.mark.server


def test_loop_goes_round_and_waits_for_people(doccano: Connection, doccano_server: Path, tmp_path: Path) -> None:
    config, truth = small_project(tmp_path)
    by_id = {one.id: one for one in read_layer(truth)}
    pool, folder = tmp_path / "pool" / "pool.jsonl", tmp_path / f"loop-{secrets.token_hex(3)}"
    write_layer(pool, [with_spans(one, ()) for one in by_id.values()])
    _, tested = made_article(tmp_path)
    write_layer(tmp_path / "test.jsonl", tested)
    names = [f"{name}-{secrets.token_hex(3)}" for name in ("ann", "bo")]
    first = run(
        doccano_server,
        *("loop", folder, "--pool", pool.parent, "--annotators", ",".join(names)),
        *("--config", config, "-n", 40, "--test", tmp_path / "test.jsonl"),
    )
    assert first.returncode == 1, first.stderr
    # The random fifth: no span of the pool has a score.
    chosen = [by_id[one.id] for one in read_layer(folder / "round-01" / "chosen.jsonl")]
    assert len(chosen) == 8
    # Nobody has confirmed anything.
    assert run(doccano_server, "loop", folder).returncode == 1
    project = f"{folder.name}-01"
    disputed = next(one for one in chosen if one.spans)
    layers = (chosen, [with_spans(one, one.spans[1:]) if one is disputed else one for one in chosen])
    for name, layer in zip(names, layers, strict=True):
        write_layer(tmp_path / name / "work.jsonl", layer)
        work = ("project", "enter", tmp_path / name, "--annotator", name, "--project", project)
        assert run(doccano_server, *work).returncode == 0
    asks = run(doccano_server, "loop", folder)
    assert asks.returncode == 1, asks.stderr
    assert json.loads((folder / "loop.json").read_text("utf-8"))["step"] == "adjudicate"
    assert run(doccano_server, "loop", folder).returncode == 1
    judge = Person(doccano, require_project(doccano, f"{project}-adjudication"))
    example = list_examples(judge.project)[disputed.id]["id"]
    judge.comment(example, "P6 没有专名")
    judge.confirm(example)
    last = run(doccano_server, "loop", folder)
    assert last.returncode == 0, last.stderr
    gold = read_layer(folder / "gold" / "round-01.jsonl")
    assert [[span.key for span in one.spans] for one in gold] == [[span.key for span in one.spans] for one in layers[1]]
    assert (folder / "gold" / "MANIFEST.json").is_file()
    state = json.loads((folder / "loop.json").read_text("utf-8"))
    assert (state["round"], state["step"], len(state["f1"])) == (2, "select", 1)
