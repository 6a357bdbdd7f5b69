"""Checks of output paths: a command replaces no input, and only files of the kind that it writes itself."""

from __future__ import annotations

import codecs
import json
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any, Literal, cast

from biaozhu.data.errors import FrozenError, MissingFileError, OutputError
from biaozhu.data.files import MAX_ARTICLE_BYTES, as_path, check_target, descriptor_of, read_bytes, sha256_of
from biaozhu.data.layers import DISPUTES_SUFFIX, RUN_SUFFIX, STATUS_SUFFIX, is_beside
from biaozhu.data.model import SENTENCE_ID
from biaozhu.data.storage.manifest import MANIFEST, find_manifest

Input = Path | str | None
Kind = Literal[
    "layer", "ledger", "failures", "decisions", "scores", "checks", "curve", "agreement", "bias", "round-trip",
    "reasons", "page", "history", "summary", "llm", "csv", "parquet", "conll", "doccano", "labelstudio", "spacy", "brat",
    "text", "status", "disputes", "gold", "annotations",
]  # fmt: skip

# Which files of a folder a command reads that is given the folder.
ARTICLE_SUFFIXES = frozenset({".txt", ".html", ".htm", ".xhtml", ".shtml"})
READ_SUFFIXES = ARTICLE_SUFFIXES | {".jsonl", ".parquet"}
COMPRESSED = frozenset({".gz", ".zst"})
KEYS_OF_LINES: dict[str, set[str]] = {
    "layer": {"id", "article", "start", "end", "text", "spans"},
    "ledger": {"step", "severity", "reason", "sentence"},
    "failures": {"name", "where", "reason"},
    "decisions": {"sentence", "start", "end", "spans", "rule", "note"},
    "doccano": {"text", "label", "sid", "pre"},
    "brat": {"text_sha"},
}
# Of our export and of brat's sidecar no other keys: Doccano's own export keeps ours and adds to them.
NO_OTHERS = {"doccano": {"text_sha"}, "brat": {"ann_sha"}}
DOCUMENT = re.compile(rb'"format"\s*:\s*"biaozhu\.([a-z-]+)\.v')
# Of a table of amounts, of one of spans, and of one of names, whole: with another column it is somebody's work.
TABLE_HEADER = re.compile(
    rb"article,sentence,start,end,text,(?:about,low,high,unit,dimension,per,approx,bound,base_low,base_high,base_unit,place,doubt(?:,context)?|"
    rb"label,source,score,number,context)\n|name,label,times,articles,in_articles,status,level,path,code,under,may_be\n"
)
CONLL = rb"# biaozhu characters, IOB2, white space and \ as \u{hex}" + b"\n"
TASKS = b'[\n {\n  "data": {\n   "text": "'
# Of a DocBin, unpacked: the columns of all tokens, and a sentence's id at the end.
DOCBIN_COLUMNS, DOCBIN_ID = b"attrs\x93AMN", re.compile(rb"\xa7biaozhu(?:\x83|\x84)\xa2id")
BRAT_SUFFIXES, BRAT_SIDECAR = (".txt", ".ann"), ".sentences.jsonl"
HEAD_BYTES = 1 << 16
PAGE_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; "
FROZEN, CHANGED = "frozen gold", "brat, changed since its export"
UNMARKED = "brat, exported by an earlier version"
LAYERS = frozenset({"layer", "gold", "annotations", FROZEN})


