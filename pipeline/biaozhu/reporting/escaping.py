"""Make article text harmless in HTML, a terminal and Markdown: a character that would act stands as its code point."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

# Control characters (line feed and tab too: inside a sentence they would be read as a space), zero-width and bidi
# controls, line and paragraph separators, invisible fillers, tag characters, and what is not text at all.
UNSEEN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff\ud800-\udfff]"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]#|<>~&])")


def escape_html(text: str) -> Markup:
    """Return text as HTML, with unseen characters as small boxes that hold their code point; a tab as an arrow."""
    # Escaping first is safe: it puts in no unseen character.
    return Markup(UNSEEN.sub(_box_character, str(escape(text))))  # noqa: S704 — escaped, and the boxes hold hex digits


def escape_plain(text: str) -> str:
    """Return text for an attribute, a terminal or a log, with unseen characters as ⟨U+202E⟩."""
    return UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def escape_markdown(text: str) -> str:
    """Return text for a Markdown table cell: nothing in it is markup."""
    return _MARKDOWN.sub(r"\\\1", escape_plain(text))


def _box_character(found: re.Match[str]) -> str:
    name = f"U+{ord(found[0]):04X}"
    shown = "⇥" if found[0] == "\t" else name  # tabs stand between the cells of a table's row
    return f'<span class="ctl" title="{name}">{shown}</span>'
