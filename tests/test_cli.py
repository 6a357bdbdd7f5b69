"""How the command ends."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from biaozhu import cli

HEAVY = {
    "doccano_client", "jinja2", "lxml", "numpy", "onnx", "onnxruntime", "pydantic", "ray", "requests", "scipy", "sklearn",
    "spacy", "spacy_pkuseg", "starlette", "thinc", "torch", "typer.rich_utils", "biaozhu.reading.pages.patterns",
}  # fmt: skip
IMPORT_COMMANDS = """
import importlib, pkgutil, sys
import biaozhu.cli, biaozhu.commands
for module in pkgutil.walk_packages(biaozhu.commands.__path__, "biaozhu.commands."):
    importlib.import_module(module.name)
print(*sys.modules)
"""


def test_cli_imports_neither_spacy_nor_torch_nor_any_other_heavy_package() -> None:
    # import-linter cannot hold it: it counts the imports inside the commands too, which are how each gets what it needs.
    done = subprocess.run([sys.executable, "-c", IMPORT_COMMANDS], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()


@pytest.mark.parametrize(("package", "extra"), sorted(cli.EXTRA_OF.items()))
def test_cli_names_the_extra_whose_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], package: str, extra: str
) -> None:
    def importing(*_: object, **__: object) -> None:
        monkeypatch.setitem(sys.modules, package, None)
        __import__(package)

    monkeypatch.setattr(cli, "list_all_commands", lambda: importing)
    assert cli.run([]) == 2
    line = capsys.readouterr().err
    assert line.startswith("BZ005 ")
    assert f"[{extra}]" in line


def test_cli_raises_where_a_package_is_missing_that_no_extra_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    def importing(*_: object, **__: object) -> None:
        __import__("biaozhu.there_is_no_such_module")

    monkeypatch.setattr(cli, "list_all_commands", lambda: importing)
    with pytest.raises(ModuleNotFoundError):
        cli.run([])


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_cli_stopped_while_an_extension_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sent: int, status: int
) -> None:
    monkeypatch.setattr(cli, "_stop_signals", [])

    def importing(*_: object, **__: object) -> None:
        # What onnxruntime does with an interrupt.
        try:
            cli._terminated(sent, None)  # noqa: SLF001 — the handler is what is tested
        except KeyboardInterrupt as stop:
            raise ImportError("initialization failed") from stop

    monkeypatch.setattr(cli, "list_all_commands", lambda: importing)
    assert cli.run([]) == status
    assert capsys.readouterr().err == "stopped; nothing half-written was left\n"


def test_cli_import_that_fails_by_itself_is_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def importing(*_: object, **__: object) -> None:
        raise ImportError("initialization failed")

    monkeypatch.setattr(cli, "list_all_commands", lambda: importing)
    with pytest.raises(ImportError):
        cli.run([])
