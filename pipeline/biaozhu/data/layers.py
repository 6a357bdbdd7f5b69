"""Layers on disk: JSONL files of sentence lines, one layer a file, checked on every read and every write."""

from __future__ import annotations

import codecs
import logging
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from operator import methodcaller
from pathlib import Path

from biaozhu.data import errors
from biaozhu.data.errors import BiaozhuError, DuplicateError, LineError, MissingFileError, raise_collected
from biaozhu.data.files import as_path, as_paths, read_bytes, write_lines
from biaozhu.data.model import Sentence, sentence_from_line, sentence_to_line
from biaozhu.data.storage.manifest import check_unchanged, list_gone
from biaozhu.data.translation import translate

_log = logging.getLogger(__name__)
_warned: set[Path] = set()
LEDGER_SUFFIX, FAILED_SUFFIX = ".ledger.jsonl", ".failed.jsonl"
# Beside a layer: who decided it as gold, what its annotator did, and what a language model was asked.
DISPUTES_SUFFIX, STATUS_SUFFIX, RUN_SUFFIX = ".disputes.json", ".status.json", ".run.json"


def find_layers(
    paths: str | Path | Iterable[str | Path],
    *,
    suffixes: tuple[str, ...] = (".jsonl",),
    is_folder: Callable[[Path], bool] = methodcaller("is_dir"),
) -> tuple[Path, ...]:
    """Replace each folder by the layers in it, by name; ledgers and failures, which a pattern names too, are left out.

    `is_folder` is for paths that are not of this machine. Of a folder that holds others, files without content are passed over, with a
    warning: the other articles go on; frozen gold that lost its content raises FrozenError. Folders without a layer, and ledgers alone, raise
    MissingFileError, and frozen gold that is gone from a folder FrozenError; all are reported together.
    """
    files: list[Path] = []
    problems: list[BiaozhuError] = []
    paths = as_paths(paths)
    for path in paths:
        if is_folder(path):
            found = sorted(file for file in path.iterdir() if file.name.endswith(suffixes) and not is_beside(file))
            if not found:
                wanted = ", ".join(f"*{suffix}" for suffix in suffixes)
                problems.append(MissingFileError(f"no layer ({wanted}) in this folder", where=path))
            problems += list_gone(path)
            files += _pass_over_empty(found)
        elif not is_beside(path):
            files.append(path)
    if paths and not files and not problems:
        what = "ledgers and failures are not layers"
        problems.append(MissingFileError(what, where=paths[0], next_step="Name a layer"))
    raise_collected(problems)
    return tuple(files)


def count_layers(folders: Iterable[Path]) -> Counter[str]:
    """Count in some folders, which need not exist, the files of layers of each name."""
    return Counter(path.stem for folder in folders for path in folder.glob("*.jsonl"))


def _pass_over_empty(found: list[Path]) -> list[Path]:
    empty = [file for file in found if not file.stat().st_size]
    if len(empty) == len(found):
        return found
    for file in empty:
        check_unchanged(file)
        # A command may read a folder twice, as gold and as a layer.
        if (place := file.resolve()) not in _warned:
            _warned.add(place)
            _log.warning(errors.printable(translate(f"{file}: empty, and passed over")))
    gone = set(empty)
    return [file for file in found if file not in gone]


def read_named_layers(
    paths: str | Path | Iterable[str | Path], *, labels: Collection[str] | None = None
) -> list[tuple[str, tuple[Sentence, ...]]]:
    """Read the layers of files and folders, each with its file's name, which is that of its article."""
    return [(path.stem, read_layer(path, labels=labels)) for path in find_layers(paths)]


def read_layers(paths: str | Path | Iterable[str | Path]) -> tuple[Sentence, ...]:
    """Read all sentences of files and folders; see `join_layers`."""
    return join_layers((path, read_layer(path)) for path in find_layers(paths))


def join_layers(layers: Iterable[tuple[Path | str, Iterable[Sentence]]]) -> tuple[Sentence, ...]:
    """Return the sentences of several files; DuplicateError names both, or their articles, where two have the same sentence."""
    found: dict[str, tuple[Path | str, Sentence]] = {}
    problems: list[BiaozhuError] = []
    for path, layer in layers:
        again = [one.id for one in layer if found.setdefault(one.id, (path, one))[1] is not one]
        if again:
            what = f"{again[0]} is also in {found[again[0]][0]}"
            problems.append(DuplicateError(what, where=path, next_step="Give one layer of each article"))
    raise_collected(problems)
    return tuple(one for _, one in found.values())


