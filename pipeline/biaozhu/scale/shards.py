"""A corpus into a folder of shards that a kill at any moment neither loses from nor repeats in.

A shard is a fixed stretch of the stream of sources. Its receipt goes to `part-00000.json`: checksums of what went in
and of what came out, counts, and what failed; then its sentences go to `part-00000.jsonl.gz` (or another form). Both
are written whole or not at all, so a shard that does not fit its receipt is made again, to the same bytes, and one
that does is passed over. At the end `MANIFEST.json` names all shards and `failed.jsonl` all articles that gave none.
Only files that the manifest or a receipt names are written over or removed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import zstandard

from biaozhu import __version__
from biaozhu.annotators.network.models import DEFAULT_MODEL, weights_mark
from biaozhu.annotators.words import NameModel
from biaozhu.data.errors import EmptyArticleError, OutputError, WorkerError, WriteError, needing_extra
from biaozhu.data.files import parse_json_as
from biaozhu.data.model import sentence_from_line
from biaozhu.scale.batch import Failure, annotate_sources, batches, read_or_explain, run_in_order, without_duplicates
from biaozhu.scale.corpus_stream import Source
from biaozhu.scale.shard_folders import held, names_in, remove, write_whole

Form = Literal["jsonl", "jsonl.zst", "parquet", "docbin"]
ENDINGS: dict[Form, str] = {
    "jsonl": ".jsonl.gz", "jsonl.zst": ".jsonl.zst", "parquet": ".parquet", "docbin": ".spacy",
}  # fmt: skip


def pack(lines: Sequence[str], form: Form) -> bytes:
    """Return sentence lines as a shard's file; the same sentences give the same bytes in every form.

    Parquet has a sentence line's columns, `spans` as structs; DocBin has a token for each code point.
    """
    if form == "docbin":
        from biaozhu.formats.docbin import write_docbin  # noqa: PLC0415 — brings spaCy

        return write_docbin([sentence_from_line(line) for line in lines]).files[""]
    if form == "parquet":
        return _pack_parquet(lines)
    content = "".join(f"{line}\n" for line in lines).encode("utf-8")
    if form == "jsonl.zst":
        return zstandard.ZstdCompressor(level=3, threads=0).compress(content)
    # Without a time in its header: the same lines must be the same bytes.
    return gzip.compress(content, compresslevel=6, mtime=0)


def check_form(form: Form) -> None:
    """Raise MissingExtraError, before work begins, where what a form needs is not installed."""
    if form == "parquet":
        with needing_extra("table", "Parquet needs the package pyarrow"):
            import pyarrow.parquet  # noqa: F401, PLC0415 — an extra that only tables need


def _pack_parquet(lines: Sequence[str]) -> bytes:
    check_form("parquet")
    import pyarrow as pa  # noqa: PLC0415 — an extra that only tables need
    from pyarrow import parquet  # noqa: PLC0415 — as above

    def fields(columns: str) -> list[tuple[str, Any]]:
        return [(name, pa.type_for_alias(kind)) for name, kind in map(str.split, columns.split(","))]

    span = fields("start int32, end int32, label string, text string, source string, score float64")
    columns = fields("id string, article string, start int64, end int64, text string")
    schema = pa.schema([*columns, ("spans", pa.list_(pa.struct(span)))])
    table = pa.Table.from_pylist([json.loads(line) for line in lines], schema=schema)
    target = pa.BufferOutputStream()
    parquet.write_table(table, target, compression="zstd")
    return bytes(target.getvalue())


MANIFEST, FAILED = "MANIFEST.json", "failed.jsonl"
PART = "part-"
SHARD_BYTES = 4 << 20
RECEIPT = re.compile(rf"{PART}\d{{5,}}\.json")
_NUMBERED = rf"{PART}\d{{5,}}\.(?:json|{'|'.join(one[1:] for one in ENDINGS.values())})"
NUMBERED, UNFINISHED = re.compile(_NUMBERED), re.compile(rf"\.{_NUMBERED}\..+")
COUNTS = ("articles", "sentences", "characters", "spans")


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """Settings that decide the shards' bytes besides the corpus: weights, bytes of source text in a shard, form, labels left out."""

    weights: str = DEFAULT_MODEL
    size: int = SHARD_BYTES
    form: Form = "jsonl"
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Record of a finished shard: checksums of the file, of the sources (`input`) and of itself (`checksum`); version and model (`by`)."""

    file: str
    sha256: str
    input: str
    articles: int
    sentences: int
    characters: int
    spans: int
    failed: tuple[Failure, ...]
    checksum: str = ""
    by: str = ""


def write_shards(
    sources: Iterable[Source], folder: Path, plan: ShardPlan, *, jobs: int = 1, threads: int | None = None
) -> Iterator[Receipt]:
    """Annotate a stream into shards, and yield each one's receipt in order; the manifest comes after the last.

    Run again after a kill with the same arguments, it passes over what is finished. With other sources or another
    plan it makes again what differs. The files are the same whatever `jobs` is and however often it was killed.
    LockedError: another run is active in this folder; EmptyArticleError: no article can be read, the folder is as it was.
    """
    check_form(plan.form)
    with held(folder):
        work = partial(make_shard, folder=folder, plan=plan, mark=weights_mark(plan.weights))
        shards = enumerate(batches(without_duplicates(require_readable(sources)), plan.size))
        yield from collect(run_in_order(work, shards, weights=plan.weights, jobs=jobs, threads=threads), folder, plan)


def require_readable(sources: Iterable[Source]) -> Iterator[Source]:
    """Return a stream of sources as it is, once one of them is an article; EmptyArticleError says that none is."""
    sources = iter(sources)
    passed: list[Source] = []
    for source in sources:
        passed.append(source)
        if not isinstance(read_or_explain(source), str):
            return chain(passed, sources)
    problems = [one.problem for one in passed if one.problem]
    first = "".join(f", the first: {one}" for one in problems[:1])
    raise EmptyArticleError(f"no article could be read, {len(passed)} failed{first}")


def make_shard(
    shard: tuple[int, Sequence[Source]], *, folder: Path, plan: ShardPlan, mark: str, model: NameModel
) -> Receipt:
    """Make a shard of this number and sources unless a fitting receipt says that it is there.

    `mark` is that of the plan's weights.
    """
    number, sources = shard
    by = f"{__version__} {plan.weights}"
    checksum = _checksum(sources, f"{by}{mark}{''.join(plan.without)}")
    name, stated = _file(number, plan.form), receipt_path(folder, number)
    known = read_receipt(stated)
    if known and (known.input, known.file, known.checksum) == (checksum, name, _sum_receipt(known)):
        # What cannot be read is made again; each file system raises its own kinds.
        with suppress(Exception):
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() == known.sha256:
                return known
    batch = annotate_sources(sources, model=model, without=plan.without)
    packed = pack(batch.lines, plan.form)
    counts = (batch.articles, len(batch.lines), batch.characters, batch.spans)
    receipt = Receipt(name, hashlib.sha256(packed).hexdigest(), checksum, *counts, batch.failed, by=by)
    # Before the shard: after a kill every file of ours is one that a receipt names.
    receipt = replace(receipt, checksum=_sum_receipt(receipt))
    write_whole(stated, _json(asdict(receipt)))
    write_whole(folder / name, packed)
    return receipt


def receipt_path(folder: Path, number: int = 0) -> Path:
    """Return where the receipt of a shard is."""
    return folder / f"{_stem(number)}.json"


def read_receipt(path: Path) -> Receipt | None:
    """Return the receipt in a file; None where it cannot be read, or is none."""
    with suppress(Exception):  # each file system raises its own kinds
        return parse_receipt(path.read_bytes())
    return None


def explain_remaking(earlier: Receipt, plan: ShardPlan, now: Receipt | None = None) -> str:
    """Return why an earlier run's shards are made again: for the plan, or as the first shard came out now; or nothing."""
    by, form = f"{__version__} {plan.weights}", ENDINGS[plan.form]
    if earlier.by not in ("", by):
        return f"they are by {earlier.by}, this run is by {by}"
    if not earlier.file.endswith(form):
        return f"they are {earlier.file.partition('.')[2]}, this run writes {form[1:]}"
    changed = now is not None and now.input != earlier.input
    return "they are of other articles, of another --shard-size or of a changed model or label set" if changed else ""


