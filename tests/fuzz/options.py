"""Fuzz the options of every command: `python tests/fuzz/options.py --runs 5000 --seed 7`.

Each run takes a command that is right, gives one or two of its options and arguments a bad value, and runs it in a
process of its own (a fork), in a folder of its own. What must hold: the status is 0, 1, 2 or 130, nothing ends in a
traceback, it ends in time, and no file that was there before is another one afterwards, but an output that was named.
`test_fuzz_options.py` does a few in every test run; `make test-random` does so with a seed of its own.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import importlib
import os
import pkgutil
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bad_input"), str(HERE.parent / "material")]

from bad_files import make_workplace  # noqa: E402 — found by the path above

import biaozhu  # noqa: E402 — as above
from biaozhu.cli import list_all_commands, run  # noqa: E402 — as above

STATUSES = {0, 1, 2, 130}
MAX_SECONDS, MAX_BYTES = 60, 6 << 30
# A service goes on until it is told to end.
SERVING_SECONDS = 2
# A command of each kind that is right; what starts a server, a cluster or a download finds none of what it needs.
_SCORED = "--gold good.jsonl --layer a=good.jsonl"
BASES = {
    "new": "new fresh",
    "run": "run articles",
    "read": "read good.txt",
    "split": "split good.txt -o new/out.jsonl",
    "preannotate": "preannotate good.txt -o new/out.jsonl --model fast",
    "llm": "llm good.txt --config llm.toml -o new/out.jsonl --yes",
    "push": "push good.jsonl",
    "pull": "pull -o new",
    "export": "export good.jsonl --format conll -o new/out.conll",
    "import": "import in.conll --format conll -o new/out.jsonl --article good.txt",
    "agree": "agree anna bert -o new/out.json",
    "bias": "bias anna bert",
    "adjudicate": "adjudicate anna bert -o new/out.jsonl",
    "doubt": "doubt good.jsonl -o new/out.jsonl",
    "select": "select good.jsonl -n 1 --random 1 -o new/out.jsonl",
    "train": "train good.cfg -o new/model",
    "crossval": "crossval good.cfg --gold good.jsonl --article good.txt --at-least 1 -o new/out.jsonl",
    "curve": "curve good.cfg --gold good.jsonl --article good.txt --sizes 2 --seeds 1 --folds 2 --resamples 100 -o new/c.json",
    "predict": "predict model good.txt -o new/out.jsonl",
    "segmenter": "segmenter --words words.jsonl --dev words.jsonl --iterations 1 --sentences 2 -o new/words",
    "loop": "loop new/loop --pool good.jsonl --annotators ann,bo",
    "table": "table good.txt --layer good.jsonl -o new/out.csv",
    "evaluate": f"evaluate {_SCORED} --resamples 100 -o new/out.json",
    "compare": "compare a=good.jsonl b=good.jsonl --gold good.jsonl --resamples 100 -o new/out.json",
    "report": f"report {_SCORED} --resamples 100 -o new/report",
    "summary": "summary reports",
    "history": "history reports -o new/history.html",
    "serve": "serve --model fast --port 0 --workers 1 --token-file new/token",
    "doccano up": "doccano up --home new/home --venv nowhere",
    "doccano backup": "doccano backup new/out.zip",
    "doccano restore": "doccano restore elf --home new/home",
    "doccano suggest": "doccano suggest on",
    "project create": "project create good.jsonl --annotators ann,bo --project p --dry-run",
    "project pull": "project pull --project p",
    "project enter": "project enter good.jsonl --annotator ann --project p",
    "project status": "project status p",
    "project accounts": "project accounts p",
    "gold freeze": "gold freeze gold",
    "gold check": "gold check gold",
    "gold diff": "gold diff gold good.jsonl",
    "corpus fetch": "corpus fetch modern --from folder",
    "corpus add": "corpus add mine --train rows --dev rows --test rows --licence free",
    "corpus extend": "corpus extend mine longer --model model --from good.txt",
    "corpus show": "corpus show mine",
    "base build": "base build good.cfg -o new/base",
    "base annotate": "base annotate good.txt -o new/out.jsonl",
    "base deepen": "base deepen good.cfg --weights elf -o new/base",
    "base distil": "base distil good.cfg --from good.jsonl -o new/base",
}
# These train or do the whole job where their bad value is right after all: drawn more seldom.
SLOW = {"run", "train", "crossval", "curve", "predict", "serve", "segmenter", "llm"}
# What is made by commands, in the template.
MADE = (
    "train good.cfg -o model",
    "export good.jsonl --format conll -o in.conll",
    f"evaluate {_SCORED} --resamples 100 -o reports/r/scores.json",
)
SLOW_SHARE, FLAG_SHARE = 0.25, 0.25
# The real command of a value: a cluster and a browser's server are started by no fuzzer.
LEFT_OUT = {("preannotate", "engine")}
OUTPUTS = {"output", "out", "ledger", "text", "questions", "result", "layers", "plans", "shards"}
VALUES = (
    "", " ", "-", "--", "0", "1", "-1", "2147483648", "99999999999999999999", "1e999", "nan", "-inf", "0.5", "٣", "１２", "四",
    "x", "\udcff", "\udcb0\udca1.txt", "\udcb0\udca1.jsonl", "\udcb0\udca1", "a\0b", "😀", "a\nb", "=", "a=", "=good.jsonl", "a=good.jsonl", "a=a=good.jsonl", "{}", "[", "*", "**/*",
    "..", ".", "good.txt/x", "folder", "missing", "missing/deeper/x.jsonl", "n" * 300, "/".join(["d" * 200] * 30),
    "/dev/full", "/dev/null", "/dev/zero", "broken", "circle", "elf", "empty", "deep.json", "good.cfg", "good.txt", "in.conll",
    "configs/labels.toml", "good.jsonl", "anna", "gold", "model", "articles", "reports/r/scores.json", "rows", "mixed",
    "http://127.0.0.1:9/x", "s3://", "file:///etc/hostname", "$(id)", "%s%n", "../../../../etc/passwd", "~", "utf16.txt",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One run: its command line, and the paths that its options for outputs name."""

    arguments: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case: its status, its seconds, what it said, and what was wrong with that (or nothing)."""

    status: int
    seconds: float
    said: str
    fault: str


def list_leaves(command: Any = None, *names: str) -> Iterator[tuple[str, Any]]:
    """Yield every command of the command line with its name."""
    command = command or list_all_commands()
    for name, one in getattr(command, "commands", {}).items():
        yield from list_leaves(one, *names, name)
    if names and not hasattr(command, "commands"):
        yield " ".join(names), command


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return cases, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 — no secret
    leaves = dict(list_leaves())
    names = sorted(leaves)
    weights = [SLOW_SHARE if name in SLOW else 1.0 for name in names]
    return [_draw(rng, name, leaves[name]) for name in rng.choices(names, weights, k=count)]


def _draw(rng: random.Random, name: str, command: Any) -> Case:
    arguments = BASES.get(name, name).split()
    begin = len(name.split())
    params = [
        one
        for one in command.params
        if (name, one.name) not in LEFT_OUT and one.name not in {"help", "version"}
        # Flags take no value.
        if not getattr(one, "is_flag", False) or rng.random() < FLAG_SHARE
    ]
    outputs = []
    for one in rng.sample(params, min(len(params), rng.choice((1, 1, 1, 2)))):
        value = rng.choice(VALUES)
        if one.param_type_name == "argument":
            _replace_argument(rng, arguments, begin, value)
        elif getattr(one, "is_flag", False):
            arguments.append(rng.choice([*one.opts, *one.secondary_opts]))
        else:
            spelt = next((option for option in one.opts if option in arguments), None)
            if spelt and not (one.multiple and rng.random() < 0.5):
                arguments[arguments.index(spelt) + 1] = value
            else:
                arguments += [rng.choice(one.opts), value]
        if one.name in OUTPUTS:
            outputs.append(value)
    return Case(tuple(arguments), tuple(outputs))


def _replace_argument(rng: random.Random, arguments: list[str], begin: int, value: str) -> None:
    places = []
    for position in range(begin, len(arguments)):
        if arguments[position].startswith("-"):
            break
        places.append(position)
    if places and rng.random() < 0.8:
        arguments[rng.choice(places)] = value
    else:
        arguments.insert(begin, value)


def make_template(folder: Path) -> None:
    """Write what every case finds: what is right, and what is wrong in many ways."""
    from training_material import worded_sentences  # noqa: PLC0415 — found by the path above

    from biaozhu.curation.frozen import freeze_gold  # noqa: PLC0415 — as above
    from biaozhu.curation.status import write_status  # noqa: PLC0415 — as above
    from biaozhu.data.layers import write_layer  # noqa: PLC0415 — as above

    make_workplace(folder)
    write_layer(folder / "words.jsonl", worded_sentences(6))
    for name in ("anna", "bert"):
        write_status(folder / name / "good.status.json", "p", name, ())
    for name in ("gold", "articles", "folder", "reports/r", "mixed"):
        (folder / name).mkdir(parents=True)
    shutil.copyfile(folder / "good.jsonl", folder / "gold" / "good.jsonl")
    freeze_gold(folder / "gold")
    shutil.copyfile(folder / "good.txt", folder / "articles" / "good.txt")
    good = (folder / "good.txt").read_bytes()
    files = {
        "elf": b"\x7fELF\x02\x01" + bytes(range(256)), "empty": b"", "deep.json": b"[" * 100_000, "utf16.txt": good.decode().encode("utf-16"),
        "rows": '{"text": "李秀英在雅安市。", "entities": [[0, 3, "PER"], [4, 7, "LOC"]]}\n'.encode(),
        "mixed/a.txt": good, "mixed/b.jsonl": b"7\n", "mixed/c": b"\xff",
        "llm.toml": b'base_url = "http://127.0.0.1:9/v1"\nmodel = "m"\nretries = 0\n',
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_bytes(content)
    # As an archive of another system leaves them: names that are not UTF-8.
    for suffix, origin in ((".txt", "good.txt"), (".jsonl", "good.jsonl")):
        shutil.copyfile(folder / origin, folder / f"\udcb0\udca1{suffix}")
    shutil.copytree(folder / "anna", folder / "\udcb0\udca1")
    (folder / "broken").symlink_to("nowhere")
    (folder / "circle").symlink_to("circle")


def hash_files(folder: Path) -> dict[str, str]:
    """Return the checksum of every file below a folder, links by where they point."""
    found = {}
    for parent, folders, names in os.walk(folder):
        # A link stays what it is where the folder that it points to has come to be.
        for name in (*names, *(one for one in folders if Path(parent, one).is_symlink())):
            path = Path(parent, name)
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def run_case(case: Case, template: Path, scratch: Path) -> Outcome:
    """Run a case in a fork, in a copy of the template, and look at what it leaves."""
    work = scratch / "outer" / "work"
    shutil.copytree(template, work, symlinks=True)
    before = hash_files(scratch / "outer")
    begun = time.monotonic()
    said = scratch / "said"
    child = os.fork()
    if not child:
        _be_child(case, work, said)
    status, timed_out = _wait(child, MAX_SECONDS)
    text = said.read_text("utf-8", "replace")
    after = hash_files(scratch / "outer")
    changed = sorted(name for name, checksum in before.items() if after.get(name) != checksum)
    changed = [name for name in changed if not _is_named(name, case)]
    shutil.rmtree(scratch / "outer")
    fault = ""
    if timed_out:
        fault = "it does not end"
    elif "Traceback" in text or status not in STATUSES:
        fault = f"status {status}"
    elif changed:
        fault = f"changed {changed}"
    elif not Path("/dev/null").is_char_device() or not Path("/dev/full").is_char_device():
        fault = "a device is a file"
    return Outcome(status, time.monotonic() - begun, text, fault)


def _is_named(name: str, case: Case) -> bool:
    # A layer may replace a layer, where it was named as an output alone.
    place = name.removeprefix("work/")
    for output in case.outputs:
        if (place == output or place.startswith(f"{output}/")) and case.arguments.count(output) == 1:
            return True
    # So may that of an article in the folder that was named, which may be this one: good.txt -o .
    stems = {Path(one).stem for one in case.arguments}
    here = not {".", "./"}.isdisjoint(case.arguments)
    return here and Path(place).suffix == ".jsonl" and Path(place).stem in stems


def _be_child(case: Case, work: Path, said: Path) -> None:
    """Run the command as a process of its own would, and end."""
    status = 77
    try:
        os.setsid()
        os.chdir(work)
        out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 — until the end
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 — as above
        resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
        faulthandler.dump_traceback_later(MAX_SECONDS - 2, exit=False, file=2)
        signal.signal(signal.SIGTERM, _stop)
        if case.arguments[0] == "serve":
            timer = threading.Timer(SERVING_SECONDS, os.kill, (os.getpid(), signal.SIGTERM))
            timer.daemon = True
            timer.start()
        status = run(list(case.arguments))
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 77
    except KeyboardInterrupt:
        status = 130
    except BaseException:  # noqa: BLE001 — what is looked for
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _wait(child: int, seconds: float) -> tuple[int, bool]:
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        timed_out = not ended and time.monotonic() > until
        if ended or timed_out:
            # What it has started belongs to its session.
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            if timed_out:
                _, status = os.waitpid(child, 0)
            return os.waitstatus_to_exitcode(status), timed_out
        time.sleep(0.005)


def fuzz(cases: Sequence[Case], *, seconds: float = float("inf")) -> Iterator[tuple[int, Case, Outcome]]:
    """Run cases until the time is over, and yield each with its number."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "template").mkdir()
        _prepare(folder)
        until = time.monotonic() + seconds
        for number, case in enumerate(cases):
            if time.monotonic() > until:
                return
            yield number, case, run_case(case, folder / "template", folder)