def name_articles(layers: Iterable[tuple[str, Iterable[Sentence]]]) -> dict[str, str]:
    """Return the name of each article by its id: that of its layer's file, with the id where names are not unique."""
    names: dict[str, str] = {}
    for name, layer in layers:
        for article in dict.fromkeys(sentence.article for sentence in layer):
            names.setdefault(article, name)
    counts = Counter(names.values())
    return {one: name if counts[name] == 1 else f"{name}.{one}" for one, name in names.items()}


def read_layer(path: str | Path, *, labels: Collection[str] | None = None) -> tuple[Sentence, ...]:
    """Read a layer, see `parse_layer`; FrozenError where it is frozen gold that was changed."""
    path = as_path(path)
    data = read_bytes(path)
    check_unchanged(path, data)
    return parse_layer(data, path, labels=labels)


def parse_layer(data: bytes, path: Path, *, labels: Collection[str] | None = None) -> tuple[Sentence, ...]:
    """Read a layer's content, whose problems are all raised together; `labels` are the ids that are allowed, None allows all."""
    sentences: list[Sentence] = []
    problems: list[BiaozhuError] = []
    seen: dict[str, int] = {}
    for number, line in split_lines(data, path):
        where = f"{path}:{number}"
        try:
            sentence = sentence_from_line(line, where=where)
        except BiaozhuError as error:
            problems.append(error)
            continue
        if sentence.id in seen:
            problems.append(DuplicateError(f"{sentence.id} is in line {seen[sentence.id]} too", where=where))
        strange = [one.label for one in sentence.spans if labels is not None and one.label not in labels]
        problems += [errors.LabelError(f"unknown label {label!r}", where=where) for label in strange]
        seen.setdefault(sentence.id, number)
        sentences.append(sentence)
    if not sentences and not problems:
        raise LineError("empty: there is no sentence line", where=path, next_step="Make it again")
    raise_collected(problems)
    return tuple(sentences)


def check_layer_name(path: Path) -> None:
    """Raise UsageError where a layer written here would not be found again, since `find_layers` passes over it."""
    if is_beside(path):
        what = f"a name in {LEDGER_SUFFIX} or {FAILED_SUFFIX} is for ledgers and failures, no layer is read from it"
        raise errors.UsageError(what, where=path, next_step="Name it NAME.jsonl")


def is_beside(path: Path) -> bool:
    """Return whether a file is called as ledgers and failures are, which are not layers."""
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    # The second is what a folder of shards calls it.
    return name.endswith((LEDGER_SUFFIX, FAILED_SUFFIX)) or name == FAILED_SUFFIX[1:]


def layer_stem(name: str) -> str:
    """Return an article's name as its layers can have it: one in `.failed` or `.ledger` gets a `_` behind it."""
    return f"{name}_" if is_beside(Path(f"{name}.jsonl")) else name


def ledger_path(layer: Path) -> Path:
    """Return where the ledger of a layer lies."""
    return layer.with_suffix(LEDGER_SUFFIX)


def write_layer(path: str | Path, sentences: Iterable[Sentence]) -> None:
    """Write a layer atomically, offsets checked; OutputError if it is empty and would replace a file with content.

    A sentence that comes twice raises DuplicateError: no command could read the layer.
    """
    path = as_path(path)
    check_layer_name(path)
    sentences = tuple(sentences)
    if twice := [one for one, count in Counter(sentence.id for sentence in sentences).items() if count > 1]:
        raise DuplicateError(f"{twice[0]} would be in it twice", where=path, next_step="Give one layer of each article")
    lines = [sentence_to_line(sentence) for sentence in sentences]
    if not lines and path.is_file() and path.stat().st_size:
        raise errors.OutputError("a layer without a sentence would replace this", where=path)
    write_lines(path, lines)


def split_lines(data: bytes, path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file of JSON objects that are not blank, each with its number; LineError where it is no such file."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise LineError("UTF-16", where=f"{path}@0", next_step="Save the file as UTF-8")
    try:
        # A byte order mark says nothing in UTF-8, and some editors write it.
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LineError("not UTF-8", where=f"{path}@{error.start}", next_step="Save the file as UTF-8") from None
    if re.match(r"\s*\[", content):
        advice = "Write each object on a line of its own, without the brackets around all"
        raise LineError("a JSON list, one object a line is needed", where=f"{path}:1", next_step=advice)
    # Only line feeds end a line: a text may hold U+2028 or U+0085, which splitlines would cut at.
    yield from ((number, line) for number, line in enumerate(content.split("\n"), 1) if line.strip())
