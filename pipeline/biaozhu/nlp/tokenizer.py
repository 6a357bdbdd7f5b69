"""A spaCy tokenizer that makes each code point a token, so that every span can be aligned."""

from __future__ import annotations

from collections.abc import Callable

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import DummyTokenizer
from spacy.vocab import Vocab


class CharTokenizer(DummyTokenizer):
    """Makes each code point a token, white space too; the Doc's text is the text, character for character.

    spaCy's own character segmentation hangs a single space on the token before it, and a span that ends at such a
    space or begins with one could not be distinguished.
    """

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """Return the Doc of a text."""
        return Doc(self.vocab, words=list(text), spaces=[False] * len(text))


def make_char_tokenizer() -> Callable[[Language], CharTokenizer]:
    """Return the factory that a config names as `biaozhu.CharTokenizer.v1`."""
    return lambda nlp: CharTokenizer(nlp.vocab)
