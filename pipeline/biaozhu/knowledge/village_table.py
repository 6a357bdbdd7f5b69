"""The villages' names for lookup: one array of bytes, built once into the cache folder and mapped into memory.

The committed file is compressed and takes a second to unfold. The array holds five parts of fixed types one after the
other: mapping it costs nothing, and only the pages in use stay in memory. Names are found by their sorted 64-bit hashes
and then compared.
"""

from __future__ import annotations

import hashlib
import io
import lzma
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.data.errors import WriteError
from biaozhu.data.files import cache_folder, write_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Counts up whenever the layout changes, so that an older file is never read.
LAYOUT = 1
TAB = ord("\t")
HASH_FACTOR = 0x9E3779B97F4A7C15
HASH_MASK = (1 << 64) - 1
# How many names are hashed at once: what bounds the memory that a build takes.
CHUNK = 1 << 15


@dataclass(frozen=True, slots=True)
class VillageTable:
    """Names in the order of their codes, as UTF-8 with a tab after each, and the order of their hashes.

    `starts` has one entry more than there are names; name i is `text[starts[i] : starts[i + 1] - 1]`.
    """

    codes: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    order: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    text: NDArray[np.uint8]

    def name(self, row: int) -> str:
        """Return the name in a row."""
        return self._bytes(row).decode()

    def rows(self, name: str) -> list[int]:
        """Return the rows of a name, ascending."""
        wanted = name.encode("utf-8", "surrogatepass")
        if not wanted or TAB in wanted:
            return []
        key = np.uint64(_hash(wanted))
        first, last = (int(np.searchsorted(self.hashes, key, side)) for side in ("left", "right"))
        return [row for row in self.order[first:last].tolist() if self._bytes(row) == wanted]

    def _bytes(self, row: int) -> bytes:
        return bytes(self.text[self.starts[row] : self.starts[row + 1] - 1])


def load_village_table(packed: bytes) -> VillageTable:
    """Return the table of a packed villages file (`villages.txt.xz`), mapped from the cache folder.

    The first call puts it there; where the folder takes no file, each process lays it out in memory. Where the packed file is damaged,
    LZMAError or ValueError is raised.
    """
    path = village_table_path(packed)
    table = _mapped(path)
    if table is not None:
        return table
    laid_out = _laid_out(packed)
    buffer = io.BytesIO()
    np.save(buffer, laid_out, allow_pickle=False)
    try:
        write_bytes(path, buffer.getvalue())
    except WriteError:
        return _parts(laid_out)
    return _mapped(path) or _parts(laid_out)


def village_table_path(packed: bytes) -> Path:
    """Return where the laid-out table of this packed file is: its name holds the file's checksum."""
    return cache_folder() / f"villages-{LAYOUT}-{hashlib.sha256(packed).hexdigest()[:16]}.npy"


def _mapped(path: Path) -> VillageTable | None:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if array.ndim != 1 or array.dtype != np.uint8 or len(array) <= 16 or len(array) != _ends(array)[-1]:  # noqa: PLR2004 — the two counts in front
        return None
    return _parts(array)


def _ends(array: NDArray[np.uint8]) -> list[int]:
    count, size = (int(number) for number in array[:16].view(np.int64))
    return list(accumulate([16, 8 * count, 8 * count, 4 * count, 4 * (count + 1), size]))


def _parts(array: NDArray[np.uint8]) -> VillageTable:
    ends = _ends(array)
    codes, hashes, order, starts, text = (array[start:end] for start, end in pairwise(ends))
    return VillageTable(
        codes.view(np.int64), hashes.view(np.uint64), order.view(np.uint32), starts.view(np.uint32), text
    )


def _laid_out(packed: bytes) -> NDArray[np.uint8]:
    steps, _, _, names = lzma.decompress(packed).split(b"\n")
    codes = np.cumsum(np.fromstring(steps.decode("ascii"), dtype=np.int64, sep=" "))
    text = np.frombuffer(names + b"\t", np.uint8)
    starts = np.concatenate(([0], np.flatnonzero(text == TAB) + 1)).astype(np.uint32)
    if len(starts) != len(codes) + 1:
        raise ValueError("codes and names differ in number")
    hashes = np.concatenate([_hashes(text, starts[first : first + CHUNK + 1]) for first in range(0, len(codes), CHUNK)])
    order = np.argsort(hashes, kind="stable").astype(np.uint32)
    counts = np.array([len(codes), len(text)], np.int64)
    parts = (counts, codes, hashes[order], order, starts, text)
    return np.concatenate([part.view(np.uint8) for part in parts])


def _hash(name: bytes) -> int:
    total, power = 0, 1
    for byte in name:
        power = power * HASH_FACTOR & HASH_MASK
        total += byte * power
    return total & HASH_MASK


def _hashes(text: NDArray[np.uint8], starts: NDArray[np.uint32]) -> NDArray[np.uint64]:
    # As _hash for many names at once: bytes weighted by their place in the name, then differences of one running
    # sum. Everything is modulo 2**64, so that overflow is exact.
    units = text[starts[0] : starts[-1]]
    begins = (starts - starts[0]).astype(np.int64)
    place = np.arange(len(units)) - np.repeat(begins[:-1], np.diff(begins))
    powers = np.cumprod(np.full(int(place.max(initial=0)) + 1, HASH_FACTOR, np.uint64))
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(powers[place] * units.astype(np.uint64))))
    hashes: NDArray[np.uint64] = sums[begins[1:] - 1] - sums[begins[:-1]]
    return hashes
