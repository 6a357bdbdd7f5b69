"""Gold of several disputes in one file, and beside it the annotators of each sentence, `<name>.disputes.json`.

Where each two of many annotators have other sentences of an article, each dispute brings its part of the gold. The sources
of the spans do not name both: a sentence may have no span, or only one that an annotator of several disputes proposed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from biaozhu.data.errors import BiaozhuError, GoldError, LineError, raise_collected
from biaozhu.data.files import as_path, descriptor_of, parse_json_as, read_bytes, write_json
from biaozhu.data.layers import DISPUTES_SUFFIX, join_layers, parse_layer, read_layer, write_layer
from biaozhu.data.model import Sentence
from biaozhu.data.outputs import LAYERS, identify_file

FORMAT = "biaozhu.disputes.v1"


@dataclass(frozen=True, slots=True)
class JointGold:
    """Gold, and by sentence id the annotators whose dispute it is from, or the one alone, in alphabetical order, where that is known."""

    sentences: tuple[Sentence, ...] = ()
    annotators: dict[str, tuple[str, ...]] = field(default_factory=dict)


class _Record(TypedDict):
    # First, since a file is recognized by its beginning.
    format: str
    annotators: dict[str, tuple[str, ...]]


def add_gold(earlier: JointGold, gold: Sequence[Sentence], *, names: Sequence[str]) -> JointGold:
    """Return earlier gold with that of a dispute between `names`: their own sentences anew, and what one of them had alone; all others as they were.

    All sentences of others that would get other spans are reported together, as GoldError.
    """
    pair = tuple(sorted(set(names)))
    found = {one.id: one for one in earlier.sentences}
    annotators = dict(earlier.annotators)
    problems: list[BiaozhuError] = []
    for one in gold:
        before, others = found.get(one.id), annotators.get(one.id, ())
        if before is None or (others and set(others) <= set(pair)):
            found[one.id], annotators[one.id] = one, pair
        elif [span.key for span in before.spans] != [span.key for span in one.spans]:
            what = f"the gold of {'+'.join(others)} would change" if others else "gold of other origin would change"
            advice = "Write to another folder, or remove the sentence from this file first"
            if len(others) == len(pair) == 1:
                advice = "Adjudicate the layers of both together"
            problems.append(GoldError(what, where=one.id, next_step=advice))
    raise_collected(problems)
    order = {article: number for number, article in enumerate(dict.fromkeys(one.article for one in found.values()))}
    ordered = sorted(found.values(), key=lambda one: (order[one.article], one.start))
    return JointGold(tuple(ordered), {sid: annotators[sid] for sid in found if sid in annotators})


def read_joint_gold(path: str | Path) -> JointGold:
    """Read the gold of a file that may not be there yet, with what is recorded of its annotators."""
    path = as_path(path)
    if not _is_kept(path) or not path.is_file() or not path.stat().st_size:
        return JointGold()
    # A file that is not frozen itself may be in a folder that was; what is frozen no output replaces.
    return JointGold(parse_layer(read_bytes(path), path), _read_annotators(path))


def find_others(paths: Collection[Path], ids: Collection[str]) -> list[Path]:
    """Return the gold files beside these that have a sentence of these ids, too: what reads the folder refuses both."""
    folders = {path.parent for path in paths if _is_kept(path)}
    beside = sorted({file for folder in folders for file in folder.glob("*.jsonl")}.difference(paths))
    return [file for file in beside if not _read_annotators(file).keys().isdisjoint(ids)]


def check_folder(folder: Path, paths: Collection[Path], gold: Sequence[Sentence]) -> None:
    """Raise DuplicateError where a layer of the folder beside these has a sentence of the gold: no command would read both."""
    beside = sorted(set(folder.glob("*.jsonl")).difference(paths))
    join_layers([*((file, read_layer(file)) for file in beside if identify_file(file) in LAYERS), (folder, gold)])


def write_joint_gold(path: str | Path, gold: JointGold) -> None:
    """Write the gold, and the record of its annotators beside it."""
    path = as_path(path)
    if _is_kept(path):
        # Before the gold: a record of sentences that do not follow is replaced when they do.
        write_json(disputes_path(path), _Record(format=FORMAT, annotators=gold.annotators), indent=None)
    write_layer(path, gold.sentences)


def _read_annotators(gold: Path) -> dict[str, tuple[str, ...]]:
    if not (record := disputes_path(gold)).is_file():
        return {}
    try:
        return parse_json_as(read_bytes(record), _Record)["annotators"]
    except ValueError as error:
        what = f"not a record of the annotators of gold: {error}"
        raise LineError(what, where=record, next_step="Restore the file") from None


def disputes_path(gold: Path) -> Path:
    """Return the path of the record beside a gold file."""
    return gold.with_name(gold.name.removesuffix(".jsonl") + DISPUTES_SUFFIX)


def _is_kept(path: Path) -> bool:
    # Nothing lies beside a device or a pipe.
    return descriptor_of(path) is None and (path.is_file() or not path.exists())
