"""The label set: configs/labels.toml is the one place where a label is added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from biaozhu.data.errors import LabelsFileError
from biaozhu.data.files import parse_toml
from biaozhu.data.model import TOTALS
from biaozhu.data.shipped import find_shipped

DEFAULT = Path("configs/labels.toml")


@dataclass(frozen=True, slots=True)
class Label:
    """A label: its id in files, the name annotators see, its colour (#rrggbb), one-key shortcut and definition."""

    id: str
    name: str
    color: str
    shortcut: str
    definition: str


def read_labels(path: str | Path = DEFAULT) -> tuple[Label, ...]:
    """Read the labels in the order of the file, see `find_shipped`; LabelsFileError says what is wrong with it."""
    path = find_shipped(Path(path))
    where = str(path)
    try:
        table = parse_toml(path)
    except ValueError as error:
        raise LabelsFileError(f"not TOML: {error}", where=where) from None
    entries = table.get("label", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise LabelsFileError("label is not written as [[label]]", where=where)
    if strange := sorted(table.keys() - {"label"}):
        raise LabelsFileError(f"unknown key {strange[0]!r}, labels stand under [[label]]", where=where)
    labels = tuple(_label(entry, where) for entry in entries)
    if not labels:
        raise LabelsFileError("no [[label]] in it", where=where)
    for key in ("id", "name", "shortcut"):
        # One character may be written as two (é), which nobody sees.
        values = [normalize("NFC", getattr(label, key)) for label in labels]
        if len(set(values)) < len(values):
            raise LabelsFileError(f"two labels share the same {key}", where=where)
    return labels


def advise_on_label(path: Path = DEFAULT) -> str:
    """Return what to do about a label that the label set lacks: the package's own label set is nobody's to change."""
    if find_shipped(path) == path:
        return f"Correct it, or add it to {path}"
    return f"Correct it; or lay out a label set of your own with `biaozhu new .`, and add it to {path}"


def _label(entry: dict[str, object], where: str) -> Label:
    keys = tuple(Label.__dataclass_fields__)
    missing = [key for key in keys if not isinstance(entry.get(key), str) or not entry[key]]
    if missing:
        raise LabelsFileError(f"label {entry.get('id', '?')} lacks {', '.join(missing)}", where=where)
    label = Label(**{key: str(entry[key]) for key in keys})
    if strange := sorted(entry.keys() - set(keys)):
        raise LabelsFileError(f"label {label.id} has the unknown key {strange[0]!r}", where=where)
    if label.id in TOTALS:
        what = f"the label {label.id!r} is what scores call all labels together, or none"
        raise LabelsFileError(what, where=where, next_step="Give it another id")
    # What nobody sees would make two labels of one.
    if not label.id.isprintable() or " " in label.id:
        raise LabelsFileError(f"the id {label.id!r} holds a blank or a character that is not seen", where=where)
    # Doccano takes no other.
    if not re.fullmatch("[0-9a-z]", label.shortcut):
        what = f"the shortcut of {label.id} is {label.shortcut!r}, one of 0-9 and a-z is needed"
        raise LabelsFileError(what, where=where, next_step="Give a key that no other label has")
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", label.color):
        raise LabelsFileError(f"the color of {label.id} is not #rrggbb", where=where)
    return label
