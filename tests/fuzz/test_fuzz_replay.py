"""The seeds, the kept corpus and every finding of the fuzzer, through the same checks, without the fuzzer."""

from __future__ import annotations

import pytest
from fuzz_corpus import HERE, findings, read_corpus
from fuzz_seeds import seeds
from fuzz_targets import TARGETS

REPLAYED = 60
FOUND = [(target, name) for target in TARGETS for name in findings(target)]


@pytest.mark.parametrize("target", TARGETS)
def test_fuzz_seeds_hold(target: str) -> None:
    for one in seeds()[target]:
        TARGETS[target](one)


@pytest.mark.parametrize("target", TARGETS)
def test_fuzz_corpus_holds(target: str) -> None:
    corpus = read_corpus(target)
    assert corpus
    # Some of every length; `make fuzz` begins with all.
    for one in corpus[:: 1 + len(corpus) // REPLAYED]:
        TARGETS[target](one)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_fuzz_whole_corpus_holds(target: str) -> None:
    for one in read_corpus(target):
        TARGETS[target](one)


@pytest.mark.parametrize(("target", "name"), FOUND)
def test_fuzz_findings_stay_mended(target: str, name: str) -> None:
    TARGETS[target](findings(target)[name])


def test_fuzz_corpus_stays_small() -> None:
    assert sum(file.stat().st_size for file in HERE.rglob("*") if file.is_file()) < 1_000_000
