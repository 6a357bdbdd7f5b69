"""Frozen gold: every command refuses what its manifest does not say, and passes over the manifests of others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from scoring_layers import marked
from training_material import SMALL_CONFIG

from biaozhu.cli import list_all_commands, run
from biaozhu.commands.help_pages import list_commands
from biaozhu.curation.frozen import freeze_gold
from biaozhu.curation.status import SentenceStatus, write_status
from biaozhu.data.errors import DuplicateError, FrozenError, MissingFileError
from biaozhu.data.layers import read_layer, read_layers, write_layer
from biaozhu.data.storage.layer_stream import stream_layer
from biaozhu.scoring.value_scores import GoldValue, read_gold_lines

GOLD = [marked("[清河镇|PLACE]的[王小明|PERSON]种桃"), marked("[桃源村|PLACE]种了[三亩|AMOUNT]桃", start=20)]
LABELS = Path(__file__).parents[2] / "configs" / "labels.toml"
# All that `--gold` is an option of, and some that are given gold as a layer.
COMMANDS = [
    "evaluate --gold gold --layer pre.jsonl -o out",
    "evaluate --gold gold --layer pre.jsonl --missing empty -o out",
    "evaluate --gold gold/x.jsonl --layer pre.jsonl --stream --labels labels.toml -o out",
    "compare pre.jsonl other.jsonl --gold gold -o out",
    "train small.cfg --gold gold -o out",
    "train small.cfg --gold gold/x.jsonl -o out",
    "train small.cfg --set paths.train=gold/x.jsonl -o out",
    "train small.cfg --gold pre.jsonl --score gold -o out",
    "crossval small.cfg --gold gold --article x.txt -o out.jsonl",
    "curve small.cfg --gold gold --article x.txt -o out",
    "report --gold gold --layer pre.jsonl -o out",
    "bias layers --gold gold -o out",
    "run articles --gold gold",
    "agree gold pre.jsonl -o out",
    "adjudicate gold pre.jsonl -o out.jsonl",
    "doubt gold -o out.jsonl",
    "select gold/x.jsonl -n 1 -o out.jsonl",
    "select pre.jsonl --against gold -n 1 -o out.jsonl",
    "export gold -f conll -o out",
    "table x.txt --layer gold -o out.csv",
]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with frozen gold of which a file was changed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LANG", raising=False)
    write_layer(Path("gold/x.jsonl"), GOLD)
    freeze_gold(Path("gold"))
    text = Path("gold/x.jsonl").read_text("utf-8")
    Path("gold/x.jsonl").write_text(text.replace("PERSON", "PLACE"), "utf-8")
    write_layer(Path("pre.jsonl"), GOLD)
    write_layer(Path("other.jsonl"), GOLD)
    (tmp_path / "articles").mkdir()
    for path in ("x.txt", "articles/x.txt"):
        Path(path).write_text("清河镇的王小明种桃\n桃源村种了三亩桃\n", "utf-8")
    shutil.copy(LABELS, "labels.toml")
    Path("small.cfg").write_text(SMALL_CONFIG, "utf-8")
    write_layer(Path("layers/x.jsonl"), GOLD)
    statuses = [SentenceStatus(one.id, "confirmed", (), None, "anna", "2024-05-06T07:08:09") for one in GOLD]
    write_status(Path("layers/x.status.json"), "x", "anna", statuses)
    return tmp_path


def test_manifest_knows_each_command_that_takes_gold() -> None:
    taking = {
        path
        for path, one in list_commands(list_all_commands())
        if any("--gold" in parameter.opts for parameter in one.params)
    }
    assert taking <= {line.split()[0] for line in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_manifest_changed_gold_is_refused_by_every_command(
    workplace: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(workplace.rglob("*"))
    assert run(command.split()) == 2
    assert "BZ040 gold/x.jsonl" in capsys.readouterr().err
    assert set(workplace.rglob("*")) == before


@pytest.mark.usefixtures("workplace")
def test_manifest_changed_gold_can_be_looked_at_and_frozen_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gold", "diff", "pre.jsonl", "gold", "--json"]) == 1
    assert {change["change"] for change in json.loads(capsys.readouterr().out)} == {"removed", "added"}
    assert run(["gold", "freeze", "gold"]) == 0
    assert run(["evaluate", "--gold", "gold", "--layer", "pre.jsonl", "--resamples", "200"]) == 0


def test_manifest_names_gold_that_is_gone_or_new(tmp_path: Path) -> None:
    for name in ("x", "y"):
        write_layer(tmp_path / f"{name}.jsonl", [marked("没有名字", start=20 * (name == "y"))])
    freeze_gold(tmp_path)
    (tmp_path / "x.jsonl").rename(tmp_path / "z.jsonl")
    with pytest.raises(FrozenError) as caught:
        read_layers([tmp_path])
    assert caught.value.where == str(tmp_path / "x.jsonl")
    for read in (read_layer, lambda path: list(stream_layer(path, labels=None))):
        with pytest.raises(FrozenError) as caught:
            read(tmp_path / "z.jsonl")
        # A new file has nothing that could be restored.
        assert f"`biaozhu gold freeze {tmp_path}`" in caught.value.next_step
    assert len(read_layer(tmp_path / "y.jsonl")) == 1


def test_manifest_says_how_frozen_gold_is_decided_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("anna", "ben"):
        write_layer(Path(name) / "x.jsonl", [marked("没有名字")])
    adjudicate, freeze = (
        ["adjudicate", "anna", "ben", "--decisions", "no.jsonl", "-o", "new"],
        ["gold", "freeze", "new"],
    )
    Path("no.jsonl").touch()
    assert [run(adjudicate), run(freeze)] == [0, 0]
    capsys.readouterr()
    assert run(adjudicate) == 2
    said = capsys.readouterr().err
    assert said.startswith("BZ008 new/x.jsonl: ")
    assert "new/MANIFEST.json" in said
    Path("new/MANIFEST.json").unlink()
    assert [run(adjudicate), run(freeze)] == [0, 0]
    capsys.readouterr()
    assert run(["gold", "check", "new", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"x.jsonl"}


@pytest.mark.parametrize(
    ("manifest", "is_read"),
    [
        ('{"files": ["x.jsonl"], "articles": 1}', True),
        ('{"files": {"x.jsonl": "0"}}', True),
        ("{}", False),
        ("{", False),
        ("[]", False),
        ("", False),
    ],
)
def test_manifest_of_another_program_is_passed_over(tmp_path: Path, manifest: str, is_read: bool) -> None:  # noqa: FBT001 — pytest gives it
    write_layer(tmp_path / "x.jsonl", GOLD)
    (tmp_path / "MANIFEST.json").write_text(manifest, "utf-8")
    if is_read:
        assert read_layers([tmp_path]) == tuple(GOLD)
    else:
        with pytest.raises(FrozenError):
            read_layers([tmp_path])


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found | {"note": "x"},
        lambda found: {"files": found["files"]},
        lambda found: {"schema": found["schema"]},
        lambda found: found | {"schema": "1"},
    ],
)
def test_manifest_with_a_key_too_many_or_too_few_still_freezes(
    tmp_path: Path, change: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    # A regression test: changed gold beside it was read, and its file taken for an output.
    gold, manifest = tmp_path / "x.jsonl", tmp_path / "MANIFEST.json"
    write_layer(gold, GOLD)
    freeze_gold(tmp_path)
    manifest.write_text(json.dumps(change(json.loads(manifest.read_text("utf-8")))), "utf-8")
    write_layer(gold, GOLD[:1])
    with pytest.raises(FrozenError):
        read_layer(gold)
    assert run(["gold", "check", str(tmp_path)]) == 2
    assert run(["gold", "freeze", str(tmp_path)]) == 0
    assert read_layer(gold) == tuple(GOLD[:1])


def test_manifest_of_gold_with_a_sentence_in_two_files_is_not_written(tmp_path: Path) -> None:
    # A regression test: it was frozen, and then no command could read the folder.
    for name in ("x", "y"):
        write_layer(tmp_path / f"{name}.jsonl", GOLD)
    with pytest.raises(DuplicateError):
        freeze_gold(tmp_path)
    assert not (tmp_path / "MANIFEST.json").exists()


@pytest.mark.parametrize("name", ["values/x.jsonl", "places/x.jsonl", "about.toml"])
def test_manifest_has_what_is_beside_the_gold(tmp_path: Path, name: str) -> None:
    # A regression test: `gold check` found these files, which scores rest on, as they were, whatever was changed.
    write_layer(tmp_path / "x.jsonl", GOLD)
    beside = tmp_path / name
    beside.parent.mkdir(exist_ok=True)
    beside.write_text("# one\n", "utf-8")
    freeze_gold(tmp_path)
    check = ["gold", "check", str(tmp_path)]
    assert run(check) == 0
    beside.write_text("# other\n", "utf-8")
    assert run(check) == 2
    if beside.suffix == ".jsonl":
        with pytest.raises(FrozenError):
            read_gold_lines(beside.parent, GOLD, GoldValue)
    beside.unlink()
    assert run(check) == 2


def test_manifest_of_another_program_above_the_folder_is_passed_over(tmp_path: Path) -> None:
    # A regression test: no layer in a folder below one that could not be read as ours was read.
    (tmp_path / "MANIFEST.json").write_text("[]", "utf-8")
    write_layer(tmp_path / "layers" / "x.jsonl", GOLD)
    assert read_layer(tmp_path / "layers" / "x.jsonl") == tuple(GOLD)


def test_manifest_changed_gold_is_refused_through_a_link_from_elsewhere(tmp_path: Path) -> None:
    # A regression test: the manifest was looked for beside the link alone.
    gold, link = tmp_path / "gold" / "x.jsonl", tmp_path / "link.jsonl"
    write_layer(gold, GOLD)
    freeze_gold(gold.parent)
    link.symlink_to(gold)
    assert read_layer(link) == tuple(GOLD)
    write_layer(gold, GOLD[:1])
    with pytest.raises(FrozenError):
        read_layer(link)


def test_manifest_diff_of_a_folder_without_gold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_layers([tmp_path])
    assert run(["gold", "diff", str(tmp_path), str(tmp_path)]) == 2
