"""What size costs: scoring a million sentences, memory by the size of a corpus, a Ray cluster by its workers and readers.

    python benchmarks/scale.py scoring --sentences 1000000
    python benchmarks/scale.py memory --small 2 --large 20            # MB of articles, annotated
    python benchmarks/scale.py memory --small 10 --large 1000 --model fast --text CACHE/corpora/modern/train.jsonl
    python benchmarks/scale.py memory --small 10 --large 1000 --empty # read, told apart and refused, not annotated
    python benchmarks/scale.py training --shards 2 16 # DocBin shards, each trained on once
    python benchmarks/scale.py workers --mb 2 --most 2
    python benchmarks/scale.py reading --mb 80 --driver 2  # what a reader and the driver of a Ray cluster spend on a corpus

Sentences of random characters with random spans are scored and trained on. What is annotated are articles of some 700 characters, of
sentences drawn by chance from the given sentence lines (`--text`), else of a few patterns with random numbers. Each
measured thing runs in a process of its own; seconds are CPU seconds of it and its children where other things run on
the machine, and wall seconds beside them. Peak memory is that of the largest process, as the kernel keeps it; that of
`memory` is the resident memory of all processes together, looked at five times a second, pages that they share counted
in each. Where a run of `memory` takes long it says how far it has come, counted in finished shards; stopped by a signal
it ends with the peak up to there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from biaozhu.data.model import Sentence, Span, sentence_to_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LABELS = ("PLACE", "PERSON", "AMOUNT")
SENTENCES_AN_ARTICLE = 30
KEPT = 0.95
PATTERNS = (
    "{0}号果园今年收了{1}万斤樱桃，比去年多{2}成。",
    "宁波市的王建国在第{0}村种了{1}亩草莓，卖了{2}万元。",
    "据介绍，合作社有{0}户农民，修了{1}公里水渠，每户多收{2}元。",
    "这里的人说，日子一天比一天好，果子一年比一年甜。",
)
ARTICLE = 700
MEGA = 1_000_000
LOOK = 0.2
_STOPPED = 143


def main() -> None:
    """Run the part that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    scoring = parts.add_parser("scoring")
    scoring.add_argument("--sentences", type=int, nargs="+", default=[100_000, 1_000_000])
    memory = parts.add_parser("memory")
    memory.add_argument("--small", type=float, default=2)
    memory.add_argument("--large", type=float, default=20)
    memory.add_argument("--empty", action="store_true")
    memory.add_argument("--model", default="fast")
    memory.add_argument("--text", type=Path, nargs="*", default=[])
    memory.add_argument("--every", type=float, default=100, help="say how far it has come each so many MB")
    training = parts.add_parser("training")
    training.add_argument("--shards", type=int, nargs=2, default=[2, 16])
    training.add_argument("--each", type=int, default=2000, help="sentences in a shard")
    workers = parts.add_parser("workers")
    workers.add_argument("--mb", type=float, default=2)
    workers.add_argument("--model", default="fast")
    workers.add_argument("--most", type=int, default=os.cpu_count() or 1)
    reading = parts.add_parser("reading")
    reading.add_argument("--mb", type=float, default=30)
    reading.add_argument("--driver", type=int, default=0, help="start Ray with so many readers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.part == "scoring":
            for count in given.sentences:
                _scoring(folder, count)
        elif given.part == "memory":
            _memory(folder, given)
        elif given.part == "training":
            _training(folder, given.shards, given.each)
        elif given.part == "reading":
            _reading(folder, given.mb, given.driver)
        else:
            _workers(folder, given.mb, given.most, given.model)


def _scoring(folder: Path, count: int) -> None:
    draw = random.Random(1)  # noqa: S311 — material, no secrets
    gold, layer = folder / "gold.jsonl", folder / "layer.jsonl"
    with gold.open("w", encoding="utf-8") as ours, layer.open("w", encoding="utf-8") as theirs:
        for sentence in _sentences(draw, count):
            ours.write(f"{sentence_to_line(sentence)}\n")
            kept = tuple(span for span in sentence.spans if draw.random() < KEPT)
            mine = Sentence(sentence.article, sentence.start, sentence.end, sentence.text, kept)
            theirs.write(f"{sentence_to_line(mine)}\n")
    command = ["evaluate", "--stream", "--gold", str(gold), "--layer", str(layer), "--json"]
    cpu, wall, peak = _measured(command, folder)
    size = (gold.stat().st_size + layer.stat().st_size) / MEGA
    print(f"scoring {count:,} sentences ({size:,.0f} MB): {cpu:.1f} CPU s, {wall:.1f} s, peak {peak:.0f} MB")


def _memory(folder: Path, given: argparse.Namespace) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_STOPPED))
    sentences = [json.loads(line)["text"] for path in given.text for line in path.open(encoding="utf-8")]
    peaks = []
    for megabytes in (given.small, given.large):
        corpus, out = folder / "corpus.jsonl", folder / f"out-{megabytes}"
        write_corpus(corpus, megabytes, empty=given.empty, sentences=sentences)
        command = ["preannotate", str(corpus), "--shards", str(out), "--threads", "1", "--model", given.model]
        peak = Peak(f"{megabytes:g} MB{' refused' if given.empty else ' annotated'}", out, given.every)
        cpu, wall, _ = _measured(command, folder, peak)
        peaks.append(peak.largest)
        print(f"{peak.name}: {cpu:.1f} CPU s, {wall:.1f} s, peak {peak.largest:.1f} MB", flush=True)
    print(f"ratio of the peaks: {peaks[1] / peaks[0]:.3f}")