def check_output(
    path: str | Path | None,
    kind: Kind,
    inputs: Iterable[Input] = (),
    *,
    articles: Iterable[Path | None] = (),
    content: bytes | None = None,
) -> None:
    """Raise OutputError before any work if writing a file would destroy an input or a file that is not of the kind.

    WriteError where it cannot be put, see `check_target`.
    None, an address and what is not a regular file (a device, a pipe) pass; a folder must only not be an input. A string of
    `inputs` may be NAME=PATH; of folders of `articles` only articles are read; a file that holds `content` may stay.
    """
    path = None if path is None else as_path(path)
    if path is None or not isinstance(cast("Any", path), Path) or descriptor_of(path) is not None:
        return
    # As a file is written: `file/../other` is `other`.
    there = _stat(Path(os.path.realpath(path)))
    for given, suffixes in ((inputs, READ_SUFFIXES), (articles, ARTICLE_SUFFIXES)):
        for one in _paths_of(given):
            _check_input(path, there, one, suffixes)
    if there is None:
        check_target(path)
    if there is None or not stat.S_ISREG(there.st_mode) or not there.st_size:
        return
    if content is not None and there.st_size == len(content) and read_bytes(path) == content:
        return
    found = identify_file(path)
    if found != kind and not (found == "layer" and kind in {"gold", "annotations"}):
        what = f"another kind of file ({found})" if found else "a file that is not ours"
        manifest = path.with_name(MANIFEST)
        thaw = f"Give another output; to decide frozen gold anew, remove {manifest} first, and freeze again afterwards"
        away = "Export to another folder; or remove the .ann files of this one, if nobody has worked in them"
        advice = thaw if found == FROZEN else away if found == UNMARKED else OutputError.advice
        raise OutputError(f"{what} would be replaced by this command's output ({kind})", where=path, next_step=advice)


def check_outputs(
    *outputs: tuple[Path | None, Kind], inputs: Iterable[Input] = (), articles: Iterable[Path | None] = ()
) -> None:
    """Do what `check_output` does for each output of a command, and `check_distinct` for all of them."""
    inputs, articles = list(inputs), list(articles)
    for path, kind in outputs:
        check_output(path, kind, inputs, articles=articles)
    check_distinct(*(path for path, _ in outputs))


def check_distinct(*outputs: Path | None) -> None:
    """Raise OutputError before any work if two outputs of a command are one file."""
    seen: set[str] = set()
    for path in outputs:
        if path is None or descriptor_of(path) is not None:
            continue
        if (found := _stat(path)) and not stat.S_ISREG(found.st_mode):
            continue
        place = os.path.realpath(path)
        if place in seen:
            raise OutputError("another output of this command has the same name", where=path)
        seen.add(place)


def check_output_folder(folder: str | Path, inputs: Iterable[Input]) -> None:
    """Raise OutputError if a folder that is written as a whole is an input or holds one."""
    folder = as_path(folder)
    if not isinstance(cast("Any", folder), Path):
        return
    place = os.path.realpath(folder)
    for one in _paths_of(inputs):
        if _stat(one) and f"{os.path.realpath(one)}{os.sep}".startswith(f"{place}{os.sep}"):
            raise OutputError(f"the input {one} is in this folder", where=folder)


def identify_file(path: Path) -> str:
    """Return the kind of a file of biaozhu, or nothing for a file that we do not write."""
    place = Path(os.path.realpath(path))
    if _is_frozen(place):
        return FROZEN
    try:
        if place.suffix in BRAT_SUFFIXES and (sidecar := place.with_suffix(BRAT_SIDECAR)).exists():
            # brat's annotators work in the very files that were exported.
            mark = sha256_of(place)[:12].encode()
            marks = read_bytes(sidecar).partition(b"\n")[0]
            is_marked = place.suffix == ".txt" or b"ann_sha" in marks
            return "brat" if mark in marks else CHANGED if is_marked else UNMARKED
        with place.open("rb") as file:
            line = file.readline(MAX_ARTICLE_BYTES + 1).removeprefix(codecs.BOM_UTF8)
            file.seek(0)
            head = file.read(HEAD_BYTES).removeprefix(codecs.BOM_UTF8)
    except OSError:
        return ""
    if head.startswith(b"{") and (document := DOCUMENT.search(head)):
        return document[1].decode()
    is_page = head.startswith(b"<!doctype html>") and PAGE_POLICY in head
    recognized = {
        "csv": TABLE_HEADER.match(line) is not None,
        "parquet": head.startswith(b"PAR1") and _is_table(place),
        "conll": head.startswith(CONLL),
        "labelstudio": head.startswith(TASKS) and _are_tasks(place),
        "spacy": head.startswith(b"x") and _is_docbin(place),
        "status": line.startswith(b'{"schema": ') and b'"annotator": ' in line and b'"sentences": [' in line,
        "page": is_page and b"script-src" in head,
        "history": is_page and b"script-src" not in head,
        "summary": line.startswith(b"### ") and " · ".encode() in line,
    }
    kind = next((kind for kind, is_it in recognized.items() if is_it), _kind_of_line(line))
    return _whose_layer(path, place) if kind == "layer" else kind


