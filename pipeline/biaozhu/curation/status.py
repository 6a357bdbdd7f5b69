"""Beside a layer that came from Doccano: who did what and when, sentence by sentence, `<article>.status.json`.

A layer holds only the sentences that its annotator worked on. What it cannot say stands here: which sentences were
confirmed and which show no work (neither confirmed nor commented on nor changed), so that `untouched` and `no
entities` are two things; the spans that were shown; and those that were withheld in the blind control slice.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from biaozhu.data.errors import LineError
from biaozhu.data.files import parse_json, read_bytes, write_text
from biaozhu.data.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMA = 1
SUFFIX = ".status.json"

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
    """What became of one sentence in one annotator's hands.

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
        """Whether the sentence belongs to the control slice, where pre-annotations are not shown."""
        return self.withheld is not None

    @property
    def proposed(self) -> tuple[Span, ...]:
        """The pre-annotated spans, shown or not."""
        return self.shown if self.withheld is None else self.withheld


def status_path(layer: Path) -> Path:
    """Return the path of the status file beside a layer."""
    return layer.with_name(layer.name.removesuffix(".jsonl") + SUFFIX)


def write_status(path: Path, project: str, annotator: str, sentences: Iterable[SentenceStatus]) -> None:
    """Write a status file, one sentence a line.

    Raises:
        WriteError: see `biaozhu.data.files.write_text`.
    """
    head = json.dumps({"schema": SCHEMA, "project": project, "annotator": annotator}, ensure_ascii=False)
    lines = [json.dumps(asdict(sentence), ensure_ascii=False) for sentence in sentences]
    write_text(path, head[:-1] + ', "sentences": [\n' + ",\n".join(lines) + "\n]}\n")


def read_status(path: Path) -> tuple[SentenceStatus, ...]:
    """Read a status file.

    Raises:
        MissingFileError: there is none.
        LineError: it is no status file of this version.
    """
    try:
        data: Any = parse_json(read_bytes(path))
        if data["schema"] != SCHEMA:
            raise LineError(
                f"a status file of schema {data['schema']}, this version reads {SCHEMA}",
                where=str(path),
                next_step="Pull the project again with `biaozhu project pull`",
            )
        return tuple(_sentence(entry) for entry in data["sentences"])
    except (ValueError, KeyError, TypeError):
        raise LineError(
            "not a status file",
            where=str(path),
            next_step="Pull the project again with `biaozhu project pull`",
        ) from None


def _sentence(entry: dict[str, Any]) -> SentenceStatus:
    withheld = entry.pop("withheld")
    status = SentenceStatus(
        withheld=None if withheld is None else tuple(Span(**span) for span in withheld),
        shown=tuple(Span(**span) for span in entry.pop("shown")),
        drawn=tuple(Drawn(**span) for span in entry.pop("drawn")),
        comments=tuple(Note(**note) for note in entry.pop("comments")),
        **entry,
    )
    if status.state not in get_args(State):
        raise ValueError(status.state)
    return status
