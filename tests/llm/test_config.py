"""The configuration file: what is refused before anything is sent, and that no message shows a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biaozhu.data.errors import ConfigError, MissingFileError
from biaozhu.llm.config import hide_key, read_key, read_model_config

if TYPE_CHECKING:
    from pathlib import Path

GOOD = 'base_url = "https://api.example.org/v1"\nmodel = "m"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "llm.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "base_url"),
        ('base_url = "https://a.example/v1"', "model"),
        (GOOD + "modle = 1", "modle"),
        (GOOD + 'api_key = "sk-1"', "api_key"),
        (GOOD + "concurrency = 0", "concurrency"),
        (GOOD + "concurrency = true", "concurrency"),
        (GOOD + "batch_sentences = 1.5", "batch_sentences"),
        (GOOD + "timeout_seconds = 0", "timeout_seconds"),
        (GOOD + "score = 1.1", "score"),
        (GOOD + "timeout_seconds = inf", "timeout_seconds"),
        (GOOD + "timeout_seconds = nan", "timeout_seconds"),
        (GOOD + "[parameters]\ntemperature = inf", "JSON"),
        (GOOD + "[parameters]\nuntil = 2026-01-01", "JSON"),
        (GOOD + "[parameters]\nmax_tokens = -1", "max_tokens"),
        (GOOD + '[parameters]\nmodel = "x"', "parameters.model"),
        (GOOD + '[parameters]\napi_key = "sk-1"', "parameters.api_key"),
        (GOOD + 'answer = "xml"', "answer"),
        (GOOD + "[parameters]\nn = 2", "parameters.n"),
        (GOOD + "[prices]\ninput = 1.0", "output"),
        (GOOD + "[prices]\ninput = -1.0\noutput = 1.0", "input"),
        (GOOD + "[budget]\ntokens = 0", "tokens"),
        (GOOD + "[budget]\nmoney = 1.0", "prices"),
        (GOOD + 'name = "../x"', "name"),
        (GOOD + 'name = "x\\n"', "name"),
        (GOOD + "[proposes]\nPLACE = -1", "proposes"),
        (GOOD.replace("https://api.example.org/v1", "ftp://api.example.org"), "base_url"),
        (GOOD.replace("https://api.example.org/v1", "api.example.org/v1"), "base_url"),
        (GOOD.replace("https://api.example.org/v1", "https://a.example:99999"), "base_url"),
        (GOOD.replace("example.org/v1", "example.org/v1?key=1"), "base_url"),
        (GOOD.replace("https://", "http://") + 'key_env = "K"', "unencrypted"),
        ("x = \x00", "TOML"),
    ],
)
def test_config_refuses_what_is_wrong_and_names_it(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        read_model_config(written(tmp_path, text))


def test_config_shows_no_key_that_stands_in_place_of_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_model_config(written(tmp_path, GOOD + 'key_env = "sk-0secret"'))
    assert "sk-0secret" not in str(caught.value)


def test_config_names_certificates_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no such file"):
        read_model_config(written(tmp_path, GOOD + 'ca_bundle = "nowhere.pem"'))


def test_config_shows_no_password_of_an_address(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("https://", "https://user:secret-word@"))
    with pytest.raises(ConfigError) as caught:
        read_model_config(path)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("value", [None, "", "  ", "secret-word\x00x", "secret-word 密"])
def test_config_shows_no_key_that_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None or "\x00" in value:
        monkeypatch.delenv("A_KEY", raising=False)
    else:
        monkeypatch.setenv("A_KEY", value)
    config = read_model_config(written(tmp_path, GOOD + 'key_env = "A_KEY"'))
    with pytest.raises(ConfigError) as caught:
        read_key(config)
    assert "secret-word" not in str(caught.value)
    assert "A_KEY" in str(caught.value)


def test_config_sends_parameters_as_they_are(tmp_path: Path) -> None:
    more = "[parameters]\ntemperature = 0.5\nmax_completion_tokens = 9\nchat_template_kwargs = { enable_thinking = false }\n"
    config = read_model_config(written(tmp_path, GOOD + more))
    assert config.request_parameters == {
        "temperature": 0.5,
        "max_completion_tokens": 9,
        "chat_template_kwargs": {"enable_thinking": False},
    }
    assert config.max_tokens == 9
    assert read_model_config(written(tmp_path, GOOD)).request_parameters == {"temperature": 0, "max_tokens": 4096}


@given(st.lists(st.sampled_from(["", "", " ", "\n", "-", "\u200b", "\x1b"]), min_size=16, max_size=16), st.booleans())
def test_config_key_is_hidden_however_it_is_written(between: list[str], upper: bool) -> None:  # noqa: FBT001 — a case
    key = "sk-0aB1cD2eF3gH4"
    said = "".join(f"{letter}{more}" for letter, more in zip(key, between, strict=True))
    hidden = hide_key(f"（{said.upper() if upper else said}）", key)
    assert not set(hidden) - {*"（…）", *between}


@given(st.text(), st.sampled_from(["", "--", "sk-0aB1cD2eF3gH4"]))
@example("\0\0", "sk-0aB1cD2eF3gH4")
def test_config_text_without_the_key_is_shown_as_it_is(text: str, key: str) -> None:
    assert hide_key(text, key) == text
