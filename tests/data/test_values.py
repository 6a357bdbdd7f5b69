"""Values that travel through the pipeline cannot be changed on their way, nor given an attribute by a slip of the pen."""

from __future__ import annotations

import pkgutil
from dataclasses import is_dataclass
from importlib import import_module

import pytest

from biaozhu import data, reading, scoring

MODULES = [
    import_module(found.name)
    for package in (data, scoring, reading)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]
CLASSES = [
    one
    for module in MODULES
    for one in vars(module).values()
    if isinstance(one, type) and is_dataclass(one) and one.__module__ == module.__name__
]
# They count while they are filled, and are not handed on.
COUNTERS = {"LackingSentences", "_Measure"}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_values_are_frozen_and_have_no_other_attributes(kind: type) -> None:
    assert kind.__dataclass_params__.frozen == (kind.__name__ not in COUNTERS)  # type: ignore[attr-defined]
    assert "__slots__" in vars(kind)
