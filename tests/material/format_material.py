"""Sentences with everything that offsets and separators stumble over. Names are invented."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

from biaozhu.data.model import Sentence, Span

# White space, line separators, marks, what is outside the BMP, and what formats use themselves.
HARD = ("𠮷", "😀", "👨‍👩‍👧", "e\u0301", "\r\n", "\n", "\r", " ", "\u3000", "\u2028", "\u2029", "\x85", "\x0b", "\x1c",
        "\t", "\\", "\\u{20}", "#", "# sent_id = x", "O", "B-PLACE", "\ufeff", "\u200b", "\u200f", "<b>&", '"', "{", "NaN",
        "|", ";", "\x00", "-DOCSTART-")  # fmt: skip
PIECES = st.one_of(st.sampled_from(HARD), st.text(min_size=1, max_size=3), st.sampled_from("白水县林小满三万元"))


@st.composite
def sentences(draw: st.DrawFn, *, labels: tuple[str, ...] = ("PLACE", "PERSON", "AMOUNT")) -> list[Sentence]:
    """Sentences of one or two articles with disjoint spans at any offsets."""
    made: list[Sentence] = []
    for article in ("a" * 12, "0123456789ab")[: draw(st.integers(1, 2))]:
        position = 0
        for _ in range(draw(st.integers(1, 3))):
            text = "".join(draw(st.lists(PIECES, min_size=1, max_size=8)))
            borders = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
            # Neighbours too: every border may end a span and begin the next.
            spans = tuple(
                Span(
                    start,
                    end,
                    draw(st.sampled_from(labels)),
                    draw(st.sampled_from(("", "lac", '来源 "x"\n'))),
                    draw(st.one_of(st.none(), st.floats(0, 1))),
                )
                for start, end in itertools.pairwise(borders)
                if draw(st.booleans())
            )
            made.append(Sentence(article, position, position + len(text), text, spans))
            position += len(text) + draw(st.integers(0, 3))
    return made
