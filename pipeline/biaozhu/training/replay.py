"""A sample of what a model learned before, mixed into what it learns now, so that it does not forget.

Rehearsal, after Robins 1995, "Catastrophic forgetting, rehearsal and pseudorehearsal". A config names the sample as
[corpora.replay]; `fit` adds its sentences to the gold wherever it trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.util import resolve_dot_names

from biaozhu.data.errors import ConfigError
from biaozhu.training.corpus_store import corpora_folder, read_manifest, read_part

if TYPE_CHECKING:
    from confection import Config
    from spacy.language import Language

    from biaozhu.data.model import Sentence

READER = "biaozhu.ReplayCorpus.v1"
SECTION = "replay"


@dataclass(frozen=True, slots=True)
class ReplayCorpus:
    """Sentences of a fetched corpus, drawn by a seed: its name, the part, how many, and the seed."""

    corpus: str
    part: str
    count: int
    seed: int

    def sentences(self) -> tuple[Sentence, ...]:
        """Draw the sentences; they come in the corpus's order.

        Raises:
            CorpusError: the corpus has not been fetched, or has been changed.
        """
        if not self.count:
            return ()
        whole = read_part(corpora_folder() / self.corpus, self.part)
        order = np.random.default_rng(self.seed).permutation(len(whole))[: self.count]
        return tuple(whole[index] for index in sorted(order.tolist()))

    def facts(self) -> dict[str, Any]:
        """Return what a model card must say of it: corpus, package, licence, part, SHA-256 of the part, count, seed."""
        manifest = read_manifest(corpora_folder() / self.corpus)
        return {
            "corpus": self.corpus,
            "package": manifest["package"],
            "licence": manifest["licence"],
            "part": self.part,
            "sha256": manifest["parts"][self.part]["sha256"],
            "sentences": min(self.count, manifest["parts"][self.part]["sentences"]),
            "seed": self.seed,
        }

    def __call__(self, nlp: Language) -> Any:
        """Yield an Example for each sentence."""
        from biaozhu.training.gold import (  # noqa: PLC0415 — only spaCy's own training asks for it
            make_examples,
        )

        yield from make_examples(nlp, self.sentences())[0]


def replay_corpus(corpus: str, sentences: int, part: str = "train", seed: int = 1) -> ReplayCorpus:
    """Return the sample that a config names as `biaozhu.ReplayCorpus.v1`.

    Args:
        corpus: as `biaozhu corpus fetch` names it.
        sentences: how many; 0 replays nothing.
        part: of the corpus.
        seed: the same seed draws the same sentences.

    Raises:
        ConfigError: the number is negative.
    """
    if sentences < 0:
        raise ConfigError(f"{sentences} sentences cannot be replayed", where=READER)
    return ReplayCorpus(corpus, part, sentences, seed)


def replay_of(config: Config) -> ReplayCorpus | None:
    """Return the sample that a config names in [corpora.replay], None where it has no such section.

    Raises:
        ConfigError: it is no sample.
    """
    if SECTION not in config.get("corpora", {}):
        return None
    (found,) = resolve_dot_names(config.interpolate(), [f"corpora.{SECTION}"])
    if not isinstance(found, ReplayCorpus):
        raise ConfigError(f"corpora.{SECTION} is no {READER}", where=f"corpora.{SECTION}")
    return found
