"""The commands: what is said before anything is sent, layers that go through all later steps, keys, kills."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from chat_server import NAMES, Said, failing, right, spans_saying

from biaozhu.cli import run
from biaozhu.data.layers import read_layer
from biaozhu.data.ledger import read_ledger
from biaozhu.data.outputs import identify_file

if TYPE_CHECKING:
    from pathlib import Path

    from chat_server import ChatServer

SECRET = "sk-very-secret-word-0123456789"  # noqa: S105 — what must show nowhere
SENTENCES = 3


def texts_of(path: Path) -> list[tuple[str, str]]:
    return [(one.text[span.start : span.end], span.label) for one in read_layer(path) for span in one.spans]


def test_llm_writes_a_layer_and_says_where_it_comes_from(
    project: Any, server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["llm", "fields.txt", "--config", "llm.toml", "-o", "own.jsonl", "--yes", "--json"]
    assert run(command) == 0
    out, err = capsys.readouterr()
    figures = json.loads(out)["llm"]
    assert (figures["calls"], figures["sentences"], figures["unanswered"]) == (1, SENTENCES, 0)
    assert server.url in err
    assert "39 characters of 1 articles" in err
    layer = read_layer(tmp_path / "own.jsonl")
    assert len(layer) == SENTENCES
    record = json.loads((tmp_path / "own.llm.run.json").read_bytes())
    assert identify_file(tmp_path / "own.llm.run.json") == "llm"
    assert {span.source for one in layer for span in one.spans} == {record["source"]}
    assert record["source"] == f"llm@{record['checksum'][:8]}"
    assert len(record["prompt"]["articles"][layer[0].article]["checksum"]) == 64
    first = (tmp_path / "own.jsonl").read_bytes()
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["llm"]["cache_hits"] == SENTENCES
    assert (tmp_path / "own.jsonl").read_bytes() == first
    assert len(server.requests) == 1
    # Another prompt is another source.
    project.write(context_chars=1)
    assert run(command) == 0
    assert {span.source for one in read_layer(tmp_path / "own.jsonl") for span in one.spans} != {record["source"]}


def test_llm_sends_nothing_where_nobody_can_be_asked(
    project: Any, server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.config
    assert run(["llm", "fields.txt", "--config", "llm.toml", "-o", "own.jsonl"]) == 2
    assert "BZ002" in capsys.readouterr().err
    assert run(["preannotate", "fields.txt", "--annotator", "llm.toml", "-o", "pre.jsonl"]) == 2
    assert not server.requests
    assert not list(tmp_path.glob("*.jsonl"))


@pytest.mark.parametrize(("answer", "status", "calls"), [("y", 0, 1), ("n", 2, 0), ("", 2, 0)])
def test_llm_asks_on_a_terminal(project: Any, server: ChatServer, answer: str, status: int, calls: int) -> None:
    assert project.config
    command = [
        sys.executable,
        "-m",
        "biaozhu",
        "llm",
        "fields.txt",
        "--config",
        "llm.toml",
        "-o",
        "own.jsonl",
    ]
    terminal, end = pty.openpty()
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end) as process:
        os.close(end)
        os.write(terminal, f"{answer}\n".encode())
        said = b""
        while True:
            try:
                some = os.read(terminal, 4096)
            except OSError:
                break
            if not some:
                break
            said += some
    os.close(terminal)
    assert process.returncode == status, said.decode()
    assert server.url in said.decode().replace("\r\n", "")
    assert len(server.requests) == calls


def test_llm_gives_status_1_and_names_what_is_lost(
    project: Any, server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.config
    wrong = spans_saying({"text": "北京", "label": "PLACE", "occurrence": 1})
    server.queue = [wrong, wrong]
    assert run(["llm", "fields.txt", "--config", "llm.toml", "-o", "out", "--yes"]) == 1
    assert "llm: not in the sentence" in capsys.readouterr().err
    assert len(read_layer(tmp_path / "out" / "fields.jsonl")) == SENTENCES
    record = json.loads((tmp_path / "out" / "fields.llm.run.json").read_bytes())
    assert [one["text"] for one in record["losses"]] == ["北京"]


def test_llm_writes_no_sentence_without_an_answer(project: Any, server: ChatServer, tmp_path: Path) -> None:
    project.write(batch_sentences=1, retries=0)
    server.queue = [right, failing(500)]
    assert run(["llm", "fields.txt", "--config", "llm.toml", "-o", "own.jsonl", "--yes"]) == 1
    # One that has no answer is not one without names.
    assert len(read_layer(tmp_path / "own.jsonl")) == SENTENCES - 1


@pytest.mark.parametrize(
    "behave",
    [
        failing(401, f"Incorrect API key provided: {SECRET}"),
        failing(500, f"token {SECRET} overloaded"),
        failing(401, f"{SECRET.upper()} {SECRET[:12]}\n{SECRET[12:]}"),
        Said({"error": {"message": SECRET}}),
        spans_saying({"text": SECRET, "label": "PLACE", "occurrence": 1}),
        spans_saying({"text": "王", "label": f"x{SECRET}".title(), "occurrence": 1}),
        spans_saying({"text": ["-".join(SECRET)]}),
        lambda body: right({**body}),
    ],
)
def test_llm_shows_no_key(
    project: Any,
    server: ChatServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    behave: Any,
) -> None:
    monkeypatch.setenv("LLM_TEST_KEY", SECRET)
    project.write(key_env="LLM_TEST_KEY", retries=0, batch_sentences=1)
    server.queue = [right, behave, behave]
    run(["llm", "fields.txt", "--config", "llm.toml", "-o", "own.jsonl", "--yes", "--json"])
    assert server.headers[0]["Authorization"] == f"Bearer {SECRET}"
    out, err = capsys.readouterr()
    files = [one.read_text("utf-8", "replace") for one in tmp_path.rglob("*") if one.is_file()]
    for said in (out, err, *files):
        letters = "".join(filter(str.isalnum, said.lower()))
        assert not [at for at in range(15) if SECRET.replace("-", "")[at : at + 10] in letters]


def test_llm_goes_nowhere_else(
    project: Any, server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert project.config
    (tmp_path / ".netrc").write_text("default login me password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert run(["llm", "fields.txt", "--config", "llm.toml", "-o", "own.jsonl", "--yes"]) == 0
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)])
def test_llm_goes_on_after_a_kill(
    project: Any, server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: int, status: int
) -> None:
    monkeypatch.setenv("LLM_TEST_KEY", SECRET)
    count = 12
    project.article.write_text(
        "".join(f"第{number}天，王小明到了济南。\n" for number in range(count)), encoding="utf-8"
    )
    project.write(batch_sentences=1, key_env="LLM_TEST_KEY")

    def slowly(body: dict[str, Any]) -> Said:
        said = right(body)
        said.delay = 0.1
        return said

    server.usual = slowly
    command = [
        sys.executable,
        "-m",
        "biaozhu",
        "llm",
        "fields.txt",
        "--config",
        "llm.toml",
        "-o",
        "own.jsonl",
        "--yes",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while len(server.requests) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert SECRET not in " ".join(psutil.Process(process.pid).cmdline())
        process.send_signal(sent)
    assert process.returncode == status
    asked = len(server.requests)
    assert 5 <= asked < count
    assert not (tmp_path / "own.jsonl").exists()
    assert run(command[3:]) == 0
    # The one that was under way is asked again, those before it are not.
    assert len(server.requests) - asked <= count - asked + 1
    assert len(read_layer(tmp_path / "own.jsonl")) == count


@pytest.mark.parametrize(
    "raw",
    [
        "𠮷田村王小明😀\r\n去了𠮷田村，又去𠮷田村。\r\n",
        "\ufeff😀青岛市\r\n王小明买了30斤。\r\n",
        "王小明\r青岛市，济南\r",
        "，".join(["𠮷田村😀王小明买了30斤"] * 500) + "。\r\n",
    ],
)
def test_llm_offsets_are_true_to_the_file(project: Any, tmp_path: Path, raw: str) -> None:
    project.article.write_bytes(raw.encode())
    assert run(["llm", "fields.txt", "--config", "llm.toml", "-o", "own.jsonl", "--yes"]) == 0
    text = raw.removeprefix("\ufeff")
    expected = sorted((name, label) for name, label in NAMES.items() for _ in range(text.count(name)))
    assert sorted(texts_of(tmp_path / "own.jsonl")) == expected
    for one in read_layer(tmp_path / "own.jsonl"):
        assert one.text in raw


def test_llm_refuses_outputs_that_are_not_its_own(project: Any, server: ChatServer, tmp_path: Path) -> None:
    assert project.config
    (tmp_path / "own.llm.run.json").write_text('{"mine": 1}')
    assert run(["llm", "fields.txt", "--config", "llm.toml", "-o", "own.jsonl", "--yes"]) == 2
    assert run(["preannotate", "fields.txt", "--annotator", "llm.toml", "-o", "own.jsonl", "--yes"]) == 2
    assert not server.requests


def test_preannotate_has_it_as_one_more_layer(
    project: Any, server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("[proposes]\nPERSON = 50\n")
    server.queue = [
        spans_saying(
            {"text": "农民", "label": "PERSON", "occurrence": 1},
            {"text": "种子", "label": "PLACE", "occurrence": 1},
        )
    ]
    command = ["preannotate", "fields.txt", "--model", "fast", "--annotator", "llm.toml", "-o", "pre.jsonl"]
    assert run([*command, "--layers", "layers", "--ledger", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["llm"]["calls"] == 1
    pre = texts_of(tmp_path / "pre.jsonl")
    assert ("农民", "PERSON") in pre
    # A label that it may not propose stays in its own layer.
    assert ("种子", "PLACE") not in pre
    assert ("种子", "PLACE") in texts_of(tmp_path / "layers" / "llm" / "fields.jsonl")
    assert (tmp_path / "layers" / "llm" / "fields.llm.run.json").exists()
    assert (tmp_path / "pre.llm.run.json").exists()
    assert any(one.source == "llm" and one.text == "种子" for one in read_ledger(tmp_path / "pre.ledger.jsonl"))


def test_preannotate_names_what_a_model_lost(project: Any, server: ChatServer, tmp_path: Path) -> None:
    project.write(batch_sentences=1, retries=0)
    server.queue = [right, failing(500)]
    command = [
        "preannotate",
        "fields.txt",
        "--model",
        "fast",
        "--annotator",
        "llm.toml",
        "-o",
        "pre.jsonl",
        "--ledger",
    ]
    assert run([*command, "--layers", "layers", "--yes"]) == 1
    assert len(read_layer(tmp_path / "pre.jsonl")) == SENTENCES
    assert len(read_layer(tmp_path / "layers" / "llm" / "fields.jsonl")) == SENTENCES - 1
    lost = [one for one in read_ledger(tmp_path / "pre.ledger.jsonl") if one.severity == "loss"]
    assert [one.reason for one in lost] == ["server error (500)"]


@pytest.mark.parametrize("name", ["amounts", "llm"])
def test_preannotate_refuses_a_name_that_another_layer_has(
    project: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    project.write(name=name)
    more = ["--annotator", "llm.toml"] if name == "llm" else []
    command = [
        "preannotate",
        "fields.txt",
        "--model",
        "fast",
        "--annotator",
        "llm.toml",
        *more,
        "-o",
        "pre.jsonl",
    ]
    assert run([*command, "--yes"]) == 2
    assert "BZ021" in capsys.readouterr().err
    assert not (tmp_path / "pre.jsonl").exists()


def test_two_models_go_through_agree_bias_adjudicate_select_and_report(
    project: Any, server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # One of them misses most of the first sentence, and has a place there that nobody else has.
    places = [{"text": text, "label": "PLACE", "occurrence": 1} for text in ("青岛市", "农民")]
    for name, queue in (("qwen", []), ("glm", [spans_saying(*places)])):
        project.write("[proposes]\nPLACE = 5\n", name=name, model=name, score=0.2)
        project.config.rename(tmp_path / f"{name}.toml")
        server.queue += [right, *queue][-1:]
    models = ["--annotator", "qwen.toml", "--annotator", "glm.toml"]
    command = [
        "preannotate",
        "fields.txt",
        "--model",
        "fast",
        *models,
        "-o",
        "pre",
        "--layers",
        "layers",
        "--yes",
    ]
    assert run(command) == 0
    first, second = "layers/qwen", "layers/glm"
    capsys.readouterr()

    assert run(["agree", first, second, "--json"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert 0 < pair["strict"]["micro"] < 1

    # What the network proposed was hidden from both.
    assert run(["bias", first, second, "--json"]) == 0
    bias = json.loads(capsys.readouterr().out)
    assert bias["sentences"] == {"shown": 0, "blind": 2 * SENTENCES}
    assert 0 < bias["agreement"]["blind"]["rate"] <= 1

    assert run(["adjudicate", first, second, "--questions", "questions.jsonl"]) == 0
    asked = [json.loads(line) for line in (tmp_path / "questions.jsonl").read_text("utf-8").splitlines()]
    decided = [
        {
            "sentence": one["sentence"],
            "start": one["start"],
            "end": one["end"],
            "spans": one["qwen"],
            "rule": "A1",
            "note": "x",
        }
        for one in asked
    ]
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in decided)
    (tmp_path / "decisions.jsonl").write_text(lines, encoding="utf-8")
    command = ["adjudicate", first, second, "--decisions", "decisions.jsonl", "-o", "gold/fields.jsonl"]
    assert run(command) == 0
    assert len(read_layer(tmp_path / "gold" / "fields.jsonl")) == SENTENCES

    assert run(["select", f"{first}/fields.jsonl", "-n", "2", "--random", "1", "-o", "chosen.jsonl"]) == 0
    assert len(read_layer(tmp_path / "chosen.jsonl")) == 2
    # What only one model has is the least sure.
    assert run(["select", "pre/fields.jsonl", "-n", "1", "--random", "0", "-o", "unsure.jsonl"]) == 0
    assert [one.start for one in read_layer(tmp_path / "unsure.jsonl")] == [0]
    # Where the model and the network differ.
    command = ["select", "layers/network/fields.jsonl", "--against", second, "-n", "9", "--random", "0"]
    assert run([*command, "-o", "differ.jsonl"]) == 0
    assert 0 < len(read_layer(tmp_path / "differ.jsonl")) < SENTENCES
    layers = ["--layer", f"glm={second}", "--annotator", f"qwen={first}", "--annotator", f"glm={second}"]
    assert run(["report", "--gold", "gold/fields.jsonl", *layers, "--article", "fields.txt", "-o", "page"]) in {0, 1}
    checks = json.loads((tmp_path / "page" / "checks.json").read_bytes())
    assert checks["agreement"]
    assert checks["bias"]
