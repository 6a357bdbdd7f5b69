"""One door to all formats: a layer to files of a format, and files of a format to sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from biaozhu.data.errors import FormatError, MissingFileError
from biaozhu.data.files import read_bytes
from biaozhu.data.ledger import Entry
from biaozhu.formats import brat, conll, docbin, doccano_jsonl, labelstudio
from biaozhu.formats.foreign_document import LARGEST, Document, Export
from biaozhu.formats.format_names import Format, Units

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence

STEP = "export"


NOT_CARRIED = {Format.conll: "CoNLL carries no sources and no scores: they stay in the layer"}
"""What a format cannot hold beside spans, as a sentence for people."""


def export_layer(
    sentences: Sequence[Sentence], into: Format, *, names: Mapping[str, str]
) -> tuple[Export, tuple[Entry, ...]]:
    """Return a layer in another format, and a ledger entry for each span that the format cannot hold.

    Args:
        sentences: the layer.
        into: the format.
        names: label id -> the name that annotators see; only Doccano shows names.
    """
    if into is Format.doccano:
        made = doccano_jsonl.write_doccano(sentences, names=names)
    else:
        writers = {
            Format.conll: conll.write_conll,
            Format.spacy: docbin.write_docbin,
            Format.labelstudio: labelstudio.write_labelstudio,
            Format.brat: brat.write_brat,
        }
        made = writers[into](sentences)
    entries = tuple(
        Entry(STEP, "loss", one.reason, sid, one.start, one.end, one.label, one.text)
        for sid, one in made.refused
    )
    return made, entries


def read_documents(
    path: Path,
    of: Format,
    *,
    names: Mapping[str, str],
    renamed: Mapping[str, str],
    units: Units | None = None,
) -> tuple[Document, ...]:
    """Read a file (for brat also a folder) of a format.

    Args:
        path: what to read.
        of: its format.
        names: the name that annotators see -> label id, for Doccano.
        renamed: the file's label -> ours, for every format.
        units: what the file's offsets count; None takes what the format's tool counts.

    Raises:
        MissingFileError: there is no such file.
        FormatError: it is not of this format.
    """
    utf16 = None if units is None else units is Units.utf16
    where = str(path)
    if of is Format.brat:
        documents = brat.read_brat(
            _pair(path), where=str(path if path.is_dir() else path.parent), units=utf16
        )
    elif of is Format.doccano:
        data = _content(path)
        documents = doccano_jsonl.read_doccano(
            data, where=where, names=names, units=True if utf16 is None else utf16
        )
    elif of is Format.labelstudio:
        documents = labelstudio.read_labelstudio(_content(path), where=where, units=utf16)
    else:
        read = conll.read_conll if of is Format.conll else docbin.read_docbin
        documents = read(_content(path), where=where)
    if not documents:
        raise FormatError("there is nothing in it", where=where)
    return tuple(
        replace(
            document,
            spans=tuple(replace(span, label=renamed.get(span.label, span.label)) for span in document.spans),
        )
        for document in documents
    )


def _content(path: Path) -> bytes:
    if path.is_file() and path.stat().st_size > LARGEST:
        raise FormatError(f"more than {LARGEST >> 20} MiB", where=str(path), next_step="Export in parts")
    return read_bytes(path)


def _pair(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {file.name: _content(file) for file in sorted(path.iterdir()) if _is_brat(file)}
    if path.suffix not in (".ann", ".txt"):
        raise MissingFileError("brat's files are a .txt and a .ann", where=str(path))
    beside = {path.with_suffix(end) for end in (".ann", ".txt", brat.SIDECAR)}
    return {file.name: _content(file) for file in sorted(beside) if file.is_file() or file == path}


def _is_brat(file: Path) -> bool:
    return file.is_file() and file.name.endswith((".ann", ".txt", brat.SIDECAR))
