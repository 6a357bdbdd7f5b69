"""How annotators treat pre-annotations, as the report shows it: two tables from what `biaozhu bias -o` writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.curation.bias import UNSCORED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Words = Callable[..., str]

CONTRASTS = ("agreement", "errors_taken", "omissions_taken")
# Without gold there are no figures about errors.
NEEDS_GOLD = frozenset({"errors_taken", "omissions_taken"})
FATES = ("kept", "moved", "relabelled", "removed", "added")


@dataclass(frozen=True, slots=True)
class ShownRate:
    """A share, under a heading where `first`."""

    name: str
    count: int
    of: int
    rate: float | None
    first: bool


@dataclass(frozen=True, slots=True)
class ShownContrast:
    """A figure with the pre-annotation shown and withheld; the bounds are None where there is no interval."""

    name: str
    shown: float | None
    blind: float | None
    difference: float | None
    low: float | None
    high: float | None


def shown_bias(bias: Mapping[str, Any], labels: Mapping[str, str], words: Words) -> dict[str, Any]:
    """Return what the template names of a bias file.

    Args:
        bias: as `biaozhu.curation.bias.Bias`, in plain values.
        labels: the name of each label.
        words: the translator.

    Raises:
        KeyError, TypeError, AttributeError: it is no such file.
    """
    rates = [
        _rate(words("bias.accepted"), bias["accepted"], first=True),
        *(_rate(name, one) for name, one in bias["accepted_by_annotator"].items()),
        _rate(words("bias.edited"), bias["edited"], first=True),
        *(_rate(labels.get(label, label), one) for label, one in bias["edited_by_label"].items()),
        *(
            _rate(words("no_score") if band == UNSCORED else words("bias.score", band=band), one)
            for band, one in bias["edited_by_score"].items()
            if one["of"]
        ),
    ]
    contrasts = [
        _contrast(words(f"bias.{name}"), bias[name])
        for name in CONTRASTS
        if not (name in NEEDS_GOLD and bias[name] is None)
    ]
    fates = words("stop").join(f"{words(f'fate.{fate}')} {bias['fates'][fate]:d}" for fate in FATES)
    sizes = bias["sentences"]
    return {
        "sizes": words("bias.sizes", shown=f"{sizes['shown']:d}", blind=f"{sizes['blind']:d}"),
        "fates": words("bias.fates", fates=fates),
        "rates": rates,
        "contrasts": contrasts,
    }


def _rate(name: str, rate: Mapping[str, Any], *, first: bool = False) -> ShownRate:
    return ShownRate(name, rate["count"], rate["of"], rate["rate"], first)


def _contrast(name: str, contrast: Mapping[str, Any]) -> ShownContrast:
    low, high = contrast["interval"] or (None, None)
    shown, blind = contrast["shown"]["rate"], contrast["blind"]["rate"]
    return ShownContrast(name, shown, blind, contrast["difference"], low, high)
