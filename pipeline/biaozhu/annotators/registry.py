"""Annotators by name: what each of them finds, and which labels it may propose where layers are combined.

An annotator takes the texts of one article, its sentences in order, and gives the spans of each: a layer that has the
annotator's name. Other packages register theirs by entry points of the group `biaozhu_annotators`, a file of your own
does it with the decorator (docs/own-labels.md has one; the label must be in configs/labels.toml).
"""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import entry_points
from operator import attrgetter
from pathlib import Path

from biaozhu.annotators.characters import with_whole_characters
from biaozhu.annotators.words import LacWord
from biaozhu.data.errors import AnnotatorError, BiaozhuError, MissingFileError, bug_from
from biaozhu.data.model import Span

Rows = list[tuple["Span", ...]]
Find = Callable[..., Iterable[Iterable["Span"]]]
BY_PLACE = attrgetter("start", "end")
_REGISTERED: dict[str, Annotator] = {}


@dataclass(frozen=True, slots=True)
class Annotator:
    """One way to find spans; its name is that of its layer, and the source of its spans.

    `find` makes of the texts of an article the spans of each, in any order, disjoint; where it `reads_words` it is called with the
    network's words of each text, too. `proposes` has a priority for each label: of proposals that overlap, the one of the higher priority
    stands, whatever the labels. Ours have 45 and 40 for AMOUNT, 30 for PERSON and 10 for PLACE. Spans of other labels, and those with less
    than `min_score` (of all labels, or by label), only confirm what another annotator proposes. A span with less than its label has in
    `sure` is a doubtful proposal: it stands where a span of that label of another annotator overlaps it, or where none that proposes the
    label takes part. `by_sentence` says that the spans of a text
    depend on that text alone, so that texts of several articles may come in one call; `built_in` that it is part of biaozhu, so that what
    it does wrong is a bug.
    """

    name: str
    find: Find = field(repr=False)
    proposes: Mapping[str, int] = field(default_factory=dict)
    min_score: float | Mapping[str, float] = 0.0
    reads_words: bool = False
    by_sentence: bool = False
    built_in: bool = False
    sure: Mapping[str, float] = field(default_factory=dict)

    def min_score_of(self, label: str) -> float:
        """Return the least score with which a span of a label is proposed."""
        return self.min_score.get(label, 0.0) if isinstance(self.min_score, Mapping) else self.min_score

    def annotate(self, texts: Sequence[str], words: Sequence[Sequence[LacWord]] = ()) -> Rows:
        """Return the spans of each text, sorted, with this annotator as source.

        It fails, also where it gives spans that no layer can hold, with AnnotatorError, an annotator of biaozhu with BugError.
        """
        try:
            found = self.find(texts, words) if self.reads_words else self.find(texts)
            return [self._checked(text, row) for text, row in zip(texts, found, strict=True)]
        except BiaozhuError:
            raise
        except Exception as error:
            bug = bug_from(error, where=self.name)
            raise (bug if self.built_in else AnnotatorError(bug.what, where=self.name)) from error

    def _checked(self, text: str, found: Iterable[Span]) -> tuple[Span, ...]:
        row = tuple(sorted(found, key=BY_PLACE))
        reached = 0
        for span in row:
            start, end = span.start, span.end
            if not reached <= start < end <= len(text):
                what = f"span {start}-{end} {span.label} is empty, outside its text or overlaps another"
                raise ValueError(what)
            if not span.label or not (span.score is None or 0 <= span.score <= 1):
                raise ValueError(f"span {start}-{end} has label {span.label!r}, score {span.score}")
            reached = span.end
        row = tuple(whole for span in row if (whole := with_whole_characters(text, span)))
        return row if self.built_in else tuple(replace(span, source=self.name) for span in row)


def annotator(
    name: str,
    *,
    proposes: Mapping[str, int],
    min_score: float | Mapping[str, float] = 0.0,
    reads_words: bool = False,
    by_sentence: bool = False,
    sure: Mapping[str, float] | None = None,
) -> Callable[[Find], Annotator]:
    """Make an annotator of the function below and register it (see `Annotator`); AnnotatorError if biaozhu has the name.

    The commands refuse labels to propose that the label set of the folder lacks; here none is read.
    """

    def register(find: Find) -> Annotator:
        made = Annotator(name, find, proposes, min_score, reads_words, by_sentence, sure=sure or {})
        if name in _built_in():
            raise AnnotatorError("an annotator of biaozhu has this name", where=name)
        _REGISTERED[name] = made
        return made

    return register


def find_annotators(name: str) -> tuple[Annotator, ...]:
    """Return the annotator of a name, or all that a Python file (`.py`), which is run, registers; AnnotatorError if none."""
    if name.endswith(".py"):
        return _from_file(Path(name))
    if name in _built_in():
        return (_built_in()[name],)
    points = entry_points(group="biaozhu_annotators")
    try:
        found = points[name].load() if name in points.names else _REGISTERED.get(name)
    except Exception as error:
        raise AnnotatorError(f"does not load: {bug_from(error, where=name).what}", where=name) from error
    if not isinstance(found, Annotator):
        names = ", ".join((*_built_in(), *points.names))
        take = f"Take a file (.py) or one of: {names}"
        raise AnnotatorError("no annotator of this name", where=name, next_step=take)
    return (found,)


def _from_file(path: Path) -> tuple[Annotator, ...]:
    if not path.is_file():
        raise MissingFileError("no such file", where=str(path))
    try:
        found = runpy.run_path(str(path), run_name=path.stem)
    except BiaozhuError:
        raise
    except Exception as error:
        raise AnnotatorError(f"does not run: {bug_from(error, where='').what}", where=str(path)) from error
    made = tuple(one for one in found.values() if isinstance(one, Annotator) and not one.built_in)
    if not made:
        raise AnnotatorError("registers no annotator", where=str(path), next_step="Add @annotator(…) to it")
    return made


@cache
def _built_in() -> dict[str, Annotator]:
    from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS  # noqa: PLC0415 — it is made of `Annotator`

    return {one.name: one for one in DEFAULT_ANNOTATORS}
