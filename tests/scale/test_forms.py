from __future__ import annotations

import gzip
import hashlib
import json
import random
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import spacy
import zstandard
from spacy.training import Corpus

from biaozhu.annotators.network.models import load_model
from biaozhu.cli import run
from biaozhu.data.model import sentence_from_line
from biaozhu.formats.docbin import read_docbin
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.scale.batch import annotate_sources
from biaozhu.scale.corpus_stream import Source, read_sources
from biaozhu.scale.shards import ENDINGS, ShardPlan, pack, write_shards

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.scale.shards import Form

NO_TABLES = pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow, which is not installed")
FORMS = [pytest.param(form, marks=NO_TABLES) if form == "parquet" else form for form in ENDINGS]

loaded = cache(load_model)


def _text(number: int) -> str:
    return "".join(
        f"宁波市的欧阳建国在第{number}号茶园里采了{number + line * 3}斤茶叶，卖了{line + 2}万元。\n"
        for line in range(1 + number % 5)
    )


@cache
def _lines() -> tuple[str, ...]:
    sources = [Source(f"a{number}", f"x:{number}", _text(number).encode()) for number in range(12)]
    return annotate_sources(sources, model=loaded("fast")).lines


def _corpus(folder: Path, count: int = 40) -> Path:
    path = folder / "corpus.jsonl"
    lines = [json.dumps({"name": f"a{number}", "text": _text(number)}) for number in range(count)]
    lines += ['{"name": "bad"}', lines[0]]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("form", FORMS)
def test_forms_hold_the_same_sentences(form: Form) -> None:
    packed = pack(_lines(), form)
    assert packed == pack(_lines(), form)
    wanted = [sentence_from_line(line) for line in _lines()]
    if form == "docbin":
        documents = read_docbin(packed, where="shard")
        assert [document.sentence_id for document in documents] == [sentence.id for sentence in wanted]
        found = [[(s.start, s.end, s.label, s.source, s.score) for s in one.spans] for one in documents]
        assert found == [[(s.start, s.end, s.label, s.source, s.score) for s in one.spans] for one in wanted]
        return
    if form == "parquet":
        import pyarrow as pa  # noqa: PLC0415 — an extra
        from pyarrow import parquet  # noqa: PLC0415 — as above

        rows = parquet.read_table(pa.BufferReader(packed)).to_pylist()
        assert [sentence_from_line(json.dumps(row)) for row in rows] == wanted
        return
    content = gzip.decompress(packed) if form == "jsonl" else zstandard.decompress(packed)
    assert content.decode().splitlines() == list(_lines())


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_nothing_can_be_read(form: Form) -> None:
    packed = pack([], form)
    if form == "docbin":
        assert read_docbin(packed, where="shard") == ()
    elif form == "parquet":
        import pyarrow as pa  # noqa: PLC0415 — an extra
        from pyarrow import parquet  # noqa: PLC0415 — as above

        table = parquet.read_table(pa.BufferReader(packed))
        assert table.column_names == ["id", "article", "start", "end", "text", "spans"]
        assert table.num_rows == 0
    else:
        assert (gzip.decompress(packed) if form == "jsonl" else zstandard.decompress(packed)) == b""


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_shards_go_on_after_a_stop(form: Form, tmp_path: Path) -> None:
    corpus = _corpus(tmp_path)
    options = ["--shard-size", "1500", "--shard-format", form]
    assert run(["preannotate", str(corpus), "--shards", str(tmp_path / "whole"), *options]) == 1
    stopped = tmp_path / "stopped"
    # Another form lay there before.
    list(write_shards(read_sources([corpus]), stopped, ShardPlan(size=1500, form="jsonl")))
    made = write_shards(read_sources([corpus]), stopped, ShardPlan(size=1500, form=form))
    next(made)
    made.close()
    (stopped / f"part-00000{ENDINGS[form]}").write_bytes(b"half")
    assert run(["preannotate", str(corpus), "--shards", str(stopped), *options]) == 1
    assert _sums(stopped) == _sums(tmp_path / "whole")
    manifest = json.loads((stopped / "MANIFEST.json").read_bytes())
    assert (manifest["form"], manifest["articles"], manifest["failed"]) == (form, 40, 2)


def _killed(command: list[str], folder: Path, moment: float) -> bool:
    """Kill a run so many seconds after it has made a shard; return whether it still had some to make."""

    def made() -> int:
        return len(list(folder.glob("part-*.json")))

    before = made()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while made() == before and process.poll() is None:
        time.sleep(0.005)
    time.sleep(moment)
    process.kill()
    process.wait()
    return not (folder / "MANIFEST.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["parquet", "docbin"])
def test_forms_survive_kills_at_random_moments(form: Form, tmp_path: Path) -> None:
    corpus = _corpus(tmp_path)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    list(write_shards(read_sources([corpus]), whole, ShardPlan(size=500, form=form)))
    command = [sys.executable, "-m", "biaozhu", "preannotate", str(corpus), "--shards", str(killed)]
    command += ["--shard-size", "500", "--shard-format", form]
    draw = random.Random(7)  # noqa: S311 — moments, no secrets
    met = [_killed(command, killed, draw.uniform(0, 0.2)) for _ in range(5)]
    assert any(met), "no kill met it at work"
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert _sums(killed) == _sums(whole)


def test_forms_docbin_streams_into_spacys_training(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"part-{number}.spacy").write_bytes(pack(_lines()[number * 5 : number * 5 + 5], "docbin"))
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    examples = list(Corpus(tmp_path)(nlp))
    wanted = [sentence_from_line(line) for line in _lines()[:10]]
    assert [example.reference.text for example in examples] == [sentence.text for sentence in wanted]
    for example, sentence in zip(examples, wanted, strict=True):
        found = [(ent.start_char, ent.end_char, ent.label_) for ent in example.reference.ents]
        assert found == [(span.start, span.end, span.label) for span in sentence.spans]
        # Nothing is lost in alignment: each code point is a token on both sides.
        assert "-" not in example.get_aligned_ner()