def _prepare(folder: Path) -> None:
    os.environ["BIAOZHU_CACHE"] = str(folder / "cache")
    os.environ["LANGUAGE"] = "en"
    os.environ.pop("DOCCANO_URL", None)
    make_template(folder / "template")
    # Imported once, not once a run.
    for module in pkgutil.walk_packages(biaozhu.__path__, "biaozhu."):
        if not module.name.endswith("__main__") and "server_plugin" not in module.name:
            with suppress(ImportError):
                importlib.import_module(module.name)
    # In a child: what a network's session leaves in the memory of a process must not be forked.
    for line in MADE:
        child = os.fork()
        if not child:
            _be_child(Case(tuple(line.split()), ()), folder / "template", folder / "said")
        if _wait(child, 10 * MAX_SECONDS)[0]:
            raise SystemExit((folder / "said").read_text("utf-8"))


def main() -> int:
    """Print every fault, and a count of the statuses; status 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="begin", help="leave out the cases before this one")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so many")
    parser.add_argument("--verbose", action="store_true", help="print every case")
    arguments = parser.parse_args()
    cases = draw_cases(arguments.seed, arguments.runs)[arguments.begin :]
    statuses: Counter[int] = Counter()
    faults = 0
    for number, case, outcome in fuzz(cases, seconds=arguments.seconds):
        statuses[outcome.status] += 1
        if outcome.fault or arguments.verbose:
            faults += bool(outcome.fault)
            tail = "\n".join(outcome.said.splitlines()[-12:]) if outcome.fault else ""
            line = f"{arguments.begin + number} {outcome.seconds:.1f} s {outcome.status} {outcome.fault} {case.arguments!r}\n{tail}"
            sys.stdout.write(f"{line.rstrip()}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{sum(statuses.values())} runs, {faults} faults, statuses {dict(sorted(statuses.items()))}\n")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
