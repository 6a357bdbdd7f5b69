"""Tables that take long to lay out are in the cache folder: the first process lays them out, all others read them.

The committed files are small and compressed. What is made of them lies uncompressed in a ZIP file, whose checksums
tell a damaged one; its name holds the checksum of what it was made of.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from biaozhu.data.errors import WriteError
from biaozhu.data.files import cache_folder, write_bytes


def laid_out_parts(name: str, sources: Iterable[bytes], build: Callable[[], dict[str, bytes]]) -> dict[str, bytes]:
    """Return the parts that `build` makes, from the cache folder where an earlier call has put them.

    `sources` are all that the parts depend on, the version of their layout included. Where the folder takes no file,
    each process builds anew.
    """
    path = laid_out_path(name, sources)
    try:
        with zipfile.ZipFile(path) as archive:
            return {part: archive.read(part) for part in archive.namelist()}
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError):
        # Not there yet, cut short or damaged: made again either way.
        parts = build()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part, content in parts.items():
            archive.writestr(zipfile.ZipInfo(part), content)
    with suppress(WriteError):
        write_bytes(path, buffer.getvalue())
    return parts


def laid_out_path(name: str, sources: Iterable[bytes]) -> Path:
    """Return where the parts lie."""
    digest = hashlib.sha256()
    for source in sources:
        # The length parts one source from the next.
        digest.update(len(source).to_bytes(8, "big") + source)
    return cache_folder() / f"{name}-{digest.hexdigest()[:16]}.zip"
