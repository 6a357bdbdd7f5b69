"""The page at `/`: one static file, whose only script and style are its own, held to that by their checksums."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

PAGE = Path(__file__).with_name("page.html")


def read_page() -> tuple[bytes, dict[str, str]]:
    """Return the page and its headers; the browser runs nothing in it that is not in the file."""
    text = PAGE.read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {_allow(text, 'script')}; style-src {_allow(text, 'style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return text.encode("utf-8"), headers


def _allow(text: str, tag: str) -> str:
    parts = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'" for part in parts)
