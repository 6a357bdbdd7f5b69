"""Attack `biaozhu serve` beside good requests: the share of the good ones that is answered, and how long SIGTERM takes.

    python benchmarks/service/serve_attacks.py [--seconds 600] [--attacks texts headers bodies strangers]

Each attack has a service of its own with its default limits. Good clients send short texts, with the token, from
127.0.0.1; the attackers come from 127.0.0.2. SIGTERM comes while the attack goes on. All share the machine.

- texts: 20 clients with the token send texts of 300 KB (PLACE after PLACE), the next one when one is answered.
- headers: 256 connections whose headers never end, a byte a second; each is opened again when it is closed.
- bodies: 64 connections with the token whose bodies of 300 KB arrive by a byte a second.
- strangers: 32 clients without the token send bodies of 1 MB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from serve_load import start_service

if TYPE_CHECKING:
    from collections.abc import Callable

ATTACKER = ("127.0.0.2", 0)
GOOD = "在白水县，林小满买了30斤种子。"
GOOD_CLIENTS, PAUSE_SECONDS, PATIENCE_SECONDS = 4, 0.25, 30
LONG_CHARS, LARGE_BYTES = 100_000, 1_000_000
WARM_SECONDS = 3


def send_texts(port: int, token: str) -> None:
    """Send texts that take long, one after the other."""
    body = json.dumps({"text": "河北" * (LONG_CHARS // 2)}, ensure_ascii=False).encode()
    _post_for_ever(port, body, {"Authorization": f"Bearer {token}"})


def send_as_stranger(port: int, _token: str) -> None:
    """Send large bodies without the token."""
    _post_for_ever(port, b"x" * LARGE_BYTES, {})


def drip_headers(port: int, _token: str) -> None:
    """Send headers that never end."""
    _drip_for_ever(port, b"POST /predict HTTP/1.1\r\nHost: x\r\nX: ")


def drip_body(port: int, token: str) -> None:
    """Send a body that hardly arrives."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 300000\r\n\r\n"
    _drip_for_ever(port, head.encode())


ATTACKS: dict[str, tuple[int, Callable[[int, str], None]]] = {
    "texts": (20, send_texts),
    "headers": (256, drip_headers),
    "bodies": (64, drip_body),
    "strangers": (32, send_as_stranger),
}


def _post_for_ever(port: int, body: bytes, headers: dict[str, str]) -> None:
    while True:
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=120, source_address=ATTACKER)
            connection.request("POST", "/predict", body, headers)
            connection.getresponse().read()
            connection.close()
        time.sleep(0.05)


def _drip_for_ever(port: int, head: bytes) -> None:
    while True:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=10, source_address=ATTACKER) as client,
        ):
            client.sendall(head)
            while True:
                time.sleep(1)
                client.sendall(b"x")
        time.sleep(0.05)


def attack(name: str, port: int, token: str) -> None:
    """Run all clients of an attack, for ever."""
    count, send = ATTACKS[name]
    for _ in range(count):
        threading.Thread(target=send, args=(port, token), daemon=True).start()
    signal.pause()


def ask_well(port: int, token: str, until: float, answers: list[tuple[int, float]]) -> None:
    """Send short texts one after the other until the time is over, and note status (0: none) and seconds of each."""
    body = json.dumps({"text": GOOD}, ensure_ascii=False).encode()
    while time.monotonic() < until:
        begun, status = time.monotonic(), 0
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
            connection.request("POST", "/predict", body, {"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
            connection.close()
        answers.append((status, time.monotonic() - begun))
        time.sleep(PAUSE_SECONDS)


def measure(name: str, seconds: float, options: list[str]) -> dict[str, object]:
    """Start a service, attack it beside good clients, end it, and return what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        token_file = Path(folder, "token")
        service, address = start_service(token_file, *options)
        assert service.stderr is not None  # noqa: S101 — it was asked for
        threading.Thread(target=service.stderr.read, daemon=True).start()
        port = int(address.split("/predict")[0].rpartition(":")[2])
        token = token_file.read_text(encoding="ascii").strip()
        attacker = multiprocessing.get_context("spawn").Process(target=attack, args=(name, port, token), daemon=True)
        attacker.start()
        time.sleep(WARM_SECONDS)
        answers: list[tuple[int, float]] = []
        until = time.monotonic() + seconds
        clients = [threading.Thread(target=ask_well, args=(port, token, until, answers)) for _ in range(GOOD_CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        begun = time.monotonic()
        service.send_signal(signal.SIGTERM)
        status = service.wait(120)
        ended = time.monotonic() - begun
        attacker.kill()
    statuses = Counter(one for one, _ in answers)
    times = sorted(one for _, one in answers)
    return {
        "attack": name,
        "seconds": seconds,
        "good": len(answers),
        "answered": round(statuses[200] / max(1, len(answers)), 4),
        "others": {one: count for one, count in statuses.items() if one != 200},  # noqa: PLR2004
        "p50_s": round(times[len(times) // 2], 2),
        "p99_s": round(times[len(times) * 99 // 100], 2),
        "sigterm_s": round(ended, 1),
        "exit_status": status,
        "load": round(os.getloadavg()[1], 1),
    }


def main() -> int:
    """Print a row for each attack; status 1 where less than 95 % of the good requests were answered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="of each attack")
    parser.add_argument("--attacks", nargs="+", choices=ATTACKS, default=list(ATTACKS))
    parser.add_argument("--model", default="accurate", help="the network that answers")
    arguments = parser.parse_args()
    rows = [measure(name, arguments.seconds, ["--model", arguments.model]) for name in arguments.attacks]
    print("| attack | good requests | answered | other answers | p50 s | p99 s | SIGTERM s | status | load |")
    print("|---|---:|---:|---|---:|---:|---:|---:|---:|")
    for row in rows:
        print(
            f"| {row['attack']} | {row['good']} | {100 * float(str(row['answered'])):.2f} % | {row['others'] or '–'} "
            f"| {row['p50_s']} | {row['p99_s']} | {row['sigterm_s']} | {row['exit_status']} | {row['load']} |"
        )
    return int(any(float(str(row["answered"])) < 0.95 for row in rows))  # noqa: PLR2004


if __name__ == "__main__":
    sys.exit(main())
