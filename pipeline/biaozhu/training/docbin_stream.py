"""DocBin shards as training data that are never in memory as a whole.

A config names them as [corpora.train] with `@readers = "biaozhu.DocBinStream.v1"`. Shards are read one after the other;
what comes from them passes through a buffer from which the next sentence is drawn by chance, so that neighbours of an
article part and memory holds one shard and one buffer, whatever the number of shards.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from spacy import tokens
from spacy.language import Language
from spacy.training import Example
from spacy.vocab import Vocab

from biaozhu.data.errors import ConfigError, ShardError, TrainingError, raise_collected
from biaozhu.data.files import read_bytes, sha256_of
from biaozhu.data.model import Sentence, Span
from biaozhu.nlp.tokenizer import CharTokenizer
from biaozhu.training.card import DataFile
from biaozhu.training.gold import match_files

READER = "biaozhu.DocBinStream.v1"
BUFFER_SENTENCES, SAMPLE_SENTENCES = 10_000, 1000
MAX_UNPACKED_BYTES, CHUNK_BYTES = 1 << 30, 1 << 20
# spaCy's `Token.ent_iob`.
MISSING = 0


class AnnotatedText(NamedTuple):
    """A text with its spans, and the stretches, half open, of which nobody knows whether they are spans."""

    sentence: Sentence
    unknown: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DocBinStream:
    """Shards by path or glob pattern, relative to the working folder; called with a pipeline it gives Examples."""

    paths: tuple[str, ...]
    buffer: int
    seed: int

    def files(self) -> tuple[Path, ...]:
        """Return the shards, each once, sorted; see `match_files`."""
        return match_files(self.paths, where=READER)

    def survey(self) -> tuple[DataFile, list[AnnotatedText], int]:
        """Read all shards once, so that what is wrong in the last is known before training begins.

        Returned are the card's line, and a sample: the first sentences of the stream in the order of the files, and after them the first of
        each label that those lack; and how many the former are.
        """
        files = self.files()
        digest = hashlib.sha256()
        sentences = spans = 0
        first: list[AnnotatedText] = []
        late: dict[str, AnnotatedText] = {}
        known: set[str] = set()
        problems: list[ShardError] = []
        for path in files:
            digest.update(f"{sha256_of(path)}  {path.name}\n".encode("utf-8", "surrogateescape"))
            try:
                for text in read_shard(path):
                    sentences += 1
                    spans += len(text.sentence.spans)
                    labels = {span.label for span in text.sentence.spans}
                    if len(first) < SAMPLE_SENTENCES:
                        first.append(text)
                    else:
                        late |= dict.fromkeys(labels - known, text)
                    known |= labels
            except ShardError as error:
                problems.append(error)
        raise_collected(problems)
        if not spans:
            raise TrainingError("the shards have no spans to learn from", next_step="Give annotated shards")
        name = f"{', '.join(self.paths)} ({len(files)} shards, checksum of their `sha256sum`)"
        return DataFile(name, digest.hexdigest(), sentences, spans), [*first, *late.values()], len(first)

    def __call__(self, nlp: Language, epoch: int = 0) -> Iterator[Example]:
        """Yield each sentence once, in an order that seed and epoch decide; `spacy train` wants `max_epochs = -1`."""
        draw = random.Random(f"{self.seed} {epoch}")  # noqa: S311 — an order, no secret
        files = list(self.files())
        draw.shuffle(files)
        read = (text for path in files for text in read_shard(path))
        for text in shuffle_stream(read, self.buffer, draw):
            yield make_example(nlp, text)


def docbin_stream(paths: str | list[str], buffer: int = BUFFER_SENTENCES, seed: int = 1) -> DocBinStream:
    """Return the stream that a config names as `biaozhu.DocBinStream.v1`, of DocBin files (`.spacy`) of biaozhu or of anybody.

    The next sentence is drawn from `buffer` of them (1 leaves the order of the shards) by `seed`. A sentence that is in two shards is
    learned from twice: comparing them would take memory for all of them.
    """
    if buffer < 1:
        raise ConfigError(f"a buffer of {buffer} sentences holds none", where=READER)
    return DocBinStream((paths,) if isinstance(paths, str) else tuple(paths), buffer, seed)


def read_shard(path: Path) -> Iterator[AnnotatedText]:
    """Yield the texts of a DocBin with their entities, empty ones left out.

    ShardError says that it is not a DocBin, unpacks to too much, or has span groups that are not entities, which training would not see.
    """
    where = str(path)
    data = read_bytes(path)
    try:
        _check_size(data, where)
        # A vocabulary of its own: words of foreign shards would pile up in the pipeline's.
        for doc in tokens.DocBin().from_bytes(data).get_docs(Vocab()):
            if doc.text:
                yield _read_doc(doc, where)
    except ShardError:
        raise
    except Exception as error:  # noqa: BLE001 — what foreign bytes raise depends on the bytes
        what = " ".join(str(error).split())[:120]
        raise ShardError(f"no DocBin ({type(error).__name__}: {what})", where=where) from None


def shuffle_stream(items: Iterable[AnnotatedText], buffer: int, draw: random.Random) -> Iterator[AnnotatedText]:
    """Yield all items once, each drawn from the next `buffer` that have not been yielded."""
    held: list[AnnotatedText] = []
    for item in items:
        if len(held) < buffer:
            held.append(item)
            continue
        at = draw.randrange(buffer)
        yield held[at]
        held[at] = item
    draw.shuffle(held)
    yield from held


def make_example(nlp: Language, text: AnnotatedText) -> Example:
    """Make an Example whose tokens are code points, so that no span can fail to align."""
    if not isinstance(nlp.tokenizer, CharTokenizer):
        raise ConfigError(f"{READER} needs biaozhu.CharTokenizer.v1 as the tokenizer", where="nlp.tokenizer")
    sentence, unknown = text
    reference = nlp.make_doc(sentence.text)
    reference.set_ents(
        [tokens.Span(reference, one.start, one.end, label=one.label) for one in sentence.spans],
        missing=[tokens.Span(reference, start, end) for start, end in unknown],
    )
    return Example(nlp.make_doc(sentence.text), reference)


def _read_doc(doc: tokens.Doc, where: str) -> AnnotatedText:
    groups = (doc.ents, *doc.spans.values())
    ents, *others = ([Span(one.start_char, one.end_char, one.label_) for one in group] for group in groups)
    if outside := sum(one not in ents for group in others for one in group):
        raise ShardError(
            f"{outside} spans of doc.spans are not entities in {doc.text[:20]!r}: training would not see them",
            where=where,
            next_step="Make them entities, or `biaozhu import` it, which names them in its ledger",
        )
    unknown = tuple((token.idx, token.idx + len(token.text_with_ws)) for token in doc if token.ent_iob == MISSING)
    # A name that tells no sentences from each other: there are too many to compare.
    return AnnotatedText(Sentence("0" * 12, 0, len(doc.text), doc.text, tuple(ents)), unknown)


def _check_size(data: bytes, where: str) -> None:
    # In chunks: a small file must not take so much memory before it is refused.
    unpacking, size = zlib.decompressobj(), 0
    while data and not unpacking.eof:
        size += len(unpacking.decompress(data, CHUNK_BYTES))
        data = unpacking.unconsumed_tail
        if size > MAX_UNPACKED_BYTES:
            raise ShardError(f"it unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB", where=where)
