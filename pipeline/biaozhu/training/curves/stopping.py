"""Decision on another round of annotation: the curve through the rounds so far, and the gain that it promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from biaozhu.data.errors import LineError
from biaozhu.data.files import parse_json_as, read_bytes, write_json
from biaozhu.data.model import Sentence
from biaozhu.training.card import ALL, score_strictly
from biaozhu.training.curves.extrapolation import FAILURES, Gain, extrapolate

# Of F1, half a point in a hundred; `loop --worth` takes another.
WORTH = 0.005
FOUR_ROUNDS = "that needs four rounds, and a curve that fits them"

Advice = Literal["go on", "stop", "open", "unknown"]


@dataclass(frozen=True, slots=True)
class RoundScore:
    """Sentences of gold after a round, and gold, found and right spans of each test sentence, by its id."""

    sentences: int
    counts: dict[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """Gain in F1 expected of another batch, and the advice: `open` where the interval holds `worth`."""

    advice: Advice
    worth: float
    gain: Gain | None
    failure: str = ""


def describe_outlook(outlook: Outlook) -> str:
    """Say in a sentence what another batch is expected to add."""
    gain = outlook.gain
    if gain is None or gain.low is None or gain.high is None:
        return f"whether another batch helps cannot be told yet: {outlook.failure or FOUR_ROUNDS}"
    more, change, low, high = gain.more, f"{gain.gain:+.4f}", f"{gain.low:+.4f}", f"{gain.high:+.4f}"
    if outlook.advice == "go on":
        return f"{more} more sentences are expected to change F1 by {change} ({low} to {high}), more than {outlook.worth:g}: go on"
    if outlook.advice == "stop":
        return f"{more} more sentences are expected to change F1 by {change} ({low} to {high}), no more than {outlook.worth:g}: you can stop"
    return f"{more} more sentences are expected to change F1 by {change} ({low} to {high}); whether that is more than {outlook.worth:g} is open"


def count_round(gold: Sequence[Sentence], predicted: Sequence[Sentence], *, sentences: int) -> RoundScore:
    """Count the spans of each test sentence after a round."""
    pairs = zip(gold, predicted, strict=True)
    return RoundScore(sentences, {one.id: astuple(score_strictly([one], [other])[ALL]) for one, other in pairs})


def expect_gain(rounds: Sequence[RoundScore], *, more: int, worth: float = WORTH) -> Outlook:
    """Extrapolate F1 over the rounds to another batch; rounds on other test sentences than the last do not count."""
    same = [one for one in rounds if one.counts.keys() == rounds[-1].counts.keys()]
    if not same or not same[-1].counts:
        return Outlook("unknown", worth, None, "no round has a score")
    counts = np.array([[[one.counts[sid] for sid in same[-1].counts]] for one in same], np.int64)
    sizes = [one.sentences for one in same]
    result = extrapolate(sizes, counts, annotated=sizes[-1], more=more)
    gain = result.gain
    if gain is None:
        return Outlook("unknown", worth, None, FAILURES[result.failure] if result.failure else "")
    if gain.low is None or gain.high is None:
        return Outlook("unknown", worth, gain, "the gain has no interval")
    return Outlook("go on" if gain.low > worth else "stop" if gain.high <= worth else "open", worth, gain)


def write_round(path: Path, score: RoundScore) -> None:
    """Write the score of a round, whole or not at all."""
    write_json(path, asdict(score), indent=None)


def read_round(path: Path) -> RoundScore:
    """Read the score of a round; LineError if the file is not as `write_round` writes it."""
    try:
        return parse_json_as(read_bytes(path), RoundScore)
    except ValueError:
        advice = "Restore the file, or remove it"
        raise LineError("not the score of a round", where=str(path), next_step=advice) from None
