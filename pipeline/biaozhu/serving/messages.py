"""Requests to the service and its answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import RequestError
from biaozhu.data.offsets import Utf16Offsets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.data.model import Span
    from biaozhu.serving.predictor import Meanings


def read_texts(body: bytes, *, most: int) -> tuple[list[str], bool]:
    """Read a request: `{"text": "…"}` or `{"texts": ["…", …]}`, of at most `most` texts.

    Returns the texts, and whether they were sent as a list; RequestError where it is anything else.
    """
    try:
        data = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RequestError("not UTF-8", where=f"body@{error.start}") from None
    except (ValueError, RecursionError) as error:
        raise RequestError(f"not JSON ({error})", where="body") from None
    if not isinstance(data, dict) or len(data) != 1 or next(iter(data)) not in ("text", "texts"):
        raise RequestError("it is an object with text or texts, and nothing else", where="body")
    many = "texts" in data
    texts = data["texts"] if many else [data["text"]]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RequestError("a text is a string", where="body")
    if len(texts) > most:
        what = f"{len(texts)} texts, {most} are allowed"
        raise RequestError(what, where="body", next_step="Send fewer at once")
    try:
        for text in texts:
            text.encode("utf-8")
    except UnicodeEncodeError:
        raise RequestError("a lone surrogate, which is not a character", where="body") from None
    return texts, many


def answer(
    texts: Sequence[str],
    found: Sequence[Sequence[Span]],
    *,
    model: str,
    many: bool,
    meanings: Sequence[Meanings] | None = None,
) -> dict[str, Any]:
    """Return the answer for texts with their spans.

    Each entity has `start` and `end` in code points, and `start_offset` and `end_offset` in UTF-16 units, which is
    what Doccano's page counts; with `meanings`, its `meaning` too. One text is answered by `entities`, a list of texts by `results` of such objects.
    """
    results = [{"entities": _entities(text, spans)} for text, spans in zip(texts, found, strict=True)]
    for result, row in zip(results, meanings or (), strict=meanings is not None):
        for entity, meaning in zip(result["entities"], row, strict=True):
            entity["meaning"] = meaning
    return {"model": model, "results": results} if many else {"model": model, **results[0]}


def _entities(text: str, spans: Sequence[Span]) -> list[dict[str, Any]]:
    to_units = Utf16Offsets(text).to_units
    return [
        {
            "start": span.start,
            "end": span.end,
            "start_offset": to_units(span.start),
            "end_offset": to_units(span.end),
            "label": span.label,
            "text": text[span.start : span.end],
            "source": span.source,
            "score": span.score,
        }
        for span in spans
    ]
