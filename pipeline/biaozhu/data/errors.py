"""Every error that a user can meet, each with a code and the next step.

A message is one line: `BZ012 where: what. next step`. The command line prints it and exits with status 2; the
library raises it. Loops collect what they find and raise once through `raise_collected`.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from biaozhu.data.shipped import describe_extra_install

if TYPE_CHECKING:
    from collections.abc import Sequence


class BiaozhuError(Exception):
    """Base of all errors of the project.

    Args:
        what: what is wrong, without a full stop.
        where: file, line or offset, as `path:line` or `path@offset`; may be empty.
        next_step: overrides the class's own advice.
    """

    code: ClassVar[str] = "BZ000"
    advice: ClassVar[str] = "Run the command with --help"
    longest: ClassVar[int] = 600

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        self.what = what
        self.where = where
        self.next_step = next_step or self.advice
        super().__init__(what)

    def __str__(self) -> str:
        place = f" {self.where}:" if self.where else ""
        # What a file says may be of any length.
        what = self.what if len(self.what) <= self.longest else f"{self.what[: self.longest]}…"
        return printable(f"{self.code}{place} {what}. {self.next_step}.")


class ManyProblemsError(BiaozhuError):
    """Several problems found in one pass, reported once with their count."""

    code = "BZ001"
    shown: ClassVar[int] = 20

    def __init__(self, problems: Sequence[BiaozhuError]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problems found", next_step="Fix them and run again")

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[: self.shown]]
        rest = len(self.problems) - self.shown
        if rest > 0:
            lines.append(f"… and {rest} more.")
        return "\n".join([*lines, super().__str__()])


class UsageError(BiaozhuError):
    """Options that do not go together or an argument that makes no sense."""

    code = "BZ002"


class MissingFileError(BiaozhuError):
    """A file that should be read is not there, or is not a file."""

    code = "BZ003"
    advice = "Check the path"


class WriteError(BiaozhuError):
    """A file could not be written; nothing of it was left behind."""

    code = "BZ004"
    advice = "Check the folder's rights and the free space, then run again"


class MissingExtraError(BiaozhuError):
    """An optional package that this output needs is not installed."""

    code = "BZ005"
    advice = "Install the package that the message names"


class WorkerError(BiaozhuError):
    """A process that does part of the work ended before it was done."""

    code = "BZ006"
    advice = "Run again with fewer --jobs; finished shards are kept"


class BugError(BiaozhuError):
    """A bug in biaozhu: its code broke a rule of its own or raised an unexpected error. Neither user nor text is at fault."""

    code = "BZ007"
    advice = "This is a bug in biaozhu, please report it; other articles are not affected"


class OutputError(BiaozhuError):
    """An output would destroy an input, or a file that is not of its kind."""

    code = "BZ008"
    advice = "Give another output; if the file there is not needed, remove it first"


class EncodingError(BiaozhuError):
    """The bytes of a source cannot be decoded with certainty."""

    code = "BZ010"
    advice = "Save the file as UTF-8 and run again"


class EmptyArticleError(BiaozhuError):
    """A source has no text to annotate."""

    code = "BZ011"
    advice = "Check that this is the right file"


class OffsetError(BiaozhuError):
    """An offset does not point at the text it should."""

    code = "BZ012"
    advice = "Annotate again from the unchanged source, the offsets of this file cannot be trusted"


class LineError(BiaozhuError):
    """A line of a JSONL file is not a sentence line."""

    code = "BZ013"
    advice = "Fix or remove the line"


class OverlapError(BiaozhuError):
    """Spans of one layer overlap."""

    code = "BZ014"
    advice = "A layer holds disjoint spans: remove one of the two"


class LabelError(BiaozhuError):
    """A label that configs/labels.toml does not define."""

    code = "BZ015"
    advice = "Add the label to configs/labels.toml or correct it"


class VersionError(BiaozhuError):
    """Two files are about different versions of the same article."""

    code = "BZ016"
    advice = "Make both from the same source file"


class DuplicateError(BiaozhuError):
    """A sentence id occurs more than once in a layer."""

    code = "BZ017"
    advice = "Remove one of the two lines"


class LabelsFileError(BiaozhuError):
    """The labels file cannot be read."""

    code = "BZ018"
    advice = "Compare it with the configs/labels.toml that the project ships"


class ModelDataError(BiaozhuError):
    """Weights or word lists that a package should carry are missing or changed."""

    code = "BZ020"
    advice = "Install the locked versions again with `make run`"


class CorpusError(BiaozhuError):
    """A corpus cannot be fetched, or is not the one that was measured."""

    code = "BZ023"
    advice = "Fetch it again with `biaozhu corpus fetch`"


class ConfigError(BiaozhuError):
    """A config, of training or of a language model, cannot be used."""

    code = "BZ021"
    advice = "Correct the config and run again"


class TrainingError(BiaozhuError):
    """Training cannot go on."""

    code = "BZ022"


class ShardError(BiaozhuError):
    """A shard cannot be trained on."""

    code = "BZ024"
    advice = "Make it again, or leave it out"


class AnnotatorError(BiaozhuError):
    """An external annotator cannot be loaded, fails, or returns invalid spans."""

    code = "BZ025"
    advice = "Correct the annotator and run again"


class EndpointError(BiaozhuError):
    """A language model's server cannot be reached, or refuses the key, the model or every request."""

    code = "BZ026"
    advice = "Check base_url, model and key_env; answers so far are kept, the same command goes on from them"


