"""A second corpus beside the one that the base model is trained on: its names, under its own rules, are a further task.

What it marks is not what our guideline marks, so it has a layer of its own over the same states (multi-task learning,
Caruana 1997) and its labels never reach the model's output.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.base.data import example, name_tags, shortened
from recipes.corpora.corpus_store import read_manifest, read_part
from recipes.corpora.leaks import find_leaks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recipes.base.data import Example


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """The corpus's examples (not `ours`, names in `words`), its tags, and what the model card says of it."""

    examples: tuple[Example, ...]
    tags: tuple[str, ...]
    facts: dict[str, Any]


def read_auxiliary(folder: Path, kept_apart: Mapping[str, Sequence[str]]) -> Auxiliary:
    """Read a corpus's train part but for the sentences that are nearly in texts that are to be scored.

    Args:
        folder: the corpus's.
        kept_apart: name -> texts on which the model is chosen or scored.

    Raises:
        CorpusError: the corpus has not been fetched, or has been changed.
    """
    manifest = read_manifest(folder)
    sentences = read_part(folder, "train")
    leaks = find_leaks([one.text for one in sentences], kept_apart)
    gone = {leak.index for leak in leaks}
    tags = name_tags(sorted({span.label for one in sentences for span in one.spans}))
    examples = []
    for number, sentence in enumerate(sentences):
        if number not in gone and sentence.text:
            one = example(sentence, tags)
            other = replace(one, tags=np.zeros_like(one.tags), words=one.tags, ours=False)
            examples += shortened(other, tags)
    facts = {key: manifest[key] for key in ("name", "package", "package_sha256", "licence")}
    facts["train_sha256"] = manifest["parts"]["train"]["sha256"]
    facts["left_out"] = {name: sum(leak.part == name for leak in leaks) for name in kept_apart}
    facts["sentences"] = len(sentences) - len(gone)
    return Auxiliary(tuple(examples), tags, facts)
