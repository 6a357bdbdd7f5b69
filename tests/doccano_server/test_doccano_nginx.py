"""The recipe of docs/nginx.conf, carried out: a real nginx with TLS before a real Doccano."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from doccano_cli import run
from doccano_layers import make_layer
from doccano_tls import self_signed

from biaozhu.data.layers import read_layer, write_layer
from biaozhu.doccano.local.server import find_free_port, start, stop
from biaozhu.doccano.local.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[2]
NGINX = os.environ.get("BIAOZHU_NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture
def proxied(doccano_server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """The public address, and the certificate to trust; afterwards Doccano is as it was."""
    if NGINX is None:
        pytest.skip("needs nginx, which is not installed")
    certificate, _ = self_signed(tmp_path)
    port = find_free_port()
    url = f"https://127.0.0.1:{port}"
    stop(home=doccano_server)
    monkeypatch.setenv("DOCCANO_PUBLIC_URL", url)
    upstream = start(home=doccano_server, wait_seconds=240).url
    recipe = (ROOT / "docs/nginx.conf").read_text("utf-8")
    for old, new in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "doccano.example.org": "127.0.0.1",
        "/etc/ssl/certs/doccano.pem": str(certificate),
        "/etc/ssl/private/doccano.key": str(tmp_path / "k.pem"),
        "http://127.0.0.1:8000": upstream,
    }.items():
        assert old in recipe
        recipe = recipe.replace(old, new)
    places = "".join(
        f"{name}_temp_path {tmp_path / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = tmp_path / "nginx.conf"
    # As root, nginx would work as another user, who may not enter the test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(
        f"{user} daemon off; pid {tmp_path / 'pid'}; error_log {tmp_path / 'error.log'};"
        f"events {{}} http {{ access_log off; {places} {recipe} }}"
    )
    command = [NGINX, "-p", tmp_path, "-e", tmp_path / "error.log", "-c", config]
    nginx = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
            assert nginx.poll() is None, nginx.stderr and nginx.stderr.read()
            time.sleep(0.1)
        yield url, certificate
    finally:
        nginx.terminate()
        nginx.wait(20)
        stop(home=doccano_server)
        monkeypatch.delenv("DOCCANO_PUBLIC_URL")
        start(home=doccano_server, wait_seconds=240)


def test_doccano_behind_nginx_takes_its_own_pages_and_our_commands(
    proxied: tuple[str, Path], doccano_server: Path, tmp_path: Path
) -> None:
    url, certificate = proxied
    state = read_state(doccano_server)
    assert state is not None
    login = {"username": state.username, "password": state.password}
    session = requests.Session()
    session.trust_env, session.verify = False, str(certificate)
    assert session.post(f"{url}/v1/auth/login/", json=login, headers={"Origin": "https://x.example"}).status_code == 403
    assert session.post(f"{url}/v1/auth/login/", json=login, headers={"Origin": url}).status_code == 200
    assert {cookie.name: cookie.secure for cookie in session.cookies} == {
        "csrftoken": True,
        "sessionid": True,
    }
    # As Doccano's page does: Django wants the page's address beside the token on https.
    page = {"Origin": url, "Referer": f"{url}/projects"}
    data = {"name": "p", "resourcetype": "SequenceLabelingProject", "project_type": "SequenceLabeling"}
    assert session.post(f"{url}/v1/projects", json=data, headers=page).status_code == 403
    token = {"X-CSRFToken": session.cookies["csrftoken"]}
    made = session.post(f"{url}/v1/projects", json=data, headers=page | token)
    assert made.status_code == 201
    foreign = {"Origin": "https://127.0.0.1"}
    assert session.post(f"{url}/v1/projects", json=data, headers=foreign | token).status_code == 403
    assert session.get(f"{url}/v1/me", headers={"Host": "x.example"}).status_code == 400
    layer, name, back = make_layer("nginx", 12), f"x-{secrets.token_hex(3)}", tmp_path / "back.jsonl"
    write_layer(tmp_path / "nginx.jsonl", layer)
    account = {
        "DOCCANO_URL": url,
        "DOCCANO_CA_BUNDLE": str(certificate),
        "DOCCANO_USERNAME": state.username,
        "DOCCANO_PASSWORD": state.password,
    }
    pushed = run(None, "push", tmp_path / "nginx.jsonl", "--project", name, **account)
    assert pushed.returncode == 0, pushed.stderr
    pulled = run(None, "pull", "-o", back, "--project", name, **account)
    assert pulled.returncode == 0, pulled.stderr
    assert list(read_layer(back)) == layer
