"""The corpus: for each target one text file, an input in base64 on each line, the shortest first.

One file, and not a folder of many: it is reviewed and packed like any other text. What the fuzzer found wrong once
lies beside it under `findings/<target>/`, a file for each, named after what was wrong.
"""

from __future__ import annotations

import base64
from pathlib import Path

HERE = Path(__file__).parent
LARGEST = 64 * 1024
"""Bytes that the corpus file of a target may have."""


def read_corpus(target: str) -> list[bytes]:
    """The kept inputs of a target."""
    file = HERE / "corpus" / f"{target}.txt"
    return [base64.b64decode(line) for line in file.read_text("ascii").split()] if file.exists() else []


def write_corpus(target: str, inputs: list[bytes]) -> int:
    """Keep the shortest inputs that fit, and return how many those are."""
    lines: list[str] = []
    size = 0
    for one in sorted(set(inputs), key=lambda one: (len(one), one)):
        line = base64.b64encode(one).decode("ascii")
        size += len(line) + 1
        if size > LARGEST:
            break
        lines.append(line)
    (HERE / "corpus").mkdir(exist_ok=True)
    (HERE / "corpus" / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines), "ascii")
    return len(lines)


def findings(target: str) -> dict[str, bytes]:
    """What once failed, by name."""
    return {file.name: file.read_bytes() for file in sorted((HERE / "findings" / target).glob("*"))}