def parse_receipt(data: bytes | str) -> Receipt:
    """Return the receipt that a JSON document states; ValueError says that it is none, or names no file of a shard."""
    receipt = parse_json_as(data, Receipt)
    if not NUMBERED.fullmatch(receipt.file) or min(getattr(receipt, name) for name in COUNTS) < 0:
        raise ValueError("no receipt of a shard")
    return receipt


def collect(receipts: Iterable[Receipt], folder: Path, plan: ShardPlan) -> Iterator[Receipt]:
    """Yield receipts, in any order, as their shards are finished; after the last, clean up and write the manifest.

    A shard that is missing or made twice, which no engine should bring about, raises WorkerError.
    """
    earlier = find_own_files(folder)
    for name in names_in(folder):
        # What a killed run was writing, shards of another form, and a manifest that is no longer true.
        other_form = name in earlier and not name.endswith((".json", ENDINGS[plan.form]))
        if name == MANIFEST or UNFINISHED.fullmatch(name) or other_form:
            remove(folder / name)
    files: list[str] = []
    for receipt in receipts:
        files.append(receipt.file)
        yield receipt
    wanted = {_file(number, plan.form) for number in range(len(files))}
    if set(files) != wanted:
        raise WorkerError(f"{len(wanted.difference(files))} shards are missing", where=folder)
    stated = [receipt_path(folder, number) for number in range(len(files))]
    kept = wanted.union(path.name for path in stated)
    for name in names_in(folder):
        # An earlier corpus had more, or its shards another form.
        if name in earlier and name not in kept:
            remove(folder / name)
    shards: list[dict[str, Any]] = []
    for path in stated:
        try:
            shards.append(asdict(parse_receipt(path.read_bytes())))
        except Exception as error:  # noqa: BLE001 — each file system raises its own kinds
            raise WriteError(f"cannot be read back ({error})", where=path) from None
    totals = {name: sum(one[name] for one in shards) for name in COUNTS}
    failed = [f"{json.dumps(one, ensure_ascii=False)}\n" for shard in shards for one in shard.pop("failed")]
    write_whole(folder / FAILED, "".join(failed).encode("utf-8"))
    facts = {"biaozhu": __version__, "lac": plan.weights, "form": plan.form, "shards": len(shards), **totals}
    write_whole(folder / MANIFEST, _json({**facts, "failed": len(failed), "files": shards}))


