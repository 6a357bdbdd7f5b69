"""Outputs that would destroy an input or a file of another kind: refused with BZ008, status 2, nothing touched."""

from __future__ import annotations

import csv
import hashlib
import html
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bad_files import ARTICLE, good_layer, refuse, snapshot, write_all

from biaozhu.cli import run
from biaozhu.curation.frozen import freeze_gold
from biaozhu.data.errors import OutputError, WriteError
from biaozhu.data.layers import write_layer
from biaozhu.data.ledger import Entry, write_ledger
from biaozhu.data.outputs import ARTICLE_SUFFIXES, PAGE_POLICY, check_output, check_output_folder
from biaozhu.normalization.table import neutralize_cell
from biaozhu.reading import article as reading_article
from biaozhu.scale.shards import find_own_files
from recipes.base.export import check_model_folder

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = json.dumps({"name": "one", "text": ARTICLE}, ensure_ascii=False).encode() + b"\n"
SCORED = "--gold good.jsonl --layer a=good.jsonl"
CROSSVAL = "crossval good.cfg --gold good.jsonl --article good.txt --at-least 1"
# The output is an input, or lies among them.
ON_AN_INPUT = (
    "preannotate in.jsonl -o in.jsonl",
    "preannotate x.failed.jsonl -o x.jsonl",
    "preannotate in.jsonl -o {link}.jsonl",
    "preannotate corpus --shards corpus",
    "preannotate corpus/part-00000.jsonl.gz --shards corpus",
    "preannotate gold -j 2 -o gold/new.jsonl",
    "preannotate named -o named",
    "split good.txt -o good.txt",
    "split named -o named/new.txt",
    "split good.txt -o {link}.txt",
    "split good.txt --text good.txt -o out.jsonl",
    "read good.txt --text {link}.txt",
    "select good.jsonl -n 1 --random 1 -o good.jsonl",
    "select 'go*.jsonl' -n 1 --random 1 -o {link}.layer.jsonl",
    "predict model good.jsonl -o good.jsonl",
    "predict model good.txt --keep good.jsonl -o good.jsonl",
    f"evaluate {SCORED} -o good.jsonl",
    f"evaluate {SCORED} -o {{link}}.layer.jsonl",
    f"evaluate {SCORED} --article good.txt -o good.txt",
    "compare a=good.jsonl b=anna/good.jsonl --gold gold -o anna/good.jsonl",
    "compare a=good.jsonl b=anna --gold gold -o gold/art.jsonl",
    "export gold -f conll -o gold/art.jsonl",
    "export gold -f doccano -o gold/new.jsonl",
    "export good.jsonl -f conll -o {link}.layer.jsonl",
    "import in.conll -f conll -o in.conll.jsonl --article in.conll.jsonl",
    "adjudicate anna bert -o anna/good.jsonl",
    "adjudicate anna bert --questions bert/good.jsonl",
    "adjudicate anna bert --decisions decisions.jsonl -o decisions.jsonl",
    "agree anna bert -o anna/good.jsonl",
    f"{CROSSVAL} -o good.jsonl",
    f"{CROSSVAL} -o out.jsonl --ledger good.jsonl",
    "curve good.cfg --gold good.jsonl --article good.txt -o good.cfg",
    "train good.cfg --gold gold/art.jsonl -o gold",
    "train good.cfg -o new --ledger good.cfg",
    "table good.txt -o good.csv --layer good.csv",
    f"report {SCORED} --article pages -o pages",
    f"report {SCORED} --bias out/checks.json -o out",
    "pull --compare good.jsonl -o good.jsonl",
    "pull --compare good.jsonl --result good.jsonl",
    "predict model anna -o anna/new.jsonl",
    "base annotate good.jsonl -o {link}.layer.jsonl",
    "base annotate anna -o anna/new.jsonl",
)
# Two outputs are one file.
TWICE = (
    "split good.txt -o new.jsonl --text ./new.jsonl",
    "preannotate good.txt -o pre/amounts --layers pre",
    "preannotate good.txt -o pre/amounts/good.jsonl --layers pre",
    f"{CROSSVAL} -o new.jsonl --ledger new.jsonl",
    "curve good.cfg --gold good.jsonl --article good.txt -o new.json --ledger named/../new.json",
    "adjudicate anna bert -o new.jsonl --questions new.jsonl",
    "pull -o new.jsonl --ledger new.jsonl",
    "pull -o new.jsonl --result new.jsonl",
)
# The output exists and is no file that the command writes.
OVER_ANOTHER_KIND = (
    *(
        f"{command} -o {name}"
        for name in ("frozen/art.jsonl", "some.ledger.json", "dead.json", "scores.json", "notes.txt", "binary")
        for command in (
            "split good.txt", "select good.jsonl -n 1 --random 1", "predict model good.txt",
            f"{CROSSVAL}", "adjudicate anna bert", "export good.jsonl -f conll", "export good.jsonl -f spacy",
            "export good.jsonl -f labelstudio",
        )
    ),
    "preannotate good.txt -o frozen/art.jsonl",
    "preannotate in.jsonl -o frozen/art.jsonl",
    "preannotate named/art.txt -o frozen",
    "preannotate named/art.txt -o decided",
    "split good.txt -o decided/art.jsonl",
    "preannotate in.jsonl -o pulled/art.jsonl",
    "predict model good.txt -o pulled/art.jsonl",
    "adjudicate anna bert -o pulled/art.jsonl",
    "pull -o decided/art.jsonl",
    "preannotate named/art.txt -o out --layers above",
    "preannotate good.txt -o good.txt/../in.jsonl",
    "preannotate good.txt --ledger -o strange.jsonl",
    "preannotate in.jsonl -o strange.jsonl",
    "preannotate in.jsonl --shards frozen",
    "preannotate in.jsonl --shards stranger",
    "preannotate in.jsonl --shards lettered",
    f"evaluate {SCORED} -o notes.txt",
    f"evaluate {SCORED} -o anna/good.jsonl",
    "compare good.jsonl b=anna --gold good.jsonl -o some.ledger.json",
    "curve good.cfg --gold good.jsonl --article good.txt -o scores.json",
    "agree anna bert -o scores.json",
    "table good.txt -o notes.csv",
    "table good.txt -o notes.parquet",
    f"report {SCORED} -o mine",
    "history reports -o mine/index.html",
    "export good.jsonl -f brat -o brat",
    "import in.conll -f conll -o scores.jsonl",
    "import in.conll -f conll --ledger -o strange.jsonl",
    "adjudicate anna bert --questions notes.txt",
    "split good.txt --text notes.txt -o out.jsonl",
    "pull -o out --ledger scores.json",
    "pull -o frozen/art.jsonl",
    "gold freeze kept",
    "train good.cfg -o trained",
    "train good.cfg -o trained --seeds 2",
    "segmenter --words good.jsonl --dev good.jsonl -o segmented",
    "base build good.cfg -o kept",
    "base distil good.cfg --from good.jsonl -o kept",
    "base deepen good.cfg --weights good.txt -o kept",
    "history reports -o page.html",
    "history reports -o their.html",
    "report --gold good.jsonl --layer a=good.jsonl -o old",
    "adjudicate anna bert --questions decided.jsonl",
)  # fmt: skip


