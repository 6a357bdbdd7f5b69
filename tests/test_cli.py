"""How the command ends."""

from __future__ import annotations

import threading

import pytest

from biaozhu import cli


def test_cli_stopped_while_an_extension_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_stop_asked", threading.Event())

    def importing(*_: object, **__: object) -> None:
        # What onnxruntime does with an interrupt.
        try:
            cli._terminated(2, None)  # noqa: SLF001 — the handler is what is tested
        except KeyboardInterrupt as stop:
            raise ImportError("initialization failed") from stop

    monkeypatch.setattr(cli, "app", importing)
    assert cli.run([]) == 130
    assert capsys.readouterr().err == "stopped; nothing half-written was left\n"


def test_cli_import_that_fails_by_itself_is_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def importing(*_: object, **__: object) -> None:
        raise ImportError("initialization failed")

    monkeypatch.setattr(cli, "app", importing)
    with pytest.raises(ImportError):
        cli.run([])
