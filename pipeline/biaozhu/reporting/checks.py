"""What a report shows besides scores: learning curve, agreement, bias, round trip and ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biaozhu.data.ledger import count_by_reason, losses
from biaozhu.reporting.annotator_tables import KINDS, agreement_tables
from biaozhu.reporting.bias_tables import shown_bias
from biaozhu.reporting.inputs import is_whole
from biaozhu.reporting.page import figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from biaozhu.reporting.inputs import Material

    Words = Callable[..., str]

NOTHING = "–"


def shown_checks(
    material: Material, labels: Mapping[str, str], titles: Mapping[str, str], words: Words
) -> dict[str, Any]:
    """Return what the templates name of learning curve, agreement, bias, round trip and ledger.

    Args:
        material: everything to be shown.
        labels: the name of each label.
        titles: article id -> its title.
        words: the translator.
    """
    trip, curve, ledger = material.round_trip, material.curve, material.ledger
    lost = losses(ledger or ())
    decisions = [entry for entry in ledger or () if entry.severity == "decision"]
    return {
        "learning_chart": figures.learning_chart(curve, words) if curve else None,
        "learning_worth": figures.learning_worth(curve, words) if curve else "",
        "agreement": agreement_tables(material.agreement, titles, words) if material.agreement else None,
        "disagreement_kinds": KINDS,
        "bias": shown_bias(material.bias, labels, words) if material.bias else None,
        "round_trip": None if trip is None else _round_trip(trip, words),
        "ledger": None
        if ledger is None
        else {
            "losses": lost,
            "decision_count": len(decisions),
            "decisions": list(count_by_reason(decisions).items()),
        },
        "round_trip_line": words("round_trip")
        + words("colon")
        + words("not_checked" if trip is None else _state(trip)),
        "ledger_line": words("ledger")
        + words("colon")
        + (words("not_checked") if ledger is None else words("ledger.losses", count=len(lost))),
    }


def _round_trip(trip: Mapping[str, Any], words: Words) -> dict[str, Any]:
    changes = trip.get("changes", ())
    return {
        "whole": is_whole(trip),
        "state": words(_state(trip)),
        "text": words(
            "round_trip.text",
            returned=trip.get("sentences", NOTHING),
            changes=len(changes),
            losses=len(trip.get("losses", ())),
        ),
        "changes": [
            {
                "sentence": change["sentence"],
                "kind": words(f"change.{change['kind']}"),
                "what": change.get("text") or "",
                "before": _span(change.get("before")),
                "after": _span(change.get("after")),
            }
            for change in changes
        ],
    }


def _state(trip: Mapping[str, Any]) -> str:
    if not is_whole(trip):
        return "round_trip.differs"
    return "round_trip.same" if trip["identical"] else "round_trip.edited"


def _span(span: Mapping[str, Any] | None) -> str:
    return f"{span['label']} {span['start']}–{span['end']}" if span else NOTHING


def alerts(material: Material, words: Words) -> list[str]:
    """Return the lines that stand on red at the top of the report: losses, and a round trip that differs."""
    found = []
    lost = losses(material.ledger or ())
    if lost:
        found.append(words("alert.losses", count=len(lost)))
    if material.round_trip is not None and not is_whole(material.round_trip):
        found.append(words("alert.round_trip"))
    return found
