"""The annotators of a report: how they agree and how they follow the pre-annotation.

Both are measured from their layers and status files where the report is given no file of figures, and shown as
tables.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biaozhu.curation.agreement import measure_agreement
from biaozhu.curation.annotator_layers import read_times
from biaozhu.curation.bias import measure_bias, read_work
from biaozhu.curation.status import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from biaozhu.data.model import Sentence

    Words = Callable[..., str]

KINDS = ("boundary", "label", "mixed", "missing", "extra")


def measure_agreeing(given: Sequence[str], layers: Mapping[str, Sequence[Sentence]]) -> dict[str, Any] | None:
    """Return the agreement of the annotators on the sentences that each two of them have; None where none do.

    Args:
        given: NAME=PATH, as the report was given them.
        layers: annotator -> layer.

    Raises:
        GoldError: two annotators have different texts of a sentence.
        LineError: a status file is not valid.
    """
    ids = [{sentence.id for sentence in layer} for layer in layers.values()]
    if not any(one & other for one, other in combinations(ids, 2)):
        return None
    times: dict[str, dict[str, str]] = {name: {} for name in layers}
    for name, path in _paths(given):
        times[name] |= read_times(path)
    return asdict(measure_agreement(layers, common=True, times=times))


def measure_following(given: Sequence[str], gold: Sequence[Sentence]) -> dict[str, Any] | None:
    """Return how the annotators treat pre-annotations; None where no folder holds what `project pull` writes.

    Args:
        given: NAME=PATH, as the report was given them.
        gold: of some or all of the sentences, or none.

    Raises:
        GoldError: a layer lacks a confirmed sentence, or a gold sentence has another text.
        LineError: a file is not valid.
    """
    work = [
        replace(item, annotator=name)
        for name, path in _paths(given)
        if any(path.glob(f"*{SUFFIX}"))
        for item in read_work(path)
    ]
    return asdict(measure_bias(work, gold=gold)) if work else None


def agreement_tables(
    agreement: Mapping[str, Any], titles: Mapping[str, str], words: Words
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of the tables of agreement.

    Args:
        agreement: as `biaozhu.curation.agreement.Agreement`, in plain values.
        titles: article id -> its title.
        words: the translator.

    Returns:
        `rows`: pair, label, strict, partial, alpha; `kinds`: pair, sentences, and how often each of KINDS; `months` and
        `articles`: name, comparisons (None where the file does not say), strict; articles only where there are several.

    Raises:
        KeyError, TypeError, AttributeError: it is no such file.
    """
    alphas = {"micro": agreement.get("alpha"), **(agreement.get("alpha_by_label") or {})}
    pairs = [(words("pair", a=pair["first"], b=pair["second"]), pair) for pair in agreement["pairs"]]
    # `agree` of before there were months wrote the bare F1 of each article.
    articles = _groups(
        {
            name: {"comparisons": None, "strict": group} if isinstance(group, int | float) else group
            for name, group in (agreement.get("by_article") or {}).items()
        }
    )
    return {
        "rows": [
            (name, label, strict, pair["partial"].get(label), alphas.get(label))
            for name, pair in pairs
            for label, strict in pair["strict"].items()
        ],
        "kinds": [
            (name, pair["sentences"], *(pair["disagreements"].get(kind, 0) for kind in KINDS))
            for name, pair in pairs
            if "disagreements" in pair
        ],
        "months": _groups(agreement.get("by_month") or {}),
        "articles": [(titles.get(name, name), *figures) for name, *figures in articles]
        if len(articles) > 1
        else [],
    }


def _groups(groups: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [(name, group["comparisons"], group["strict"]) for name, group in groups.items()]


def _paths(given: Sequence[str]) -> list[tuple[str, Path]]:
    return [(name, Path(where)) for name, _, where in (item.partition("=") for item in given)]
