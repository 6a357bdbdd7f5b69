"""Time a push of many sentences into a real Doccano, everything read back and compared, and the way back.

    python benchmarks/service/push.py [--sentences 10000]

A Doccano of its own is started in a temporary folder and removed afterwards. The commands are those that a user types;
seconds are those of the whole command, with the start of Python. Server and client share the machine, so the load
before and the CPU seconds of both are printed beside.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.doccano.local.server import start, stop
from biaozhu.doccano.local.state import find_family

TEXTS = (
    "第{n}户:云溪县柳湾村的林小满去年种了{n}亩猕猴桃,每亩收入1万元。",
    "村里第{n}次开会,没有人迟到。",
    "𠮷野村的{n}号仓库存了{n}吨大米。",
)
SPANS = {"云溪县": "PLACE", "柳湾村": "PLACE", "林小满": "PERSON", "1万元": "AMOUNT", "𠮷野村": "PLACE"}


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sentences", type=int, default=10_000)
    count = parser.parse_args().sentences
    folder = Path(tempfile.mkdtemp(prefix="biaozhu-push-"))
    home, layer, back = folder / "home", folder / "made.jsonl", folder / "back.jsonl"
    write_layer(layer, make_sentences(count))
    try:
        start(home=home, wait_seconds=300)
        steps = {
            "push": timed(home, "push", layer),
            "push again": timed(home, "push", layer),
            "pull and compare": timed(home, "pull", "-o", back, "--compare", layer),
        }
        same = back.read_bytes() == layer.read_bytes()
    finally:
        stop(home=home)
        shutil.rmtree(folder)
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores"
    print(json.dumps({"machine": machine, "sentences": count, **steps, "back to the byte": same}, indent=2))


def timed(home: Path, *arguments: object) -> dict[str, Any]:
    """Run a command; return its seconds, the CPU seconds on both sides, and what it found."""
    load = psutil.getloadavg()[0]
    before, begun = cpu_of(home), time.monotonic()
    mine = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "biaozhu", *map(str, arguments), "--home", str(home), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.monotonic() - begun
    later = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(done.stdout)
    return {
        "seconds": round(seconds, 1),
        "load before": round(load, 1),
        "cpu seconds of the command": round(later.ru_utime + later.ru_stime - mine.ru_utime - mine.ru_stime, 1),
        "cpu seconds of the server": round(cpu_of(home) - before, 1),
        **{key: found[key] for key in ("added", "unchanged", "identical", "losses") if key in found},
    }


def cpu_of(home: Path) -> float:
    """Return the CPU seconds that the server's processes have taken."""
    return sum(sum(process.cpu_times()[:2]) for process in find_family(home.resolve()))


def make_sentences(count: int) -> list[Sentence]:
    """Return sentences of one invented article, with and without spans, some with characters of two UTF-16 units."""
    article = hashlib.sha256(b"push").hexdigest()[:12]
    sentences, position = [], 0
    for number in range(count):
        text = TEXTS[number % len(TEXTS)].format(n=number)
        spans = tuple(
            Span(text.index(name), text.index(name) + len(name), label, "rule", 0.9)
            for name, label in SPANS.items()
            if name in text
        )
        spans = tuple(sorted(spans, key=lambda span: span.start))
        sentences.append(Sentence(article, position, position + len(text), text, spans))
        position += len(text)
    return sentences


if __name__ == "__main__":
    main()
