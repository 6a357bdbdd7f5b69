"""What servers say: usage of three makers, pauses, errors without our key, and that nothing they send is a traceback."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.llm.config import Prices, Usage
from biaozhu.llm.endpoint import (
    BusyError,
    CallFailedError,
    describe_error,
    read_reply,
    read_retry_after,
    read_usage,
)

MOST = Usage(1000, 500)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "finish_reason", "usage", "prompt_tokens", "error", "delta"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2}, Usage(9, 2)),
        (
            {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
            Usage(9, 2, 4),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}, Usage(9, 2, 4)),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(9, 2)),
        ({"prompt_tokens": 9, "completion_tokens": -2}, Usage(1000, 500, estimated=True)),
        (
            {"prompt_tokens": 3, "completion_tokens": 2, "prompt_cache_hit_tokens": 4},
            Usage(1000, 500, estimated=True),
        ),
        ({"prompt_tokens": 1e300, "completion_tokens": 2}, Usage(1000, 500, estimated=True)),
        ({"prompt_tokens": 9, "completion_tokens": 10**30}, Usage(1000, 500, estimated=True)),
        ({"prompt_tokens": float("inf"), "completion_tokens": 2}, Usage(1000, 20, estimated=True)),
        (None, Usage(1000, 5, estimated=True)),
    ],
)
def test_protocol_reads_usage(usage: Any, expected: Usage) -> None:
    assert read_usage(json.dumps({"usage": usage}).encode(), MOST) == expected


def test_protocol_usage_costs_less_where_the_server_had_it_cached() -> None:
    used = Usage(1_000_000, 500_000, 250_000)
    assert used.cost(None) is None
    assert used.cost(Prices(2.0, 8.0)) == pytest.approx(6.0)
    assert used.cost(Prices(2.0, 8.0, 0.4)) == pytest.approx(1.5 + 0.1 + 4.0)


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3), ("0.5", 0.5), ("-3", 0), ("soon", 0), ("", 0), ("inf", 0), ("nan", 0)]
)
def test_protocol_reads_a_pause(value: str, seconds: float) -> None:
    assert read_retry_after(value) == seconds


def test_protocol_reads_a_pause_as_a_date() -> None:
    when = datetime.now(UTC) + timedelta(seconds=30)
    assert read_retry_after("Mon, 01 Jan 99999999999999999999 00:00:00 GMT") == 0
    assert 25 < read_retry_after(format_datetime(when, usegmt=True)) <= 30


@pytest.mark.parametrize(
    ("body", "said", "filtered"),
    [
        ('{"error": {"message": "no sk-1 here"}}', "no … here", False),
        ('{"error": "plain"}', "plain", False),
        ("<html>\nSK - 1 ｓｋ－１ <b>gateway</b>", "<html> … … <b>gateway</b>", False),
        ('{"error": {"code": "data_inspection_failed", "message": "x"}}', "x", True),
        ('{"error": {"code": "content_filter", "message": "x"}}', "x", True),
        ('{"error": {"message": "Content Exists Risk"}}', "Content Exists Risk", True),
        ('{"error": {"code": "1301", "message": "x"}}', "x", True),
    ],
)
def test_protocol_says_what_is_wrong_without_our_key(body: str, said: str, filtered: bool) -> None:  # noqa: FBT001 — a case
    assert describe_error(body.encode(), secret="sk-1") == (said, filtered)  # noqa: S106 — not one


@pytest.mark.parametrize("body", [b"[" * 100_000, b"data: " + b"[" * 100_000, b'data: {"choices": [' + b"[" * 980])
def test_protocol_takes_no_depth_for_an_answer(body: bytes) -> None:
    assert read_usage(body, MOST).estimated
    with pytest.raises(CallFailedError):
        read_reply(body, secret="")


@given(JSON | st.text(max_size=20), st.booleans())
def test_protocol_takes_whatever_comes(value: Any, stream: bool) -> None:  # noqa: FBT001 — a case
    text = value if isinstance(value, str) else json.dumps(value)
    body = (f"data: {text}\n\n" if stream else text).encode("utf-8", "replace")
    assert read_usage(body, MOST).input >= 0
    describe_error(body, secret="x")  # noqa: S106 — not one
    with contextlib.suppress(CallFailedError, BusyError):
        assert isinstance(read_reply(body, secret="")[0], str)
