"""A real Doccano behind TLS, named by the environment: only with a certificate to trust, by password and by token."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from doccano_cli import run
from doccano_layers import make_layer
from doccano_proxy import network
from doccano_tls import self_signed

from biaozhu.data.layers import read_layer, write_layer
from biaozhu.doccano.local.state import read_state

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.doccano.connection import Connection

pytestmark = pytest.mark.server


def test_doccano_behind_tls_is_used_only_with_a_certificate_to_trust(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    state = read_state(doccano_server)
    assert state is not None
    login = {"username": state.username, "password": state.password}
    token = doccano.post("auth/login/", login)["key"]
    certificate, context = self_signed(tmp_path)
    layer, name, back = make_layer("tls", 12), f"tls-{secrets.token_hex(3)}", tmp_path / "back.jsonl"
    write_layer(tmp_path / "tls.jsonl", layer)
    push = ("push", tmp_path / "tls.jsonl", "--project", name)
    by_password = {"DOCCANO_USERNAME": state.username, "DOCCANO_PASSWORD": state.password}
    with network(doccano.url, context=context) as url:
        refused = run(None, *push, DOCCANO_URL=url, **by_password)
        assert refused.returncode == 2
        last = refused.stderr.splitlines()[-1]
        assert last.startswith("BZ030 ")
        assert "certificate" in last
        assert "DOCCANO_CA_BUNDLE" in last
        assert "Traceback" not in refused.stderr
        trusted = {"DOCCANO_URL": url, "DOCCANO_CA_BUNDLE": str(certificate)}
        pushed = run(None, *push, **trusted, **by_password)
        assert pushed.returncode == 0, pushed.stderr
        pulled = run(None, "pull", "-o", back, "--project", name, **trusted, DOCCANO_TOKEN=token)
        assert pulled.returncode == 0, pulled.stderr
    assert list(read_layer(back)) == layer
    said = "".join(one.stdout + one.stderr for one in (refused, pushed, pulled))
    assert state.password not in said
    assert token not in said
