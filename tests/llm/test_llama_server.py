"""A real llama.cpp server with a model file that the machine has: BIAOZHU_LLAMA_MODEL names it, BIAOZHU_LLAMA_SERVER the program."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from biaozhu.cli import run
from biaozhu.data.layers import read_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = os.environ.get("BIAOZHU_LLAMA_SERVER") or shutil.which("llama-server") or ""
MODEL = os.environ.get("BIAOZHU_LLAMA_MODEL", "")
START_SECONDS = 120
SENTENCES = 3

pytestmark = [
    pytest.mark.llm,
    pytest.mark.skipif(not PROGRAM, reason="no llama-server here: BIAOZHU_LLAMA_SERVER names none"),
    pytest.mark.skipif(not Path(MODEL).is_file(), reason="no model file here: BIAOZHU_LLAMA_MODEL names none"),
]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server, which ends with the tests."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PROGRAM, "-m", MODEL, "--host", "127.0.0.1", "--port", str(port), "-c", "8192", "-np", "2"]
    log = tmp_path_factory.mktemp("llama") / "log"
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    if requests.get(f"http://127.0.0.1:{port}/health", timeout=1).ok:
                        break
                except requests.RequestException:
                    pass
                time.sleep(0.2)
            else:
                pytest.fail(f"it does not start: {log.read_text('utf-8', 'replace')[-500:]}")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        ("json", ""),
        ("json", "stream = true\nstream_options = { include_usage = true }\n"),
        ("marks", ""),
    ],
)
def test_llama_server_answers_or_is_named(
    llama: str,
    project: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    options: str,
) -> None:
    more = f"[parameters]\nmax_tokens = 256\nseed = 1\n{options}"
    project.write(more, base_url=llama, model="local", concurrency=2, timeout_seconds=300.0, answer=answer)
    command = ["llm", "fields.txt", "--config", "llm.toml", "-o", "own.jsonl", "--yes", "--json"]
    status = run(command)
    figures = json.loads(capsys.readouterr().out)["llm"]
    # What a small model says may be wrong in any way, but never unnamed.
    assert (status == 0) == (figures["losses"] == 0)
    assert figures["format"] == ("json_schema" if answer == "json" else "")
    assert figures["tokens"]["input"] > 0
    assert figures["tokens"]["output"] > 0
    assert not figures["tokens"]["estimated"]
    found = read_layer(tmp_path / "own.jsonl") if (tmp_path / "own.jsonl").exists() else ()
    assert len(found) + figures["unanswered"] == SENTENCES
