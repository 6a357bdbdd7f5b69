"""Where whole pre-annotation spends its time: the top of py-spy's flame graph.

    python benchmarks/flames.py [--model fast accurate] [--mb 2] [--text SENTENCES.jsonl…] [--at COMMIT] [--native]

Runs `biaozhu preannotate` on made articles (see scale.py: sentences drawn from the given lines, else patterns; a folder
of text files, which every commit reads) under `py-spy record --format raw`, from start to end with the loading, and
prints the ten functions with the largest share of samples of their own. `--native` looks into extensions too. Samples
are of wall time in which the process had something to do: beside other work the shares stay what they are. `--at`
profiles the code of an earlier commit, unpacked beside; the run before, not measured, fills its caches. It runs in
today's environment, and a `--model` that it does not know yet is said in a line and left out. py-spy comes from the
peers' environment (locks/peers.lock); where the system asks for it, run this as root.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from peers import environment, machine

from scale import write_corpus

TOP = 10


def main() -> None:
    """Print a Markdown table for each choice of `--model`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="+", default=["fast", "accurate"])
    parser.add_argument("--mb", type=float, default=2)
    parser.add_argument("--text", type=Path, nargs="*", default=[])
    parser.add_argument("--at", help="a commit of this repository")
    parser.add_argument("--native", action="store_true")
    parser.add_argument(
        "--rate", type=int, default=100, help="looks a second; fewer where little time is to be had"
    )
    given = parser.parse_args()
    spy = str(environment().absolute().parent / "py-spy")
    sentences = [json.loads(line)["text"] for path in given.text for line in path.open(encoding="utf-8")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        count, characters = _write_articles(corpus, given.mb, sentences)
        commit, code = _commit(given.at or "HEAD"), Path.cwd()
        if given.at:
            code = folder / "code"
            _unpack(commit, code)
        print(
            f"{commit}, {datetime.now(UTC):%Y-%m-%d}, {machine()}; {count:,} articles, {characters:,} characters\n"
        )
        for lac in given.model:
            raw, out = folder / "raw.txt", folder / f"{lac}.jsonl"
            command = [
                *(sys.executable, "-m", "biaozhu", "preannotate", str(corpus)),
                *("-o", str(out), "--threads", "1", "--model", lac),
            ]
            if given.at:
                told = _run(command, code)
                if "neither accurate nor fast" in told:
                    print(f"{commit} has no --model {lac}: left out\n")
                    continue
                if not out.is_file():
                    raise SystemExit(
                        f"{commit} does not run here: {(told.splitlines() or ['it says nothing'])[-1]}"
                    )
                out.unlink()
            look = [spy, "record", "--format", "raw", "--rate", str(given.rate), "--output", str(raw)]
            if given.native:
                look.append("--native")
            told = _run([*look, "--", *command], code)
            # The status says little: 1 means that spans were decided against, or a traceback.
            if not out.is_file():
                raise SystemExit(f"no pre-annotation was written: {told[-500:]}")
            title = f"--model {lac}{', native' if given.native else ''}, {given.mb:g} MB, at {commit}"
            _print(raw, title, given.rate)


def _write_articles(folder: Path, megabytes: float, sentences: list[str]) -> tuple[int, int]:
    """Write made articles as text files, and return how many they are and their characters."""
    lines = folder.with_suffix(".jsonl")
    write_corpus(lines, megabytes, sentences=sentences)
    folder.mkdir()
    articles = [json.loads(line) for line in lines.open(encoding="utf-8")]
    for article in articles:
        (folder / f"{article['name']}.txt").write_text(article["text"], encoding="utf-8")
    return len(articles), sum(len(article["text"]) for article in articles)


def _commit(name: str) -> str:
    command = ["git", "rev-parse", "--short", "--verify", f"{name}^{{commit}}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name}: no commit of this repository")
    return done.stdout.strip()


def _unpack(commit: str, folder: Path) -> None:
    folder.mkdir()
    tar = subprocess.run(["git", "archive", commit], check=True, stdout=subprocess.PIPE).stdout  # noqa: S607 — git by name
    subprocess.run(["tar", "-x", "-C", str(folder)], check=True, input=tar)  # noqa: S607 — tar by name


def _run(command: list[str], code: Path) -> str:
    """Run it with that code, and return what it said on stderr."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.run(
        command,
        check=False,
        cwd=code,
        env={**os.environ, **threads, "PYTHONPATH": str(code)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ).stderr


def _print(raw: Path, title: str, rate: int) -> None:
    own: Counter[str] = Counter()
    for line in raw.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        own[_function(stack.rpartition(";")[2])] += int(count)
    total = own.total()
    print(f"{title}: {total:,} samples, {total / rate:.1f} s\n\n| own time | share |\n|---|---:|")
    for name, samples in own.most_common(TOP):
        print(f"| `{name}` | {100 * samples / total:.1f} % |")
    print(
        f"| all others ({len(own) - TOP}) | {100 * (1 - sum(n for _, n in own.most_common(TOP)) / total):.1f} % |\n"
    )


def _function(frame: str) -> str:
    """Return a frame without its line, so that all lines of a function are one, as are all that a library has no name for."""
    if not frame:
        return "before Python's first frame and after its last"
    name, _, place = frame.partition(" (")
    where = Path(place.rstrip(")").rpartition(":")[0] or place.rstrip(")")).name
    return f"{where}, without a name" if name.startswith("0x") else f"{name} ({where})"


if __name__ == "__main__":
    main()
