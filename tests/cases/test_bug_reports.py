"""The cases reduced from public bug reports, where they lie beside the repository: four of five of each kind, and 95 of 100 of all, are right."""

from __future__ import annotations

import os
import runpy
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

RUNNER = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "cases.py"))
CASES = Path(os.environ.get("BIAOZHU_CASES", RUNNER["CASES"]))
BY_KIND: dict[str, list[dict[str, Any]]] = defaultdict(list)
for case in RUNNER["read_cases"]([CASES]) if CASES.exists() else ():
    BY_KIND[case["kind"]].append(case)
# Of each kind, and of all together.
SHARE, SHARE_OF_ALL = 0.8, 0.95


@pytest.mark.skipif(not BY_KIND, reason=f"no cases beside the repository: {CASES.name}")
@pytest.mark.parametrize("kind", sorted(BY_KIND) or ["none"])
def test_bug_reports_are_right_by_kind(kind: str) -> None:
    wrong = [case for case in BY_KIND[kind] if not RUNNER["judge"](case)[0]]
    assert len(BY_KIND[kind]) - len(wrong) >= SHARE * len(BY_KIND[kind]), [case.get("text") for case in wrong]


@pytest.mark.skipif(not BY_KIND, reason=f"no cases beside the repository: {CASES.name}")
def test_bug_reports_are_right_altogether() -> None:
    cases = [case for some in BY_KIND.values() for case in some]
    wrong = [case.get("text") for case in cases if not RUNNER["judge"](case)[0]]
    assert len(cases) - len(wrong) >= SHARE_OF_ALL * len(cases), wrong
