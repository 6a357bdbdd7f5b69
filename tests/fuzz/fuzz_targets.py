"""What is fuzzed: for each target a function of bytes that fails where an invariant of the project does.

The invariants: what is read can be rebuilt exactly, offsets are true, nothing is dropped without a ledger entry, and
nothing is raised but the errors of `pipeline/biaozhu/data/errors.py`, each in printable lines. Atheris calls these functions
(`run_fuzz.py`), and pytest replays its corpus and its findings through them (`test_fuzz_replay.py`).
"""

from __future__ import annotations

import itertools
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import srsly
from encoded import encode
from fuzz_seeds import LAYER
from fuzz_service import ask

from biaozhu.annotators.amounts import find_amounts
from biaozhu.data.errors import BiaozhuError
from biaozhu.data.layers import read_layer
from biaozhu.data.model import (
    Sentence,
    Span,
    check_against_raw,
    check_sentence,
    sentence_from_line,
    sentence_to_line,
)
from biaozhu.formats.brat import SIDECAR_SUFFIX, read_brat
from biaozhu.formats.conll import read_conll
from biaozhu.formats.convert import export_layer, import_documents
from biaozhu.formats.docbin import read_docbin
from biaozhu.formats.documents import Format, OffsetUnit
from biaozhu.formats.json_rows import read_doccano, read_labelstudio
from biaozhu.normalization.table import article_meaning, rows_as_csv
from biaozhu.normalization.values import in_base, read_amount
from biaozhu.reading.article import article_from_bytes
from biaozhu.reading.sentences import INVISIBLE, split_article, split_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from biaozhu.data.model import Article
    from biaozhu.formats.documents import Document

NAMES = {"PLACE": "地点", "PERSON": "人物"}
IDS = {name: label for label, name in NAMES.items()}
SCRATCH = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)  # noqa: S108 — a name of its own inside
HEAD = 12
ARTICLE = "0123456789ab"
NUL, OURS, PART = b"\0", b"!", b"#"


def article(data: bytes) -> None:
    """Any bytes as a source file: rebuilt byte for byte, or refused."""
    found = _read(data, page=False)
    if found is None:
        return
    if ":" not in found.encoding:
        assert encode(found.raw, found.encoding) == data
    _check_article(found)


def page(data: bytes) -> None:
    """Any bytes as an HTML page: its text, saved and read again, is the same article."""
    found = _read(data, page=True)
    if found is None:
        return
    _check_article(found)
    again = _read(found.raw.encode("utf-8"), page=False)
    assert again is not None
    assert (again.id, again.raw, again.blocks) == (found.id, found.raw, found.blocks)


def sentences(data: bytes) -> None:
    """Any text cut into sentences: in order, disjoint, trimmed, with nothing but white space between them."""
    text = _text(data)
    reached = 0
    for start, end in split_text(text):
        assert reached <= start < end <= len(text)
        assert not text[reached:start].strip().strip(INVISIBLE).strip()
        assert text[start:end] == text[start:end].strip()
        reached = end
    assert not _visible(text[reached:])


def layer(data: bytes) -> None:
    """Any bytes as a layer: what is taken is written and read again the same."""
    file = Path(SCRATCH.name) / "layer.jsonl"
    file.write_bytes(data)
    try:
        taken = read_layer(file)
    except BiaozhuError as error:
        _check_error(error)
        return
    for one in taken:
        check_sentence(one)
        line = sentence_to_line(one)
        line.encode("utf-8")
        assert sentence_from_line(line) == one


