"""The way to all formats: a layer to files of a format, and files of a format to documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from biaozhu.data.errors import FormatError, MissingFileError
from biaozhu.data.files import read_bytes
from biaozhu.formats.brat import SIDECAR_SUFFIX, read_brat, write_brat
from biaozhu.formats.conll import read_conll, write_conll
from biaozhu.formats.docbin import read_docbin, write_docbin
from biaozhu.formats.doccano_jsonl import read_doccano, write_doccano
from biaozhu.formats.documents import MAX_FILE_BYTES, Document, ExportedFiles, Format, OffsetUnit
from biaozhu.formats.labelstudio import read_labelstudio, write_labelstudio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence

NOT_CARRIED = {Format.conll: "CoNLL has no place for sources and scores: they stay in the layer"}
"""What a format cannot hold beside spans, as a sentence for people."""
BRAT_SUFFIXES = (".ann", ".txt", SIDECAR_SUFFIX)


def export_layer(
    sentences: Sequence[Sentence],
    into: Format,
    *,
    names: Mapping[str, str],
    articles: Mapping[str, str] | None = None,
) -> ExportedFiles:
    """Write a layer in another format.

    Args:
        sentences: the layer's.
        into: the format.
        names: label id -> the name that annotators see in Doccano.
        articles: article id -> its name, by which brat's files are called; else by the id.
    """
    if into is Format.doccano:
        return write_doccano(sentences, names=names)
    if into is Format.brat:
        return write_brat(sentences, names=articles or {})
    writers = {
        Format.conll: write_conll,
        Format.spacy: write_docbin,
        Format.labelstudio: write_labelstudio,
    }
    return writers[into](sentences)


def read_documents(
    path: Path,
    of: Format,
    *,
    names: Mapping[str, str],
    renamed: Mapping[str, str],
    unit: OffsetUnit | None = None,
) -> tuple[Document, ...]:
    """Read a file (for brat also a folder) of a format.

    Args:
        path: what to read.
        of: its format.
        names: the name that annotators see in Doccano -> label id.
        renamed: the file's label -> ours, for every format.
        unit: what the file's offsets count; None takes what the format's tool counts.
    """
    where = str(path)
    if of is Format.brat:
        folder = str(path if path.is_dir() else path.parent)
        documents = read_brat(_read_brat_files(path), where=folder, unit=unit)
    else:
        data = _read_file(path)
        if of is Format.doccano:
            documents = read_doccano(data, where=where, names=names, unit=unit)
        elif of is Format.labelstudio:
            documents = read_labelstudio(data, where=where, unit=unit)
        else:
            documents = (read_conll if of is Format.conll else read_docbin)(data, where=where)
    if not documents:
        raise FormatError("there is nothing in it", where=where)
    return tuple(_rename_labels(document, renamed) for document in documents)


def _rename_labels(document: Document, renamed: Mapping[str, str]) -> Document:
    spans = tuple(replace(span, label=renamed.get(span.label, span.label)) for span in document.spans)
    return replace(document, spans=spans)


def _read_file(path: Path) -> bytes:
    if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
        raise FormatError(
            f"more than {MAX_FILE_BYTES >> 20} MiB", where=str(path), next_step="Export in parts"
        )
    return read_bytes(path)


def _read_brat_files(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        files = [
            file for file in sorted(path.iterdir()) if file.is_file() and file.name.endswith(BRAT_SUFFIXES)
        ]
    elif path.suffix in (".ann", ".txt"):
        beside = [path.with_suffix(suffix) for suffix in BRAT_SUFFIXES]
        files = [file for file in beside if file.is_file() or file == path]
    else:
        raise MissingFileError("brat's files are a .txt and a .ann", where=str(path))
    return {file.name: _read_file(file) for file in files}
