"""What holds for the whole project: no knowledge of the seed article in it, no network, nothing of a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import srsly
from weasel.util.config import load_project_config

from biaozhu.annotators.network.lac import load_lac
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import read_layer
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article

ROOT = Path(__file__).parent.parent
SEED = ROOT / "seeds/handan-2020-07-02.txt"
GOLD = ROOT / "annotations/gold/handan-2020-07-02.jsonl"
# Provinces are known to everybody who writes about Chinese; they may stand in code and in tests.
PROVINCES = {"河北", "山东", "河南", "浙江"}
# Terms of the whole country's, and numerals.
WIDESPREAD = {"四议两公开", "百千万"}
SHORTEST_SLOGAN = 3
MARKED_AT_LEAST = 80
FIRMS = ("公司", "合作社", "集团", "厂")
# What speaks about the seed article itself (its gold, its layers, seeds/) may name it.
WITHOUT_THE_SEED = [
    "pipeline",
    "configs",
    "tests",
    "benchmarks",
    "docs",
    "annotations/guideline.md",
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
]


def seed_names() -> set[str]:
    layer = read_layer(GOLD)
    spans = [(s.text[span.start : span.end], span.label) for s in layer for span in s.spans]
    return {text for text, label in spans if label != "AMOUNT"} - PROVINCES


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()]


def seed_phrases() -> set[str]:
    """Slogans of the seed article, which it quotes, and its firms, as LAC finds them."""
    article = read_article(SEED)
    slogans = {text for text in re.findall(r"“([^“”]+)”", article.raw) if len(text) >= SHORTEST_SLOGAN}
    texts = [sentence.text for sentence in split_article(article)]
    firms = {
        text[word.start : word.end]
        for text, words in zip(texts, load_lac("small").words(texts), strict=True)
        for word in words
        if word.tag in {"ORG", "nt"}
    }
    return (slogans - WIDESPREAD) | {name for name in firms if name.endswith(FIRMS)}


@pytest.mark.parametrize("folder", WITHOUT_THE_SEED)
def test_project_knows_no_name_of_the_seed_article(folder: str) -> None:
    assert found_in(folder, seed_names()) == set()


def test_project_knows_no_slogan_and_no_firm_of_the_seed_article() -> None:
    phrases = seed_phrases()
    assert sum(phrase.endswith(FIRMS) for phrase in phrases) > 2
    assert len(phrases) > 20
    assert {hit for folder in WITHOUT_THE_SEED for hit in found_in(folder, phrases)} == set()


def found_in(folder: str, phrases: set[str]) -> set[str]:
    names = re.compile("|".join(sorted(map(re.escape, phrases))))
    texts = [path for path in tracked(folder) if path.suffix in {".py", ".toml", ".cfg", ".json", ".md", ".j2", ".txt"}]
    assert texts
    return {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in texts
        for match in names.finditer(path.read_text(encoding="utf-8"))
    }


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
    long = [path for path in tracked("pipeline/*.py", "tests/*.py") if len(path.read_text().splitlines()) > 400]
    assert long == []


def can_unshare() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([unshare, "-n", "true"], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not can_unshare(), reason="no right to make a network namespace")
def test_project_works_the_same_without_a_network(tmp_path: Path) -> None:
    seed = str(SEED)
    biaozhu = [sys.executable, "-m", "biaozhu"]
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
            done = subprocess.run([*prefix, *biaozhu, *step], cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    for made in ("pre.jsonl", "ner.jsonl"):
        assert (tmp_path / "with" / made).read_bytes() == (tmp_path / "without" / made).read_bytes()
    assert (tmp_path / "without/report/index.html").exists()


def test_project_advises_only_extras_that_there_are() -> None:
    """Nothing sends anybody to an index for the project itself, which none has."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    said = {file: file.read_text("utf-8") for file in tracked("pipeline/*.py", "*.md")}
    advised = {
        name for text in said.values() for name in re.findall(r"(?:extra_advice|needing_extra)\(['\"](\w+)", text)
    }
    assert {"train", "table", "ray", "remote"} <= advised <= set(known)
    assert [file.name for file, text in said.items() if re.search(r"biaozhu\[|install biaozhu", text)] == []


def test_project_guideline_takes_no_example_from_the_seed_article() -> None:
    """Whoever has read the guideline must not know what the article says: agreement on it would be overstated."""
    spans = {
        sentence.text[span.start : span.end] for sentence in read_layer(GOLD) for span in sentence.spans
    } - PROVINCES
    guideline = (ROOT / "annotations/guideline.md").read_text(encoding="utf-8")
    marked = set(re.findall("【([^】]+)】", guideline))
    assert len(marked) > MARKED_AT_LEAST
    assert marked & spans == set()


def test_project_job_reads_only_what_an_earlier_step_wrote() -> None:
    job = srsly.read_yaml(ROOT / "project.yml")
    steps = {step["name"]: step for step in job["commands"]}
    written: set[str] = set()
    for name in job["workflows"]["all"]:
        written |= set(steps[name]["outputs"])
        named = {word for line in steps[name]["script"] for word in re.split(r"[ =]", line)}
        between = {word for word in named if word.startswith("reports/steps/")}
        assert between <= written, name
    assert "reports/steps/${vars.model}.all.jsonl" in written


def test_project_job_is_read_alike_by_every_weasel() -> None:
    """confection 1.3 makes one string of variables that stand next to each other in a list."""
    job = srsly.read_yaml(ROOT / "project.yml")
    read = {step["name"]: step for step in load_project_config(ROOT)["commands"]}
    for step in job["commands"]:
        for key in ("deps", "outputs"):
            said = [re.sub(r"\$\{vars\.(\w+)\}", lambda found: job["vars"][found[1]], path) for path in step[key]]
            assert list(read[step["name"]][key]) == said
