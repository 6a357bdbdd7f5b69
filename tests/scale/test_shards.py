from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from biaozhu.annotators import labelled
from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model, model_folder
from biaozhu.annotators.network.runtime import CONFIG
from biaozhu.annotators.preannotate import preannotate_articles
from biaozhu.cli import run
from biaozhu.data.errors import LockedError, WriteError
from biaozhu.data.model import sentence_to_line
from biaozhu.data.shipped import find_shipped
from biaozhu.reading.article import article_from_bytes
from biaozhu.scale.batch import annotate_sources, batches
from biaozhu.scale.corpus_stream import Source, read_sources
from biaozhu.scale.shard_folders import names_in
from biaozhu.scale.shards import ShardPlan, write_shards

if TYPE_CHECKING:
    from biaozhu.annotators.words import NameModel

CITIES = ("成都市", "杭州市", "青岛市", "昆明市", "厦门市")
PEOPLE = ("王小明", "李大海", "欧阳文静", "郑国强")
loaded = cache(load_model)


def _text(number: int) -> str:
    city, person = CITIES[number % len(CITIES)], PEOPLE[number % len(PEOPLE)]
    return "".join(
        f"{city}的{person}在第{number}号园子里种了{number * line + 2}亩草莓，收入{line + 1}万元。\n"
        for line in range(1 + number % 7)
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    lines = [json.dumps({"name": f"a{number}", "text": _text(number)}) for number in range(60)]
    lines.insert(17, '{"name": "bad"}')
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def _lines(folder: Path) -> list[str]:
    manifest = json.loads((folder / "MANIFEST.json").read_bytes())
    lines: list[str] = []
    for entry in manifest["files"]:
        content = (folder / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        lines += gzip.decompress(content).decode().splitlines()
    assert len(lines) == manifest["sentences"]
    return lines


def _one_by_one(numbers: range, model: NameModel | None = None) -> list[str]:
    articles = [article_from_bytes(_text(number).encode(), name=f"a{number}", where="") for number in numbers]
    return [
        sentence_to_line(sentence)
        for article in articles
        for one in preannotate_articles([article], model=model or loaded("fast"))
        for sentence in one.sentences
    ]


def test_shards_hold_what_one_article_at_a_time_gives(corpus: Path, tmp_path: Path) -> None:
    assert (
        run(
            [
                "preannotate",
                str(corpus),
                "--model",
                "fast",
                "--shards",
                str(tmp_path / "out"),
                "--shard-size",
                "2000",
            ]
        )
        == 1
    )
    lines = _lines(tmp_path / "out")
    assert lines == _one_by_one(range(60))
    (failed,) = (tmp_path / "out" / "failed.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(failed)["where"] == f"{corpus}:18"
    assert len(list((tmp_path / "out").glob("part-*.gz"))) > 4


def test_shards_and_one_file_agree_for_any_number_of_jobs(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "one.jsonl"
    assert run(["preannotate", str(corpus), "-o", str(output)]) == 1
    assert len(output.with_suffix(".failed.jsonl").read_text(encoding="utf-8").splitlines()) == 1
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        options = ["--shards", str(folder), "--shard-size", "3000", "--jobs", jobs]
        assert run(["preannotate", str(corpus), *options]) == 1
        assert _lines(folder) == output.read_text(encoding="utf-8").splitlines()
    assert _sums(tmp_path / "1") == _sums(tmp_path / "2")


@pytest.mark.parametrize("options", [("-o", "out.jsonl"), ("--shards", "out"), ("--shards", "out", "--jobs", "2")])
def test_shards_and_one_file_have_no_label_that_the_label_set_lacks(
    options: tuple[str, ...],
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = find_shipped(Path("configs/labels.toml")).read_text("utf-8")
    Path("labels.toml").write_text(re.sub(r'\[\[label\]\]\nid = "PERSON"[^[]*', "", whole), "utf-8")
    command = ["preannotate", str(corpus), "--model", "fast", *options]
    assert run(command) == 1
    capsys.readouterr()
    assert run([*command, "--labels", "labels.toml"]) == 1
    assert ("label set" in capsys.readouterr().err) is ("--shards" in options)
    lines = _lines(Path("out")) if "--shards" in options else Path("out.jsonl").read_text("utf-8").splitlines()
    assert {span["label"] for line in lines for span in json.loads(line)["spans"]} == {"PLACE", "AMOUNT"}


def test_shards_go_on_after_a_stop_and_mend_what_is_damaged(corpus: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    list(write_shards(read_sources([corpus]), whole, ShardPlan(size=2000)))
    made = write_shards(read_sources([corpus]), stopped, ShardPlan(size=2000))
    next(made)
    next(made)
    with pytest.raises(LockedError):
        next(write_shards(read_sources([corpus]), stopped, ShardPlan(size=2000)))
    made.close()
    before = (stopped / "part-00000.jsonl.gz").stat().st_mtime_ns
    (stopped / "part-00001.jsonl.gz").write_bytes(b"half")
    (stopped / ".part-00002.json.x1").write_bytes(b"left by a kill")
    longer = json.loads((stopped / "part-00001.json").read_bytes()) | {"file": "part-00099.jsonl.gz"}
    (stopped / "part-00099.json").write_text(json.dumps(longer), encoding="utf-8")
    (stopped / "part-00099.jsonl.gz").write_bytes(b"of a longer corpus")
    assert not (stopped / "MANIFEST.json").exists()
    list(write_shards(read_sources([corpus]), stopped, ShardPlan(size=2000)))
    assert _sums(stopped) == _sums(whole)
    assert (stopped / "part-00000.jsonl.gz").stat().st_mtime_ns == before


def test_shards_are_made_again_when_an_article_changes(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    list(write_shards(read_sources([corpus]), folder, ShardPlan(size=2000)))
    before = _sums(folder)
    corpus.write_text(corpus.read_text(encoding="utf-8").replace('"a59"', '"b59"'), encoding="utf-8")
    list(write_shards(read_sources([corpus]), folder, ShardPlan(size=2000)))
    changed = {name for name, checksum in _sums(folder).items() if checksum != before[name]}
    last = max(name for name in before if name.startswith("part-") and name.endswith(".json"))
    assert changed == {"MANIFEST.json", last}


def test_shards_are_made_again_when_the_fast_model_is_another(corpus: Path, tmp_path: Path) -> None:
    folder, model = tmp_path / "out", tmp_path / "fast"
    shutil.copytree(model_folder("fast"), model)
    plan = ShardPlan(str(model), 2000)
    list(write_shards(read_sources([corpus]), folder, plan))
    before = {path: path.stat().st_mtime_ns for path in folder.glob("part-*")}
    list(write_shards(read_sources([corpus]), folder, plan))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    (model / CONFIG).write_bytes((model / CONFIG).read_bytes() + b"\n")
    list(write_shards(read_sources([corpus]), folder, plan))
    assert not any(path.stat().st_mtime_ns == before[path] for path in before)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--model", "fast"], ""),
        (["--model", "accurate"], "accurate"),
        (["--model", "fast", "--shard-format", "jsonl.zst"], "jsonl.zst"),
        (["--model", "fast", "--shard-size", "1"], "--shard-size"),
    ],
)
def test_shards_say_why_they_are_made_again(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    lines = corpus.read_text(encoding="utf-8").splitlines(keepends=True)
    corpus.write_text("".join(lines[:3]), encoding="utf-8")
    command = ["preannotate", str(corpus), "--shards", str(tmp_path / "out")]
    assert run([*command, "--model", "fast"]) == 0
    assert "made again" not in capsys.readouterr().err
    assert run([*command, *options]) == 0
    again = [line for line in capsys.readouterr().err.splitlines() if "made again" in line]
    assert len(again) == bool(told)
    assert told in "".join(again)


def test_shards_say_in_one_line_what_the_folder_does_not_let_them_do(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A folder where a file should be cannot be removed or read as one, whoever asks.
    folder = tmp_path / "out"
    (folder / "MANIFEST.json").mkdir(parents=True)
    assert run(["preannotate", str(corpus), "--shards", str(folder)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"BZ004 {folder / 'MANIFEST.json'}: cannot be removed"), said
    (folder / "MANIFEST.json").rmdir()
    made = write_shards(read_sources([corpus]), folder, ShardPlan(size=1 << 20))
    next(made)
    (folder / "part-00000.json").unlink()
    (folder / "part-00000.json").mkdir()
    with pytest.raises(WriteError, match="cannot be read back"):
        next(made)
    with pytest.raises(WriteError, match="cannot be listed"):
        names_in(tmp_path / ("x" * 300))


def _killed_at(corpus: Path, folder: Path, moments: list[float]) -> None:
    command = [sys.executable, "-m", "biaozhu", "preannotate", str(corpus), "--shards", str(folder)]
    command += ["--shard-size", "500", "--jobs", "2"]
    for moment in moments:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            if process.wait(moment) != 1:
                pytest.fail("it ended by itself, and not as it should")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    # The workers of the last one may still be about to end.
    for _ in range(100):
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        if "BZ035" not in done.stderr:
            break
        time.sleep(0.1)
    assert done.returncode == 1, done.stderr


@pytest.mark.slow
def test_shards_survive_kills_at_random_moments(corpus: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    list(write_shards(read_sources([corpus]), whole, ShardPlan(size=500)))
    model = load_model(DEFAULT_MODEL)
    draw = random.Random(20)  # noqa: S311 — moments, no secrets
    _killed_at(corpus, killed, [draw.uniform(0.5, 6) for _ in range(20)])
    assert _sums(killed) == _sums(whole)
    assert _lines(killed) == _one_by_one(range(60), model)


def test_batch_tells_a_bad_article_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [
        Source("good", "x:1", _text(3).encode()),
        Source("empty", "x:2", b" \n"),
        Source("binary", "x:3", b"\x00\x01\x02\xff" * 40),
        Source("breaks", "x:5", "会出错。\n".encode()),
        Source("other", "x:6", _text(4).encode()),
    ]
    real = labelled.repair_names

    def breaking(text: str, words: list) -> dict:
        return real(text, words) if "会出错" not in text else {(0, 0): 1 / 0}

    monkeypatch.setattr(labelled, "repair_names", breaking)
    batch = annotate_sources(sources, model=loaded("fast"))
    assert list(batch.lines) == _one_by_one(range(3, 5))
    reasons = {one.name: one.reason for one in batch.failed}
    assert set(reasons) == {"empty", "binary", "breaks"}
    assert "BZ011" in reasons["empty"]
    assert "BZ010" in reasons["binary"]
    assert reasons["breaks"].startswith("BZ007 breaks: ")
    assert "ZeroDivisionError" in reasons["breaks"]


def test_batches_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def endless() -> object:
        number = 0
        while True:
            taken.append(number)
            yield Source(str(number), "", b"x" * 40)
            number += 1

    groups = batches(endless(), 100)
    assert [len(next(groups)) for _ in range(3)] == [3, 3, 3]
    assert len(taken) == 9


@pytest.mark.parametrize(
    "options",
    [["--shards", "s", "-o", "x.jsonl"], ["-o", "folder"], ["--layers", "x"], ["--shard-size", "9"]],
)
def test_stream_refuses_options_that_do_not_go_together(
    corpus: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["preannotate", str(corpus), *options]) == 2
    assert "BZ002" in capsys.readouterr().err
