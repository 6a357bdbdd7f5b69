"""What tests of training share: a small segmentation model, trained once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from training_material import worded_sentences

from pipeline.training.segmentation import train_segmenter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a segmentation model; nobody changes it."""
    folder = tmp_path_factory.mktemp("pkuseg") / "model"
    train_segmenter(worded_sentences(60), worded_sentences(70)[60:], folder)
    return folder
