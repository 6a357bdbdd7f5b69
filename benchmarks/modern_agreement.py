"""Strict F1 of the two readings of the modern corpus, by part, label and kind of text: `python benchmarks/modern_agreement.py`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "annotations" / "modern"


def read_spans(name: str) -> list[tuple[str, str, set[tuple[int, int, str]]]]:
    """Read a reader's file: part, kind and spans of each sentence."""
    rows = map(json.loads, (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines())
    return [(row["part"], row["kind"], {tuple(span) for span in row["spans"]}) for row in rows]


def main() -> None:
    """Print a table in Markdown."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for (part, kind, ours), (_, _, theirs) in zip(read_spans("reader-a"), read_spans("reader-b"), strict=True):
        for group in dict.fromkeys(("all", part, kind)):
            counts[group, "", "sentences"] += 1
            for label in ("", "PLACE", "PERSON", "AMOUNT"):
                one, other = ({span for span in spans if label in ("", span[2])} for spans in (ours, theirs))
                counts[group, label, "same"] += len(one & other)
                counts[group, label, "all"] += len(one) + len(other)
    print("| | sentences | all | PLACE | PERSON | AMOUNT |\n|---|---:|---:|---:|---:|---:|")
    for group in dict.fromkeys(group for group, _, _ in counts):
        cells = [
            f"{2 * counts[group, label, 'same'] / counts[group, label, 'all']:.3f}"
            if counts[group, label, "all"]
            else "–"
            for label in ("", "PLACE", "PERSON", "AMOUNT")
        ]
        print(f"| {group} | {counts[group, '', 'sentences']:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
