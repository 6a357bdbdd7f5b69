"""The sentences that training of a custom model replays: `python -m recipes.corpora.replay_sample`, in a checkout.

They are drawn from the passages that were written for the corpus `modern` (CC0 1.0), one of each drawn passage, so that most of its
kinds are there, and are part of the package. What the pre-annotation says of them is asked when a model is trained.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from biaozhu.data.files import write_text
from biaozhu.data.layers import read_layer
from biaozhu.training.replay import SAMPLE

PASSAGES = Path("annotations/modern/own/written.jsonl")
# Nothing in the package knows a name of this article, which tells whether the project works on text that is new to it.
UNSEEN = Path("annotations/gold/handan-2020-07-02.jsonl")
SEED, SENTENCES = 1, 800
# Code points: titles and single words say little, long lines take long.
SHORTEST, LONGEST = 10, 100


def draw_sentences(passages: Path = PASSAGES) -> list[str]:
    """Return the sample, in the order drawn; of the first `REPLAYED` of them a model is told, the others say what it forgets."""
    draw, found = np.random.default_rng(SEED), dict[str, None]()
    names = {
        one.text[span.start : span.end] for one in read_layer(UNSEEN) for span in one.spans if span.label != "AMOUNT"
    }
    texts = [json.loads(line)["text"] for line in passages.read_text(encoding="utf-8").splitlines()]
    for at in draw.permutation(len(texts)).tolist():
        lines = [line for line in texts[at].split("\n") if SHORTEST <= len(line) <= LONGEST and line not in found]
        lines = [line for line in lines if not any(name in line for name in names)]
        if lines and len(found) < SENTENCES:
            found[lines[draw.integers(len(lines))]] = None
    return list(found)


if __name__ == "__main__":
    write_text(SAMPLE, json.dumps(draw_sentences(), ensure_ascii=False, indent=0) + "\n")
