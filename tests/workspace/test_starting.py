from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from own_articles import write_own_articles

from biaozhu.cli import run
from biaozhu.commands.workspace.starting import new
from biaozhu.data.translation import choose_language

if TYPE_CHECKING:
    from pathlib import Path


def test_starting_lays_out_a_project_in_which_run_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["new", "mine"]) == 0
    assert "biaozhu run" in capsys.readouterr().err
    write_own_articles(tmp_path / "mine/articles")
    monkeypatch.chdir(tmp_path / "mine")
    assert run(["run", "articles", "--model", "fast"]) == 0
    assert (tmp_path / "mine/reports/articles/index.html").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"mine"}


def test_starting_explains_the_folder_in_the_users_language(tmp_path: Path) -> None:
    pages = {}
    # `run` would leave typer's pages in Chinese.
    for language in ("zh", "en"):
        choose_language(language)
        new(tmp_path / language / "mine")
        pages[language] = (tmp_path / language / "mine/README.md").read_text("utf-8")
    assert "你的文章" in pages["zh"]
    commands = [re.findall(r"^    biaozhu [^#\n]+", page, re.MULTILINE) for page in pages.values()]
    assert [line.strip() for line in commands[0]] == [line.strip() for line in commands[1]]
    for page in pages.values():
        # A regression test: the lines of the folders began in two columns.
        assert len({len(found) for found in re.findall(r"^    [a-z]+/ +(?=\S+ ?[^/ ])", page, re.MULTILINE)[:3]}) == 1


def test_starting_gives_the_guideline_its_picture(tmp_path: Path) -> None:
    assert run(["new", str(tmp_path)]) == 0
    guideline = tmp_path / "annotations/guideline.md"
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", guideline.read_text("utf-8"))
    assert pictures
    assert all((guideline.parent / one).is_file() for one in pictures)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ((), "articles"),
        (("articles",), "articles"),
        (("seeds",), "seeds"),
        (("my texts", "annotations"), "my texts"),
        (("articles/old", "docs"), "articles"),
    ],
)
def test_starting_takes_the_folder_where_the_articles_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], there: tuple[str, ...], taken: str
) -> None:
    for name in there:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.txt").write_text("山", "utf-8")
    assert run(["new", str(tmp_path)]) == 0
    command = f"biaozhu run {shlex.quote(taken)}"
    assert f"{command}`" in capsys.readouterr().err
    assert command in (tmp_path / "README.md").read_text("utf-8")
    made = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert made == {"configs", "annotations", "docs", taken} | {name.partition("/")[0] for name in there}


def test_starting_here_changes_into_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["new", "."]) == 0
    assert "`biaozhu run articles`" in capsys.readouterr().err


def test_starting_again_replaces_nothing(tmp_path: Path) -> None:
    own = tmp_path / "configs/labels.toml"
    own.parent.mkdir()
    own.write_text("mine", "utf-8")
    assert run(["new", str(tmp_path)]) == 0
    assert own.read_text("utf-8") == "mine"
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run(["new", str(tmp_path)]) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


def test_starting_where_a_file_is_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    assert run(["new", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith("BZ003 ")
