"""The built wheel in a clean environment of the core alone, used from a folder with packages of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from training_material import invented_gold

from biaozhu import __version__
from biaozhu.data.layers import write_layer

ROOT = Path(__file__).parent.parent
UV = shutil.which("uv", path=os.pathsep.join([str(ROOT / ".venv/bin"), os.environ["PATH"]]))
SOURCES = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "pipeline",
    "configs",
    "annotations/guideline.md",
    "docs/pictures/annotating.png",
    "locks/doccano.lock",
)
SHIPPED = ("configs/labels.toml", "configs/ner.cfg", "annotations/guideline.md", "locks/doccano.lock")
# Names of packages that only extras and Doccano's own environment bring.
OF_EXTRAS = {"auto_labeling", "celery", "config", "curated_transformers", "django", "doccano_client", "kombu", "psutil", "pyarrow", "ray",
             "safetensors", "tenacity", "torch"}  # fmt: skip
IMPORT_ALL = """
import importlib, json, pkgutil, biaozhu
missing = set()
for module in pkgutil.walk_packages(biaozhu.__path__, "biaozhu.", onerror=lambda _name: None):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        missing.add(error.name.partition(".")[0])
print(json.dumps(sorted(missing)))
"""
LOAD = """
import json, spacy, spacy.about, pydantic, urllib3
nlp = spacy.load("models/tiny")
doc = nlp("王小明在青岛市卖了30斤苹果。")
print(json.dumps([pydantic.VERSION, urllib3.__version__, [(span.text, span.label_) for span in doc.ents]]))
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(UV is None, reason="needs uv")]


class Folder(NamedTuple):
    """A working folder, and the `bin` of the environment that is used in it."""

    path: Path
    bin: Path

    def run(self, program: str, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL"))}
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.path,
            env=kept,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done


def uv(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    assert UV
    return subprocess.run([UV, *arguments], capture_output=True, text=True, check=False)


def tracked(*names: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z", *names], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    for name in tracked(*SOURCES):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    built = uv("build", "-q", "--wheel", "--no-build-isolation", "--python", sys.executable, source)
    assert built.returncode == 0, built.stderr
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A folder with packages of the names that the checkout has, beside an environment of the wheel alone."""
    path = tmp_path_factory.mktemp("work")
    for name in ("pipeline", "recipes", "training"):
        (path / name).mkdir()
        (path / name / "__init__.py").write_text("", "utf-8")
    write_layer(path / "gold.jsonl", invented_gold(30))
    (path / "article.txt").write_text("王小明在青岛市卖了30斤苹果。\n", "utf-8")
    environment = tmp_path_factory.mktemp("environment") / "venv"
    assert uv("venv", "-q", "--python", sys.executable, environment).returncode == 0
    into = ("pip", "install", "-q", "--python", environment, "--constraints", ROOT / "locks/core.lock", wheel)
    # From uv's cache where that has everything, so that the test needs no network where `make test-core` has run.
    installed = uv(*into, "--offline")
    installed = uv(*into) if installed.returncode else installed
    assert installed.returncode == 0, installed.stderr
    return Folder(path, environment / "bin")


def test_wheel_carries_every_data_file_and_no_recipes(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        ours = {name.removeprefix("pipeline/") for name in tracked("pipeline/biaozhu")}
        added = names - ours
        assert ours - names == set()
        assert {Path(name).parts[:2] for name in added} == {("biaozhu", "shipped")}
        for name in SHIPPED:
            assert archive.read(f"biaozhu/shipped/{name}") == (ROOT / name).read_bytes()
    assert {Path(name).parts[0] for name in names} == {"biaozhu"}


def test_wheel_runs_its_command_both_ways(folder: Folder) -> None:
    said = f"biaozhu {__version__}\n"
    assert folder.run("biaozhu", "--version").stdout == said
    assert folder.run("python", "-m", "biaozhu", "--version").stdout == said


def test_wheel_preannotates_with_labels_of_the_package(folder: Folder) -> None:
    folder.run("biaozhu", "preannotate", "article.txt", "-o", "pre.jsonl")
    found = json.loads((folder.path / "pre.jsonl").read_text("utf-8"))["spans"]
    assert [(span["text"], span["label"]) for span in found] == [
        ("王小明", "PERSON"), ("青岛市", "PLACE"), ("30斤", "AMOUNT"),
    ]  # fmt: skip
    folder.run("biaozhu", "export", "pre.jsonl", "--format", "conll", "-o", "pre.conll")
    assert not (folder.path / "configs").exists()


def test_wheel_trains_a_model_that_loads_beside_a_pipeline_of_ones_own(folder: Folder) -> None:
    folder.run(
        "biaozhu", "train", "configs/ner.cfg", "--gold", "gold.jsonl", "-o", "models/tiny",
        "--set", "components.ner.iterations=5",
    )  # fmt: skip
    pydantic, urllib3, spans = json.loads(folder.run("python", "-c", LOAD).stdout)
    assert (pydantic.partition(".")[0], urllib3.partition(".")[0]) == ("2", "2")
    assert ["青岛市", "PLACE"] in spans


def test_wheel_core_imports_whatever_needs_no_extra(folder: Folder) -> None:
    missing = set(json.loads(folder.run("python", "-c", IMPORT_ALL).stdout.splitlines()[-1]))
    assert missing <= OF_EXTRAS
    assert "doccano_client" in missing


def test_wheel_core_names_the_extra_that_a_command_needs(folder: Folder) -> None:
    said = folder.run("biaozhu", "push", "pre.jsonl", status=2).stderr
    assert said.startswith("BZ005 ")
    assert "'doccano-client" in said