class ServerError(BiaozhuError):
    """Doccano cannot be started, reached or stopped."""

    code = "BZ030"
    advice = "Start it with `biaozhu doccano up`, or see `biaozhu doccano status` and the log it names"


class AuthError(BiaozhuError):
    """Doccano refuses the login."""

    code = "BZ031"
    advice = "Check DOCCANO_USERNAME and DOCCANO_PASSWORD"


class ImportFailedError(BiaozhuError):
    """Doccano did not accept all that was sent."""

    code = "BZ032"
    advice = "Run `biaozhu push` again: it only adds what is missing"


class RoundTripError(BiaozhuError):
    """The sentences that came back from Doccano differ from those on the server."""

    code = "BZ033"
    advice = "Look at the sentences named above in Doccano"


class RemoteError(BiaozhuError):
    """Doccano refuses a request, or its answer is invalid."""

    code = "BZ034"
    advice = "See the server's log"


class LockedError(BiaozhuError):
    """Another push is running on the same project."""

    code = "BZ035"
    advice = "Wait for it to end; if its machine is gone for good, push with --break-lock"


class BackupError(BiaozhuError):
    """A backup of Doccano cannot be made or used."""

    code = "BZ036"
    advice = "Give a whole file that `biaozhu doccano backup` has made"


class FrozenError(BiaozhuError):
    """A frozen gold file is not what its manifest says."""

    code = "BZ040"
    advice = "Restore the file, or freeze again on purpose with `biaozhu gold freeze`"


class GoldError(BiaozhuError):
    """Layers cannot be joined to gold."""

    code = "BZ041"
    advice = "Check both layers and the decisions"


class ScoringError(BiaozhuError):
    """Layers cannot be compared."""

    code = "BZ050"
    advice = "Score layers of the same sentences"


class ScoresFileError(BiaozhuError):
    """A file is not a scores.json."""

    code = "BZ051"
    advice = "Make it again with `biaozhu evaluate`"


class ReportInputError(BiaozhuError):
    """A file that a report should show is not of the kind it was given as."""

    code = "BZ052"
    advice = "Make it again with the command that the option's help names"


class FormatError(BiaozhuError):
    """A file is not of the annotation format that it was given as, or holds what no article can."""

    code = "BZ060"
    advice = "Check --format, and export the file again"


class ServiceError(BiaozhuError):
    """The prediction service cannot be started, or cannot be reached from Doccano."""

    code = "BZ061"
    advice = "See `biaozhu serve --help`"


class RequestError(BiaozhuError):
    """A request to the prediction service cannot be answered as it is."""

    code = "BZ062"
    advice = 'Send {"text": "…"} or {"texts": ["…"]}'


class MeaningFileError(BiaozhuError):
    """A file of gold values or places does not fit its gold layer."""

    code = "BZ053"
    advice = "Every amount or place of the gold layer needs one line, with the same offsets and text"


def extra_advice(extra: str) -> str:
    """Return the next step where the packages of an extra are missing."""
    return f"Install them: {describe_extra_install(extra)}"


def bug_from(error: Exception, *, where: str) -> BiaozhuError:
    """Return what to report of an error that annotating raised: a `BugError` with the line that raised it.

    What is not a bug comes back as what it is: a file of the installation, or an annotator of others.

    Args:
        error: one that was caught.
        where: the name of the article that brings it about.
    """
    if isinstance(error, ModelDataError | MissingFileError):
        return error
    if isinstance(error, BugError | AnnotatorError):
        return type(error)(f"annotator {error.where}: {error.what}", where=where)
    frames = traceback.extract_tb(error.__traceback__)
    line = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    said = f"{error.what} at {error.where}" if isinstance(error, BiaozhuError) else str(error)
    return BugError(" ".join(f"{type(error).__name__}{line}: {said}".split()), where=where)


def raise_collected(problems: Sequence[BiaozhuError]) -> None:
    """Raise what a loop has collected: nothing, the one problem, or all with their count."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ManyProblemsError(problems)


def printable(text: str, *, keep: str = "") -> str:
    """Return text that cannot move the cursor or reorder the terminal's line: such characters by their code point.

    Args:
        text: a message or a cell, which may hold article text.
        keep: characters that stay as they are.
    """
    return "".join(c if c.isprintable() or c in keep else f"\\u{ord(c):04x}" for c in text)
