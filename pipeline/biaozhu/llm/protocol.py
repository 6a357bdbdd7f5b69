"""Replies of a server of the chat protocol: answers whole or streamed, usage, errors, pauses. No secret of ours is repeated."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from biaozhu.data.files import parse_json
from biaozhu.llm.budget import Usage

SHOWN_CHARS = 200
FILTERED = re.compile(r"inspection|content.?filter|content exists risk|\b1301\b|sensitive", re.IGNORECASE)
"""How DashScope, Azure, DeepSeek and Zhipu say that their filter refuses a text; they do it with status 400."""
NOT_PROTOCOL = "the server's answer is not of the chat protocol"


@dataclass(frozen=True, slots=True)
class Reply:
    """The text of an answer, and how it ended: `stop`, `length`, or `refusal` by the model or the server's filter."""

    content: str
    finish: str


class CallFailedError(Exception):
    """A call that gave no answer: a reason that can be counted, and what the server said.

    `may_split`: fewer sentences may do. `is_server`: the server fails, whatever it is asked.
    """

    def __init__(
        self, reason: str, detail: str = "", *, may_split: bool = False, is_server: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.may_split, self.is_server = reason, detail, may_split, is_server


class BusyError(Exception):
    """A call that may succeed later; `pause` is what the server asks for, `was_sent` whether it may have been charged."""

    def __init__(self, reason: str, detail: str = "", *, pause: float = 0.0, was_sent: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.pause, self.was_sent = reason, detail, pause, was_sent


class FormatRefusedError(Exception):
    """The server may not know the `response_format` that the request states."""


class NoBudgetError(Exception):
    """The budget has no room for another call."""


def read_reply(body: bytes, *, secret: str) -> Reply:
    """Return the one answer of a response.

    Raises:
        BusyError: a stream that broke off.
        CallFailedError: it has none, or is not of the protocol.
    """
    data = _parse(body)
    if isinstance(data, dict) and data.get("error"):
        raise CallFailedError(
            "the server answers with an error", describe_error(body, secret=secret)[0], is_server=True
        )
    try:
        choices = data["choices"]
        if len(choices) > 1:
            return Reply("{}{}", "stop")  # read as two answers in one
        message = choices[0]["message"]
        content, refusal = message.get("content"), message.get("refusal")
        finish = choices[0].get("finish_reason") or "stop"
    except (TypeError, KeyError, IndexError, AttributeError):
        raise CallFailedError(NOT_PROTOCOL, is_server=True) from None
    if refusal or finish == "content_filter":
        return Reply("", "refusal")
    return Reply(content if isinstance(content, str) else "", "length" if finish == "length" else "stop")


def read_usage(body: bytes, most: Usage) -> Usage:
    """Return the tokens that a response says it used; what is not said is estimated by what was set aside."""
    try:
        data = _parse(body)
        usage = data["usage"]
        details = usage.get("prompt_tokens_details") or {}
        cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
        found = Usage(int(usage["prompt_tokens"]), int(usage["completion_tokens"]), int(cached))
    except (BusyError, CallFailedError, TypeError, KeyError, ValueError, OverflowError, AttributeError):
        # Bytes of JSON around Chinese text, of which a character has three.
        return Usage(most.input, min(most.output, len(body) // 3), estimated=True)
    if min(found.input, found.output, found.cached) < 0 or found.cached > found.input:
        return Usage(most.input, most.output, estimated=True)
    return found


def describe_error(body: bytes, *, secret: str) -> tuple[str, bool]:
    """Return what a server says is wrong, on one line and without our key, and whether its filter refused the text."""
    text = body.decode("utf-8", "replace")
    filtered = FILTERED.search(text) is not None
    try:
        data = json.loads(text)
        error = data["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    text = " ".join(text.split())
    if secret:
        text = text.replace(secret, "…")
    return text[:SHOWN_CHARS], filtered


def read_retry_after(value: str) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or a date; 0 where it says nothing."""
    try:
        return max(0.0, float(value)) if float(value) < float("inf") else 0.0
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return 0.0
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _parse(body: bytes) -> Any:
    if body.lstrip().startswith((b"data:", b":", b"event:")):
        return _join_stream(body)
    try:
        return parse_json(body)
    except ValueError:
        raise CallFailedError(NOT_PROTOCOL, is_server=True) from None


def _join_stream(body: bytes) -> dict[str, Any]:
    content, refusal, finish, usage = "", "", None, None
    for line in body.decode("utf-8", "replace").split("\n"):
        if not line.startswith("data:") or line[5:].strip() == "[DONE]":
            continue
        try:
            event = json.loads(line[5:])
            usage = event.get("usage") or usage
            for choice in event.get("choices", ()):
                delta = choice.get("delta", {})
                content += delta.get("content") or ""
                refusal += delta.get("refusal") or ""
                finish = choice.get("finish_reason") or finish
        except (ValueError, TypeError, AttributeError):
            break
    if finish is None:
        raise BusyError("the connection broke off")
    message = {"content": content, "refusal": refusal}
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}
