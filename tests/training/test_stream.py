from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from training_material import SMALL_CONFIG, invented_gold

from biaozhu.annotators.trained import load_trained
from biaozhu.cli import run
from biaozhu.data.errors import ConfigError, ManyProblemsError, MissingFileError, ShardError, TrainingError
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence
from biaozhu.data.model import Span as OurSpan
from biaozhu.formats.docbin import write_docbin
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.docbin_stream import (
    AnnotatedText,
    DocBinStream,
    docbin_stream,
    make_example,
    read_shard,
    shuffle_stream,
)
from biaozhu.training.train import read_config, train

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
CHARACTERS = spacy.blank("zh")
CHARACTERS.tokenizer = make_char_tokenizer()(CHARACTERS)


def write_shard(path: Path, sentences: Sequence[Sentence]) -> None:
    path.write_bytes(write_docbin(sentences).files[""])


def shards(folder: Path, count: int, each: int = 10) -> DocBinStream:
    for number in range(count):
        write_shard(folder / f"part-{number}.spacy", invented_gold(each, article=f"{number:012x}"))
    return docbin_stream([str(folder / "*.spacy")], buffer=7, seed=3)


def drawing(seed: int | str) -> random.Random:
    return random.Random(seed)  # noqa: S311 — an order, no secret


def texts(stream: DocBinStream, epoch: int = 0) -> list[str]:
    return [one.reference.text for one in stream(CHARACTERS, epoch)]


@given(st.integers(0, 40), st.integers(1, 50), st.integers(0, 5))
def test_stream_shuffles_each_once_and_none_far_forward(count: int, buffer: int, seed: int) -> None:
    items = [AnnotatedText(Sentence("a" * 12, 0, 2, str(number))) for number in range(count)]
    out, again = (list(shuffle_stream(iter(items), buffer, drawing(seed))) for _ in range(2))
    assert sorted(out, key=lambda one: int(one.sentence.text)) == items
    # A buffer of n sentences cannot give out one that stands more than n later than its turn.
    assert all(int(one.sentence.text) < place + buffer for place, one in enumerate(out))
    assert out == again
    assert buffer > 1 or out == items


@settings(max_examples=40)
@given(st.text(st.sampled_from("李a 30𠮷，\u3000\n"), min_size=1, max_size=20), st.data())
def test_stream_gives_the_spans_of_a_shard(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    path = tmp_path_factory.mktemp("shard") / "one.spacy"
    write_shard(path, [Sentence("a" * 12, 0, len(text), text, (OurSpan(start, end, "X"),))])
    (taught,) = read_shard(path)
    assert (taught.sentence.text, [one.key for one in taught.sentence.spans]) == (text, [(start, end, "X")])
    assert taught.unknown == ()
    made = make_example(CHARACTERS, taught)
    assert [(one.start_char, one.end_char, one.label_) for one in made.reference.ents] == [(start, end, "X")]
    assert made.reference.text == made.predicted.text == text
    assert None not in made.get_aligned_ner()


def test_stream_orders_by_seed_and_epoch_and_leaves_none_out(tmp_path: Path) -> None:
    stream = shards(tmp_path, 4)
    orders = [texts(stream), texts(stream), texts(stream, 1), texts(DocBinStream(stream.paths, 7, 4))]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders[1:]}) == 3
    assert len({tuple(sorted(order)) for order in orders}) == 1
    assert sorted(orders[0]) == sorted(sentence.text for sentence in invented_gold(10) for _ in range(4))
    assert [one.reference.text for one in stream(CHARACTERS)] == orders[0]


