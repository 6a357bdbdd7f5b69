"""What tests of several folders share: a real Doccano and a small segmentation model, each made once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from training_material import worded_sentences

from biaozhu.training.segmentation import train_segmenter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from biaozhu.doccano.connection import Connection


# Packages that an extra or a tool brings, with what the core's own environment lacks of them.
OPTIONAL = {"doccano_client", "fsspec", "moto", "playwright", "s3fs"}

# A busy machine is no failure: no example has a deadline. `ci` draws the same examples each time, so that a commit is
# judged by the same tests as the one before it; `random` draws many others, which `make test-random` looks for faults
# with. An example that it finds is pinned with @example.
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile(
    "random",
    deadline=None,
    derandomize=False,
    max_examples=300,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# Tests read messages in English, whatever the locale.
os.environ["LANGUAGE"] = "en"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class _Module(pytest.Module):
    """A test module, skipped where it imports an optional package that is not installed."""

    def collect(self) -> Sequence[pytest.Item | pytest.Collector]:  # type: ignore[override]
        try:
            return list(super().collect())
        except self.CollectError as error:
            missing = str(getattr(error.__cause__, "name", None)).partition(".")[0]
            if missing not in OPTIONAL:
                raise
            pytest.skip(f"needs {missing}, which is not installed", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return _Module.from_parent(parent, path=module_path)


@pytest.fixture(scope="session")
def doccano_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder of a real Doccano on a free port; whatever happens, all its processes end with the tests."""
    from biaozhu.doccano.local.server import start, stop  # noqa: PLC0415 — an extra

    home = tmp_path_factory.mktemp("doccano").resolve()
    try:
        start(home=home, wait_seconds=180)
        yield home
    finally:
        stop(home=home)


@pytest.fixture
def doccano(doccano_server: Path) -> Connection:
    """A connection of the administrator; starts again what an earlier test has killed."""
    from biaozhu.doccano.connection import connect, find_account  # noqa: PLC0415 — an extra
    from biaozhu.doccano.local.server import start  # noqa: PLC0415 — as above

    start(home=doccano_server, wait_seconds=180)
    return connect(find_account(home=doccano_server))


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a segmentation model; nobody changes it."""
    folder = tmp_path_factory.mktemp("pkuseg") / "model"
    train_segmenter(worded_sentences(60), worded_sentences(70)[60:], folder)
    return folder
