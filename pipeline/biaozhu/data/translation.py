"""Messages in the user's language: English as the code has them, or Chinese from the catalogue zh.po beside this.

The code formats its messages as it likes. Where one is shown, the catalogue's templates (`{0} of {1} sentences`) are
matched against it, and the Chinese of the one that explains most of it is filled with what stood in the holes.
`{0:article=文章,section=小节}` also translates the named values of a hole.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice
from operator import itemgetter
from pathlib import Path
from string import Formatter
from typing import Literal

Language = Literal["en", "zh"]

CATALOGUE = Path(__file__).with_name("zh.po")
# In gettext's order of precedence.
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
ENTRY = re.compile(r'^(msgid|msgstr) ((?:".*"\s*)+)', re.MULTILINE)
ERROR = re.compile(r"(.*?)\b(BZ\d{3}) (.*)\.", re.DOTALL)
COUNTED = re.compile(r"\d+ × .+")
# A phrase in a hole is translated, a word is not: it may be the user's, and so may text that fits a short template.
PHRASE_CHARACTERS, SHORT_CHARACTERS = 12, 8
MAX_WAYS = 64
WORDS = re.compile("[A-Za-z] ")
# Stands for an error in the message around it.
SAID = "\0"
_chosen: list[Language] = ["en"]


def choose_language(name: str = "") -> Language:
    """Set the language of all messages: one that is named, else that of the environment; return it."""
    wanted = name or next((os.environ[one] for one in VARIABLES if os.environ.get(one)), "")
    _chosen[0] = "zh" if wanted.lower().startswith("zh") else "en"
    return _chosen[0]


def current_language() -> Language:
    """Return the language of messages; English until one was chosen."""
    return _chosen[0]


def translate(message: str) -> str:
    """Return a message, of one or several lines, in the chosen language; one that the catalogue lacks as it is."""
    if _chosen[0] == "en" or not message:
        return message
    if "\n" in message and message not in _read_whole():
        return "\n".join(map(translate, message.split("\n")))
    return _render(message)[1]


@cache
def read_catalogue() -> dict[str, str]:
    """Return the Chinese of each template; raises ValueError for a message that stands twice or has no translation."""
    found: dict[str, str] = {}
    entries = ENTRY.findall(CATALOGUE.read_text("utf-8"))
    for (kind, key), (other, text) in zip(entries[::2], entries[1::2], strict=True):
        message = _unquote(key)
        if (kind, other) != ("msgid", "msgstr") or message in found:
            raise ValueError(f"{CATALOGUE}: {message!r} stands twice, or without its translation")
        found[message] = _unquote(text)
    del found[""]
    return found


def parse_holes(template: str) -> tuple[list[str], list[str]]:
    """Return the literal texts of a template, one more than its holes, and the names of the holes."""
    literals, names = [""], list[str]()
    for literal, name, _, _ in Formatter().parse(template):
        literals[-1] += literal
        if name is not None:
            names.append(name)
            literals.append("")
    return literals, names


def _unquote(lines: str) -> str:
    return "".join(ast.literal_eval(line) for line in lines.splitlines() if line)


@cache
def _read_whole() -> dict[str, str]:
    """Return the catalogue as it is shown where a message has no hole."""
    return {_unescape(message): _unescape(text) for message, text in read_catalogue().items()}


def _unescape(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


@cache
def _index_templates() -> list[tuple[int, list[str], str]]:
    parsed = [(*parse_holes(message), text) for message, text in read_catalogue().items()]
    numbered = [(literals, text) for literals, names, text in parsed if names and all(map(str.isdigit, names))]
    return [(sum(map(len, literals)), literals, text) for literals, text in numbered]


def _render(text: str, *, inside: bool = False) -> tuple[int, str]:
    """Return a message or a part of one in Chinese, and how many characters of it the catalogue knows.

    It may be put together of several: `BZ003 where: what. next step.`, `3 × what`, `where: what`.
    """
    if error := ERROR.fullmatch(text):
        known, outer = _render(f"{error[1]}{SAID}")
        return known + 1, outer.replace(SAID, _translate_error(error[2], error[3]))
    if COUNTED.fullmatch(text):
        counts = (one.partition(" × ") for one in text.split(", "))
        return len(text), "，".join(f"{count}{times}{translate(what)}" for count, times, what in counts)
    found = [_render_whole(text, inside=inside)]
    for place in re.finditer(": ", text):
        known, said = _render_whole(text[place.end() :], inside=inside)
        found.append((known, f"{text[: place.end()]}{said}"))
    # At a tie that which leaves `where: ` outside: a first hole would take it, and Chinese may begin with another word.
    return max(reversed(found), key=itemgetter(0))


@lru_cache(maxsize=1024)
def _render_whole(text: str, *, inside: bool) -> tuple[int, str]:
    # A translation that is the same explains nothing of the text.
    if (exact := _read_whole().get(text, text)) != text and (not inside or " " in text):
        return len(text), exact
    found = [(0, text)]
    for size, literals, template in _index_templates():
        values = _match(literals, text) if size >= PHRASE_CHARACTERS or not inside else None
        if values is not None:
            known, filled = _fill(template, values)
            found.append((size + known, filled))
    return max(found, key=itemgetter(0))


def _match(literals: Sequence[str], text: str) -> Sequence[str] | None:
    first, *middle, last = literals
    start, end = len(first), len(text) - len(last)
    if start > end or not (text.startswith(first) and text.endswith(last)):
        return None
    # `{0} is {1}` fits any prose: what is before it must be no words.
    if not first and sum(map(len, literals)) < SHORT_CHARACTERS and WORDS.search(text.partition(literals[1])[0]):
        return None
    # A name may hold a literal: `1980 (1) (3 sentences)`. A value closes what it opens, and most are numbers.
    ways = list(islice(_split(middle, text[start:end]), MAX_WAYS))
    return max(ways, key=lambda values: (all(map(_is_closed, values)), sum(map(str.isdigit, values))), default=None)


def _split(literals: Sequence[str], text: str) -> Iterator[list[str]]:
    """Yield each way to cut a text at the literals in their order, the leftmost first."""
    if not literals:
        yield [text]
        return
    # Behind the last place for the first literal the others find none, however long one tries.
    last = len(text)
    for literal in reversed(literals):
        if (last := text.rfind(literal, 0, last)) < 0:
            return
    for place in re.finditer(re.escape(literals[0]), text):
        if place.start() > last:
            return
        for rest in _split(literals[1:], text[place.end() :]):
            yield [text[: place.start()], *rest]


def _is_closed(value: str) -> bool:
    return not re.search("[()]", re.sub(r"\([^()]*\)", "", value))


def _fill(template: str, values: Sequence[str]) -> tuple[int, str]:
    known, parts = 0, []
    for literal, name, words, _ in Formatter().parse(template):
        parts.append(literal)
        if name is not None:
            named = dict(one.split("=") for one in (words or "").split(",") if one)
            value = values[int(name)]
            size, said = (len(value), named[value]) if value in named else _render(value, inside=True)
            known += size
            parts.append(said)
    return known, "".join(parts)


def _translate_error(code: str, text: str) -> str:
    for stop in re.finditer(r"\. ", text):
        known, advice = _render_whole(text[stop.end() :], inside=False)
        if known:
            return f"{code} {_render(text[: stop.start()])[1]}。{advice}。"
    return f"{code} {text}."