def amounts(data: bytes) -> None:
    """Any text: its amounts lie in it, disjoint; each value, and that of any other stretch, is a range."""
    text = _text(data)
    (found,) = find_amounts([text])
    if text:
        check_sentence(Sentence(ARTICLE, 0, len(text), text, found))
    edges = range(0, len(text) + 1, max(1, len(text) // 3))
    other = [(start, end) for start in edges for end in edges if start < end]
    for start, end in [*((one.start, one.end) for one in found), *other]:
        value = read_amount(text, start, end)
        if value is not None:
            assert value.low <= value.high
            base = in_base(value)
            assert base is None or base[0] <= base[1]


def table(data: bytes) -> None:
    """Any text as an article with the amounts found in it: one row for each, which says what stands there."""
    found = _read(_text(data).encode("utf-8"), page=False)
    if found is None or ":" in found.encoding:
        return
    plain = split_article(found)
    spans = find_amounts([one.text for one in plain])
    marked = [
        Sentence(one.article, one.start, one.end, one.text, inside) for one, inside in zip(plain, spans, strict=True)
    ]
    meaning = article_meaning(found, marked)
    assert len(meaning.rows) == sum(len(one.spans) for one in marked)
    rows_as_csv(meaning.rows).encode("utf-8")


def doccano(data: bytes) -> None:
    """Any bytes as Doccano's JSONL, its offsets in either unit."""
    _imported(data[1:], "doccano", unit=get_args(OffsetUnit)[data[:1] < OURS])


def conll(data: bytes) -> None:
    """Any bytes as CoNLL columns."""
    _imported(data, "conll")


def docbin(data: bytes) -> None:
    """Any bytes as a DocBin, as what one unpacks to, or as one part of a right one."""
    if data[:1] == PART:
        data = b" " + _with_part(data[1:])
    _imported(data[1:] if data[:1] == OURS else zlib.compress(data[1:], 1), "spacy")


def labelstudio(data: bytes) -> None:
    """Any bytes as Label Studio's JSON."""
    _imported(data, "labelstudio")


def brat(data: bytes) -> None:
    """Any bytes as a text, its annotations and its sentences, parted by NUL."""
    _imported(data, "brat")


def roundtrip(data: bytes) -> None:
    """Any text with spans anywhere, written in every format and read back; what a format cannot hold is named."""
    head, text = data[:HEAD], _text(data[HEAD:])
    if not text:
        return
    borders = sorted({one % (len(text) + 1) for one in head[1:]})
    labels = ("PLACE", "PERSON", "带 空格", "tab\tand\\", "U+\u2028", "\U00020000")
    spans = tuple(
        Span(start, end, labels[(start + head[0]) % len(labels)], "made", 0.5 if start % 2 else None)
        for start, end in itertools.pairwise(borders)
        if (start + end + head[0]) % 3
    )
    made = [Sentence(ARTICLE, 0, len(text), text, spans)]
    for form in get_args(Format):
        _there_and_back(made, form)


def predict(data: bytes) -> None:
    """Any request to `/predict`: the application answers it, and every offset is true in both units."""
    ask(data)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        article,
        page,
        sentences,
        layer,
        amounts,
        table,
        doccano,
        conll,
        docbin,
        labelstudio,
        brat,
        roundtrip,
        predict,
    )
}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _visible(text: str) -> str:
    return "".join(one for one in text if not one.isspace() and one not in INVISIBLE)


def _check_error(error: BiaozhuError) -> None:
    said = str(error)
    assert said.startswith("BZ")
    assert all(line.isprintable() for line in said.split("\n"))
    said.encode("utf-8")


def _read(data: bytes, *, page: bool) -> Article | None:
    try:
        return article_from_bytes(data, name="name", where="where", page=page)
    except BiaozhuError as error:
        _check_error(error)
        return None


def _check_article(found: Article) -> None:
    reached = 0
    for block in found.blocks:
        assert reached <= block.start < block.end <= len(found.raw)
        assert not _visible(found.raw[reached : block.start])
        reached = block.end
    assert not _visible(found.raw[reached:])
    cut = split_article(found)
    check_against_raw(cut, found.raw)
    for one in cut:
        assert sentence_from_line(sentence_to_line(one)) == one


