"""How many small faults put into the code the fast tests find: a sample of cosmic-ray's mutants of data/, scoring/, reading/.

    pip install cosmic-ray==8.7.0
    python benchmarks/mutants.py --count 150 --seed 1 -o mutants.jsonl

It changes files of the checkout one at a time and puts them back: run it in a worktree of its own. Of the mutants at one
place that are of one family (+ by -, by *, …) one is drawn. What changes nothing at run time is left out: annotations,
imports for type checkers, caches. A mutant is killed where a fast test of its own folder fails, or of those that build on
it. Run again, it goes on.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("data", "scoring", "reading")
DEPENDENT = ("tests/data", "tests/storage", "tests/scoring", "tests/reading", "tests/formats", "tests/curation")
SECONDS = 240


@dataclass(frozen=True, order=True)
class Mutant:
    """A change of one place of a file, as cosmic-ray counts them."""

    file: str
    line: int
    column: int
    operator: str
    occurrence: int

    @property
    def family(self) -> tuple[str, int, int, str]:
        """What one mutant is drawn of: the place, and what is replaced there."""
        return self.file, self.line, self.column, self.operator.rpartition("_")[0] or self.operator


def find_mutants() -> list[Mutant]:
    """Return all mutants that change what runs, in order."""
    from cosmic_ray.commands import init  # noqa: PLC0415 — only here is it needed
    from cosmic_ray.work_db import use_db  # noqa: PLC0415 — as above

    files = [path for folder in FOLDERS for path in sorted(Path("pipeline/biaozhu", folder).rglob("*.py"))]
    with tempfile.TemporaryDirectory() as folder, use_db(Path(folder) / "session.sqlite") as session:
        init(files, session, {})
        found = [
            Mutant(str(one.module_path), one.start_pos[0], one.start_pos[1], one.operator_name, one.occurrence)
            for item in session.work_items
            for one in item.mutations
        ]
    idle = {str(path): list(_find_idle(ast.parse(path.read_text("utf-8")))) for path in files}
    return sorted(
        one for one in found if not any(start <= (one.line, one.column) <= end for start, end in idle[one.file])
    )


def _find_idle(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the stretches of a module that are for type checkers or only keep results."""
    for node in ast.walk(tree):
        found = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.append(node)
        found += [one for one in getattr(node, "decorator_list", ()) if ast.unparse(one) == "cache"]
        for one in found:
            if isinstance(one, ast.AST):
                yield (one.lineno, 0), (one.end_lineno or one.lineno, sys.maxsize)  # type: ignore[attr-defined]


def draw_mutants(mutants: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return so many of the mutants, one of each family."""
    shuffled = random.Random(seed).sample(mutants, len(mutants))  # noqa: S311 — a sample, no secret
    return list({one.family: one for one in reversed(shuffled)}.values())[::-1][:count]


def is_killed(mutant: Mutant) -> bool:
    """Put a mutant in the place of its file, run the tests, put the file back; tell whether a test failed."""
    from cosmic_ray.mutating import mutate_code  # noqa: PLC0415 — as above
    from cosmic_ray.plugins import get_operator  # noqa: PLC0415 — as above

    path = Path(mutant.file)
    text = path.read_text("utf-8")
    own = f"tests/{path.parts[2]}"
    path.write_text(mutate_code(text, get_operator(mutant.operator)(), mutant.occurrence) or text, encoding="utf-8")
    try:
        first = [*sorted(map(str, Path(own).glob(f"test_{path.stem}*.py"))), own]
        return _fails(first) or _fails([one for one in DEPENDENT if one != own])
    finally:
        path.write_text(text, encoding="utf-8")


def _fails(tests: list[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def main() -> int:
    """Test the drawn mutants, print those that live and the shares by folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=Path("mutants.jsonl"))
    arguments = parser.parse_args()
    lines = arguments.output.read_text("utf-8").splitlines() if arguments.output.exists() else []
    done = {Mutant(*row["mutant"]): row["killed"] for row in map(json.loads, lines)}
    drawn = draw_mutants(find_mutants(), arguments.count, arguments.seed)
    for one in drawn:
        if one not in done:
            done[one] = is_killed(one)
            with arguments.output.open("a", encoding="utf-8") as file:
                row = {"mutant": [one.file, one.line, one.column, one.operator, one.occurrence], "killed": done[one]}
                file.write(json.dumps(row) + "\n")
    for one in sorted(one for one in drawn if not done[one]):
        print(f"alive: {one.file}:{one.line}:{one.column} {one.operator}")
    counts = Counter((Path(one.file).parts[2], done[one]) for one in drawn)
    print("| folder | mutants | killed | share |\n|---|---:|---:|---:|")
    for folder in (*FOLDERS, "all"):
        killed, alive = (
            sum(count for (name, dead), count in counts.items() if dead is state and folder in (name, "all"))
            for state in (True, False)
        )
        print(f"| {folder} | {killed + alive} | {killed} | {killed / max(1, killed + alive):.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
