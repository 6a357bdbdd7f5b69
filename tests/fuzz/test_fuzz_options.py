"""Bad values for every option of every command: a few in each run, others with `make test-random` (see `options.py`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from options import BASES, Case, draw_cases, fuzz, list_leaves

RANDOM_SECONDS, RUNS = 20, 40


def test_fuzz_options_has_a_good_command_line_for_each_command_that_needs_words() -> None:
    leaves = dict(list_leaves())
    assert leaves.keys() >= BASES.keys()
    needing = {name for name, command in leaves.items() if any(one.required for one in command.params)}
    assert needing <= BASES.keys()


def test_fuzz_options_draws_every_command_and_the_same_for_the_same_seed() -> None:
    cases = draw_cases(7, 4000)
    assert cases == draw_cases(7, 4000)
    drawn = {" ".join(case.arguments) for case in cases}
    assert all(any(one.startswith(name) for one in drawn) for name, _ in list_leaves())


def test_fuzz_options_starts_from_command_lines_that_are_right() -> None:
    names = ("evaluate", "compare", "report", "history", "summary", "import", "serve", "crossval")
    cases = [Case(tuple(BASES[name].split()), ()) for name in names]
    wrong = {outcome.said for _, case, outcome in fuzz(cases) if outcome.status not in {0, 130} or outcome.fault}
    assert not wrong


def test_fuzz_options_take_a_link_for_what_it_is_where_its_folder_comes_to_be() -> None:
    ((_, _, outcome),) = fuzz([Case(("new", "broken"), ())])
    assert (outcome.status, outcome.fault) == (0, "")


# Of the marker that `make test-random` chooses by, and with its seed.
@pytest.mark.hypothesis
def test_fuzz_options_end_with_a_line_and_a_status(request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--hypothesis-seed")
    amount = ["--runs", "5000", "--seconds", str(RANDOM_SECONDS)] if seed else ["--runs", str(RUNS)]
    script = Path(__file__).with_name("options.py")
    done = subprocess.run(
        [sys.executable, str(script), "--seed", str(seed or 1), *amount],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