@pytest.fixture
def crowded(workplace: Path) -> Path:
    """The workplace with files of every kind, and strangers' files."""
    layer = (workplace / "good.jsonl").read_bytes()
    article = good_layer(workplace)[0].article
    scores = b'{\n  "format": "biaozhu.scores.v1"\n}\n'
    entry = Entry("import", "loss", "out of range", f"{article}:0-4", 0, 1, "PLACE", "x")
    write_ledger(workplace / "some.ledger.json", [entry])
    failure = b'{"name": "a", "where": "b", "reason": "c"}\n'
    write_all(
        workplace,
        {
            "in.jsonl": CORPUS, "x.failed.jsonl": CORPUS, "corpus/part-00000.jsonl.gz": b"theirs",
            "corpus/part-a.txt": ARTICLE.encode(), "gold/art.jsonl": layer, "frozen/art.jsonl": layer,
            "decided/art.jsonl": layer, "decided/art.disputes.json": b"{}", "pulled/art.jsonl": layer, "pulled/art.status.json": b"{}",
            "named/art.txt": ARTICLE.encode(), "dead.json": failure, "scores.json": scores, "scores.jsonl": scores,
            "notes.txt": b"my notes\n", "notes.csv": b"my,notes\n", "notes.parquet": b"PAR1", "binary": b"\x78\x9c\0",
            "strange.jsonl": b"", "strange.ledger.jsonl": b"mine\n", "strange.failed.jsonl": b"mine\n",
            "stranger/part-00007.jsonl.gz": b"theirs", "lettered/MANIFEST.json": b"{}", "mine/index.html": b"<p>mine",
            "pages/index.html": b"<p>mine", "out/checks.json": b"{}", "brat/good.txt": b"theirs",
            "in.conll": b"\xe9\x9d\x92 O\n", "decisions.jsonl": b'{"sentence": "x"}\n', "good.csv": layer,
            "in.conll.jsonl": layer, "kept/MANIFEST.json": b'{"mine": 1}', "kept/art.jsonl": layer,
            "kept/config.json": b'{"mine": 1}', "trained/meta.json": b'{"components": ["ner"]}', "trained/ner/x": b"",
            "trained/notes.txt": b"mine", "segmented/features.msgpack": b"", "segmented/notes.txt": b"mine",
            "page.html": b'<!doctype html><meta content="script-src">' + PAGE_POLICY,
            "old/index.html": b"<!doctype html>" + PAGE_POLICY, "their.html": b'<!doctype html><p class="kicker">',
            "decided.jsonl": b'{"sentence": "x", "start": 0, "end": 1, "spans": [], "rule": "A", "note": ""}\n',
        },
    )  # fmt: skip
    freeze_gold(workplace / "frozen")
    (workplace / "above").mkdir()
    (workplace / "above" / "amounts").symlink_to(workplace / "frozen")
    return workplace


