"""An annotator's folder: one layer an article, and beside each who did what and when, `<article>.status.json`.

A layer holds only the sentences that its annotator worked on. The status file says which sentences were confirmed, which
show no work, and which spans were shown, or withheld in the blind control slice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import msgspec

from biaozhu.data.errors import DuplicateError, LineError, OutputError, UsageError
from biaozhu.data.files import parse_json_as, read_bytes, write_text
from biaozhu.data.layers import STATUS_SUFFIX, find_layers, read_layers
from biaozhu.data.model import Sentence, Span

SCHEMA = 1

# Keys of a line of questions or decisions, in which what each annotator marked stands under their name.
LINE_KEYS = frozenset(("sentence", "start", "end", "text", "context", "kind", "spans", "rule", "note", "by", "at"))

State = Literal["confirmed", "edited", "untouched"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A span that a person drew or changed, with the server's times (ISO 8601); `user` is empty when unknown."""

    start: int
    end: int
    label: str
    user: str
    created: str
    updated: str


@dataclass(frozen=True, slots=True)
class Note:
    """A comment on a sentence."""

    user: str
    time: str
    text: str


@dataclass(frozen=True, slots=True)
class SentenceStatus:
    """The state of one sentence after one annotator's work.

    `shown` are the pre-annotated spans that the annotator saw; `withheld` those that a blind sentence hid, None
    where the sentence is not blind. `confirmed_by` and `confirmed_at` are empty where nobody confirmed it.
    """

    sentence: str
    state: State
    shown: tuple[Span, ...] = ()
    withheld: tuple[Span, ...] | None = None
    confirmed_by: str = ""
    confirmed_at: str = ""
    drawn: tuple[Drawn, ...] = ()
    comments: tuple[Note, ...] = ()

    @property
    def blind(self) -> bool:
        """True where the sentence is in the control slice, where pre-annotations are hidden."""
        return self.withheld is not None

    @property
    def proposed(self) -> tuple[Span, ...]:
        """The pre-annotated spans, shown or not."""
        return self.shown if self.withheld is None else self.withheld


def read_annotators(paths: Sequence[Path]) -> list[tuple[str, tuple[Sentence, ...]]]:
    """Read the name and all sentences of each annotator from `layers/<annotator>/` or one file of it.

    The name is the folder's, with as many folders above it as tell all from each other, and the file's where one folder
    comes twice. The same layer twice raises DuplicateError, as does an annotator with a sentence in two files.
    """
    files = [find_layers([path]) for path in paths]
    folders = [some[0].resolve().parent for some in files]
    pairs = zip(folders, files, strict=True)
    places = [(*one.parts, some[0].stem) if folders.count(one) > 1 else one.parts for one, some in pairs]
    lengths = range(1, max(map(len, places), default=0) + 1)
    length = next((n for n in lengths if len({place[-n:] for place in places}) == len(places)), 0)
    if not length:
        raise DuplicateError("the same layer comes twice", where=", ".join(map(str, paths)), next_step="Give each once")
    layers = [read_layers(some) for some in files]
    return [("/".join(place[-length:]), layer) for place, layer in zip(places, layers, strict=True)]


def check_annotators(names: Iterable[str]) -> None:
    """Raise UsageError for an annotator's name that a line of questions or decisions has as a key of its own."""
    for name in names:
        if name in LINE_KEYS:
            advice = (
                "Questions and decisions have a key of this name: choose another, also for the folder of the layers"
            )
            raise UsageError(f"{name!r} cannot be an annotator's name", next_step=advice)


def read_times(path: Path) -> dict[str, str]:
    """Read when an annotator confirmed each sentence (ISO 8601), from the status files beside the layers, if any."""
    return {status.sentence: status.confirmed_at for status in _read_beside(path) if status.confirmed_at}


def count_unconfirmed(path: Path, layer: Iterable[Sentence]) -> int:
    """Count the sentences of a layer that its annotator worked on and did not confirm, as the status files say."""
    return len({one.sentence for one in _read_beside(path) if one.state != "confirmed"} & {one.id for one in layer})


def _read_beside(path: Path) -> Iterator[SentenceStatus]:
    files = (file for layer in find_layers([path]) if (file := status_path(layer)).exists())
    return chain.from_iterable(map(read_status, files))


def status_path(layer: Path) -> Path:
    """Return the path of the status file beside a layer."""
    return layer.with_name(layer.name.removesuffix(".jsonl") + STATUS_SUFFIX)


def read_project(layer: Path) -> str:
    """Return the project from which a layer was pulled; nothing where no status file, or a damaged one, is beside it."""
    path = status_path(layer)
    with suppress(ValueError, KeyError):
        return str(parse_json_as(read_bytes(path), dict)["project"]) if path.exists() else ""
    return ""


def check_project(layer: Path, project: str, *, has_work: bool) -> None:
    """Raise OutputError where a pull of a project would take away a layer that it has not written.

    That is one whose status file is of another project, and without work to replace it, one that has no status file.
    """
    owner = read_project(layer)
    if owner not in ("", project):
        advice = "Give the project a folder of its own with -o"
        raise OutputError(f"the work of project {owner} would be replaced", where=layer, next_step=advice)
    if not (has_work or owner) and layer.exists():
        what = f"project {project} has no work on this article, and no pull has written this layer"
        raise OutputError(what, where=layer, next_step="Move it away, or give another folder with -o")


def write_status(path: Path, project: str, annotator: str, sentences: Iterable[SentenceStatus]) -> None:
    """Write a status file, one sentence a line."""
    head = json.dumps({"schema": SCHEMA, "project": project, "annotator": annotator}, ensure_ascii=False)
    lines = [json.dumps(asdict(sentence), ensure_ascii=False) for sentence in sentences]
    write_text(path, head[:-1] + ', "sentences": [\n' + ",\n".join(lines) + "\n]}\n")


def read_status(path: Path) -> tuple[SentenceStatus, ...]:
    """Read a status file of this version."""
    keys = set(SentenceStatus.__dataclass_fields__)
    try:
        data: dict[str, Any] = parse_json_as(read_bytes(path), dict)
        if data["schema"] != SCHEMA:
            raise ValueError(f"its schema is {data['schema']}, this version reads {SCHEMA}")  # noqa: TRY301 — one error for all
        if any(set(entry) != keys for entry in data["sentences"]):
            raise ValueError(f"each sentence has the keys {', '.join(sorted(keys))}")  # noqa: TRY301 — as above
        return msgspec.convert(data["sentences"], tuple[SentenceStatus, ...])
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        advice = "Remove it, and pull the project again with `biaozhu project pull`"
        raise LineError(f"not a status file: {error}", where=path, next_step=advice) from None
