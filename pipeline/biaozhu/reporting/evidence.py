"""Files of other commands that a report shows besides scores: round trip, agreement, learning curve, bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from biaozhu.curation.agreement import FORMAT as AGREEMENT
from biaozhu.curation.agreement import Agreement
from biaozhu.curation.bias import FORMAT as BIAS
from biaozhu.curation.bias import Bias
from biaozhu.data.diff import FORMAT as ROUND_TRIP
from biaozhu.data.diff import NOT_BY_PEOPLE, Change
from biaozhu.data.errors import ReportInputError
from biaozhu.data.files import parse_json_as, read_bytes
from biaozhu.reporting.page.strings import read_strings

if TYPE_CHECKING:
    from pathlib import Path

CURVE = "biaozhu.curve.v1"  # as in training.curve, whose import takes seconds

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Result of `pull --compare`: how many sentences came back, what changed and what was lost."""

    identical: bool
    sentences: int | None = None
    changes: tuple[Change, ...] = ()
    losses: tuple[Any, ...] = ()

    @property
    def whole(self) -> bool:
        """Nothing was lost or changed on the way; what people changed in Doccano is not an error."""
        return not self.losses and not any(change.kind in NOT_BY_PEOPLE for change in self.changes)

    @property
    def state(self) -> str:
        """The key of the words that say so."""
        if not self.whole:
            return "round_trip.differs"
        return "round_trip.same" if self.identical else "round_trip.edited"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """F1 after training on so many sentences, with its band; None where it is undefined."""

    sentences: float
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class CurveFit:
    """A point of the extrapolated curve."""

    sentences: float
    f1: float


@dataclass(frozen=True, slots=True)
class CurveFigures:
    """Output of `curve -o` that a report shows: points, extrapolation, the gain of 100 more sentences."""

    points: tuple[CurvePoint, ...]
    fit: tuple[CurveFit, ...] = ()
    worth: float | None = None
    worth_low: float | None = None
    worth_high: float | None = None
    distinguishable: bool | None = None
    failure: str | None = None


FORMS: dict[type, str] = {RoundTrip: ROUND_TRIP, Agreement: AGREEMENT, CurveFigures: CURVE, Bias: BIAS}
WRONG: dict[type, str] = {
    RoundTrip: "not what `biaozhu pull --compare LAYER --result` writes",
    Agreement: "not what `biaozhu agree -o` writes",
    CurveFigures: "not what `biaozhu curve -o` writes",
    Bias: "not what `biaozhu bias -o` writes",
}


def read_evidence(path: Path, kind: type[Value]) -> Value:
    """Read what the command of this kind wrote; ReportInputError where it is not what this version writes."""
    value = _read_object(path, FORMS[kind])
    if kind is Agreement and isinstance(articles := value.get("by_article"), dict):
        # Before there were months it wrote the bare F1 of each article.
        value["by_article"] = {
            name: {"comparisons": None, "strict": group} if isinstance(group, float) else group
            for name, group in articles.items()
        }
    try:
        found = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ReportInputError(f"{WRONG[kind]}: {error}", where=str(path)) from None
    failure = found.failure if isinstance(found, CurveFigures) else None
    if failure and f"learning.failure.{failure}" not in read_strings():
        raise ReportInputError(f"not what `biaozhu curve -o` writes: failure {failure!r}", where=str(path))
    return found


def _read_object(path: Path, form: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = parse_json_as(read_bytes(path), dict)
    except ValueError as error:
        raise ReportInputError(f"not a JSON object ({error})", where=str(path)) from None
    # The first versions wrote no format.
    if value.get("format", form) != form:
        raise ReportInputError(f"the format is {value['format']}, not {form}", where=str(path))
    return value