@pytest.mark.parametrize("make_link", [os.symlink, os.link], ids=["symlink", "hard link"])
@pytest.mark.parametrize("command", ON_AN_INPUT)
def test_outputs_never_replace_an_input(
    crowded: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    make_link: Callable[[Path, Path], None],
) -> None:
    for name, source in (
        ("link.jsonl", "in.jsonl"),
        ("link.txt", "good.txt"),
        ("link.layer.jsonl", "good.jsonl"),
    ):
        make_link(crowded / source, crowded / name)
    refuse(crowded, capsys, command.replace("{link}", "link"), r"BZ008 ")


@pytest.mark.parametrize(
    ("command", "begin"),
    [
        ("export good.jsonl -f conll -o", b"# biaozhu "),
        ("adjudicate anna bert --questions", b'{"sentence"'),
        ("preannotate good.txt --model fast -o", b'{"id"'),
    ],
)
def test_outputs_go_to_an_open_file_without_replacing_it(crowded: Path, command: str, begin: bytes) -> None:
    notes = crowded / "notes.txt"
    (crowded / "bert" / "good.jsonl").write_bytes(
        (crowded / "good.jsonl").read_bytes().replace(b'"PLACE"', b'"PERSON"')
    )
    script = f"{sys.executable} -m biaozhu {command} /dev/fd/3 3>> notes.txt"
    subprocess.run(["bash", "-c", script], check=True, cwd=crowded)
    assert notes.read_bytes().startswith(b"my notes\n" + begin)


