"""Offsets in UTF-16 units, as browsers and Doccano count them, from code points and back."""


def to_units(text: str, offset: int) -> int:
    """Convert an offset from code points to UTF-16 units."""
    return offset + sum(character > "\uffff" for character in text[:offset])


def from_units(text: str, units: int) -> int | None:
    """Convert an offset from UTF-16 units to code points; None inside a surrogate pair or outside the text."""
    offset = 0
    for position, character in enumerate(text):
        if offset >= units:
            return position if offset == units else None
        offset += 2 if character > "\uffff" else 1
    return len(text) if offset == units else None
