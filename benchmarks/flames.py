"""Where whole pre-annotation spends its time: the top of py-spy's flame graph.

    python benchmarks/flames.py [--lac fast small] [--mb 2] [--text SENTENCES.jsonl…] [--at COMMIT] [--native]

Runs `biaozhu preannotate` on made articles (see scale.py: sentences drawn from the given lines, else patterns) under
`py-spy record --format raw`, from start to end with the loading, and prints the ten functions with the largest share of
samples of their own. `--native` looks into extensions too. Samples are of wall time in which the process had something
to do: beside other work the shares stay what they are. `--at` profiles the code of an earlier commit, unpacked beside
(its caches are its own, so its first run is not measured). py-spy comes from the peers' environment (locks/peers.lock);
where the system asks for it, run this as root.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from peers import environment
from scale import write_corpus

TOP = 10


def main() -> None:
    """Print a Markdown table for each choice of `--lac`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lac", nargs="+", default=["fast", "small"])
    parser.add_argument("--mb", type=float, default=2)
    parser.add_argument("--text", type=Path, nargs="*", default=[])
    parser.add_argument("--at", help="a commit of this repository")
    parser.add_argument("--native", action="store_true")
    parser.add_argument(
        "--rate", type=int, default=100, help="looks a second; fewer where little time is to be had"
    )
    given = parser.parse_args()
    spy = str(environment().parent / "py-spy")
    sentences = [json.loads(line)["text"] for path in given.text for line in path.open(encoding="utf-8")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus.jsonl"
        write_corpus(corpus, given.mb, sentences=sentences)
        code = Path.cwd()
        if given.at:
            code = folder / "code"
            _unpack(given.at, code)
        for lac in given.lac:
            command = [
                *(sys.executable, "-m", "pipeline", "preannotate", str(corpus)),
                *("-o", str(folder / "out.jsonl"), "--threads", "1", "--lac", lac),
            ]
            if given.at:
                _run(command, code)
            raw = folder / "raw.txt"
            look = [spy, "record", "--format", "raw", "--rate", str(given.rate), "--output", str(raw)]
            if given.native:
                look.append("--native")
            _run([*look, "--", *command], code)
            _print(raw, f"--lac {lac}, {given.mb:g} MB{f', at {given.at}' if given.at else ''}", given.rate)


def _unpack(commit: str, folder: Path) -> None:
    folder.mkdir()
    tar = subprocess.run(["git", "archive", commit], check=True, stdout=subprocess.PIPE).stdout  # noqa: S607 — git by name
    subprocess.run(["tar", "-x", "-C", str(folder)], check=True, input=tar)  # noqa: S607 — tar by name


def _run(command: list[str], code: Path) -> None:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        command,
        check=False,
        cwd=code,
        env={**os.environ, **threads, "PYTHONPATH": str(code)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    # 1: spans were decided against, which the ledger says.
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command[0]} ended with status {done.returncode}: {done.stderr.decode()[-500:]}")


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
    """Return a frame without its line, so that all lines of a function are one."""
    name, _, place = frame.partition(" (")
    where = place.rstrip(")").rpartition(":")[0] or place.rstrip(")")
    return f"{name} ({Path(where).name})"


if __name__ == "__main__":
    main()
