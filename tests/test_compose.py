"""The recipe in containers, where no engine runs: the Compose schema, what refers to what, and nginx's own check."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
NGINX = os.environ.get("BIAOZHU_NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
# The administrator brings these; docs/doccano-proxy.md says so.
BROUGHT = {"./certificates/doccano.pem", "./certificates/doccano.key"}
VARIABLE = re.compile(r"\$\{(\w+)")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DOCS / "compose.yml").read_text("utf-8"))
    return loaded


def list_copies() -> list[str]:
    lines = (DOCS / "Dockerfile").read_text("utf-8").splitlines()
    return [source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]]


def test_compose_file_is_what_the_specification_allows(compose: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/material/compose-spec.json").read_text("utf-8"))
    jsonschema.validate(compose, schema)
    broken = {**compose, "services": {"nginx": {**compose["services"]["nginx"], "port": ["443:443"]}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_compose_file_refers_only_to_what_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= services.keys() - {name}
        kind, _, other = service.get("network_mode", "").partition(":")
        assert kind in ("", "service")
        assert not other or other in services
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert source in BROUGHT or (DOCS / source).is_file(), source
            else:
                assert source in compose["volumes"], source
        if build := service.get("build"):
            context = (DOCS / build["context"]).resolve()
            assert context == ROOT
            assert (context / build["dockerfile"]).is_file()
        else:
            assert re.fullmatch(r"[a-z]+:[0-9.]+", service["image"]), "an image has a version"


def test_compose_files_variables_and_certificates_are_explained() -> None:
    text, guide = ((DOCS / name).read_text("utf-8") for name in ("compose.yml", "doccano-proxy.md"))
    variables = set(VARIABLE.findall(text))
    assert variables == {"POSTGRES_PASSWORD", "DOCCANO_PUBLIC_URL"}
    # None has a default that somebody could leave as it is.
    assert text.count(":?") == len(VARIABLE.findall(text))
    assert all(name in guide for name in variables)
    assert "docs/certificates/" in guide


def test_compose_ports_and_paths_agree_with_nginx_and_the_image(compose: dict[str, Any]) -> None:
    nginx = (DOCS / "nginx.conf").read_text("utf-8")
    image = (DOCS / "Dockerfile").read_text("utf-8")
    mounted = {volume.split(":")[1] for volume in compose["services"]["nginx"]["volumes"]}
    assert set(re.findall(r"ssl_certificate(?:_key)? ([^;]+);", nginx)) <= mounted
    upstream = set(re.findall(r"proxy_pass http://127\.0\.0\.1:(\d+);", nginx))
    assert upstream == set(re.findall(r"--port (\d+)", image))
    ports = [line.split(":")[1] for line in compose["services"]["doccano"]["ports"]]
    assert ports == re.findall(r"listen (\d+) ssl", nginx)
    home = compose["services"]["doccano"]["volumes"][0].split(":")[1]
    assert home == f"{re.findall(r'WORKDIR (.+)', image)[0]}/.doccano"


def test_compose_image_copies_only_what_is_there_and_all_that_is_shipped() -> None:
    from recipes.wheel import list_shipped  # noqa: PLC0415 — it needs setuptools

    sources = list_copies()
    assert [source for source in sources if not (ROOT / source).exists()] == []
    shipped = [str(path) for path in list_shipped()]
    assert [one for one in shipped if not any(one == s or one.startswith(f"{s}/") for s in sources)] == []


@pytest.mark.skipif(NGINX is None, reason="needs nginx, which is not installed")
def test_compose_nginx_takes_its_configuration(tmp_path: Path) -> None:
    from doccano_tls import self_signed  # noqa: PLC0415 — it needs a folder on the path

    certificate, _ = self_signed(tmp_path)
    recipe = (DOCS / "nginx.conf").read_text("utf-8")
    recipe = recipe.replace("/etc/ssl/certs/doccano.pem", str(certificate))
    recipe = recipe.replace("/etc/ssl/private/doccano.key", str(tmp_path / "k.pem"))
    config = tmp_path / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {tmp_path / kind};" for kind in kinds)
    config.write_text(f"pid {tmp_path / 'pid'}; events {{}} http {{ access_log off; {places} {recipe} }}")
    command = [str(NGINX), "-t", "-p", tmp_path, "-e", tmp_path / "error.log", "-c", config]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