def find_own_files(folder: Path) -> frozenset[str]:
    """Return the files that manifest or receipts name; OutputError for one in the way that is not ours."""
    names = names_in(folder)
    manifest = None
    with suppress(Exception):  # each file system raises its own kinds
        manifest = json.loads((folder / MANIFEST).read_bytes())
    listed = manifest.get("files") if isinstance(manifest, dict) and "shards" in manifest else None
    rows = listed if isinstance(listed, list) else []
    files = {str(one.get("file")) for one in rows if isinstance(one, dict)}
    own = {name for name in files if NUMBERED.fullmatch(name)}
    own |= {f"{name.partition('.')[0]}.json" for name in own}
    for name in names:
        if name not in own and RECEIPT.fullmatch(name) and (receipt := read_receipt(folder / name)):
            own |= {name, receipt.file}
    mine = [name for name in names if NUMBERED.fullmatch(name)]
    strange = [name for name in mine if name not in own and (folder / name).is_file()]
    if MANIFEST in names and listed is None and (folder / MANIFEST).is_file():
        strange.append(MANIFEST)
    if FAILED in names and not _is_failed_list(folder / FAILED):
        strange.append(FAILED)
    if strange:
        what = "no manifest or receipt of an earlier run names this file, and a shard may replace it"
        raise OutputError(what, where=folder / strange[0])
    return frozenset(own)


def _is_failed_list(path: Path) -> bool:
    with suppress(Exception):  # as above
        lines = filter(None, path.read_bytes().split(b"\n"))
        return all(json.loads(line).keys() == {"name", "where", "reason"} for line in lines)
    return False


def _sum_receipt(receipt: Receipt) -> str:
    return hashlib.sha256(json.dumps(asdict(replace(receipt, checksum=""))).encode("ascii")).hexdigest()


def _checksum(sources: Sequence[Source], by: str) -> str:
    digest = hashlib.sha256(by.encode())
    for source in sources:
        head = json.dumps([source.name, source.where, len(source.data), source.page, source.problem])
        digest.update(head.encode("ascii"))
        digest.update(source.data)
    return digest.hexdigest()


def _stem(number: int) -> str:
    return f"{PART}{number:05}"


def _file(number: int, form: Form) -> str:
    return f"{_stem(number)}{ENDINGS[form]}"


def _json(value: object) -> bytes:
    return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n".encode()
