"""The small LAC that jieba carries, in plain NumPy, one sentence at a time: what its weights give without a runtime.

Network: embedding 128 -> two layers of GRUs in both directions, 128 units each -> linear -> CRF (Jiao, Sun and Sun 2018,
https://arxiv.org/abs/1807.01882; weights Apache-2.0, Baidu). Full-width characters and marks that its training never
saw are read as the nearest that it knows, as the pipeline does it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

HIDDEN = 128
HALF_WIDTH = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {"\u3000": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    | {"。": ".", "、": ",", "—": "-", "…": ".", "〈": "<", "〉": ">"}
)


def load() -> Callable[[str], list[tuple[str, str]]]:
    """Return what cuts a text to (word, tag) pairs."""
    found = find_spec("jieba")
    if found is None or found.origin is None:
        raise SystemExit("jieba, which carries LAC's weights, is not installed in this environment")
    folder = Path(found.origin).parent / "lac_small"
    rows = {word: int(row) for row, word in _pairs(folder / "word.dic")}
    tags = [tag for _, tag in sorted((int(row), tag) for row, tag in _pairs(folder / "tag.dic"))]
    embedding = _array(folder, "word_emb", max(rows.values()) + 1, HIDDEN)
    layers = [[_gru(folder, k, width) for k in pair] for pair, width in (((0, 1), 128), ((2, 3), 256))]
    projection, bias = _array(folder, "fc_4.w_0", 256, len(tags)), _array(folder, "fc_4.b_0", len(tags))
    crf = _array(folder, "crfw", len(tags) + 2, len(tags))

    def words(text: str) -> list[tuple[str, str]]:
        if not text:
            return []
        ids = [rows.get(one, rows["OOV"]) for one in text.translate(HALF_WIDTH)]
        state = embedding[ids]
        for forward, backward in layers:
            state = np.concatenate([forward(state), backward(state[::-1])[::-1]], axis=1)
        return _words(text, [tags[tag] for tag in _best_path(state @ projection + bias, crf)])

    return words


def _pairs(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [(first, second) for first, tab, second in (line.partition("\t") for line in lines) if tab]


def _array(folder: Path, name: str, *shape: int) -> np.ndarray:
    # PaddlePaddle's parameter file: a header of varying length, then the values.
    content = (folder / "model_baseline" / name).read_bytes()
    return np.frombuffer(content[-4 * int(np.prod(shape)) :], "<f4").reshape(shape)


def _gru(folder: Path, k: int, width: int) -> Callable[[np.ndarray], np.ndarray]:
    inputs = _array(folder, f"fc_{k}.w_0", width, 3 * HIDDEN)
    bias = _array(folder, f"fc_{k}.b_0", 3 * HIDDEN) + _array(folder, f"gru_{k}.b_0", 3 * HIDDEN)
    flat = _array(folder, f"gru_{k}.w_0", 3 * HIDDEN * HIDDEN)
    gates = flat[: 2 * HIDDEN * HIDDEN].reshape(HIDDEN, 2 * HIDDEN)
    candidate = flat[2 * HIDDEN * HIDDEN :].reshape(HIDDEN, HIDDEN)

    def run(rows: np.ndarray) -> np.ndarray:
        given = rows @ inputs + bias
        states = np.empty((len(rows), HIDDEN), np.float32)
        state = np.zeros(HIDDEN, np.float32)
        for time, now in enumerate(given):
            both = 1 / (1 + np.exp(-(now[: 2 * HIDDEN] + state @ gates)))
            update, reset = both[:HIDDEN], both[HIDDEN:]
            new = np.tanh(now[2 * HIDDEN :] + (reset * state) @ candidate)
            states[time] = state = (1 - update) * state + update * new
        return states

    return run


def _best_path(emissions: np.ndarray, crf: np.ndarray) -> list[int]:
    start, stop, transitions = crf[0], crf[1], crf[2:]
    score = start + emissions[0]
    back = []
    for now in emissions[1:]:
        all_scores = score[:, None] + transitions
        back.append(all_scores.argmax(axis=0))
        score = all_scores.max(axis=0) + now
    path = [int((score + stop).argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


def _words(text: str, tags: list[str]) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    kind = ""
    for character, tag in zip(text, tags, strict=True):
        name, _, place = tag.rpartition("-")
        if place == "I" and name == kind and words:
            words[-1] = (words[-1][0] + character, kind)
        else:
            kind = name or tag
            words.append((character, kind))
    return words
