"""Messages in the user's language: English as they stand in the code, or Chinese from the catalogue zh.po beside this.

The catalogue is gettext's, read as it stands. A message is its own key; the help of a command or an option goes by its
name (`train`, `train --gold`, or `--gold` where all commands mean the same), so that editing the English loses nothing.
"""

from __future__ import annotations

import ast
import os
import re
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "zh"]

CATALOGUE = Path(__file__).with_name("zh.po")
LANGUAGES: tuple[Language, ...] = get_args(Language)
# In gettext's order of precedence.
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
ENTRY = re.compile(r'^(msgid|msgstr)?\s*("(?:[^"\\]|\\.)*")$')
_chosen: list[Language] = ["en"]


def choose_language(name: str = "") -> Language:
    """Set the language of all messages: one that is named, else that of the environment; return it."""
    wanted = name or next((os.environ[one] for one in VARIABLES if os.environ.get(one)), "")
    _chosen[0] = "zh" if wanted.lower().startswith("zh") else "en"
    return _chosen[0]


def current_language() -> Language:
    """Return the language of messages; English until one was chosen."""
    return _chosen[0]


def translate(message: str, **values: object) -> str:
    """Return a message in the chosen language, with its {fields} filled in."""
    found = find_translation(message) or message
    return found.format(**values) if values else found


def find_translation(*keys: str) -> str:
    """Return what the catalogue has for the first key that it has, or nothing, as always in English."""
    if _chosen[0] == "en":
        return ""
    catalogue = read_catalogue()
    return next((catalogue[key] for key in keys if catalogue.get(key)), "")


@cache
def read_catalogue() -> dict[str, str]:
    """Return the Chinese text of each key of the catalogue.

    Raises:
        ValueError: a line is none of gettext's, or a key stands twice.
    """
    entries: list[list[str]] = []
    for number, line in enumerate(CATALOGUE.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = ENTRY.match(line.strip())
        if match is None:
            raise ValueError(f"{CATALOGUE}:{number}: not a line of a catalogue")
        text = ast.literal_eval(match[2])
        if match[1] == "msgid":
            entries.append([text])
        elif match[1] == "msgstr":
            entries[-1].append(text)
        else:
            entries[-1][-1] += text
    found = {key: text for key, text in entries if key}
    if len(found) < sum(bool(key) for key, _ in entries):
        raise ValueError(f"{CATALOGUE}: a key stands twice")
    return found
