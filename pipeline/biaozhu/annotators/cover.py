"""Disjoint stretches of a text, found by the characters they cover, so that no step compares each with each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cover(Generic[T]):
    """Disjoint stretches, each with a value; a query costs the characters that it asks about."""

    def __init__(self, stretches: Iterable[tuple[int, int, T]] = ()) -> None:
        self._at: dict[int, tuple[int, int, T]] = {}
        self._values: dict[int, T] = {}
        for start, end, value in stretches:
            self.add(start, end, value)

    def add(self, start: int, end: int, value: T) -> None:
        """Take a stretch, which overlaps none."""
        self._values[start] = value
        self._at.update(dict.fromkeys(range(start, end), (start, end, value)))

    def remove(self, start: int, end: int) -> None:
        """Give a stretch back."""
        del self._values[start]
        for position in range(start, end):
            del self._at[position]

    def values(self) -> list[T]:
        """Return the values of all stretches, in order."""
        return [self._values[start] for start in sorted(self._values)]

    def is_free(self, start: int, end: int) -> bool:
        """Return whether no stretch overlaps this one."""
        return self._at.keys().isdisjoint(range(start, end))

    def find(self, start: int, end: int) -> list[T]:
        """Return the values of the stretches that overlap this one, in order."""
        found: list[T] = []
        while start < end:
            there = self._at.get(start)
            if there is not None:
                found.append(there[2])
            start = start + 1 if there is None else there[1]
        return found
