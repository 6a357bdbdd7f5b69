"""Predictors of little weight for the processes of a service; this module is imported in each of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from biaozhu.serving.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDLESS, BAD, GOOD = "无尽", "坏", "好"


def make_sleeper() -> Predictor:
    """Return a predictor that finds nothing, works on some texts for ever, and fails on others."""

    def predict(texts: Sequence[str]) -> list[tuple[()]]:
        for text in texts:
            if text.startswith(ENDLESS):
                time.sleep(600)
            if text.startswith(BAD):
                raise ZeroDivisionError("a slip")
        return [() for _ in texts]

    return Predictor("sleeper", predict)


def make_nothing() -> Predictor:
    """Fail."""
    raise ValueError("no model")
