"""Budget of a run: tokens and money, with what is under way set aside so that no limit is passed."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from biaozhu.llm.config import Budget, Prices

CHARS_PER_TOKEN = 1.0
"""Set aside for text whose tokens nobody has counted; Chinese takes 0.5 to 0.8 of a token a character."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of calls; `cached` are those of the input that the server had in its own cache, `estimated` says a guess."""

    input: int = 0
    output: int = 0
    cached: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        tokens = self.input + other.input, self.output + other.output, self.cached + other.cached
        return Usage(*tokens, self.estimated or other.estimated)

    def cost(self, prices: Prices | None) -> float | None:
        """Return what it costs, in the currency of the prices; None without any."""
        if prices is None:
            return None
        cached_price = prices.input if prices.cached_input is None else prices.cached_input
        fresh = self.input - self.cached
        return (fresh * prices.input + self.cached * cached_price + self.output * prices.output) / MILLION


class Meter:
    """Counts calls and tokens of all threads, and tells before each call whether the budget still has room for it."""

    def __init__(self, budget: Budget, prices: Prices | None) -> None:
        self.budget = budget
        self.prices = prices
        self.calls = 0
        self.used = Usage()
        self._reserved = Usage()
        self._under_way = 0
        self._settled = threading.Condition()

    def reserve(self, most: Usage) -> bool:
        """Set aside what a call may use at most, once calls under way have left room for it.

        Returns False, with nothing set aside, where the budget has no room though nothing is under way.
        """
        with self._settled:
            self._settled.wait_for(
                lambda: not self._under_way or self.fits(self.used + self._reserved + most)
            )
            if not self.fits(self.used + self._reserved + most):
                return False
            self._reserved += most
            self._under_way += 1
            return True

    def settle(self, reserved: Usage, used: Usage) -> None:
        """Count a call that was made, in place of what was set aside for it."""
        with self._settled:
            self._reserved += Usage(-reserved.input, -reserved.output)
            self._under_way -= 1
            self.used += used
            self.calls += 1
            self._settled.notify_all()

    def describe(self, times: float = 1) -> dict[str, Any]:
        """Return the figures of a summary, or what so many times as much would use."""
        used = self.used
        if times != 1:
            fresh, answer, cached = (round(at * times) for at in (used.input, used.output, used.cached))
            used = Usage(fresh, answer, cached, used.estimated)
        cost = used.cost(self.prices)
        return {
            "calls": round(self.calls * times),
            "tokens": asdict(used),
            "cost": None if cost is None else round(cost, 6),
            "currency": self.prices.currency if self.prices else None,
        }

    def show_cost(self) -> str:
        """Return the cost so far as a progress bar shows it, or the tokens where there is no price."""
        cost = self.used.cost(self.prices)
        if cost is None or self.prices is None:
            return f"{self.used.input + self.used.output:,} tokens"
        return f"{cost:.4f} {self.prices.currency}"

    def fits(self, most: Usage) -> bool:
        """Tell whether the whole budget has room for so much."""
        cost = most.cost(self.prices)
        return not (
            (self.budget.tokens is not None and most.input + most.output > self.budget.tokens)
            or (self.budget.money is not None and cost is not None and cost > self.budget.money)
        )


def estimate_tokens(chars: int) -> int:
    """Return how many tokens a text may have, rounded up."""
    return int(chars / CHARS_PER_TOKEN) + 1
