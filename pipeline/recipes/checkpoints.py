"""Checkpoints of training in PyTorch: tensors and plain values alone, so that reading one runs nothing."""

from __future__ import annotations

import io
import pickle
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from biaozhu.data.errors import TrainingError
from biaozhu.data.files import write_bytes

if TYPE_CHECKING:
    from pathlib import Path


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def read_checkpoint(path: Path, settings: Any) -> dict[str, Any]:
    """Read a checkpoint, without running anything that is in it.

    Raises:
        TrainingError: it is none, or was made with other settings.
    """
    try:
        saved = torch.load(path, weights_only=True)
        same = saved["settings"] == asdict(settings)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        raise TrainingError(
            f"not a checkpoint of this program ({str(error).splitlines()[0]})",
            where=str(path),
            next_step="Remove it",
        ) from None
    if not same:
        raise TrainingError(
            "the checkpoint was made with other settings",
            where=str(path),
            next_step="Remove it or choose another folder",
        )
    return dict(saved)