class Peak:
    """The most memory that a process and all its children have had together, in megabytes (10^6 bytes).

    `seconds` is the processor time of all of them, those too for which none of them waits (Ray's).
    """

    def __init__(self, name: str, out: Path, every: float) -> None:
        """`out` is the folder of its shards; each `every` megabytes of source text in them it says how far it is."""
        self.name, self.largest = name, 0.0
        self._out, self._every, self._said = out, every, 0.0
        self._spent: dict[tuple[int, float], float] = {}

    @property
    def seconds(self) -> float:
        """CPU seconds, up to the last look at each process."""
        return sum(self._spent.values())

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Look until the process ends; when this process is stopped, stop that one and say what was seen."""
        root, began = psutil.Process(process.pid), time.perf_counter()
        try:
            while process.poll() is None:
                now = sum(map(self._look, (root, *_children(root))))
                self.largest = max(self.largest, now)
                finished = sum(1 for _ in self._out.glob("part-*.json")) * (4 << 20) / MEGA
                if finished >= self._said + self._every:
                    self._said = finished
                    self._say(f"{finished:.0f} MB in shards", now, began)
                time.sleep(LOOK)
        except (SystemExit, KeyboardInterrupt):
            finished = sum(1 for _ in self._out.glob("part-*.json")) * (4 << 20) / MEGA
            self._say(f"STOPPED with {finished:.0f} MB in shards", now, began)
            process.terminate()
            process.wait()
            raise

    def _look(self, process: psutil.Process) -> float:
        try:
            with process.oneshot():
                times = process.cpu_times()
                self._spent[process.pid, process.create_time()] = times.user + times.system
                return process.memory_info().rss / MEGA
        except psutil.NoSuchProcess:
            return 0.0

    def _say(self, what: str, now: float, began: float) -> None:
        wall = time.perf_counter() - began
        print(f"{self.name}: {what}, {wall:.0f} s, now {now:.1f} MB, peak {self.largest:.1f} MB", flush=True)


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return root.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _training(folder: Path, counts: Sequence[int], each: int) -> None:
    # At the top it would bring spaCy, and its memory, into every process that is measured.
    from biaozhu.formats.docbin import write_docbin  # noqa: PLC0415 — see above

    draw = random.Random(3)  # noqa: S311 — material, no secrets
    peaks = []
    for count in counts:
        shards = folder / f"shards-{count}"
        shards.mkdir()
        size = 0
        for number in range(count):
            data = write_docbin(list(_sentences(draw, each))).files[""]
            (shards / f"part-{number:05}.spacy").write_bytes(data)
            size += len(data)
        settings = {
            "paths.train": [f"{shards}/*.spacy"],
            "corpora.train.buffer": 1000,
            "training.max_epochs": 1,
            "training.max_steps": 1_000_000,
        }
        command = ["train", "configs/stream.cfg", "-o", str(folder / f"model-{count}")]
        for name, value in settings.items():
            command += ["--set", f"{name}={json.dumps(value)}"]
        cpu, wall, peak = _measured(command, folder)
        peaks.append(peak)
        print(
            f"training on {count} shards ({count * each:,} sentences, {size / MEGA:.1f} MB): "
            f"{cpu:.1f} CPU s, {wall:.1f} s, peak {peak:.0f} MB",
            flush=True,
        )
    print(f"ratio of the peaks: {peaks[1] / peaks[0]:.3f}")


def _workers(folder: Path, megabytes: float, most: int, lac: str) -> None:
    corpus = folder / "corpus.jsonl"
    write_corpus(corpus, megabytes)
    sums = set()
    first = 0.0
    for workers in range(1, most + 1):
        out = folder / f"out-{workers}"
        command = [
            *("preannotate", str(corpus), "--shards", str(out), "--shard-size", "131072"),
            *("--engine", "ray", "--jobs", str(workers), "--model", lac),
        ]
        peak = Peak(f"{workers} workers", out, float("inf"))
        _, wall, _ = _measured(command, folder, peak)
        stamps = sorted(path.stat().st_mtime for path in out.glob("part-*.json"))
        # Without the start of Ray: from the first shard to the last.
        rate = (len(stamps) - 1) * 131_072 / 3 / (stamps[-1] - stamps[0])
        first = first or rate
        sums.add((out / "MANIFEST.json").read_text(encoding="utf-8"))
        print(
            f"{workers} workers: {rate:,.0f} characters/s, {rate / first / workers:.2f} of {workers} times one; "
            f"whole {wall:.1f} s, {peak.seconds:.1f} CPU s of all processes, "
            f"{megabytes * MEGA / 3 / peak.seconds:,.0f} characters a CPU second with the start of Ray"
        )
    print("same manifest for all" if len(sums) == 1 else "DIFFERENT MANIFESTS")
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")


def _reading(folder: Path, megabytes: float, readers: int) -> None:
    # At the top they would be in the memory of every process that is measured.
    import numpy as np  # noqa: PLC0415 — see above
    import pyarrow as pa  # noqa: PLC0415 — see above
    import zstandard  # noqa: PLC0415 — see above
    from pyarrow import parquet  # noqa: PLC0415 — see above

    from biaozhu.scale.cluster import connect_to_ray  # noqa: PLC0415 — see above
    from biaozhu.scale.cluster_reading import Checksums, Duplicates, cut_shards, read_block, read_in_order  # noqa: PLC0415 — see above
    from biaozhu.scale.corpus_pieces import pieces_of, unpack_piece  # noqa: PLC0415 — see above
    from biaozhu.scale.shards import SHARD_BYTES  # noqa: PLC0415 — see above

    corpus = folder / "corpus.jsonl"
    write_corpus(corpus, megabytes)
    content = corpus.read_bytes()
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(content, 6))
    (folder / "c.jsonl.zst").write_bytes(zstandard.compress(content))
    rows = [json.loads(line) for line in content.splitlines()]
    table = pa.table({name: [row[name] for row in rows] for name in ("name", "text")})
    parquet.write_table(table, folder / "c.parquet", row_group_size=8000)
    began = time.process_time()
    digests = np.concatenate([read_block(piece)[1].digests for piece in pieces_of([corpus], SHARD_BYTES)])
    print(f"read: {megabytes / (time.process_time() - began):.0f} MB a CPU second")
    for path in sorted(folder.glob("c.*")):
        began = time.process_time()
        for piece in pieces_of([path], SHARD_BYTES):
            for _ in unpack_piece(piece, SHARD_BYTES):
                pass
        print(f"unpack {path.suffix}: {megabytes / (time.process_time() - began):.0f} MB a CPU second")
    checksums = Checksums(0, 1)
    checksums.begin([])
    began = time.process_time()
    checksums.find(digests, np.arange(len(digests)))
    print(f"{len(digests) / (time.process_time() - began):,.0f} checksums a CPU second")
    for path in (corpus, folder / "c.jsonl.gz") if readers else ():
        with connect_to_ray(None, readers) as ray:
            pieces = pieces_of([path], SHARD_BYTES)
            blocks = read_in_order(ray, pieces, Duplicates(ray, 2), readers=readers, size=SHARD_BYTES)
            shards = cut_shards(blocks, SHARD_BYTES)
            next(shards)
            began = time.process_time()
            size = sum(1 for _ in shards) * SHARD_BYTES / MEGA
            print(f"driver, {path.suffix}: {size / (time.process_time() - began):.0f} MB a CPU second")


def _measured(command: list[str], folder: Path, peak: Peak | None = None) -> tuple[float, float, float]:
    """Return the CPU seconds, wall seconds and peak megabytes of a command in a process of its own."""
    note = folder / "usage.json"
    process = subprocess.Popen([sys.executable, __file__, "--child", str(note), *command], stdout=subprocess.DEVNULL)
    if peak is not None:
        peak.watch(process)
    process.wait()
    usage = json.loads(note.read_bytes())
    if usage["status"] not in (0, 1):
        raise SystemExit(f"{command[0]} ended with status {usage['status']}")
    return usage["cpu"], usage["wall"], usage["peak"]


def _child(note: str, *command: str) -> None:
    from biaozhu.cli import run  # noqa: PLC0415 — what is measured

    started = time.perf_counter()
    status = run(list(command))
    wall = time.perf_counter() - started
    mine, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(one.ru_utime + one.ru_stime for one in (mine, others))
    peak = max(_own_peak() or mine.ru_maxrss, others.ru_maxrss) / 1024
    Path(note).write_text(json.dumps({"status": status, "cpu": cpu, "wall": wall, "peak": peak}), encoding="utf-8")


def _own_peak() -> int:
    """Return this process's peak in KiB, 0 where the system does not say; `ru_maxrss` begins with that of its parent."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _sentences(draw: random.Random, count: int) -> Iterator[Sentence]:
    at = 0
    for number in range(count):
        length = draw.randint(15, 60)
        text = "".join(map(chr, draw.choices(range(0x4E00, 0x5A00), k=length)))
        edges = sorted(draw.sample(range(length + 1), k=2 * draw.randint(0, 4)))
        spans = tuple(
            Span(start, end, draw.choice(LABELS), "made", round(draw.random(), 4))
            for start, end in zip(edges[::2], edges[1::2], strict=True)
        )
        at = 0 if number % SENTENCES_AN_ARTICLE == 0 else at
        yield Sentence(f"{number // SENTENCES_AN_ARTICLE:012x}", at, at + length, text, spans)
        at += length


def write_corpus(path: Path, megabytes: float, *, empty: bool = False, sentences: Sequence[str] = ()) -> None:
    """Write articles of sentences drawn by chance, or of the patterns; `empty` ones are refused when they are read."""
    draw = random.Random(2)  # noqa: S311 — material, no secrets
    written = number = 0
    with path.open("wb") as file:
        while written < megabytes * MEGA:
            lines: list[str] = []
            length = 0
            while length < ARTICLE:
                line = draw.choice(sentences or PATTERNS)
                lines.append(line if sentences else line.format(*(draw.randint(2, 9999) for _ in range(3))))
                length += len(lines[-1])
            # Control characters are no article: it is read and told apart, and goes to the dead letters.
            text = ("\x00\x01" if empty else "") + "\n".join(lines)
            line = json.dumps({"name": f"a{number}", "text": text}, ensure_ascii=False)
            written += file.write(f"{line}\n".encode())
            number += 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(*sys.argv[2:])
    else:
        main()
