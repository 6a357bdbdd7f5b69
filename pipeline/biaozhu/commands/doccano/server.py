"""Commands on a local Doccano: up, down, status, backup, restore and suggest."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from biaozhu.commands.console import finish, print_json, print_table, quote, say
from biaozhu.commands.doccano.specs import Port, log_in, print_values
from biaozhu.commands.models import PORT, TOKEN_FILE, TokenFile
from biaozhu.commands.options import LABELS, LOCAL, AsJson, Home, LabelsFile
from biaozhu.data.errors import RemoteError, ServiceError, UsageError, raise_collected
from biaozhu.data.labels import read_labels

if TYPE_CHECKING:
    from biaozhu.doccano.local.backup import BackupManifest
    from biaozhu.doccano.local.server import ServerStatus


def up(
    *,
    home: Home = LOCAL,
    port: Port = None,
    venv: Annotated[
        Path | None, Option(help="Doccano's environment; else BIAOZHU_DOCCANO_VENV, else .venv-doccano.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start Doccano on 127.0.0.1 and wait until it works; start only what is missing.

    Annotations go to SQLite in the home folder, or to the PostgreSQL that DATABASE_URL names (?sslmode=disable where
    it has no TLS): an empty database, or the one that this home folder began with. No other is touched.
    """
    from biaozhu.doccano.local.server import find_venv, start
    from biaozhu.doccano.local.state import STATE_FILE

    venv = find_venv(venv)
    if not home.is_symlink() and not (home / STATE_FILE).exists():
        say("Doccano prepares its database, which takes a minute the first time …")
    _print_status(start(home=home, port=port, venv=venv), as_json=as_json)


def down(*, home: Home = LOCAL, as_json: AsJson = False) -> None:
    """Stop Doccano with all its processes. What was annotated stays."""
    from biaozhu.doccano.local.server import stop
    from biaozhu.doccano.local.state import STATE_FILE

    ended = stop(home=home)
    if as_json:
        print_json({"ended": ended})
        return
    say(f"{len(ended)} processes ended" if ended else "nothing was running")
    if not (home / STATE_FILE).exists():
        _say_never_started(home)


def status(*, home: Home = LOCAL, as_json: AsJson = False) -> None:
    """Say where Doccano runs, its processes, its health and its logs; exit status 1 when it is not healthy."""
    from biaozhu.doccano.local.server import get_status

    found = get_status(home=home)
    _print_status(found, as_json=as_json)
    if not found.url:
        _say_never_started(found.home)
    elif found.dead:
        say("start it with `biaozhu doccano up`")
    finish((), failed=not found.healthy)


def backup(
    file: Annotated[Path, Argument(help="The file to write, for instance doccano.zip.")],
    *,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Save the local server's annotations, uploads and secrets to one file; nobody has to stop working.

    The file holds passwords, so only you can read it: keep it so. PostgreSQL is saved through pg_dump, from the
    database that DATABASE_URL names.
    """
    from biaozhu.doccano.local.backup import back_up

    if os.environ.get("DOCCANO_URL"):
        advice = "Unset DOCCANO_URL, or save the other server where it runs"
        raise UsageError("only a local server can be saved, and DOCCANO_URL names another", next_step=advice)
    _print_backup(f"saved to {file}", back_up(file, home=home), as_json=as_json)


def restore(
    file: Annotated[Path, Argument(help="A file that `biaozhu doccano backup` has made.")],
    *,
    home: Home = LOCAL,
    port: Port = None,
    replace: Annotated[bool, Option("--replace", help="Move a folder that holds something aside first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a saved server back into a home folder; then `biaozhu doccano up` starts it.

    All is checked first, by name, size and checksum. A folder that holds something is left alone, and so is a
    PostgreSQL database that does: give an empty one in DATABASE_URL.
    """
    from biaozhu.doccano.local.backup import restore_backup

    manifest, aside = restore_backup(file, home=home, port=port, replace=replace)
    _print_backup(f"restored to {home}", manifest, as_json=as_json)
    if aside is not None:
        say(f"what was there before is now in {aside}")
    say(f"start it with `biaozhu doccano up --home {quote(home)}`")


def suggest(
    switch: Annotated[Literal["on", "off"], Argument(help="on or off.")],
    *,
    project: Annotated[list[str] | None, Option(help="Name of the Doccano project; may be repeated.")] = None,
    url: Annotated[
        str, Option(help="The service's /predict, as the machine of Doccano sees it.")
    ] = f"http://127.0.0.1:{PORT}/predict",
    token_file: TokenFile = TOKEN_FILE,
    labels: LabelsFile = LABELS,
    home: Annotated[Path, Option(help="Folder of the local server.")] = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Let annotators ask a running `biaozhu serve` for spans, with the wand on Doccano's page; or no longer."""
    from biaozhu.doccano.project import find_project, switch_on, switch_to
    from biaozhu.serving.server import VARIABLE, find_token

    names = list(dict.fromkeys(project or ["biaozhu"]))
    label_set = read_labels(labels)
    token = find_token(token_file) if switch == "on" else ""
    if token is None:
        advice = f"Start `biaozhu serve`, or set {VARIABLE}"
        raise ServiceError("there is no token", where=token_file, next_step=advice)
    connection = log_in(home)
    found = {name: one for name in names if (one := find_project(connection, name)) is not None}
    lacking = [name for name in names if name not in found]
    where, advice = connection.url, "Push to it first"
    raise_collected([RemoteError(f"no project {one!r}", where=where, next_step=advice) for one in lacking])
    turn_on, is_on = partial(switch_on, url=url, token=token, labels=label_set), switch == "on"
    rows = [(name, switch, turn_on(one) if is_on else switch_to(one, None)) for name, one in found.items()]
    print_table("suggestions", ("project", "suggestions", "changed"), rows, as_json=as_json)


def _say_never_started(home: Path) -> None:
    # Most often the command was only run in another folder than `up`.
    say(f"no Doccano was started with the folder {home.resolve()}: if yours has another, name it with --home")


def _print_backup(title: str, manifest: BackupManifest, *, as_json: bool) -> None:
    data = {"created": manifest.created, "doccano": manifest.doccano, "database": manifest.database}
    size = sum(stored.bytes for stored in manifest.files.values())
    counts = {**manifest.rows, "files": len(manifest.files), "bytes": size}
    print_values(title, data | counts, as_json=as_json)


def _print_status(found: ServerStatus, *, as_json: bool) -> None:
    state = found.home / "state.json"
    data = {
        "url": found.url or None,
        "running": found.running,
        "healthy": found.healthy,
        "database": found.database or None,
        "username": found.username or None,
        "state": str(state),
        "processes": {process.name: process.pid for process in found.processes},
        "not running": list(found.dead),
        "health": found.health,
        "logs": [str(log) for log in found.logs],
    }
    # Doccano's own checks are of use only where one fails.
    words = {key: _to_words(one) for key, one in data.items() if key != "health" or not found.healthy}
    shown = {key: one for key, one in words.items() if one not in (None, "")}
    print_values("Doccano", data if as_json else shown, as_json=as_json)
    if found.running and not as_json:
        say(f"the password is in {state}, which only you can read")


def _to_words(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return "\n".join(map(str, value)) if isinstance(value, list) else value
