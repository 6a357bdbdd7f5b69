"""Full-width forms and Chinese quotes to half width, one code point to one, so that offsets stay true.

The words and characters of LAC's dictionary are half width; text is mapped before it is looked up, and the
offsets found hold in the text as it stood.
"""

from __future__ import annotations

_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_HALF_WIDTH = str.maketrans({**_FULL_WIDTH, "\u3000": " ", "“": '"', "”": '"', "‘": "'", "’": "'"})


def to_half_width(text: str) -> str:
    """Return the text with full-width ASCII (！ to ～), U+3000 and “”‘’ in half width; the length is unchanged."""
    return text.translate(_HALF_WIDTH)
