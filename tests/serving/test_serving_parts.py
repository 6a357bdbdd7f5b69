"""The token, the address, a model as predictor, and what a request may be."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
import requests
import spacy
from hypothesis import given
from hypothesis import strategies as st
from service import WITH_TOKEN, running

from pipeline.cli import run
from pipeline.errors import RequestError, ServiceError
from pipeline.serving.messages import answer, read_texts
from pipeline.serving.predictor import trained_predictor
from pipeline.serving.server import address_of, bind
from pipeline.serving.token import find_token

if TYPE_CHECKING:
    from pathlib import Path


def test_serving_makes_a_token_that_others_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / "new" / "token"
    token = find_token(file, make=True)
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
        find_token(tmp_path / "token", make=True)
    assert not (tmp_path / "token").exists()


def test_serving_takes_the_token_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIAOZHU_TOKEN", "x" * 16)
    assert find_token(tmp_path / "nowhere") == "x" * 16


def test_serving_says_when_the_port_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bind("127.0.0.1", 0) as taken:
        port = address_of(taken).split(":")[2].split("/")[0]
        assert run(["serve", "--port", port, "--token-file", str(tmp_path / "token")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"BZ061 127.0.0.1:{port}: nothing can listen there")


def test_serving_answers_with_a_model(tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PLACE", "pattern": "白水县"}])
    nlp.to_disk(tmp_path / "places")
    predictor = trained_predictor(tmp_path / "places")
    text = "他在。𠮷在白水县。"
    with running(predictor) as url:
        found = requests.post(url, json={"texts": [text, ""]}, headers=WITH_TOKEN, timeout=30).json()
    assert found == {
        "model": "places",
        "results": [
            {
                "entities": [
                    {
                        "start": 5,
                        "end": 8,
                        "start_offset": 6,
                        "end_offset": 9,
                        "label": "PLACE",
                        "text": "白水县",
                        "source": "places",
                        "score": None,
                    }
                ]
            },
            {"entities": []},
        ],
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "texts", "x"]), inner, max_size=2)
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
    assert answer(texts, [()] * len(texts), model="m", many=many)["model"] == "m"