def test_stream_opens_a_shard_only_when_its_turn_comes(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.spacy", invented_gold(10))
    (tmp_path / "b.spacy").write_bytes(b"none")
    (tmp_path / "c.spacy").write_bytes(b"none")
    stream = docbin_stream([str(tmp_path / "[ab].spacy")], buffer=1, seed=1)
    # The seed at hand draws the good one first; of the other nothing is known until it is needed.
    seed = next(seed for seed in range(20) if _first_of(tmp_path, seed) == "a.spacy")
    stream = DocBinStream(stream.paths, 1, seed)
    reading = stream(CHARACTERS)
    assert [next(reading).reference.text for _ in range(9)]
    with pytest.raises(ShardError, match=r"b\.spacy"):
        list(reading)


def _first_of(folder: Path, seed: int) -> str:
    files = sorted(folder.glob("[ab].spacy"))
    drawing(f"{seed} 0").shuffle(files)
    return files[0].name


def test_stream_leaves_unknown_what_a_foreign_shard_does_not_know(tmp_path: Path) -> None:
    vocab = spacy.blank("en").vocab
    doc = Doc(vocab, words=["Li", "met", "Anna", "there"], spaces=[True, True, True, False])
    doc.set_ents([Span(doc, 0, 1, label="PERSON")], missing=[doc[2:3]])
    empty = Doc(vocab, words=[], spaces=[])
    DocBin(docs=[doc, empty]).to_disk(tmp_path / "foreign.spacy")
    (taught,) = read_shard(tmp_path / "foreign.spacy")
    assert taught.sentence.text == "Li met Anna there"
    assert [one.key for one in taught.sentence.spans] == [(0, 2, "PERSON")]
    assert taught.unknown == ((7, 12),)
    made = make_example(CHARACTERS, taught).reference
    assert [token.ent_iob_ for token in made] == ["B", "I", *"OOOOO", *[""] * 5, *"OOOOO"]


def test_stream_surveys_all_shards_and_keeps_a_sentence_of_each_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biaozhu.training.docbin_stream.SAMPLE_SENTENCES", 12)
    stream = shards(tmp_path, 2)
    rare = Sentence("f" * 12, 0, 3, "三月里", (OurSpan(0, 2, "DATE"),))
    write_shard(tmp_path / "z.spacy", [*invented_gold(3), rare])
    data, sample, first = stream.survey()
    assert (data.sentences, data.spans) == (24, 3 * 23 + 1)
    assert (first, len(sample)) == (12, 13)
    assert sample[-1].sentence.text == rare.text
    write_shard(tmp_path / "part-1.spacy", invented_gold(9))
    assert stream.survey()[0].sha256 != data.sha256


def test_stream_says_all_bad_shards_at_once(tmp_path: Path) -> None:
    stream = shards(tmp_path, 1)
    good = (tmp_path / "part-0.spacy").read_bytes()
    (tmp_path / "cut.spacy").write_bytes(good[: len(good) // 2])
    write_layer(tmp_path / "lines.spacy", invented_gold(2))
    with pytest.raises(ManyProblemsError) as caught:
        stream.survey()
    assert "cut.spacy" in str(caught.value)
    assert "lines.spacy" in str(caught.value)


@pytest.mark.parametrize("kind", ["cut", "json", "empty", "groups", "huge"])
def test_stream_bad_shard_is_one_line_and_no_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "part-9.spacy"
    shards(tmp_path, 1)
    good = (tmp_path / "part-0.spacy").read_bytes()
    content = {"cut": good[:-9], "json": b"{}", "empty": b"", "huge": good}.get(kind)
    if kind == "huge":
        monkeypatch.setattr("biaozhu.training.docbin_stream.MAX_UNPACKED_BYTES", 100)
        (tmp_path / "part-0.spacy").unlink()
    if content is None:
        doc = Doc(CHARACTERS.vocab, words=list("李家村"))
        doc.spans["sc"] = SpanGroup(doc, name="sc", spans=[Span(doc, 0, 3, label="PLACE")])
        content = DocBin(docs=[doc]).to_bytes()
    path.write_bytes(content)
    out = tmp_path / "model"
    wanted = f'paths.train=["{tmp_path}/*.spacy"]'
    assert run(["train", str(ROOT / "configs/stream.cfg"), "-o", str(out), "--set", wanted]) == 2
    line = capsys.readouterr().err
    assert line.startswith("BZ024")
    assert line.count("\n") == 1
    assert str(path) in line
    assert not out.exists()


def test_stream_refuses_what_cannot_be_streamed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="buffer of 0"):
        docbin_stream(["x.spacy"], buffer=0)
    with pytest.raises(MissingFileError):
        docbin_stream([str(tmp_path / "*.spacy")]).survey()
    write_shard(tmp_path / "a.spacy", [Sentence("a" * 12, 0, 2, "没有")])
    stream = docbin_stream([str(tmp_path / "a.spacy")])
    with pytest.raises(TrainingError, match="no spans"):
        stream.survey()
    with pytest.raises(ConfigError, match="CharTokenizer"):
        list(stream(spacy.blank("zh")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("solved", "solved on all data at once"),
        ("words", "CharTokenizer"),
    ],
)
def test_stream_config_that_needs_all_data_is_refused(tmp_path: Path, change: str, says: str) -> None:
    shards(tmp_path, 1)
    text = (ROOT / "configs" / "stream.cfg").read_text(encoding="utf-8")
    if change == "solved":
        text = SMALL_CONFIG.replace("biaozhu.GoldCorpus.v1", "biaozhu.DocBinStream.v1", 1)
    else:
        text = text.replace('"biaozhu.CharTokenizer.v1"', '"spacy.zh.ChineseTokenizer"')
    config = tmp_path / "changed.cfg"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        train(config, tmp_path / "model", overrides={"paths.train": [str(tmp_path / "*.spacy")]})
    assert not (tmp_path / "model").exists()


def test_stream_trains_a_model_that_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shards(tmp_path, 3, each=25)
    command = [
        *("train", str(ROOT / "configs" / "stream.cfg"), "--set", f'paths.train=["{tmp_path}/*.spacy"]'),
        *("--set", "training.max_steps=40", "--set", "training.batcher.size=300", "--json"),
    ]
    for name in ("one", "two"):
        assert run([*command, "-o", str(tmp_path / name / "model")]) == 0
    rows = json.loads(capsys.readouterr().out.split("]\n")[0] + "]")
    whole = next(row for row in rows if row["label"] == "all")
    assert whole["there"] == 225
    # 40 steps on a corpus of 15 different sentences are enough to tell them by heart, and nothing else is asked here.
    assert whole["strict F1"] > 0.9
    card = (tmp_path / "one" / "model" / "README.md").read_text(encoding="utf-8")
    assert "*.spacy (3 shards, checksum of their `sha256sum`)" in card
    assert "| 75 | 225 |" in card
    one, two = (
        {path.name: path.read_bytes() for path in sorted((tmp_path / name).rglob("*")) if path.is_file()}
        for name in ("one", "two")
    )
    assert one == two
    assert load_trained(tmp_path / "one" / "model")(["孙丽在雅安市买了120元。"])[0]


def test_stream_counts_the_first_sentences_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biaozhu.training.docbin_stream.SAMPLE_SENTENCES", 10)
    shards(tmp_path, 2)
    overrides = {"paths.train": [str(tmp_path / "*.spacy")], "training.max_steps": 1}
    done = train(ROOT / "configs" / "stream.cfg", tmp_path / "model", overrides=overrides)
    assert (done.sentences, done.spans, done.scored) == (20, 60, 10)
    assert done.scores["all"].gold == 30
    assert "(its first 10 sentences)" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert read_config(ROOT / "configs" / "stream.cfg")["corpora"]["train"]["buffer"] == 10_000


READING = """
import resource, sys
import spacy
from biaozhu.training.docbin_stream import docbin_stream
from biaozhu.nlp.tokenizer import make_char_tokenizer
nlp = spacy.blank("zh")
nlp.tokenizer = make_char_tokenizer()(nlp)
stream = docbin_stream([sys.argv[1]], buffer=100)
wanted = stream.survey()[0].sentences
assert sum(1 for _ in stream(nlp)) == wanted
print(wanted, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_stream_memory_does_not_grow_with_the_shards(tmp_path: Path) -> None:
    found = {}
    for count in (1, 8):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            write_shard(
                folder / f"part-{number}.spacy",
                [
                    Sentence(one.article, one.start, one.end + 9, f"{one.text}{number:04}{at:05}", one.spans)
                    for at, one in enumerate(invented_gold(1000, article=f"{number:012x}"))
                ],
            )
        out = subprocess.run(
            [sys.executable, "-c", READING, f"{folder}/*.spacy"], check=True, capture_output=True, text=True
        )
        sentences, peak = map(int, out.stdout.split())
        assert sentences == count * 1000
        found[count] = peak
    assert found[8] < 1.1 * found[1], found
