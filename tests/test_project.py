"""What holds for the whole project: no knowledge of the seed article in it, no network, nothing of a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.labels import read_labels
from pipeline.model import read_layer

ROOT = Path(__file__).parent.parent
GOLD = ROOT / "annotations/gold/handan-2020-07-02.jsonl"
# Provinces are known to everybody who writes about Chinese; they may stand in code and in tests.
PROVINCES = {"河北", "山东", "河南", "浙江"}


def seed_names() -> set[str]:
    layer = read_layer(GOLD)
    spans = [(s.text[span.start : span.end], span.label) for s in layer for span in s.spans]
    return {text for text, label in spans if label != "AMOUNT"} - PROVINCES


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()]


@pytest.mark.parametrize("folder", ["pipeline", "configs", "tests", "benchmarks", "annotations/guideline.md"])
def test_project_knows_no_name_of_the_seed_article(folder: str) -> None:
    names = re.compile("|".join(sorted(map(re.escape, seed_names()))))
    texts = [
        path
        for path in tracked(folder)
        if path.suffix in {".py", ".toml", ".cfg", ".json", ".md", ".j2", ".txt"}
    ]
    assert texts
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in texts
        for match in names.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_project_locks_name_no_registry() -> None:
    locks = tracked("locks/*.lock")
    assert locks
    for path in locks:
        content = path.read_text(encoding="utf-8")
        assert "--hash=sha256:" in content
        assert not re.search(r"https?://|--index-url|--find-links", content)


def test_project_labels_are_the_three_of_the_guideline() -> None:
    guideline = (ROOT / "annotations/guideline.md").read_text(encoding="utf-8")
    labels = read_labels(ROOT / "configs/labels.toml")
    assert [label.id for label in labels] == ["PLACE", "PERSON", "AMOUNT"]
    for label in labels:
        assert f"{label.name}({label.id},快捷键 {label.shortcut})" in guideline


def test_project_code_stays_within_its_own_bounds() -> None:
    long = [
        path for path in tracked("pipeline/*.py", "tests/*.py") if len(path.read_text().splitlines()) > 400
    ]
    assert long == []


def can_unshare() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([unshare, "-n", "true"], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not can_unshare(), reason="no right to make a network namespace")
def test_project_works_the_same_without_a_network(tmp_path: Path) -> None:
    seed = str(ROOT / "seeds/handan-2020-07-02.txt")
    biaozhu = [sys.executable, "-m", "pipeline"]
    for name, prefix in (("with", []), ("without", ["unshare", "-n"])):
        folder = tmp_path / name
        steps = [
            ["preannotate", seed, "-o", str(folder / "pre.jsonl")],
            ["train", str(ROOT / "configs/ner.cfg"), "-o", str(folder / "model")],
            ["predict", str(folder / "model"), seed, "-o", str(folder / "ner.jsonl")],
            ["report", "--article", seed, "--gold", str(GOLD), "--layer", f"pre={folder / 'pre.jsonl'}",
             "--layer", f"ner={folder / 'ner.jsonl'}", "-o", str(folder / "report")],
        ]  # fmt: skip
        for step in steps:
            done = subprocess.run(
                [*prefix, *biaozhu, *step], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    for made in ("pre.jsonl", "ner.jsonl"):
        assert (tmp_path / "with" / made).read_bytes() == (tmp_path / "without" / made).read_bytes()
    assert (tmp_path / "without/report/index.html").exists()