@pytest.mark.parametrize("command", [*OVER_ANOTHER_KIND, *TWICE])
def test_outputs_never_replace_a_file_of_another_kind_or_each_other(
    crowded: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    refuse(crowded, capsys, command, r"BZ008 ")


@pytest.mark.parametrize(
    "command",
    [
        "split good.txt -o out.jsonl --text out.txt",
        "split named -o named/out.jsonl",
        "preannotate good.txt -o out.jsonl --layers layers --ledger",
        "preannotate good.txt -o pre --layers pre/layers --ledger",
        "preannotate in.jsonl -o out.jsonl",
        "preannotate in.jsonl --shards shards",
        "select good.jsonl -n 1 --random 1 -o out.jsonl",
        f"evaluate {SCORED} -o new.json",
        "agree anna bert -o new.json",
        "adjudicate anna bert -o out.jsonl --questions questions.jsonl",
        "table good.txt -o out.csv",
        f"report {SCORED} --article good.txt -o new",
        "predict model good.txt -o out.jsonl",
        *(f"export good.jsonl -f {form} -o new" for form in ("conll", "doccano", "labelstudio", "spacy", "brat")),
    ],
)
def test_outputs_of_the_same_command_are_replaced(crowded: Path, command: str) -> None:
    first, second = run(shlex.split(command)), run(shlex.split(command))
    assert first == second == 0
    assert snapshot(crowded)["good.txt"] == ARTICLE.encode()


def _add_column(table: Path) -> None:
    if table.suffix == ".csv":
        table.write_text(re.sub("$", ",notes", table.read_text("utf-8"), count=1, flags=re.MULTILINE), "utf-8")
        return
    parquet = pytest.importorskip("pyarrow.parquet")
    read = parquet.read_table(table)
    parquet.write_table(read.append_column("notes", [["x"] * len(read)]), table)


@pytest.mark.parametrize(
    "command",
    [
        "table good.txt -o new.csv",
        "table good.txt --names new.csv",
        "export good.jsonl -f csv -o new.csv",
        "table good.txt -o new.parquet",
        "table good.txt --names new.parquet",
    ],
)
def test_outputs_tables_with_a_column_of_somebodys_are_not_replaced(
    crowded: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    # A regression test: notes in a column beside ours were gone.
    if command.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    assert run(command.split()) == run(command.split()) == 0
    capsys.readouterr()
    _add_column(crowded / command.rsplit(maxsplit=1)[-1])
    refuse(crowded, capsys, command, r"BZ008 ")


@pytest.mark.parametrize("options", ["-o out.jsonl", "-j 1 -o out.jsonl"])
def test_outputs_good_layer_stays_where_no_article_can_be_read(
    crowded: Path, capsys: pytest.CaptureFixture[str], options: str
) -> None:
    shutil.copyfile("good.jsonl", "out.jsonl")
    write_all(crowded, {"empty.jsonl": b"7\n"})
    before = snapshot(crowded)
    assert run(["preannotate", "empty.jsonl", *options.split()]) == 2
    assert "BZ011 empty.jsonl: no article could be read, 1 failed." in capsys.readouterr().err
    assert snapshot(crowded) == before


def test_outputs_model_that_was_not_written_to_its_end_is_built_again(tmp_path: Path) -> None:
    write_all(tmp_path, dict.fromkeys(("model.onnx", "crf.npz", "dictionary.txt", "README.md"), b""))
    check_model_folder(tmp_path)
    write_all(tmp_path, {"notes.txt": b"mine"})
    with pytest.raises(OutputError):
        check_model_folder(tmp_path)


def test_outputs_write_layer_replaces_none_by_an_empty_one(workplace: Path) -> None:
    with pytest.raises(OutputError):
        write_layer(workplace / "good.jsonl", ())
    assert (workplace / "good.jsonl").stat().st_size


def test_outputs_shards_remove_only_what_receipts_name(crowded: Path) -> None:
    shards = crowded / "shards"
    two = CORPUS + CORPUS.replace(b"one", b"two").replace("青岛市".encode(), "成都市".encode())
    (crowded / "in.jsonl").write_bytes(two)
    assert run(["preannotate", "in.jsonl", "--shards", "shards", "--shard-size", "100"]) == 0
    write_all(shards, {"part-notes.txt": b"mine", "part-1.json": b"mine", ".part-mine": b"mine"})
    assert find_own_files(shards) >= {"part-00001.jsonl.gz", "part-00001.json"}
    (crowded / "in.jsonl").write_bytes(CORPUS)
    assert run(["preannotate", "in.jsonl", "--shards", "shards", "--shard-size", "100"]) == 0
    names = {path.name for path in shards.iterdir()} - {".lock"}
    strangers = {"part-notes.txt", "part-1.json", ".part-mine"}
    assert names == {"MANIFEST.json", "failed.jsonl", "part-00000.json", "part-00000.jsonl.gz", *strangers}


def test_outputs_suffixes_are_those_that_are_read() -> None:
    assert ARTICLE_SUFFIXES == reading_article.ARTICLE_SUFFIXES


def test_outputs_that_are_no_regular_files_pass_and_those_that_cannot_exist_do_not(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (Path("/dev/null"), tmp_path / "loop", tmp_path / "a" / "b", None):
        check_output(path, "layer", [tmp_path, tmp_path / "loop", "name=nowhere", None])
    check_output_folder(tmp_path / "new", [tmp_path / "loop", tmp_path])
    with pytest.raises(WriteError):
        check_output(tmp_path / ("x" * 300), "layer")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_outputs_cells_that_begin_like_a_formula_are_neutralized(start: str) -> None:
    assert neutralize_cell(f"{start}cmd|'/c calc'!A0") == f"'{start}cmd|'/c calc'!A0"
    assert [neutralize_cell(one) for one in ("-5", "+0.5", "5-9", -5, None)] == [
        "-5",
        "+0.5",
        "5-9",
        -5,
        None,
    ]


def test_outputs_table_neutralizes_the_names_of_articles(crowded: Path) -> None:
    shutil.copyfile("good.txt", "=1+1.txt")
    assert run(["table", "=1+1.txt", "-o", "out.csv"]) == 0
    rows = list(csv.DictReader((crowded / "out.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert {row["article"] for row in rows} == {"'=1+1"}


def test_outputs_report_allows_only_its_own_script(crowded: Path) -> None:
    assert run(shlex.split(f"report {SCORED} -o new")) == 0
    page = (crowded / "new" / "index.html").read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert policy in html.unescape(page[: page.index("<style>")])
