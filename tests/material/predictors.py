"""Predictors of little weight for the processes of a service; this module is imported in each of them."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDLESS, BAD, GOOD = "无尽", "坏", "好"


def make_sleeper() -> SimpleNamespace:
    """Return a predictor that finds nothing, works on some texts for ever, and fails on others."""

    def predict(texts: Sequence[str]) -> list[tuple[()]]:
        for text in texts:
            if text.startswith(ENDLESS):
                time.sleep(600)
            if text.startswith(BAD):
                raise ZeroDivisionError("a slip")
        return [() for _ in texts]

    return SimpleNamespace(name="sleeper", predict=predict)


def make_nothing() -> SimpleNamespace:
    """Fail."""
    raise ValueError("no model")
