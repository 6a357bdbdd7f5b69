"""Self-training: sentences of a folder on which several models agree join a corpus's train part (Yarowsky 1995).

Where models that differ in what they were trained on give the same spans, the sentence is taken with them; where they differ, it
is left out, and listed for a reader.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.runtime import CONFIG
from biaozhu.data.errors import UsageError
from biaozhu.data.files import sha256_of, write_lines
from biaozhu.data.model import Sentence, Span
from recipes.corpora.corpus_store import (
    Part,
    article_id,
    corpora_folder,
    read_manifest,
    read_part,
    write_corpus,
)
from recipes.corpora.custom import check_corpus_name
from recipes.distil.text import distil_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

CHUNK_SENTENCES = 1000
SOURCE = "agreed"
# Of the agreed sentences without a span so many are kept: they teach little.
EMPTY_SHARE = 0.2
DOUBTFUL = "doubtful.txt"


def extend_corpus(  # noqa: PLR0913 — a recipe names all that it reads
    name: str,
    output: str,
    *,
    models: Sequence[Path],
    texts: Path,
    files: Sequence[str],
    offsets: Path,
    characters: int,
    copies: int = 2,
    seed: int = 1,
    corpora: Path | None = None,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Write a corpus whose train part is another's, so many times, and the sentences on which the models agree.

    Args:
        name: of the corpus in the cache folder whose parts are taken.
        output: of the new one.
        models: folders of two or more models.
        texts: the folder of the texts.
        files: their names, see `distil_texts`.
        offsets: of the modern corpus, whose dev and test documents are left out.
        characters: that the models read at most.
        copies: of the corpus's own train part.
        seed: of what is drawn.
        corpora: where corpora lie; None takes the cache folder.
        watch: called with the number of sentences read and agreed on.

    Returns:
        The manifest of the new corpus.
    """
    check_corpus_name(output)
    if output == name:
        raise UsageError("the new corpus would replace the one it is made of", where=output)
    folder = corpora or corpora_folder()
    own = read_part(folder / name, "train")
    known = {
        sentence.text for part in ("train", "dev", "test") for sentence in read_part(folder / name, part)
    }
    drawn = distil_texts(texts, files, offsets=offsets, characters=characters, seed=seed)
    pool = [text for text in drawn if text not in known]
    agreed, doubtful = _agreement(pool, models, watch)
    rng = random.Random(seed)  # noqa: S311 — a draw, no secret
    taken = [(text, spans) for text, spans in agreed if spans or rng.random() < EMPTY_SHARE]
    rows = [*[(sentence.text, sentence.spans) for sentence in own] * copies, *taken]
    rng.shuffle(rows)
    manifest = read_manifest(folder / name)
    facts = {
        **{key: manifest[key] for key in ("package", "package_sha256", "licence", "near_duplicates")},
        "name": output,
        "self_training": {
            "corpus": name,
            "copies": copies,
            "read": len(pool),
            "agreed": len(agreed),
            "taken": len(taken),
            "models": [sha256_of(model / CONFIG) for model in models],
            "files": list(files),
            "seed": seed,
        },
        "lost": 0,
    }
    parts = {"train": _part(rows)}
    parts |= {
        part: _part((one.text, one.spans) for one in read_part(folder / name, part))
        for part in ("dev", "test")
    }
    done = write_corpus(folder / output, parts, facts)
    write_lines(folder / output / DOUBTFUL, doubtful)
    return done


def _agreement(
    pool: Sequence[str], models: Sequence[Path], watch: Callable[[dict[str, Any]], None]
) -> tuple[list[tuple[str, tuple[Span, ...]]], list[str]]:
    loaded = [load_base(model, threads=1) for model in models]
    agreed: list[tuple[str, tuple[Span, ...]]] = []
    doubtful: list[str] = []
    for start in range(0, len(pool), CHUNK_SENTENCES):
        chunk = pool[start : start + CHUNK_SENTENCES]
        for text, *found in zip(chunk, *(model(chunk) for model in loaded), strict=True):
            keys = {tuple(span.key for span in spans) for spans in found}
            if len(keys) == 1:
                agreed.append(
                    (text, tuple(Span(start, end, label, SOURCE) for start, end, label in keys.pop()))
                )
            else:
                doubtful.append(text)
        watch({"sentences": start + len(chunk), "agreed": len(agreed)})
    return agreed, doubtful


def _part(rows: Iterable[tuple[str, tuple[Span, ...]]]) -> Part:
    kept = list(rows)
    raw = "".join(f"{text}\n" for text, _ in kept)
    article, offset = article_id(raw), 0
    sentences = []
    for text, spans in kept:
        sentences.append(Sentence(article, offset, offset + len(text), text, spans))
        offset += len(text) + 1
    return Part(raw, tuple(sentences))
