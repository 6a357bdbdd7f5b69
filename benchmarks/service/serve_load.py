"""Put `biaozhu serve` under wrk on loopback: requests a second against text length, and what happens beyond the limit.

    python benchmarks/service/serve_load.py [--seconds 20] [--flood 600] [--model models/NAME]     # needs wrk (apt install wrk)

Two phases, one service with its default limits. First texts of each length over few connections, so that nothing is
refused: requests and characters a second, median and 99th percentile. Then many more connections than the service has
places, for ten minutes: what it answers (200, 429, anything else), and its resident memory each second, whose trend
after the first minute is a least-squares line. Service and wrk share the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

LENGTHS = (20, 200, 2000)
FEW, MANY = 4, 64
BODIES = 64
WARM = 60
SENTENCES = (
    "在白水县，林小满买了{n}斤种子。",
    "{n}日，青川县的周大田说，今年种了{n}亩油菜，每亩约收{n}公斤。",
    "合作社有{n}余户，去年人均增收{n}元。",
    "春天来了，田里的人多了起来，路边的花也开了。",
)
# The token and the bodies come by the environment and a file: arguments of a process can be read by everybody.
LUA = """
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BIAOZHU_TOKEN")
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function init(args) statuses = {} end
function request() return wrk.format(nil, nil, nil, bodies[math.random(#bodies)]) end
function response(status)
  _G["answered_" .. status] = (_G["answered_" .. status] or 0) + 1
end
function done(summary, latency, requests)
  local parts = {}
  for _, status in ipairs({200, 401, 408, 413, 422, 429, 500, 503}) do
    local count = 0
    for _, thread in ipairs(threads) do count = count + (thread:get("answered_" .. status) or 0) end
    if count > 0 then parts[#parts + 1] = string.format('"%d": %d', status, count) end
  end
  io.write(string.format(
    '\\nRESULT {"seconds": %.3f, "p50_ms": %.2f, "p99_ms": %.2f, "max_ms": %.2f, "answers": {%s}, "socket_errors": %d, "timeouts": %d}\\n',
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    table.concat(parts, ", "), summary.errors.connect + summary.errors.read + summary.errors.write,
    summary.errors.timeout))
end
"""


def main() -> int:
    """Print one JSON object, and a line on stderr for each phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="for each text length")
    parser.add_argument("--flood", type=int, default=600, help="seconds beyond the limit")
    parser.add_argument("--model", help="a trained model's folder; else the pre-annotators answer")
    arguments = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.stderr.write("there is no wrk: apt install wrk\n")
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service, url = start_service(folder / "token", *(["--model", arguments.model] if arguments.model else []))
        try:
            result = _measured(wrk, folder, url, psutil.Process(service.pid), arguments)
        finally:
            service.send_signal(signal.SIGTERM)
            ended = service.wait(60)
    sys.stdout.write(json.dumps(result | {"exit_status": ended}, indent=1) + "\n")
    return 0


def start_service(token_file: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """Start `biaozhu serve` on a free port and return it with the address of /predict; one that does not start is ended."""
    service = subprocess.Popen(
        [sys.executable, "-m", "biaozhu", "serve", "--port", "0", "--token-file", str(token_file), *options],
        stderr=subprocess.PIPE,
        text=True,
        # Its line with the address is read, which has the user's language.
        env={**os.environ, "LANGUAGE": "en"},
    )
    assert service.stderr is not None  # noqa: S101 — it was asked for
    line = service.stderr.readline()
    if "load the model" in line:
        line = service.stderr.readline()
    if "answers at " not in line:
        service.kill()
        raise SystemExit(line)
    return service, line.split("answers at ")[1].split(";")[0]


def _measured(
    wrk: str, folder: Path, url: str, service: psutil.Process, arguments: argparse.Namespace
) -> dict[str, Any]:
    (folder / "load.lua").write_text(LUA, encoding="utf-8")
    rows = []
    for length in LENGTHS:
        busy = sum(service.cpu_times()[:2])
        row = {"characters": length, "connections": FEW} | _wrk(
            wrk, folder, url, length=length, connections=FEW, seconds=arguments.seconds
        )
        busy = sum(service.cpu_times()[:2]) - busy
        row["requests_s"] = round(row["answers"].get("200", 0) / row["seconds"], 1)
        row["characters_s"] = round(row["requests_s"] * length)
        row["cpu_ms_a_request"] = round(1000 * busy / max(1, row["answers"].get("200", 0)), 2)
        sys.stderr.write(f"{json.dumps(row)}\n")
        rows.append(row)
    memory: list[float] = []
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(service, memory, over))
    watching.start()
    before = service.memory_info().rss
    flood = _wrk(wrk, folder, url, length=LENGTHS[-1], connections=MANY, seconds=arguments.flood)
    over.set()
    watching.join()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}",
        "lengths": rows,
        "flood": {"characters": LENGTHS[-1], "connections": MANY} | flood,
        "memory_mb": _trend(memory) | {"before": round(before / 1e6, 1)},
    }


def _wrk(wrk: str, folder: Path, url: str, *, length: int, connections: int, seconds: int) -> dict[str, Any]:
    bodies = folder / "bodies.jsonl"
    chosen = random.Random(length)  # noqa: S311 — the same texts each time
    bodies.write_text("".join(f"{_body(chosen, length)}\n" for _ in range(BODIES)), encoding="utf-8")
    token = (folder / "token").read_text(encoding="ascii").strip()
    done = subprocess.run(
        [
            wrk,
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "30s",
            "-s",
            str(folder / "load.lua"),
            url,
        ],
        env=os.environ | {"BODIES": str(bodies), "BIAOZHU_TOKEN": token},
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.split("RESULT ")[1])
    return result


def _body(chosen: random.Random, length: int) -> str:
    text = ""
    while len(text) < length:
        text += chosen.choice(SENTENCES).format(n=chosen.randint(2, 9999))
    return json.dumps({"text": text[:length]}, ensure_ascii=False)


def _watch(service: psutil.Process, memory: list[float], over: threading.Event) -> None:
    begun = time.monotonic()
    while not over.wait(max(0.0, begun + len(memory) - time.monotonic())):
        memory.append(service.memory_info().rss / 1e6)


def _trend(memory: list[float]) -> dict[str, Any]:
    warm = np.array(memory[WARM:] or memory)
    slope = float(np.polyfit(np.arange(len(warm)), warm, 1)[0]) if len(warm) > 1 else 0.0
    return {
        "seconds": len(memory),
        "first_minute_max": round(max(memory[:WARM]), 1),
        "then_least": round(float(warm.min()), 1),
        "then_most": round(float(warm.max()), 1),
        "last_minute_mean": round(float(np.mean(memory[-WARM:])), 1),
        "mb_a_minute": round(60 * slope, 3),
        "each_minute": [round(one, 1) for one in memory[::WARM]],
    }


if __name__ == "__main__":
    sys.exit(main())
