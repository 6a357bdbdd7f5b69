"""Commands: doccano backup and restore."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 — typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated

import typer

from biaozhu.commands.console import print_json, print_table, say
from biaozhu.commands.options import LOCAL, AsJson, Home

if TYPE_CHECKING:
    from biaozhu.doccano.local.backup import Manifest


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, for instance doccano.zip.")],
    *,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Save the local server's annotations, uploads and secrets to one file; nobody has to stop working.

    The file holds passwords, so only you can read it: keep it so. PostgreSQL is saved through pg_dump, from the
    database that DATABASE_URL names.
    """
    import os

    from biaozhu.data.errors import UsageError
    from biaozhu.doccano.local.backup import back_up

    if os.environ.get("DOCCANO_URL"):
        raise UsageError(
            "only a local server can be saved, and DOCCANO_URL names another",
            next_step="Unset DOCCANO_URL, or save the other server where it runs",
        )
    manifest = back_up(file, home=home)
    _print(f"saved to {file}", manifest, as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `biaozhu doccano backup` has made.")],
    *,
    home: Home = LOCAL,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1; else a free one.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a folder that holds something aside first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a saved server back into a home folder; then `biaozhu doccano up` starts it.

    All is checked first, by name, size and checksum. A folder that holds something is left alone, and so is a
    PostgreSQL database that does: give an empty one in DATABASE_URL.
    """
    from biaozhu.doccano.local.restore import restore as bring_back

    manifest, aside = bring_back(file, home=home, port=port, replace=replace)
    _print(f"restored to {home}", manifest, as_json=as_json)
    if aside is not None:
        say(f"what was there before is now in {aside}")
    say(f"start it with `biaozhu doccano up --home {home}`")


def _print(title: str, manifest: Manifest, *, as_json: bool) -> None:
    data = {
        "created": manifest.created,
        "doccano": manifest.doccano,
        "database": manifest.database,
        **manifest.rows,
        "files": len(manifest.files),
        "bytes": sum(stored.bytes for stored in manifest.files.values()),
    }
    if as_json:
        print_json(data)
    else:
        print_table(title, ("what", "value"), list(data.items()))
