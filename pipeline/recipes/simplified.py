"""Build the table of traditional characters: `python -m recipes.simplified FOLDER`.

FOLDER is `opencc/dictionary` of the PyPI package opencc-python-reimplemented 0.1.7 (Apache License 2.0), whose tables
are those of OpenCC (Apache License 2.0, https://github.com/BYVoid/OpenCC). Only their data are used.
"""

from __future__ import annotations

import hashlib
import lzma
import sys
from pathlib import Path

from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import read_bytes, write_bytes
from biaozhu.reading.simplified import TABLE

CHECKSUMS = {
    "TSCharacters.txt": "6b5a0a799bea2bb22c001f635eaa3fc2904310f0c08addbff275477a80ecf09a",
    "HKVariants.txt": "c3c93c35885902ba2b12a3235a7761b00fb2b027f36aa8314db2f6b6ad51d374",
}
# GB 2312 has it, but simplified Chinese does not use it.
UNUSED = frozenset("後")


def build_table(folder: Path) -> str:
    """Return the traditional characters on one line, the simplified form of each on the next; raises ModelDataError."""
    for name, checksum in CHECKSUMS.items():
        if hashlib.sha256(read_bytes(folder / name)).hexdigest() != checksum:
            raise ModelDataError("not the file that the table was built from", where=str(folder / name))
    pairs = {key: values[0] for key, values in _rows(folder / "TSCharacters.txt")}
    for key, values in _rows(folder / "HKVariants.txt"):
        # Hong Kong writes 衞 where OpenCC's own form is 衛.
        pairs = dict.fromkeys(values, pairs.get(key, key)) | pairs
    # What simplified texts write themselves stays: 著 in 著名, 瞭 in 瞭望, 乾 in 乾隆.
    pairs = {key: value for key, value in pairs.items() if key in UNUSED or not _encodes(key, "gb2312")}
    kept = {key: value for key, value in sorted(pairs.items()) if _encodes(value, "gbk") and value not in pairs}
    return f"{''.join(kept)}\n{''.join(kept.values())}\n"


def _rows(path: Path) -> list[tuple[str, list[str]]]:
    rows = (line.split("\t") for line in read_bytes(path).decode("utf-8").splitlines() if line)
    return [(key, values.split(" ")) for key, values in rows]


def _encodes(character: str, encoding: str) -> bool:
    return bool(character.encode(encoding, "ignore"))


if __name__ == "__main__":
    write_bytes(TABLE, lzma.compress(build_table(Path(sys.argv[1])).encode("utf-8"), preset=9))
