"""A workplace where everything is right, with a model that was trained on its gold."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from bad_files import make_workplace, write_all

from biaozhu.training.train import train

OF_DOCCANO = re.compile(r"^(doccano|project|push|pull)\b|^doubt .*--project|--to-doccano")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained on the workplace's gold."""
    folder = tmp_path_factory.mktemp("trained")
    make_workplace(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return train(Path("good.cfg"), Path("model")).folder.resolve()


@pytest.fixture(autouse=True)
def _needs_doccano(request: pytest.FixtureRequest) -> None:
    """Skip a row whose command works with Doccano where its client is not installed."""
    command = str(getattr(request.node, "callspec", None) and request.node.callspec.params.get("command"))
    if OF_DOCCANO.search(command) and find_spec("doccano_client") is None:
        pytest.skip("needs doccano_client, which is not installed")


@pytest.fixture
def workplace(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in where everything is right."""
    make_workplace(tmp_path)
    (tmp_path / "model").symlink_to(model)
    write_all(tmp_path, {"marked.txt": (tmp_path / "good.txt").read_bytes(), "marked.ann": b""})
    monkeypatch.chdir(tmp_path)
    return tmp_path
