"""Fuzz with atheris: `make fuzz`, or `run_fuzz.py TARGET … --minutes 5`.

Each target runs in a process of its own, from its seeds, corpus and findings; an input that fails is kept under
`.cache/fuzz/<target>/` and the run goes on until its time is over. At the end the corpus is minimised into
`corpus/<target>.txt`, and a line for each target goes to `.cache/fuzz/log.jsonl`: seconds, executions, findings.
The exit status is 1 where anything failed.

Atheris is in an environment of its own (`locks/fuzz.lock`), put on the path by `make fuzz`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from fuzz_corpus import findings, read_corpus, write_corpus

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".cache" / "fuzz"
LIMITS = ("-max_len=2048", "-timeout=60", "-rss_limit_mb=4096", "-print_final_stats=1")
INSTRUMENTED = ["biaozhu", "fuzz_service", "spacy.tokens._serialize"]
FAILS_MOST = 20
MERGING = 300


def fuzz_here(target: str, options: list[str]) -> None:
    """Fuzz one target in this process, until libFuzzer ends it."""
    import atheris  # noqa: PLC0415 — not in the project's own environment

    sys.path.insert(0, str(Path(__file__).parent))
    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzz_seeds import seeds  # noqa: PLC0415 — instrumented, so not before
        from fuzz_targets import TARGETS  # noqa: PLC0415 — as above
    for one in seeds()[target]:
        TARGETS[target](one)  # what is loaded at the first call counts for no input's time
    # libFuzzer starts itself anew to minimise, by these words joined by blanks.
    atheris.Setup([f"{sys.executable} {__file__} --child {target}", *options], TARGETS[target])
    atheris.Fuzz()


def fuzz(target: str, seconds: float) -> dict[str, object]:
    """Fuzz one target in processes of its own for a time, and minimise its corpus."""
    from fuzz_seeds import WORDS, seeds  # noqa: PLC0415 — as for the targets

    folder = PLACE / target
    live = folder / "corpus"
    live.mkdir(parents=True, exist_ok=True)
    for one in (*seeds()[target], *read_corpus(target), *findings(target).values()):
        (live / hashlib.sha256(one).hexdigest()[:16]).write_bytes(one)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS), "ascii")
    begun, runs, failed = time.monotonic(), 0, 0
    while time.monotonic() - begun < seconds and failed < FAILS_MOST:
        left = max(1, int(seconds - (time.monotonic() - begun)))
        done = _child(target, f"-max_total_time={left}", f"-dict={words}", f"-artifact_prefix={folder}/", str(live))
        log = done.stderr + done.stdout
        (folder / f"log-{failed}").write_text(log, "utf-8")
        counted = re.findall(r"number_of_executed_units: (\d+)|^#(\d+)\s", log, re.MULTILINE)
        runs += max((int(one or other) for one, other in counted), default=0)
        if done.returncode == 0:
            break
        failed += 1
        sys.stderr.write(f"{target}: failed, see {folder}/log-{failed - 1}\n")
    spent = time.monotonic() - begun
    kept = _minimise(target, folder, live)
    return {"target": target, "seconds": round(spent), "runs": runs, "failed": failed, "corpus": kept}


def main() -> int:
    """Fuzz targets one after the other, or be the process of one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help="all where none is named")
    parser.add_argument("--minutes", type=float, default=5.0, help="for each target")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments, options = parser.parse_known_args()
    if arguments.child:
        fuzz_here(arguments.child, [*arguments.targets, *options])
        return 0
    from fuzz_targets import TARGETS  # noqa: PLC0415 — the process of a target imports them instrumented

    failed = 0
    for target in arguments.targets or TARGETS:
        row = fuzz(target, 60 * arguments.minutes)
        with (PLACE / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"at": time.strftime("%Y-%m-%d %H:%M"), **row}) + "\n")
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
        failed += row["failed"] != 0
    return 1 if failed else 0


def _child(target: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, __file__, "--child", target, *LIMITS, *options]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def _minimise(target: str, folder: Path, live: Path) -> int:
    merged = folder / "merged"
    merged.mkdir(exist_ok=True)
    for old in merged.iterdir():
        old.unlink()
    _child(
        target,
        "-merge=1",
        f"-max_total_time={MERGING}",
        f"-artifact_prefix={folder}/",
        str(merged),
        str(live),
    )
    # On a machine with no time to minimise, all of them.
    kept = [*merged.iterdir()] or [*live.iterdir()]
    return write_corpus(target, [one.read_bytes() for one in kept])


def _escaped(word: str) -> str:
    return "".join(f"\\x{one:02x}" for one in word.encode("utf-8"))


if __name__ == "__main__":
    sys.exit(main())
