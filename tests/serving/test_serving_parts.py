"""The token, the address, a model as predictor, and what a request may be."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from service import WITH_TOKEN, running
from training_material import small_project

from biaozhu.cli import run
from biaozhu.data.errors import RequestError, ServiceError
from biaozhu.serving.app import answer, read_texts
from biaozhu.serving.predictor import trained_predictor
from biaozhu.serving.server import address_of, bind, find_token, listen, make_token
from biaozhu.training.train import train

if TYPE_CHECKING:
    from pathlib import Path


def test_serving_makes_a_token_that_others_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / "new" / "token"
    assert find_token(file) is None
    token = make_token(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert find_token(file) == token
    assert len(token) >= 32
    file.chmod(0o640)
    with pytest.raises(ServiceError, match="others can read"):
        find_token(file)


@pytest.mark.parametrize(
    "token", ["short", "with a blank in it", "标注标注标注标注标注标注", "line\nbreak-break-break"]
)
def test_serving_refuses_a_weak_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("BIAOZHU_TOKEN", token)
    with pytest.raises(ServiceError, match="a token is"):
        find_token(tmp_path / "token")


def test_serving_takes_the_token_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIAOZHU_TOKEN", "x" * 16)
    assert find_token(tmp_path / "nowhere") == "x" * 16


def test_serving_says_when_the_port_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bind("127.0.0.1", 0) as taken:
        listen(taken)
        port = address_of(taken).split(":")[2].split("/")[0]
        assert run(["serve", "--port", port, "--token-file", str(tmp_path / "token")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"BZ061 127.0.0.1:{port}: nothing can listen there")


def test_serving_that_cannot_start_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A regression test: the token was written before the model was looked for.
    token = tmp_path / "new" / "token"
    assert run(["serve", "--model", "none", "--port", "0", "--token-file", str(token)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("BZ002 none")
    assert list(tmp_path.iterdir()) == []


def test_serving_answers_with_a_trained_model(tmp_path: Path) -> None:
    config, _ = small_project(tmp_path)
    predictor = trained_predictor(train(config, tmp_path / "tiny").folder)
    first, second = "王小明在青岛市😀。去年 孙丽在雅安市卖了120元。", "王小明在青岛市。"
    with running(predictor) as url:
        asked = {"texts": [first, "", second]}
        found = requests.post(url, json=asked, headers=WITH_TOKEN, timeout=30).json()
    assert found["model"] == "tiny"
    one, empty, other = (result["entities"] for result in found["results"])
    assert [entity["text"] for entity in one] == ["王小明", "青岛市", "孙丽", "雅安市", "120元"]
    assert empty == []
    assert [entity["text"] for entity in other] == ["王小明", "青岛市"]
    score = one[2].pop("score")
    assert 0.5 < score <= 1
    assert one[2] == {
        "start": 12,
        "end": 14,
        "start_offset": 13,
        "end_offset": 15,
        "label": "PERSON",
        "text": "孙丽",
        "source": "tiny",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "texts", "x"]), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(body=st.one_of(st.binary(max_size=50), JSON.map(lambda value: json.dumps(value).encode())))
def test_serving_reads_requests_or_refuses_them(body: bytes) -> None:
    try:
        texts, many = read_texts(body, most=3)
    except RequestError:
        return
    assert all(isinstance(text, str) for text in texts)
    assert answer(texts, [((), None)] * len(texts), model="m", many=many)["model"] == "m"


@pytest.mark.parametrize(
    "body", [b'{"text": "a", "text": "b"}', b'{"texts": [], "texts": ["b"]}', b'{"text": "\\ud800"}']
)
def test_serving_refuses_a_key_twice_and_what_is_no_text(body: bytes) -> None:
    with pytest.raises(RequestError):
        read_texts(body, most=3)


@pytest.mark.parametrize("host", ["\udcb0", "a" * 300, "..", "no such host"])
def test_server_refuses_a_host_that_is_no_name(host: str) -> None:
    with pytest.raises(ServiceError):
        bind(host, 0)
