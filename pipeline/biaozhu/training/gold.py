"""Gold layers as spaCy training data; a span that no tokens match is named in the ledger, not lost in silence."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spacy.training import Example

from biaozhu.data.errors import ConfigError, DuplicateError, MissingFileError, OffsetError, raise_collected
from biaozhu.data.layers import read_layer
from biaozhu.data.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from spacy.language import Language
    from spacy.tokens import Doc

    from biaozhu.data.errors import BiaozhuError
    from biaozhu.data.model import Sentence

STEP = "align"


@dataclass(frozen=True, slots=True)
class GoldCorpus:
    """Gold layers by path or glob pattern, relative to the working folder; called with a pipeline it gives Examples."""

    paths: tuple[str, ...]

    def files(self) -> tuple[Path, ...]:
        """Return the files, each once, sorted.

        Raises:
            BiaozhuError: see `matching_files`.
        """
        return matching_files(self.paths, where="biaozhu.GoldCorpus.v1")

    def sentences(self) -> tuple[Sentence, ...]:
        """Read all files.

        Raises:
            BiaozhuError: see `files` and `read_layer`.
            DuplicateError: two files hold the same sentence.
        """
        found: dict[str, Sentence] = {}
        for path in self.files():
            for sentence in read_layer(path):
                if sentence.id in found:
                    raise DuplicateError(f"{sentence.id} stands in another file too", where=str(path))
                found[sentence.id] = sentence
        return tuple(found.values())

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield an Example for each sentence."""
        yield from make_examples(nlp, self.sentences())[0]


def gold_corpus(paths: list[str]) -> GoldCorpus:
    """Return the corpus a config names as `biaozhu.GoldCorpus.v1`."""
    return GoldCorpus(tuple(paths))


def matching_files(paths: Sequence[str], *, where: str) -> tuple[Path, ...]:
    """Return the files that paths or glob patterns name, each once, sorted.

    Raises:
        ConfigError: there is no path; `where` says which reader has none.
        MissingFileError: a path or pattern names no file; all such are reported together.
    """
    if not paths:
        raise ConfigError("paths is empty: there is nothing to train on", where=where)
    found: set[Path] = set()
    problems: list[BiaozhuError] = []
    for pattern in paths:
        # glob, not Path.glob: patterns may be absolute.
        matched = [Path(name) for name in glob.glob(pattern, recursive=True)]  # noqa: PTH207 — as said
        if not matched:
            problems.append(MissingFileError("no such file to train on", where=pattern))
        found.update(matched)
    raise_collected(problems)
    return tuple(sorted(found))


def make_examples(nlp: Language, sentences: Iterable[Sentence]) -> tuple[list[Example], tuple[Entry, ...]]:
    """Make an Example of each sentence; the tokens under a span that cannot be aligned count as unknown, not as O.

    Returns:
        The examples, and a loss for each span whose borders are no token borders.

    Raises:
        OffsetError: the tokenizer does not keep a text as it is.
    """
    examples, entries = [], []
    for sentence in sentences:
        reference = nlp.make_doc(sentence.text)
        if reference.text != sentence.text:
            raise OffsetError(
                "the tokenizer changes the text", where=sentence.id, next_step="Use biaozhu.CharTokenizer.v1"
            )
        aligned, astray = [], []
        for span in sentence.spans:
            tokens = reference.char_span(span.start, span.end, label=span.label, alignment_mode="strict")
            if tokens is None:
                astray.append(span)
            else:
                aligned.append(tokens)
        taken = {token.i for tokens in aligned for token in tokens}
        unknown = [
            reference[token.i : token.i + 1]
            for span in astray
            for token in reference.char_span(span.start, span.end, alignment_mode="expand") or ()
            if token.i not in taken
        ]
        reference.set_ents(aligned, missing=list({piece.start: piece for piece in unknown}.values()))
        entries += [
            Entry(
                step=STEP,
                severity="loss",
                reason="not on token borders",
                sentence=sentence.id,
                start=span.start,
                end=span.end,
                label=span.label,
                text=sentence.text[span.start : span.end],
                source=span.source,
                detail=_words_around(reference, span.start, span.end),
            )
            for span in astray
        ]
        examples.append(Example(nlp.make_doc(sentence.text), reference))
    return examples, tuple(entries)


def _words_around(doc: Doc, start: int, end: int) -> str:
    tokens = doc.char_span(start, end, alignment_mode="expand")
    return "" if tokens is None else "|".join(token.text for token in tokens)