def _check_input(path: Path, there: os.stat_result | None, one: Path, suffixes: frozenset[str]) -> None:
    found = _stat(one)
    if found is None:
        return
    if there is not None and os.path.samestat(there, found):
        raise OutputError("this is an input", where=path)
    if not stat.S_ISDIR(found.st_mode) or (there is not None and stat.S_ISDIR(there.st_mode)):
        return
    parent = _stat(Path(os.path.realpath(path)).parent)
    among = _is_read(path, suffixes) and parent is not None and os.path.samestat(parent, found)
    # A link elsewhere may lead to one of its files.
    files = (_stat(child) for child in one.iterdir() if _is_read(child, suffixes))
    if among or (there is not None and any(file and os.path.samestat(there, file) for file in files)):
        raise OutputError(f"this is among the files of the input {one}", where=path)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _paths_of(inputs: Iterable[Input]) -> Iterator[Path]:
    for one in inputs:
        if isinstance(one, str):
            yield Path(one if _stat(Path(one)) else one.partition("=")[2] or one)
        elif isinstance(cast("Any", one), Path):
            yield cast("Path", one)


def _is_read(path: Path, read: frozenset[str]) -> bool:
    suffixes = [suffix for suffix in map(str.lower, path.suffixes) if suffix not in COMPRESSED]
    return not read.isdisjoint(suffixes[-1:]) and not is_beside(path)


def _is_frozen(path: Path) -> bool:
    try:
        return path.name in (find_manifest(path.parent) or ())
    except MissingFileError:
        return False
    except FrozenError:  # a manifest that is damaged, or of another version
        return path.suffix == ".jsonl"


def _kind_of_line(line: bytes) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    keys = set(value) if isinstance(value, dict) else set()
    return next((kind for kind, own in KEYS_OF_LINES.items() if own <= keys <= own | NO_OTHERS.get(kind, keys)), "")


def _whose_layer(*paths: Path) -> Kind:
    """Return what a layer is by the files beside it: gold that was decided, a person's annotations, or what can be made again."""
    stems = [(path.parent, path.name.removesuffix(".jsonl")) for path in paths]
    if any((folder / f"{stem}{DISPUTES_SUFFIX}").is_file() for folder, stem in stems):
        return "gold"
    worked = [(folder, stem) for folder, stem in stems if (folder / f"{stem}{STATUS_SUFFIX}").is_file()]
    # A language model's layer has a status, too.
    asked = any(any(folder.glob(f"{escape(stem)}.*{RUN_SUFFIX}")) for folder, stem in worked)
    return "annotations" if worked and not asked else "layer"


def _are_tasks(path: Path) -> bool:
    """Tell whether these are tasks that Label Studio has not exported: it keeps their ids of sentences, and adds ids of its own."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        tasks = json.loads(read_bytes(path))
        return all(set(one) == {"data", "annotations"} and SENTENCE_ID.fullmatch(one["data"]["sid"]) for one in tasks)
    return False


def _is_table(path: Path) -> bool:
    with suppress(Exception):  # without pyarrow none is written either
        from pyarrow import parquet  # noqa: PLC0415 — an extra that only tables need

        return TABLE_HEADER.fullmatch(f"{','.join(parquet.read_schema(path).names)}\n".encode()) is not None
    return False


def _is_docbin(path: Path) -> bool:
    unpacking, seen = zlib.decompressobj(), b""
    with suppress(zlib.error), path.open("rb") as file:
        while piece := unpacking.decompress(unpacking.unconsumed_tail or file.read(HEAD_BYTES), HEAD_BYTES):
            if not seen and DOCBIN_COLUMNS not in piece[:64]:
                break
            if DOCBIN_ID.search(seen := seen[-16:] + piece):
                return True
    return False
