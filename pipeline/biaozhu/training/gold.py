"""Gold layers as spaCy training data; a span that no tokens match is named in the ledger, not lost in silence."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Span as SpacySpan
from spacy.tokens import Token
from spacy.training import Example

from biaozhu.data.errors import ConfigError, MissingFileError, OffsetError, raise_collected
from biaozhu.data.layers import is_beside, join_layers, read_layer
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence

READER = "biaozhu.GoldCorpus.v1"
STEP = "align"


@dataclass(frozen=True, slots=True)
class GoldCorpus:
    """Gold layers by path or glob pattern, relative to the working folder; called with a pipeline it gives Examples."""

    paths: tuple[str, ...]

    def files(self) -> tuple[Path, ...]:
        """Return the files, each once, sorted; see `match_files`."""
        return match_files(self.paths, where=READER)

    def sentences(self) -> tuple[Sentence, ...]:
        """Read all files; a sentence that is in two of them is an error."""
        return join_layers((path, read_layer(path)) for path in self.files())

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield an Example for each sentence."""
        return iter(make_examples(nlp, self.sentences())[0])


def gold_corpus(paths: str | list[str]) -> GoldCorpus:
    """Return the corpus that a config names as `biaozhu.GoldCorpus.v1`."""
    return GoldCorpus((paths,) if isinstance(paths, str) else tuple(paths))


def match_files(paths: Sequence[str], *, where: str) -> tuple[Path, ...]:
    """Return the files that paths or glob patterns name, each once, sorted; one that names no file is an error."""
    if not paths:
        raise ConfigError("paths is empty: there is nothing to read", where=where)
    # glob, not Path.glob: patterns may be absolute. A file may be called as a pattern is written.
    found = {path: [path] if Path(path).is_file() else glob.glob(path, recursive=True) for path in paths}  # noqa: PTH207 — as said
    missing = [path for path, names in found.items() if not names]
    raise_collected([MissingFileError("no such file to train on", where=path) for path in missing])
    files = {Path(name) for names in found.values() for name in names}
    return tuple(sorted(file for file in files if not is_beside(file)))


def make_examples(nlp: Language, sentences: Iterable[Sentence]) -> tuple[list[Example], tuple[Entry, ...]]:
    """Make an Example of each sentence; the tokens under a span that cannot be aligned count as unknown, not as O.

    Returned with them is a loss for each span whose borders are not token borders.
    """
    examples, entries = [], []
    for sentence in sentences:
        reference = nlp.make_doc(sentence.text)
        if reference.text != sentence.text:
            advice = "Use biaozhu.CharTokenizer.v1"
            raise OffsetError("the tokenizer changes the text", where=sentence.id, next_step=advice)
        aligned: list[SpacySpan] = []
        around: list[Token] = []
        for span in sentence.spans:
            tokens = reference.char_span(span.start, span.end, label=span.label)
            if tokens is not None:
                aligned.append(tokens)
                continue
            words = reference.char_span(span.start, span.end, alignment_mode="expand") or ()
            around += words
            text, detail = sentence.text[span.start : span.end], "|".join(token.text for token in words)
            reason = "not on token borders"
            entries.append(Entry(STEP, "loss", reason, sentence.id, *span.key, text, span.source, detail))
        unknown = {token.i for token in around} - {token.i for tokens in aligned for token in tokens}
        reference.set_ents(aligned, missing=[reference[at : at + 1] for at in sorted(unknown)])
        examples.append(Example(nlp.make_doc(sentence.text), reference))
    return examples, tuple(entries)


def list_contradicted(sentences: Iterable[Sentence]) -> tuple[str, ...]:
    """Return the id of each sentence whose text the gold marks in another way in one before it."""
    first: dict[str, Sentence] = {}
    return tuple(
        one.id
        for one in sentences
        if {span.key for span in first.setdefault(one.text, one).spans} != {span.key for span in one.spans}
    )
