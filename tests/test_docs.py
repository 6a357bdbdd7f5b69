"""The documents: short enough, links that lead somewhere, commands that exist, a reference that is up to date."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import srsly
import typer.main

from biaozhu import __version__
from biaozhu.cli import app, run
from biaozhu.commands.models import serve
from biaozhu.commands.workspace import starting
from biaozhu.data.layers import read_layer

ROOT = Path(__file__).parent.parent
MOST_BYTES = 7_000
# Commands that the quickstart names and the command line does not have yet; remove a name when it is there.
PENDING = {"run"}
MAIN = [ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES = [*MAIN, *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name != "python.md")]
MADE_LATER = {"reference/python.md"}


def load_script(name: str) -> object:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find_commands(path: Path) -> list[str]:
    blocks = re.findall(r"```(?:console|bash)\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line[2:] for line in lines if line.startswith("$ biaozhu ") and "…" not in line]


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_docs_readme_is_short(name: str) -> None:
    assert (ROOT / name).stat().st_size <= MOST_BYTES


def test_docs_reference_is_made_from_the_code_as_it_is() -> None:
    pages = load_script("make_reference").make_pages()  # type: ignore[attr-defined]
    for name, text in pages.items():
        kept = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        assert kept == text, f"{name} is out of date: run `make reference`"


def test_docs_reference_of_python_has_what_its_guide_imports_and_fields() -> None:
    # A regression test: it lacked constants, the service, and the fields of classes.
    page = load_script("make_reference").write_python()  # type: ignore[attr-defined]
    guide = (ROOT / "docs" / "from-python.md").read_text(encoding="utf-8")
    names = re.findall(r"^from biaozhu\S+ import (.+)$", guide, re.MULTILINE)
    for name in [*", ".join(names).split(", "), "make_app", "Article", "Annotator", "Evaluation", "Trained"]:
        assert re.search(rf"^### `(?:class )?{re.escape(name)}\b", page, re.MULTILINE), name
    assert "- `score: float | None = None`" in page


def test_docs_reference_of_commands_has_defaults_and_what_is_required() -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    of_command = dict(re.findall(r"^## biaozhu (.+)\n((?:(?!## ).*\n)*)", page, re.MULTILINE))
    assert "$ biaozhu run [OPTIONS] [FOLDER]" in of_command["run"]
    assert "| `seeds` |" in of_command["run"]
    cells = {
        line.split("|")[1].strip(): line.split("|")[-2].strip()
        for line in of_command["project create"].splitlines()
        if line.startswith("| `")
    }
    assert (cells["`LAYER…`"], cells["`--blind`"], cells["`--json`"]) == ("required", "`0.0`", "")


def test_docs_pictures_are_taken_by_names_that_exist() -> None:
    # A regression test: the script imported a name that had moved, and nothing ran it.
    pytest.importorskip("playwright")
    pytest.importorskip("doccano_client")
    script = load_script("take_pictures")
    names = [*script.ALONE, *script.TAKEN]  # type: ignore[attr-defined]
    kept = {path.stem.partition("-")[0] for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert kept == set(names)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docs_links_lead_to_files(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in link and link not in MADE_LATER:
            target = (path.parent / link).resolve()
            assert target.exists(), link
            # A regression test: mkdocs, which is strict, has no page outside docs/.
            assert path in MAIN or target.is_relative_to(ROOT / "docs"), link


@pytest.mark.parametrize("path", [path for path in PAGES if "reference" not in path.parts], ids=lambda path: path.name)
def test_docs_commands_have_the_options_that_documents_use(path: Path) -> None:
    for line in find_commands(path):
        _, *words = shlex.split(line, comments=True)
        command = typer.main.get_command(app)
        if words[0] in PENDING - set(command.commands):  # type: ignore[attr-defined]
            continue
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        assert not getattr(command, "commands", None), line
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert used <= known, line


def test_docs_two_readmes_give_the_same_commands_and_figures() -> None:
    english, chinese = (ROOT / name for name in ("README.md", "README.zh.md"))
    assert find_commands(english) == find_commands(chinese)
    figures = [re.findall(r"\b0\.\d{3}\b", path.read_text(encoding="utf-8")) for path in (english, chinese)]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.zh.md")), ids=lambda path: path.name)
def test_docs_chinese_pages_have_the_same_blocks_and_sections(path: Path) -> None:
    chinese, english = (one.read_text(encoding="utf-8") for one in (path, path.with_name(path.name.replace(".zh", ""))))
    # Comments and folder trees are words; commands, articles and files to write are the same in both.
    blocks = [re.findall(r"```\w+\n.*?```", text, re.DOTALL) for text in (chinese, english)]
    assert blocks[0] == blocks[1]
    assert len(re.findall(r"^#+ ", chinese, re.MULTILINE)) == len(re.findall(r"^#+ ", english, re.MULTILINE))
    rows = [len(re.findall(r"^\|", text, re.MULTILINE)) for text in (chinese, english)]
    assert rows[0] == rows[1]


def test_docs_own_annotator_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A regression test: it had no imports.
    page = (ROOT / "docs/own-labels.md").read_text(encoding="utf-8")
    (code, *_), (label,) = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("python", "toml"))
    monkeypatch.chdir(tmp_path)
    assert run(["new", "."]) == 0
    with Path("configs/labels.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{label}")
    Path("crops.py").write_text(code, encoding="utf-8")
    Path("articles/farm.txt").write_text("村民今年种了三亩小麦,五亩玉米。\n", encoding="utf-8")
    assert run(["preannotate", "articles", "--annotator", "crops.py", "--model", "fast", "-o", "pre.jsonl"]) == 0
    found = [one.text[span.start : span.end] for one in read_layer(Path("pre.jsonl")) for span in one.spans]
    assert {"小麦", "玉米"} <= set(found)


def list_python() -> set[str]:
    """Return the Python of each page, whose blocks follow from each other; a translation has the same."""
    found = (re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL) for path in PAGES)
    return {"\n".join(blocks) for blocks in found} - {""}


@pytest.mark.parametrize("code", sorted(list_python()))
def test_docs_python_runs_as_it_stands(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(code, {})  # noqa: S102 — it is ours
    printed = capsys.readouterr().out
    assert ("print(" in code) == bool(printed)
    if "entity_ruler" in code:
        assert {("柳湾", "PLACE"), ("红阳猕猴桃", "CROP")} <= set(ast.literal_eval(printed))


def test_docs_unit_and_proxy_fit_the_service() -> None:
    page = (ROOT / "docs/guides/engineers.md").read_text(encoding="utf-8")
    defaults = {name: one.default for name, one in inspect.signature(serve).parameters.items()}
    assert re.findall(r"^ExecStart=\S+/biaozhu serve --per-client (\d+)$", page, re.MULTILINE) == [
        str(defaults["workers"] + defaults["waiting"])
    ]
    assert f"proxy_pass http://{defaults['host']}:{defaults['port']}/;" in page


def test_docs_and_hints_create_projects_and_adjudicate_alike() -> None:
    pages = [ROOT / name for name in ("README.md", "docs/tutorial.md", "docs/tutorial.zh.md")]
    texts = [*(path.read_text(encoding="utf-8") for path in pages), starting.README]
    for wanted in ("--annotators anna,ben --overlap 2 --blind 1", "annotations/layers/ben --common --questions"):
        assert all(wanted in text for text in texts), wanted


def test_docs_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = srsly.read_yaml(ROOT / "CITATION.cff")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert project["version"] == __version__ == citation["version"]
    assert f"## [{__version__}]" in changelog


def test_docs_build_is_strict() -> None:
    # A regression test: with --quiet mkdocs counts no warnings, and --strict passed whatever there was.
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    builds = [line for line in lines if "mkdocs build" in line]
    assert builds
    assert all("--strict" in line and "--quiet" not in line for line in builds)


def test_docs_workflow_and_hooks_call_make() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for path in (*(ROOT / ".github/workflows").iterdir(), ROOT / ".pre-commit-config.yaml"):
        used = re.findall(r"\bmake ([a-z-]+)", path.read_text(encoding="utf-8"))
        assert used, path
        assert set(used) <= targets, path
