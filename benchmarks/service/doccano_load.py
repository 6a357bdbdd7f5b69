"""Put a real Doccano under load: annotators who draw and confirm at once through the API, and nobody's work lost.

    python benchmarks/service/doccano_load.py [--minutes 5] [--annotators 20] [--sentences 1000] [--pause 0]
    pg_virtualenv python benchmarks/service/doccano_load.py        # on a PostgreSQL made for the run (Debian, Ubuntu)

Every annotator has an account and a project of their own, as `biaozhu project create` makes them, and works through
it: fetch the next sentence, fetch its spans, draw one, confirm. No pause between them, unless one is given: that is
far more than people do, so that what breaks, breaks here. Nothing is retried. Afterwards every span and every
confirmation that the server has answered with success is looked for in its API, and in what `pull` brings. Server and
annotators share the machine. The database is SQLite, or PostgreSQL where PGHOST, PGUSER and PGPASSWORD name one (as
pg_virtualenv does); the database `annotations` is made there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psutil

from biaozhu.data.errors import BiaozhuError
from biaozhu.data.labels import read_labels
from biaozhu.data.model import Sentence, Span
from biaozhu.doccano.assignment import assign_sentences
from biaozhu.doccano.connection import Connection, connect, find_account
from biaozhu.doccano.local.server import start, stop
from biaozhu.doccano.local.state import find_family
from biaozhu.doccano.project import Project, ProjectSpec, require_project
from biaozhu.doccano.remote import list_all
from biaozhu.doccano.team import create_projects, find_password, make_own_spec, pull_layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.doccano.assignment import Assignment

TEXT = "第{n}句:白水县的林小满说,去年种了{n}亩苹果树。"
SETTING = ProjectSpec("load", read_labels())


@dataclass
class Log:
    """What the annotators saw: seconds of each kind of request, errors by kind, and what was answered with success."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    confirmed: set[tuple[str, int]] = field(default_factory=set)
    spans: set[tuple[str, int]] = field(default_factory=set)
    tried: set[tuple[str, int]] = field(default_factory=set)
    finished: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def timed(self, kind: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Do a request and note it; None where it failed."""
        begun = time.monotonic()
        try:
            answer = call(*arguments, **options)
        except BiaozhuError as error:
            with self.guard:
                self.errors[f"{kind}: {' '.join(error.what.split())[:60]}"] += 1
            return None
        with self.guard:
            self.seconds.setdefault(kind, []).append(time.monotonic() - begun)
        return answer


def main() -> None:
    """Print one JSON object: the machine, the rates, the errors, and what was lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--sentences", type=int, default=1000, help="for each annotator")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds of thought before each sentence")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="biaozhu-load-"))
    use_postgres()
    try:
        start(home=home, wait_seconds=180)
        print(json.dumps(measure(home, options), ensure_ascii=False, indent=2))
    finally:
        stop(home=home)
        shutil.rmtree(home)


def use_postgres() -> None:
    """Make a database where PGHOST names a server, and let DATABASE_URL name it; else it will be SQLite."""
    if "PGHOST" not in os.environ:
        os.environ.pop("DATABASE_URL", None)
        return
    subprocess.run(["createdb", "annotations"], check=True)  # noqa: S607 — PostgreSQL's own, wherever it is installed
    user, password = (quote(os.environ[name], safe="") for name in ("PGUSER", "PGPASSWORD"))
    place = f"{os.environ['PGHOST']}:{os.environ.get('PGPORT', '5432')}"
    os.environ["DATABASE_URL"] = f"postgresql://{user}:{password}@{place}/annotations?sslmode=disable"


