"""The villages' names for lookup: one array of bytes, built once into the cache folder and mapped into memory.

The committed file is compressed and takes a second to unfold. The array holds four parts of fixed types one after the
other: mapping it costs nothing, and only the pages in use stay in memory. Names are found by bisection.
"""

from __future__ import annotations

import hashlib
import io
import lzma
from bisect import bisect_left, bisect_right
from contextlib import suppress
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
LAYOUT = 2


@dataclass(frozen=True, slots=True)
class VillageTable:
    """Names in the order of their codes, as UTF-8 with a tab after each, and their rows in the order of the names.

    `starts` has one entry more than there are names; name i is `text[starts[i] : starts[i + 1] - 1]`.
    """

    codes: NDArray[np.int64]
    order: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    text: NDArray[np.uint8]

    def name(self, row: int) -> str:
        """Return the name in a row."""
        return self._bytes(row).decode()

    def rows(self, name: str) -> list[int]:
        """Return the rows of a name, ascending."""
        order, wanted = self.order.data, name.encode("utf-8", "surrogatepass")
        first, last = (bisect(order, wanted, key=self._bytes) for bisect in (bisect_left, bisect_right))
        return order[first:last].tolist()

    def _bytes(self, row: int) -> bytes:
        # Of memoryviews, which give an element much faster than an array does.
        starts = self.starts.data
        return bytes(self.text.data[starts[row] : starts[row + 1] - 1])


def load_village_table(packed: bytes) -> VillageTable:
    """Return the table of a packed villages file (`villages.txt.xz`), mapped from the cache folder.

    The first call puts it there; where the folder takes no file, each process lays it out in memory. Where the packed file is damaged,
    LZMAError or ValueError is raised.
    """
    path = village_table_path(packed)
    if (table := _mapped(path)) is not None:
        return table
    laid_out = _laid_out(packed)
    buffer = io.BytesIO()
    np.save(buffer, laid_out, allow_pickle=False)
    with suppress(WriteError):
        write_bytes(path, buffer.getvalue())
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
    return list(accumulate([16, 8 * count, 4 * count, 4 * (count + 1), size]))


def _parts(array: NDArray[np.uint8]) -> VillageTable:
    codes, order, starts, text = (array[start:end] for start, end in pairwise(_ends(array)))
    return VillageTable(codes.view(np.int64), order.view(np.uint32), starts.view(np.uint32), text)


def _laid_out(packed: bytes) -> NDArray[np.uint8]:
    steps, _, _, joined = lzma.decompress(packed).split(b"\n")
    codes = np.cumsum(np.fromstring(steps.decode("ascii"), dtype=np.int64, sep=" "))
    names = joined.split(b"\t")
    if len(names) != len(codes):
        raise ValueError("codes and names differ in number")
    order = np.array(sorted(range(len(names)), key=names.__getitem__), np.uint32)
    starts = np.cumsum([0, *(len(name) + 1 for name in names)]).astype(np.uint32)
    text = np.frombuffer(joined + b"\t", np.uint8)
    counts = np.array([len(names), len(text)], np.int64)
    return np.concatenate([part.view(np.uint8) for part in (counts, codes, order, starts, text)])
