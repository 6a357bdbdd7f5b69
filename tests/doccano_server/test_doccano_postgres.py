"""Doccano on a real PostgreSQL, started for the test: nothing lost, no password in sight, no database taken over."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doccano_cli import run
from doccano_layers import make_layer

from biaozhu.data.errors import ServerError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.doccano.connection import connect, find_account
from biaozhu.doccano.local.backup import COUNTED_TABLES, back_up, restore_backup
from biaozhu.doccano.local.server import stop
from biaozhu.doccano.local.state import find_family, hide_password, make_state, read_state, write_state

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.server
PROGRAMS = ("initdb", "pg_ctl", "psql")


@dataclass(frozen=True)
class Postgres:
    """A server on loopback with passwords on, which runs as a user who is not root."""

    bin: Path
    port: int
    password: str

    def url(self, database: str) -> str:
        return f"postgresql://test:{self.password}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def sql(self, database: str, command: str) -> str:
        arguments = (self.bin / "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "test", "-d", database)
        return subprocess.run(
            [*map(str, arguments), "-Atc", command],
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them off the PATH."""
    folders = [Path(found).parent for name in PROGRAMS if (found := shutil.which(name))]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if all((f / name).exists() for name in PROGRAMS)), None)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    programs = find_programs()
    if programs is None:
        pytest.skip(f"no PostgreSQL on this machine ({', '.join(PROGRAMS)})")
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in known), None)
    folder = Path(tempfile.mkdtemp(prefix="biaozhu-pg-"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Postgres(programs, port, secrets.token_urlsafe(12))
    secret = folder / "password"
    secret.write_text(server.password)
    secret.chmod(0o644)  # the folder itself is its user's alone
    data, settings = folder / "data", f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"

    def call(name: str, *arguments: object) -> None:
        command = [str(programs / name), *map(str, arguments)]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)

    try:
        auth = ("--auth=scram-sha-256", f"--pwfile={secret}", "--username=test", "--encoding=UTF8")
        call("initdb", "--pgdata", data, *auth, "--locale=C.UTF-8", "--no-sync")
        call("pg_ctl", "start", "--wait", "--pgdata", data, "--options", settings, "--log", folder / "log")
        try:
            yield server
        finally:
            call("pg_ctl", "stop", "--pgdata", data, "--mode", "immediate")
    finally:
        shutil.rmtree(folder)


def test_doccano_on_postgres_keeps_everything_and_no_secret(postgres: Postgres, tmp_path: Path) -> None:
    home, url = tmp_path / "home", postgres.url("annotations")
    postgres.sql("postgres", "create database annotations")
    postgres.sql("postgres", "create database foreign_one")
    postgres.sql("foreign_one", "create table invoices (id int)")
    layer = make_layer("postgres", 300)
    write_layer(tmp_path / "sent.jsonl", layer)
    try:
        started = run(home, "doccano", "up", "--json", DATABASE_URL=url)
        assert started.returncode == 0, started.stderr
        assert '"database": "postgresql"' in started.stdout
        pushed = run(home, "push", tmp_path / "sent.jsonl")
        assert pushed.returncode == 0, pushed.stderr
        assert int(postgres.sql("annotations", "select count(*) from examples_example")) == len(layer)
        listed = connect(find_account(home=home)).get("projects/1/examples", params={"limit": 1000})
        assert [data["meta"]["sid"] for data in listed["results"]] == [s.id for s in layer]
        arguments = " ".join(word for process in find_family(home.resolve()) for word in process.cmdline())
        written = [path for path in home.rglob("*") if path.suffix in (".json", ".log")]
        assert len(written) >= 3
        said = "".join(path.read_text("utf-8") for path in written)
        assert postgres.password not in arguments + said + started.stdout + started.stderr + pushed.stderr

        stop(home=home)
        # Without its database, or with another, the annotations would seem to be gone.
        for other in ("", postgres.url("foreign_one")):
            refused = run(home, "doccano", "up", DATABASE_URL=other)
            assert refused.returncode == 2
            assert "annotations are in postgresql://127.0.0.1" in refused.stderr
            assert postgres.password not in refused.stderr
        assert run(home, "doccano", "up", DATABASE_URL=url).returncode == 0
        back = run(home, "pull", "-o", tmp_path / "back.jsonl", "--compare", tmp_path / "sent.jsonl")
        assert back.returncode == 0, back.stderr
        assert read_layer(tmp_path / "back.jsonl") == tuple(layer)
    finally:
        stop(home=home)
    # Another program's database, and another home's Doccano, are left as they are.
    for name, reason in (("foreign_one", "another program"), ("annotations", "administrator of its own")):
        before = postgres.sql(name, "select count(*) from pg_tables")
        taken = run(tmp_path / name, "doccano", "up", DATABASE_URL=postgres.url(name))
        assert taken.returncode == 2
        assert reason in taken.stderr
        assert postgres.sql(name, "select count(*) from pg_tables") == before


def test_backup_of_postgres_goes_into_an_empty_database_only(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, fresh = tmp_path / "home", tmp_path / "fresh"
    for name in ("annotations", "restored"):
        postgres.sql("postgres", f"create database {name}")
    for table in COUNTED_TABLES.values():
        postgres.sql("annotations", f"create table {table} (id serial primary key, text text)")
    postgres.sql("annotations", "insert into labels_span (text) values ('𠮷野村'), (E'a\\tb'), (null)")
    monkeypatch.setenv("DATABASE_URL", postgres.url("annotations"))
    write_state(home, replace(make_state(4711), prepared="x", database=hide_password(postgres.url("annotations"))))
    manifest = back_up(tmp_path / "b.zip", home=home)
    assert (manifest.database, manifest.rows["spans"], manifest.rows["users"]) == ("postgresql", 3, 0)
    with pytest.raises(ServerError, match="has tables already") as caught:
        restore_backup(tmp_path / "b.zip", home=fresh)
    assert postgres.password not in str(caught.value)
    assert not fresh.exists()
    monkeypatch.setenv("DATABASE_URL", postgres.url("restored"))
    with pytest.raises(ServerError, match="annotations are in"):
        back_up(tmp_path / "c.zip", home=home)
    restore_backup(tmp_path / "b.zip", home=fresh)
    assert sorted(path.name for path in fresh.iterdir()) == ["media", "state.json", "uploads"]
    state = read_state(fresh)
    assert state is not None
    assert state.database == hide_password(postgres.url("restored"))
    rows = "select id, text, text is null from labels_span order by id"
    assert postgres.sql("restored", rows) == postgres.sql("annotations", rows)
    assert postgres.password not in (fresh / "state.json").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "fresh", "home"]
