"""Messages in Chinese: which language is taken, and that the catalogue lacks none of the commands."""

from __future__ import annotations

import re

import pytest

from biaozhu.cli import list_all_commands, run
from biaozhu.commands.help_pages import GROUPS, list_commands
from biaozhu.data.translation import VARIABLES, choose_language, read_catalogue, translate

# Wider ones would be cut in the list of commands, which takes a text without spaces for one word.
MAX_CHARACTERS = 30


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "zh:en"}, "zh"),
    ],
)
def test_translation_takes_the_language_of_the_locale(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert choose_language() == language
    assert choose_language("en") == "en"


def test_translation_lacks_no_command_and_no_group() -> None:
    catalogue = read_catalogue()
    commands = [path or "biaozhu" for path, _ in list_commands(list_all_commands())]
    assert [key for key in (*commands, *GROUPS) if key not in catalogue] == []
    assert [path for path in commands if path in catalogue and len(catalogue[path]) > MAX_CHARACTERS] == []


def test_translation_keeps_the_fields_of_each_message() -> None:
    field = re.compile(r"{[a-z]+}")
    for key, text in read_catalogue().items():
        assert sorted(field.findall(key)) == sorted(field.findall(text)), key


def test_translation_of_an_unknown_message_is_the_message() -> None:
    choose_language("zh")
    try:
        assert translate("no such message {x}", x=1) == "no such message 1"
    finally:
        choose_language("en")


def test_translation_help_is_chinese_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        assert run(["--lang", "zh", "--help"]) == 0
        shown = capsys.readouterr().out
    finally:
        choose_language("en")
    assert "金标准" in shown
    assert "..." not in shown.replace("COMMAND [ARGS]...", "")
    assert run(["--lang", "fr", "labels"]) == 2
