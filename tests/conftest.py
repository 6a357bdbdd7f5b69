"""What tests of several folders share: a real Doccano and a small segmentation model, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from training_material import worded_sentences

from biaozhu.doccano.connection import Connection, connect, find_account
from biaozhu.doccano.local.server import start, stop
from biaozhu.training.segmentation import train_segmenter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# A busy machine is no failure; the rest stays as hypothesis sets it, which under CI draws the same cases each time.
settings.register_profile("patient", parent=settings(), deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def doccano_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder of a real Doccano on a free port; whatever happens, all its processes end with the tests."""
    home = tmp_path_factory.mktemp("doccano").resolve()
    try:
        start(home=home, wait=180)
        yield home
    finally:
        stop(home=home)


@pytest.fixture
def doccano(doccano_server: Path) -> Connection:
    """A connection of the administrator; starts again what an earlier test has killed."""
    start(home=doccano_server, wait=180)
    return connect(find_account(home=doccano_server))


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a segmentation model; nobody changes it."""
    folder = tmp_path_factory.mktemp("pkuseg") / "model"
    train_segmenter(worded_sentences(60), worded_sentences(70)[60:], folder)
    return folder
