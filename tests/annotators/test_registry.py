"""Annotators by name: the decorator, files, entry points, what they must give; and a fourth label from end to end."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS, preannotate_batch
from biaozhu.annotators.registry import Annotator, annotator, find_annotators
from biaozhu.cli import run
from biaozhu.data.errors import AnnotatorError, BugError, MissingFileError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Span, with_spans
from biaozhu.data.shipped import find_shipped
from biaozhu.reading.article import article_from_bytes

if TYPE_CHECKING:
    from biaozhu.annotators.registry import Find

ROOT = Path(__file__).parents[2]
LABELS = (ROOT / "configs" / "labels.toml").read_text(encoding="utf-8")
FOURTH = """
[[label]]
id = "CROP"
name = "作物"
color = "#5B3A8E"
shortcut = "z"
definition = "种植的作物。"
"""
CROPS = '''"""Crops, by a list of words."""

import re

from biaozhu.annotators.registry import annotator
from biaozhu.data.model import Span


@annotator("crops", proposes={"CROP": 50})
def find_crops(texts):
    return [[Span(*one.span(), "CROP", score=0.9) for one in re.finditer("小麦|玉米|草莓", text)] for text in texts]
'''
TEXT = "山东省青岛市农民李大海种了3亩草莓和20亩小麦。今年收入5万元。"
loaded = cache(load_model)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a fourth label, an annotator of it, and an article."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "labels.toml").write_text(LABELS + FOURTH, encoding="utf-8")
    (tmp_path / "crops.py").write_text(CROPS, encoding="utf-8")
    (tmp_path / "berries.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(layer: Path, label: str) -> list[str]:
    return [one.text[span.start : span.end] for one in read_layer(layer) for span in one.spans if span.label == label]


def test_registry_takes_a_fourth_label_from_its_definition_to_its_score(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "preannotate",
        "berries.txt",
        "--annotator",
        "crops.py",
        "-o",
        "pre.jsonl",
        "--layers",
        "layers",
    ]
    assert run(command) == 0
    assert named(Path("pre.jsonl"), "CROP") == ["草莓", "小麦"]
    assert named(Path("pre.jsonl"), "AMOUNT") == ["3亩", "20亩", "5万元"]
    assert named(Path("layers/crops/berries.jsonl"), "CROP") == ["草莓", "小麦"]
    gold = [
        with_spans(one, [span for span in one.spans if one.text[span.start : span.end] != "草莓"])
        for one in read_layer(Path("pre.jsonl"))
    ]
    write_layer(project / "gold.jsonl", gold)
    capsys.readouterr()
    assert run(["evaluate", "--gold", "gold.jsonl", "--layer", "pre.jsonl", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    text = json.dumps(scores)
    assert '"CROP"' in text


def test_registry_takes_an_annotator_by_the_name_that_its_file_gave_it(project: Path) -> None:
    (made,) = find_annotators(str(project / "crops.py"))
    assert find_annotators("crops") == (made,)
    article = article_from_bytes(TEXT.encode(), name="a", where="a")
    (found,) = preannotate_batch([article], model=loaded("fast"), annotators=(*DEFAULT_ANNOTATORS, made))
    spans = [span for sentence in found.sentences for span in sentence.spans]
    assert [(span.source, span.score) for span in spans if span.label == "CROP"] == [("crops", 0.9)] * 2


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("白水县\u0301的", 0, 3, "白水县\u0301"),
        ("去白水县\ufe0f、苍溪县", 1, 4, "白水县\ufe0f"),
        ("葛\U000e0100城", 0, 1, "葛\U000e0100"),
        ("李明👍🏽来", 0, 3, "李明"),
        ("王芳👩\u200d👩\u200d👧来", 0, 3, "王芳"),
        ("王芳👩\u200d👩\u200d👧来", 0, 4, "王芳"),
        ("北京🇨🇳🇨🇳", 0, 3, "北京"),
        ("北京🇨🇳🇨🇳", 0, 4, "北京🇨🇳"),
        ("👍🏽李明", 1, 4, "李明"),
        ("花了¥5\u20e30元", 2, 4, "¥5\u20e3"),
        ("👩\u200d👧来", 1, 2, ""),
        ("カ\uff9e", 0, 1, "カ\uff9e"),
    ],
)
def test_registry_ends_no_span_inside_a_character(text: str, start: int, end: int, expected: str) -> None:
    made = Annotator("mine", lambda _: [[Span(start, end, "PERSON")]], {"PERSON": 1})
    (row,) = made.annotate([text])
    assert [text[span.start : span.end] for span in row] == [expected] * bool(expected)


@given(st.text(st.sampled_from("县a\u0301\ufe0f\u200d👩🏽🇨"), max_size=9), st.lists(st.integers(0, 9), max_size=6))
def test_registry_keeps_spans_disjoint_at_whole_characters(text: str, borders: list[int]) -> None:
    edges = sorted({one for one in borders if one <= len(text)})
    spans = [Span(*pair, "PERSON") for pair in pairwise(edges)]
    (row,) = Annotator("mine", lambda _: [spans], {"PERSON": 1}).annotate([text])
    (again,) = Annotator("mine", lambda _: [row], {"PERSON": 1}).annotate([text])
    assert row == again  # none of them overlaps another, and each is left as it is
    assert not any(text[one.end : one.end + 1] in tuple("\u0301\ufe0f\u200d🏽") for one in row)


def test_registry_knows_the_annotators_that_come_along() -> None:
    for one in DEFAULT_ANNOTATORS:
        assert find_annotators(one.name) == (one,)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("x = 1\n", "BZ025"),
        ("import nothing_like_this\n", "BZ025"),
        ("def (:\n", "BZ025"),
        (CROPS.replace('"crops"', '"amounts"'), "BZ025"),
        (CROPS.replace('"CROP": 50', '"TREE": 50'), "BZ015"),
        (None, "BZ003"),
    ],
)
def test_registry_refuses_a_file_that_cannot_be_used(
    project: Path, capsys: pytest.CaptureFixture[str], content: str | None, code: str
) -> None:
    if content is not None:
        (project / "own.py").write_text(content, encoding="utf-8")
    assert run(["preannotate", "berries.txt", "--annotator", "own.py", "-o", "pre.jsonl"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{code} ")
    assert not (project / "pre.jsonl").exists()


def test_registry_names_the_label_set_that_lacks_a_label(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "configs/labels.toml").unlink()
    assert run(["preannotate", "berries.txt", "--annotator", "crops.py", "-o", "pre.jsonl"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"BZ015 {find_shipped(Path('configs/labels.toml')).absolute()}: ")
    assert "biaozhu new" in said


@pytest.mark.usefixtures("project")
def test_registry_says_which_annotators_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preannotate", "berries.txt", "--annotator", "nobody"]) == 2
    line = capsys.readouterr().err
    assert line.startswith("BZ025 nobody")
    assert "network, repeated, amounts" in line
    assert run(["preannotate", "berries.txt", "-j", "2", "--annotator", "base"]) == 2
    assert capsys.readouterr().err.startswith("BZ002")


def test_registry_finds_annotators_of_other_packages(project: Path) -> None:
    info = project / "site" / "own_crops-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-crops\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[biaozhu_annotators]\ncrops = own_crops:find_crops\nbroken = own_crops:nothing\nother = own_crops:re\n"
    )
    (project / "site" / "own_crops.py").write_text(CROPS, encoding="utf-8")
    program = (
        "import sys; sys.path.insert(0, 'site')\n"
        "from biaozhu.cli import run\n"
        "assert run(['preannotate', 'berries.txt', '--annotator', 'crops', '-o', 'pre.jsonl']) == 0\n"
        "for name in ('broken', 'other'):\n"
        "    assert run(['preannotate', 'berries.txt', '--annotator', name]) == 2\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert named(project / "pre.jsonl", "CROP") == ["草莓", "小麦"]
    assert [line[:5] for line in done.stderr.splitlines() if line.startswith("BZ")] == ["BZ025"] * 2


def test_registry_decorator_keeps_to_its_own_names() -> None:
    with pytest.raises(AnnotatorError):
        annotator("network", proposes={})(list)


BAD: dict[str, Find] = {
    "too few rows": lambda _: [],
    "overlap": lambda texts: [[Span(0, 2, "A"), Span(1, 3, "A")] for _ in texts],
    "reversed": lambda texts: [[Span(2, 1, "A")] for _ in texts],
    "empty": lambda texts: [[Span(1, 1, "A")] for _ in texts],
    "before the text": lambda texts: [[Span(-1, 1, "A")] for _ in texts],
    "behind the text": lambda texts: [[Span(0, len(text) + 1, "A")] for text in texts],
    "no label": lambda texts: [[Span(0, 1, "")] for _ in texts],
    "score": lambda texts: [[Span(0, 1, "A", score=1.5)] for _ in texts],
    "not a number": lambda texts: [[Span(0, 1, "A", score=float("nan"))] for _ in texts],
    "no spans": lambda texts: [[1] for _ in texts],  # type: ignore[list-item]
    "it raises": lambda texts: 1 // (len(texts) - len(texts)),  # type: ignore[arg-type,return-value]
}


@pytest.mark.parametrize("find", BAD.values(), ids=BAD)
def test_registry_blames_whom_the_annotator_belongs_to(find: Find) -> None:
    article = article_from_bytes(TEXT.encode(), name="berries", where="berries.txt")
    for built_in, error in ((False, AnnotatorError), (True, BugError)):
        bad = Annotator("bad", find, built_in=built_in)
        with pytest.raises(error) as caught:
            bad.annotate(["一二三"])
        assert caught.value.where == "bad"
        with pytest.raises(error) as caught:
            preannotate_batch([article], model=loaded("fast"), annotators=(bad,))
        assert caught.value.where == "berries"
        assert "annotator bad" in caught.value.what


def test_registry_sorts_spans_and_names_their_source() -> None:
    own = Annotator("own", lambda texts: [(Span(2, 3, "B", "x"), Span(0, 1, "A")) for _ in texts])
    assert own.annotate(["一二三"]) == [(Span(0, 1, "A", "own"), Span(2, 3, "B", "own"))]
    assert own.annotate([]) == []


def test_registry_lets_errors_of_the_installation_through() -> None:
    def find(_: list[str]) -> list[tuple[Span, ...]]:
        raise MissingFileError("no such file", where="models/none")

    articles = [article_from_bytes(TEXT.encode(), name=name, where=name) for name in "ab"]
    with pytest.raises(MissingFileError):
        preannotate_batch(articles, model=loaded("fast"), annotators=(Annotator("bad", find),), on_failure=print)


def test_registry_decorator_hands_on_what_an_annotator_is_sure_of() -> None:
    made = annotator("doubtful", proposes={"CROP": 5}, sure={"CROP": 0.9})(lambda texts: [[] for _ in texts])
    assert made.sure == {"CROP": 0.9}
    assert annotator("certain", proposes={"CROP": 5})(lambda texts: [[] for _ in texts]).sure == {}