def measure(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Fill the server, let the annotators work, and see what is there."""
    names = [f"annotator-{number:02d}" for number in range(options.annotators)]
    sentences = make_sentences(options.annotators * options.sentences)
    plan = assign_sentences(SETTING.name, sentences, names, overlap=1, blind=0.0, previous=None)
    admin = connect(find_account(home=home))
    create_projects(admin, [("load", sentences)], SETTING, plan, home=home)
    log = Log()
    people = [
        (name, connect(find_password(home, admin.url, name), retries=0), own_project(admin, name)) for name in names
    ]
    processes = find_family(home.resolve())
    server = sum(sum(process.cpu_times()[:2]) for process in processes)
    begun, client = time.monotonic(), time.process_time()
    end = begun + options.minutes * 60
    threads = [threading.Thread(target=annotate, args=(log, *person, end, options.pause)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.monotonic() - begun
    requests = sum(map(len, log.seconds.values()))
    return {
        "database": "postgresql" if "PGHOST" in os.environ else "sqlite",
        "machine": f"{platform.machine()}, {psutil.cpu_count()} cores",
        "load before": psutil.getloadavg()[2],
        "annotators": options.annotators,
        "who finished all their sentences": log.finished,
        "seconds": round(wall, 1),
        "requests": requests,
        "requests/s": round(requests / wall, 1),
        "confirmations/s": round(len(log.confirmed) / wall, 1),
        "cpu seconds of the annotators": round(time.process_time() - client, 1),
        "cpu seconds of the server": round(
            sum(sum(process.cpu_times()[:2]) for process in processes if process.is_running()) - server, 1
        ),
        "latency": {kind: percentiles(found) for kind, found in sorted(log.seconds.items())},
        "errors": dict(log.errors),
        **verify(admin, log, names, plan),
    }


def annotate(log: Log, name: str, connection: Connection, project: Project, end: float, pause: float) -> None:
    """Work through one's sentences until the time is up."""
    examples = f"projects/{project.id}/examples"
    label, position = project.label_types[SETTING.names["PERSON"]], 0
    while time.monotonic() < end:
        time.sleep(pause * (0.5 + secrets.randbelow(1000) / 1000))
        page = log.timed("next sentence", connection.get, examples, params={"limit": 1, "offset": position})
        if page is None:
            continue
        if not page["results"]:
            log.finished += 1
            return
        example = page["results"][0]["id"]
        place = f"{examples}/{example}"
        log.timed("its spans", connection.get, f"{place}/spans")
        start_ = page["results"][0]["text"].index("林小满")
        span = {"start_offset": start_, "end_offset": start_ + 3, "label": label}
        made = log.timed("draw", connection.post, f"{place}/spans", span)
        done = log.timed("confirm", connection.post, f"{place}/states", {})
        with log.guard:
            log.tried.add((name, example))
            if made:
                log.spans.add((name, made["id"]))
            if done:
                log.confirmed.add((name, example))
        position += 1


def verify(admin: Connection, log: Log, names: list[str], plan: Assignment) -> dict[str, Any]:
    """Look for everything that was answered with success, through the API and through `pull`."""
    there_confirmed, there_spans = set(), set()
    for name in names:
        project = own_project(admin, name)
        for data in list_all(admin, f"projects/{project.id}/examples"):
            if data["is_confirmed"]:
                there_confirmed.add((name, int(data["id"])))
            if (name, int(data["id"])) in log.tried:
                there_spans |= {
                    (name, int(span["id"])) for span in admin.get(f"projects/{project.id}/examples/{data['id']}/spans")
                }
    pulled = pull_layers(admin, SETTING, plan)
    drawn = sum(
        sum(span.label == "PERSON" for span in sentence.spans)
        for one in pulled
        for layer in one.layers.values()
        for sentence in layer
    )
    return {
        "confirmations answered with success": len(log.confirmed),
        "of them lost": len(log.confirmed - there_confirmed),
        "confirmed though answered with an error": len(there_confirmed - log.confirmed),
        "spans answered with success": len(log.spans),
        "of them not found": len(log.spans - there_spans),
        "spans that pull brings": drawn,
        "confirmed sentences that pull brings": sum(one.count("confirmed") for one in pulled),
        "losses that pull names": sum(len(one.losses) for one in pulled),
    }


def own_project(admin: Connection, name: str) -> Project:
    """Return an annotator's project."""
    return require_project(admin, make_own_spec(SETTING, name).name)


def make_sentences(count: int) -> list[Sentence]:
    """Return sentences of one article, each with a place for its pre-annotation."""
    article = hashlib.sha256(b"load").hexdigest()[:12]
    sentences, position = [], 0
    for number in range(count):
        text = TEXT.format(n=number)
        at = text.index("白水县")
        span = Span(at, at + 3, "PLACE", "rule", 0.9)
        sentences.append(Sentence(article, position, position + len(text), text, (span,)))
        position += len(text)
    return sentences


def percentiles(found: list[float]) -> dict[str, float]:
    """Return milliseconds: the median, the 99th percentile and the worst."""
    ranked = sorted(found)
    pick = {"p50": 0.5, "p99": 0.99, "worst": 1.0}
    return {
        name: round(1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))], 1) for name, share in pick.items()
    }


if __name__ == "__main__":
    main()
