"""Switch off each rule that corrects a network's names, and print how many spans are wrong more: `python benchmarks/rules.py [MODEL]`.

Wrong spans are counted on the sets of `benchmarks/modern.py` that chose the models, and wrong sentences among those of
`tests/cases/test_name_kinds.py`, which were invented for kinds of names. A rule that is needed has figures above 0. The network reads
each text once.
"""

from __future__ import annotations

import itertools
import json
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import modern

from biaozhu.annotators import labelled
from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.repair import divisions, persons, places
from recipes.corpora.corpus_store import corpora_folder, read_part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from biaozhu.annotators.words import LacWord, NameModel
    from biaozhu.data.model import Sentence

SETS = ("dev", *modern.WRITTEN)
NETWORK_RULES = {
    places: "_refuse_roads _refuse_facilities _refuse_estates",
    divisions: "_complete_names _find_below _join_provinces _cut_heads _find_settlements",
    persons: "_join_dotted _find_minority_names _refuse_addresses _find_numbered",
}
RULES: tuple[tuple[ModuleType, str, Any], ...] = (
    *((module, name, lambda _: None) for module, names in NETWORK_RULES.items() for name in names.split()),
    (labelled, "align_names", lambda _, rows: [tuple(row) for row in rows]),
    (labelled, "is_refused", lambda *_: False),
)


class Reader:
    """A network that reads the same texts once."""

    def __init__(self, model: NameModel) -> None:
        self.labels, self._model = model.labels, model
        self._read: dict[tuple[str, ...], list[tuple[LacWord, ...]]] = {}

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the words of each text."""
        key = tuple(texts)
        if key not in self._read:
            self._read[key] = self._model.words(texts)
        return self._read[key]


def read_documents(part: str) -> list[list[Sentence]]:
    """Return the sentences of a set, those of one document together."""
    rows = [json.loads(line) for line in (modern.OFFSETS / f"{part}.jsonl").read_text("utf-8").splitlines()]
    gold = modern.read_written(rows) if part in modern.WRITTEN else read_part(corpora_folder() / "modern", part)
    pairs = itertools.groupby(zip(rows, gold, strict=True), key=lambda pair: (pair[0]["file"], pair[0]["path"]))
    return [[sentence for _, sentence in group] for _, group in pairs]


def count_wrong(documents: Sequence[Sequence[Sentence]], model: NameModel) -> int:
    """Return how many spans are in one of gold and pre-annotation alone."""
    wrong = 0
    for document in documents:
        found = annotate_combined([one.text for one in document], model=model)
        wrong += sum(
            len({span.key for span in row} ^ {span.key for span in one.spans})
            for one, row in zip(document, found, strict=True)
        )
    return wrong


def main(name: str) -> None:
    """Print a table in Markdown: wrong spans of each set with all rules, and how many more without each."""
    model, sets = Reader(load_model(name, threads=1)), [read_documents(part) for part in SETS]
    kinds = runpy.run_path(str(Path(__file__).parent.parent / "tests" / "cases" / "test_name_kinds.py"))
    marked = [one.strip() for kind in kinds["CASES"].values() for line in kind.split("\n") for one in line.split(" | ")]
    cases = [kinds["read_marked"](one) for one in marked if one]

    def measure() -> list[int]:
        rows = [annotate_combined([text], model=model)[0] for text, _ in cases]
        missed = sum([span.key for span in row] != spans for row, (_, spans) in zip(rows, cases, strict=True))
        return [*(count_wrong(documents, model) for documents in sets), missed]

    with_all = measure()
    print(
        f"{name}\n\n| without | {' | '.join(SETS)} | {len(cases)} invented sentences |\n|---|" + "---:|" * len(with_all)
    )
    print(f"| (nothing: all rules on) | {' | '.join(map(str, with_all))} |")
    for module, rule, instead in RULES:
        with patch.object(module, rule, instead):
            changes = [f"{count - before:+d}" for count, before in zip(measure(), with_all, strict=True)]
        print(f"| {rule.strip('_')} | {' | '.join(changes)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_MODEL)
