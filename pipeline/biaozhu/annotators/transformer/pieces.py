"""Text cut to the pieces of words that a transformer knows, each character with its piece.

The pieces and their probabilities are XLM-RoBERTa's (Conneau et al. 2020, https://arxiv.org/abs/1911.02116); the likeliest
cut under a unigram model is taken (Kudo 2018, https://arxiv.org/abs/1804.10959), among those that the model keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# The first rows: begin, padding, end, and what is no piece.
BEGIN, PADDING, END, UNKNOWN = range(4)
BLANK = "▁"
LONGEST_PIECE_CHARS = 16
# The transformer has 512 positions, two of them for begin and end. A character that is read as many (ﷺ: 18) stands for
# itself where these would not suffice; a text has 400 characters at most.
MOST_SIGNS = 510
# The place of a character in its piece counts no further.
LAST_PLACE = 3
# What a character that is in no piece costs more than the rarest piece.
UNKNOWN_COST = 10.0


class CutText(NamedTuple):
    """A text's pieces as rows, with begin and end; for each character the position of its piece, and its place in it."""

    rows: list[int]
    owners: list[int]
    places: list[int]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces with their rows and log probabilities, and what each character is read as."""

    known: Mapping[str, tuple[int, float]]
    forms: Mapping[str, str]
    # The length of the longest piece that begins with a character.
    reach: Mapping[str, int]
    unknown: float

    def cut(self, text: str) -> CutText:
        """Cut a text of at least one character."""
        signs, sources = self._spell(text)
        cuts = self._best_cuts(signs)
        rows = [BEGIN, *(row for _, _, row in cuts), END]
        owners, places = [0] * len(text), [0] * len(text)
        for position, (start, end, _) in enumerate(cuts, 1):
            for at in range(start, end):
                source = sources[at]
                if source >= 0 and not owners[source]:
                    owners[source], places[source] = position, min(at - start, LAST_PLACE)
        for at, owner in enumerate(owners):
            if not owner:
                # A character that is read as nothing, such as the second of two blanks.
                owners[at] = owners[at - 1] if at else 1
        return CutText(rows, owners, places)

    def _spell(self, text: str) -> tuple[str, list[int]]:
        """Return the text as the pieces spell it, behind a blank, and the character that each sign comes from (-1: none)."""
        signs, sources = [BLANK], [-1]
        spare = MOST_SIGNS - len(signs) - len(text)
        for at, character in enumerate(text):
            form = self.forms.get(character, character)
            if len(form) - 1 > spare:
                form = character
            spare -= max(0, len(form) - 1)
            for sign in form:
                if sign != " ":
                    signs.append(sign)
                elif signs[-1] != BLANK:
                    signs.append(BLANK)
                else:
                    continue
                sources.append(at)
        return "".join(signs), sources

    def _best_cuts(self, signs: str) -> list[tuple[int, int, int]]:
        """Return start, end and row of each piece of the likeliest cut."""
        best = [0.0, *[-np.inf] * len(signs)]
        begun: list[tuple[int, int]] = [(0, UNKNOWN)] * (len(signs) + 1)
        for start, sign in enumerate(signs):
            reached = best[start]
            for end in range(start + 1, min(len(signs), start + self.reach.get(sign, 0)) + 1):
                found = self.known.get(signs[start:end])
                if found is not None and reached + found[1] > best[end]:
                    best[end], begun[end] = reached + found[1], (start, found[0])
            if reached + self.unknown > best[start + 1]:
                best[start + 1], begun[start + 1] = reached + self.unknown, (start, UNKNOWN)
        cuts, end = [], len(signs)
        while end:
            start, row = begun[end]
            cuts.append((start, end, row))
            end = start
        return cuts[::-1]


def make_pieces(words: Sequence[str], scores: Sequence[float], forms: Mapping[str, str]) -> Pieces:
    """Return the pieces, whose rows are their positions; the first four stand for none."""
    known = {word: (row, score) for row, (word, score) in enumerate(zip(words, scores, strict=True)) if row > UNKNOWN}
    reach: dict[str, int] = {}
    for word in known:
        if len(word) <= LONGEST_PIECE_CHARS:
            reach[word[0]] = max(reach.get(word[0], 0), len(word))
    return Pieces(known, forms, reach, min(scores, default=0.0) - UNKNOWN_COST)


def pack_pieces(words: Sequence[str], scores: Sequence[float], forms: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return the arrays that `unpack_pieces` makes pieces of; no piece and no form holds a line feed."""
    return {
        "pieces": _in_bytes("\n".join(words)),
        "piece_scores": np.asarray(scores, np.float32),
        "formed": np.array([ord(one) for one in forms], np.uint32),
        "forms": _in_bytes("\n".join(forms.values())),
    }


def unpack_pieces(arrays: Mapping[str, np.ndarray]) -> Pieces:
    """Return the pieces of such arrays; KeyError where one is missing, ValueError where they do not fit together."""
    words = arrays["pieces"].tobytes().decode("utf-8").split("\n")
    forms = arrays["forms"].tobytes().decode("utf-8").split("\n")
    signs = map(chr, arrays["formed"].tolist())
    return make_pieces(words, arrays["piece_scores"].tolist(), dict(zip(signs, forms, strict=True)))


def _in_bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-8"), np.uint8)