def _documents(files: Mapping[str, bytes], form: Format, *, unit: OffsetUnit) -> tuple[Document, ...]:
    if form == "brat":
        return read_brat(files, where="where")
    (data,) = files.values()
    if form == "doccano":
        return read_doccano(data, where="where", names=IDS, unit=unit)
    read = {"conll": read_conll, "spacy": read_docbin, "labelstudio": read_labelstudio}
    return read[form](data, where="where")


def _imported(data: bytes, form: Format, *, unit: OffsetUnit = "utf16") -> None:
    files = _brat_files(data) if form == "brat" else {"": data}
    try:
        documents = _documents(files, form, unit=unit)
        for document in documents:
            for span in document.spans:
                assert 0 <= span.start < span.end <= len(document.text)
        settled = import_documents(documents)
    except BiaozhuError as error:
        _check_error(error)
        return
    lost = [entry for entry in settled.entries if entry.severity == "loss"]
    stated = sum(_count_stated(one) for one in documents)
    assert stated == sum(len(one.spans) for one in settled.sentences) + len(lost)
    for one in settled.sentences:
        check_sentence(one)
        assert sentence_from_line(sentence_to_line(one)) == one
    for raw in settled.raws.values():
        raw.encode("utf-8")
    _there_and_back(settled.sentences, form)


def _count_stated(document: Document) -> int:
    """Count the spans of a document as they are told apart once white space at their edges is cut off."""
    keys = set()
    for span in document.spans:
        shown = document.text[span.start : span.end]
        front, back = len(shown) - len(shown.lstrip()), len(shown) - len(shown.rstrip())
        trim = not document.sentence_id and shown.strip()
        keys.add((span.start + front, span.end - back, span.label) if trim else span.key)
    return len(keys) + sum(entry.severity == "loss" for entry in document.entries)


def _brat_files(data: bytes) -> dict[str, bytes]:
    from biaozhu.formats.serialization import checksum_text  # noqa: PLC0415 — only here

    text, annotations, sidecar = (*data.split(NUL, 2), b"", b"")[:3]
    files = {"a.txt": text, "a.ann": annotations}
    if sidecar.startswith(OURS):
        # The checksum is right, or no random bytes would come any further.
        sidecar = f'{{"text_sha": "{checksum_text(_text(text))}"}}\n'.encode() + sidecar[1:]
    return files | ({"a" + SIDECAR_SUFFIX: sidecar} if sidecar else {})


def _with_part(data: bytes) -> bytes:
    """A right DocBin, unpacked, in which one part is these bytes, or the value that they pack."""
    (packed,) = export_layer(LAYER, "spacy", names={}).files.values()
    whole = srsly.msgpack_loads(zlib.decompress(packed))
    part = sorted(whole)[(data[0] if data else 0) % len(whole)]
    whole[part] = data[1:]
    if data[:1] >= b"\x80":
        try:
            whole[part] = srsly.msgpack_loads(data[1:])
        except Exception:  # noqa: BLE001 — then it stays the bytes themselves
            whole[part] = data[1:]
    made: bytes = srsly.msgpack_dumps(whole)
    return made


def _there_and_back(layer: Sequence[Sentence], form: Format) -> None:
    if not layer:
        return
    made = export_layer(layer, form, names=NAMES)
    back = import_documents(_documents(made.files, form, unit="utf16"))
    assert back.entries == ()
    assert not back.raws
    lost = {(entry.sentence, entry.start, entry.end, entry.label) for entry in made.entries}
    assert not lost or form == "brat"
    expected = [
        (one.id, one.text, tuple(_kept(span, form) for span in one.spans if (one.id, *span.key) not in lost))
        for one in layer
    ]
    found = [(one.id, one.text, tuple(_kept(span, form) for span in one.spans)) for one in back.sentences]
    # brat has a file for each article, and its files have an order of their own.
    assert sorted(found) == sorted(expected) if form == "brat" else found == expected


def _kept(span: Span, form: Format) -> tuple[object, ...]:
    # Columns carry neither sources nor scores.
    return span.key if form == "conll" else (*span.key, span.source, span.score)
