"""The audit of the lock files: what it finds in a list of known holes, and that it never says more than it looked up."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[1] / "locks" / "audit.py"
ADVISORY = """id: PYSEC-2021-1
modified: '2021-02-03T00:00:00Z'
aliases: [CVE-2021-1]
affected:
- package: {name: a-package, ecosystem: PyPI}
  ranges:
  - type: ECOSYSTEM
    events: [{introduced: '1.2'}, {fixed: '1.4'}, {introduced: '2.0'}, {last_affected: '2.1'}]
  versions: ['0.5', '1.2']
"""


@pytest.fixture
def advisories(tmp_path: Path) -> Path:
    file = tmp_path / "vulns" / "a-package" / "PYSEC-2021-1.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(ADVISORY, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("version", "open_"),
    [("0.5", True), ("0.6", False), ("1.2", True), ("1.3.9", True), ("1.4", False), ("1.10", False),
     ("2.0", True), ("2.1", True), ("2.2", False)],
)  # fmt: skip
def test_audit_reads_versions_and_ranges(advisories: Path, version: str, open_: bool) -> None:  # noqa: FBT001 — a case
    open_holes = runpy.run_path(str(AUDIT))["open_holes"]
    assert open_holes("a_package", version, advisories, set()) == (["CVE-2021-1/PYSEC-2021-1"] if open_ else [])
    assert open_holes("a-package", version, advisories, {"CVE-2021-1"}) == []
    assert open_holes("other", version, advisories, set()) == []


def test_audit_says_how_old_its_copy_is_and_that_no_copy_is_none(advisories: Path, tmp_path: Path) -> None:
    def audit(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, AUDIT, "--advisories", folder], capture_output=True, text=True, check=False
        )

    done = audit(advisories)
    assert done.returncode == 0
    assert "run.lock: " in done.stdout
    assert ": 0 packages" not in done.stdout
    assert "a copy of 2021-02-03; a hole that was published later is NOT known to it" in done.stdout
    nothing = audit(tmp_path / "none")
    assert nothing.returncode == 2
    assert nothing.stdout.startswith("not looked up: ")
