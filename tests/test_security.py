"""What SECURITY.md promises and no test of one module shows: on the code, and on the real commands."""

from __future__ import annotations

import ast
import hmac
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import psutil
import pytest
import requests
from service import command, running, slow

from biaozhu.cli import run

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
HOSTILE = (
    "春耕<script>alert(1)</script>时节\n\n"
    "在青岛市\x1b[2J\x1b]0;x\x07，王小明\u202e买了\u202c30斤<img src=http://example.org/x onerror=alert(2)>种子。\n"
)
ACTS = ("\x1b", "\x07", "\u202e", "\u202c", "<script>alert", "<img src=http")

# What runs code that it reads, hands words to a shell, or unpacks paths as an archive states them.
FORBIDDEN = {
    "pickle": {"load", "loads", "Unpickler"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
    "joblib": {"load"},
    "dill": {"load", "loads"},
    "yaml": {"load", "full_load", "unsafe_load"},
    "os": {"system", "popen"},
    "builtins": {"eval", "exec", "compile", "__import__"},
}
ANYWHERE = {"extractall", "unpack_archive", "read_pickle"}


def calls() -> Iterator[tuple[str, str, str, ast.Call]]:
    """Every call in the code: where, what is called on, its name."""
    for file in sorted((ROOT / "pipeline").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                where = f"{file.relative_to(ROOT)}:{node.lineno}"
                if isinstance(node.func, ast.Attribute):
                    owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                    yield where, owner, node.func.attr, node
                elif isinstance(node.func, ast.Name):
                    yield where, "builtins", node.func.id, node


def given(node: ast.Call, name: str) -> object:
    return next((getattr(one.value, "value", None) for one in node.keywords if one.arg == name), None)


def test_security_code_reads_no_pickles_starts_no_shell_and_unpacks_nothing_blindly() -> None:
    found = list(calls())
    bad = [
        f"{where} {owner}.{name}"
        for where, owner, name, node in found
        if name in FORBIDDEN.get(owner, ())
        or name in ANYWHERE
        or given(node, "shell")
        or (owner == "torch" and name == "load" and given(node, "weights_only") is not True)
        or (owner in ("np", "numpy") and name == "load" and given(node, "allow_pickle"))
    ]
    assert bad == []
    # The walk sees calls at all, and those it is about.
    assert {("torch", "load"), ("np", "load"), ("subprocess", "run")} <= {(o, n) for _, o, n, _ in found}


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import pickle\nx = pickle.loads(b'')\n", "S301"),
        ("import subprocess\nsubprocess.run('ls', shell=True)\n", "S602"),
        ("import tarfile\ntarfile.open('x').extractall()\n", "S202"),
        ("import requests\nrequests.get('https://x', verify=False)\n", "S501"),
        ("import yaml\nyaml.load('x')\n", "S506"),
    ],
)
@pytest.mark.skipif(find_spec("ruff") is None, reason="needs ruff, which is not installed")
def test_security_lint_has_the_rules_of_bandit(code: str, rule: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--output-format=concise",
            "--stdin-filename=pipeline/x.py",
            "-",
        ],
        input=code,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert f" {rule} " in done.stdout


def test_security_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def spy(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    with running(slow(0)) as url:
        sent = {"Authorization": "Bearer wrong"}
        assert requests.post(url, json={"text": ""}, headers=sent, timeout=10).status_code == 401
    assert [one for one, _ in compared] == [b"wrong"]
    # And nothing that is called a token or a secret meets == anywhere.
    for file in (
        *(ROOT / "pipeline/biaozhu/serving").rglob("*.py"),
        *(ROOT / "pipeline/biaozhu/doccano").rglob("*.py"),
    ):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                names |= {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
                assert not names & {"token", "secret", "password", "secret_key"}, f"{file}:{node.lineno}"


def test_security_service_is_on_loopback_alone_and_keeps_its_token_to_itself(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with command(file) as (process, url):
        token = file.read_text("ascii").strip()
        ours = psutil.Process(process.pid)
        listening = {one.laddr.ip for one in ours.net_connections("tcp") if one.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}
        assert token not in " ".join(ours.cmdline())
        sent = {"Authorization": f"Bearer {token}"}
        answers = [
            requests.post(url, json={"text": "x"}, headers=sent, timeout=30),
            requests.post(url, data=b"\xff", headers=sent, timeout=30),
            requests.post(url, json={"text": "x"}, headers={"Authorization": f"Bearer {token}x"}, timeout=30),
            requests.get(url.replace("/predict", "/metrics"), headers=sent, timeout=30),
            requests.get(url.replace("/predict", "/nowhere"), headers=sent, timeout=30),
        ]
        assert [one.status_code for one in answers] == [200, 422, 401, 200, 404]
        assert not [one for one in answers if token in one.text or token in str(one.headers)]
        process.terminate()
        assert process.stderr is not None
        assert token not in process.stderr.read()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a command reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_security_hostile_article_neither_acts_nor_reaches_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.txt").write_text(HOSTILE, encoding="utf-8")
    labels = str(ROOT / "configs" / "labels.toml")
    assert run(["preannotate", "bad.txt", "-o", "bad.jsonl"]) == 0
    commands = (
        ["read", "bad.txt", "--json"],
        ["table", "bad.txt", "--layer", "bad.jsonl"],
        ["evaluate", "--gold", "bad.jsonl", "--layer", "bad.jsonl", "--article", "bad.txt"],
        ["report", "--article", "bad.txt", "--gold", "bad.jsonl", "--layer", "a=bad.jsonl", "--annotator", "b=bad.jsonl",
         "--labels", labels, "-o", "reports/out", "--resamples", "100"],
        ["history", "reports", "-o", "history.html"],
        ["summary", "reports"],
    )  # fmt: skip
    for one in commands:
        assert run(one) == 0, one
        said = capsys.readouterr()
        shown = said.out + said.err
        assert not [acts for acts in ACTS[:4] if acts in shown], one
    pages = [*tmp_path.rglob("*.html"), *tmp_path.rglob("summary.md")]
    assert len(pages) == 3
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not [acts for acts in ACTS if acts in text], page
        assert "http://example.org" not in text or "&lt;img" in text


@pytest.mark.usefixtures("no_network")
def test_security_page_reads_no_other_file_and_fetches_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").write_text("绝密内容在此", encoding="utf-8")
    page = (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "file://{tmp_path}/secret">'
        '<!ENTITY y SYSTEM "http://example.org/y">]><html><head><link rel=stylesheet href="http://example.org/z">'
        "<title>春耕</title></head><body><article>"
        + "<p>在青岛市，王小明买了30斤种子，&x;&y;他很高兴。今年的雨水比去年多，地里的麦苗长得也好，大家都说是个好年景。</p>"
        * 9
        + "</article>"
        '<img src="http://example.org/i"><iframe src="http://example.org/f"></iframe></article></body></html>'
    )
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert run(["split", str(tmp_path / "page.html")]) == 0
    out = capsys.readouterr().out
    assert "王小明" in out
    assert "绝密" not in out


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_security_secrets_are_for_their_owner_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    script = (
        f"import os, pathlib; os.umask({umask})\n"
        "from biaozhu.serving.server import make_token\n"
        "from biaozhu.doccano.local.state import make_state, write_state\n"
        f"home = pathlib.Path({str(tmp_path)!r})\n"
        "make_token(home / 'token')\n"
        "write_state(home, make_state(8000))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, env=os.environ)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) == 2
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
