"""Self-training: sentences of a folder on which models agree and are sure join a corpus's train part (Yarowsky 1995).

Where models that differ in what they were trained on give the same spans, the sentence is taken with them; where they differ, or
one is not sure enough, it is left out, and listed for a reader.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biaozhu.annotators.labelled import labelled_spans
from biaozhu.annotators.network.models import load_tagger, weights_mark
from biaozhu.curation.probabilities import find_least_certain
from biaozhu.data.errors import UsageError
from biaozhu.data.files import write_lines
from biaozhu.data.model import Span
from recipes.corpora import corpus_store as store
from recipes.corpora.custom import check_corpus_name
from recipes.distil.text import distil_texts
from recipes.recipe_config import Watch

CHUNK_SENTENCES = 1000
SOURCE = "agreed"
# Of the agreed sentences without a span so many are kept: they teach little.
EMPTY_SHARE = 0.2
SEED = 1
DOUBTFUL = "doubtful.txt"


def extend_corpus(  # noqa: PLR0913 — a recipe names all that it reads
    name: str,
    output: str,
    *,
    models: Sequence[Path],
    texts: Path,
    files: Sequence[str],
    characters: int,
    copies: int,
    sure: float,
    watch: Watch,
) -> dict[str, Any]:
    """Write a corpus of another's train part, `copies` times, and sentences on which models agree; return its manifest.

    The models read at most so many characters of the files in the folder of texts, without the dev and test documents of
    the modern corpus. Each must give every character's likeliest tag a probability of at least `sure`. `watch` is called
    with the number of sentences read and agreed on.
    """
    check_corpus_name(output)
    if output == name:
        raise UsageError("the new corpus would replace the one it is made of", where=output)
    folder = store.corpora_folder()
    own = {part: store.read_part(folder / name, part) for part in store.PARTS}
    known = {sentence.text for sentences in own.values() for sentence in sentences}
    drawn = distil_texts(texts, files, characters=characters, seed=SEED)
    pool = [text for text in drawn if text not in known]
    agreed, doubtful = _agreement(pool, models, sure, watch)
    rng = random.Random(SEED)  # noqa: S311 — a draw, no secret
    taken = [(text, spans) for text, spans in agreed if spans or rng.random() < EMPTY_SHARE]
    rows = [*[(sentence.text, sentence.spans) for sentence in own["train"]] * copies, *taken]
    rng.shuffle(rows)
    manifest = store.read_corpus_manifest(folder / name)
    facts = {
        **{key: manifest[key] for key in (*store.KEPT_FACTS, "own_copies") if key in manifest},
        "name": output,
        "self_training": {
            "corpus": name,
            "copies": copies,
            "read": len(pool),
            "agreed": len(agreed),
            "taken": len(taken),
            "models": [weights_mark(str(model)) for model in models],
            "sure": sure,
            "files": list(files),
            "seed": SEED,
        },
        "lost": 0,
    }
    parts = {"train": store.make_part(rows)}
    parts |= {part: store.make_part((one.text, one.spans) for one in own[part]) for part in ("dev", "test")}
    done = store.write_corpus(folder / output, parts, facts)
    write_lines(folder / output / DOUBTFUL, doubtful)
    return done


def _agreement(
    pool: Sequence[str], models: Sequence[Path], sure: float, watch: Watch
) -> tuple[list[tuple[str, tuple[Span, ...]]], list[str]]:
    loaded = [load_tagger(str(model), threads=1) for model in models]
    agreed: list[tuple[str, tuple[Span, ...]]] = []
    doubtful: list[str] = []
    for start in range(0, len(pool), CHUNK_SENTENCES):
        chunk = pool[start : start + CHUNK_SENTENCES]
        same: dict[str, tuple[Span, ...]] = {}
        for text, *rows in zip(chunk, *(model.words(chunk) for model in loaded), strict=True):
            keys = {
                tuple(span.key for span in labelled_spans(text, row, source=SOURCE, min_score=model.min_score))
                for model, row in zip(loaded, rows, strict=True)
            }
            if len(keys) == 1:
                same[text] = tuple(Span(start, end, label, SOURCE) for start, end, label in keys.pop())
        for model in loaded if sure else ():
            least = zip(same.items(), find_least_certain(model, list(same)), strict=True)
            same = {text: spans for (text, spans), (share, _) in least if share >= sure}
        agreed += same.items()
        doubtful += [text for text in chunk if text not in same]
        watch({"sentences": start + len(chunk), "agreed": len(agreed)})
    return agreed, doubtful
