"""Every error that a user can meet, each with a code and the next step.

A message is one line: `BZ012 where: what. next step`. The command line prints it and exits with status 2; the
library raises it. Loops collect what they find and raise once through `raise_collected`.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from biaozhu.data.shipped import describe_extra_install


class BiaozhuError(Exception):
    """Base of all errors: what is wrong (no full stop), where (`path:line`, `path@offset` or empty), what to do next."""

    code: ClassVar[str] = "BZ000"
    advice: ClassVar[str] = "Run the command with --help"
    longest: ClassVar[int] = 600

    def __init_subclass__(cls, *, code: str = "", advice: str = "") -> None:
        cls.code, cls.advice = code or cls.code, advice or cls.advice

    def __init__(self, what: str, *, where: object = "", next_step: str = "") -> None:
        self.what = what
        self.where = str(where)
        self.next_step = next_step or self.advice
        super().__init__(what)

    def __str__(self) -> str:
        place = f" {self.where}:" if self.where else ""
        # What a file says may be of any length.
        what = self.what if len(self.what) <= self.longest else f"{self.what[: self.longest]}…"
        return printable(f"{self.code}{place} {what}. {self.next_step}.")


class ManyProblemsError(BiaozhuError, code="BZ001"):
    """Several problems found in one pass, reported once with their count."""

    shown: ClassVar[int] = 20

    def __init__(self, problems: Sequence[BiaozhuError]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problems found", next_step="Fix them and run again")

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[: self.shown]]
        if (rest := len(self.problems) - self.shown) > 0:
            lines.append(f"… and {rest} more.")
        return "\n".join([*lines, super().__str__()])


class UsageError(BiaozhuError, code="BZ002"):
    """Options that do not go together or an argument that makes no sense."""


class MissingFileError(BiaozhuError, code="BZ003", advice="Check the path"):
    """A file that should be read is not there, or is not a file."""


class WriteError(BiaozhuError, code="BZ004", advice="Check the folder's rights and the free space, then run again"):
    """A file could not be written; nothing of it was left behind."""


class MissingExtraError(BiaozhuError, code="BZ005", advice="Install the package that the message names"):
    """An optional package that this output needs is not installed."""


class WorkerError(BiaozhuError, code="BZ006", advice="Run again with fewer --jobs; finished shards are kept"):
    """A process that does part of the work ended before it was done."""


class BugError(
    BiaozhuError, code="BZ007", advice="This is a bug in biaozhu, please report it; other articles are not affected"
):
    """A bug in biaozhu: its code broke a rule of its own or raised an unexpected error. Neither user nor text is at fault."""


class OutputError(
    BiaozhuError, code="BZ008", advice="Give another output; if the file there is not needed, remove it first"
):
    """An output would destroy an input, or a file that is not of its kind."""


class EncodingError(BiaozhuError, code="BZ010", advice="Save the file as UTF-8 and run again"):
    """The bytes of a source cannot be decoded with certainty."""


class EmptyArticleError(BiaozhuError, code="BZ011", advice="Check that this is the right file"):
    """A source has no text to annotate."""


class OffsetError(BiaozhuError, code="BZ012"):
    """An offset does not point at the text it should."""

    advice = "Annotate again from the unchanged source, the offsets of this file cannot be trusted"


class LineError(BiaozhuError, code="BZ013", advice="Fix or remove the line"):
    """A line of a JSONL file is not a sentence line."""


class OverlapError(BiaozhuError, code="BZ014", advice="A layer holds disjoint spans: remove one of the two"):
    """Spans of one layer overlap."""


class LabelError(
    BiaozhuError,
    code="BZ015",
    advice="Correct it, or add it to the label set; `biaozhu labels` says which file that is",
):
    """A label that the label set does not define."""


class VersionError(BiaozhuError, code="BZ016", advice="Make both from the same source file"):
    """Two files are about different versions of the same article."""


class DuplicateError(BiaozhuError, code="BZ017", advice="Remove one of the two lines"):
    """A sentence id occurs more than once in a layer."""


class LabelsFileError(
    BiaozhuError, code="BZ018", advice="Compare it with the configs/labels.toml that the project ships"
):
    """The labels file cannot be read."""


class ModelDataError(BiaozhuError, code="BZ020", advice="Install the locked versions again with `make run`"):
    """Weights or word lists that a package should carry are missing or changed."""


class CorpusError(BiaozhuError, code="BZ023", advice="Fetch it again with `biaozhu corpus fetch`"):
    """A corpus cannot be fetched, or is not the one that was measured."""


class ConfigError(
    BiaozhuError, code="BZ021", advice="Correct the config, or the option that changes it, and run again"
):
    """A config, of training or of a language model, cannot be used."""


class TrainingError(BiaozhuError, code="BZ022"):
    """Training cannot go on."""


class ShardError(BiaozhuError, code="BZ024", advice="Make it again, or leave it out"):
    """A shard cannot be trained on."""


class AnnotatorError(BiaozhuError, code="BZ025", advice="Correct the annotator and run again"):
    """An external annotator cannot be loaded, fails, or returns invalid spans."""


class EndpointError(BiaozhuError, code="BZ026"):
    """A language model's server cannot be reached, or refuses the key, the model or every request."""

    advice = "Check base_url, model and key_env; answers so far are kept, the same command goes on from them"


class ServerError(BiaozhuError, code="BZ030"):
    """Doccano cannot be started, reached or stopped."""

    advice = "Start it with `biaozhu doccano up` (with the same --home), or see `biaozhu doccano status` and the log it names"


class AuthError(BiaozhuError, code="BZ031", advice="Check DOCCANO_USERNAME and DOCCANO_PASSWORD"):
    """Doccano refuses the login."""


class ImportFailedError(BiaozhuError, code="BZ032", advice="Run `biaozhu push` again: it only adds what is missing"):
    """Doccano did not accept all that was sent."""


class RoundTripError(BiaozhuError, code="BZ033", advice="Look at the sentences named above in Doccano"):
    """The sentences that came back from Doccano differ from those on the server."""


class RemoteError(BiaozhuError, code="BZ034", advice="See the server's log"):
    """Doccano refuses a request, or its answer is invalid."""


class LockedError(BiaozhuError, code="BZ035", advice="Wait for it to end"):
    """Another command is running in the same folder, or on the same Doccano project."""


class BackupError(BiaozhuError, code="BZ036", advice="Give a whole file that `biaozhu doccano backup` has made"):
    """A backup of Doccano cannot be made or used."""


class FrozenError(
    BiaozhuError, code="BZ040", advice="Restore the file, or freeze again on purpose with `biaozhu gold freeze`"
):
    """A frozen gold file is not what its manifest says."""


class GoldError(BiaozhuError, code="BZ041", advice="Check both layers and the decisions"):
    """Layers cannot be joined to gold."""


class ScoringError(BiaozhuError, code="BZ050", advice="Score layers of the same sentences"):
    """Layers cannot be compared."""


class ScoresFileError(BiaozhuError, code="BZ051", advice="Make it again with `biaozhu evaluate`"):
    """A file is not a scores.json."""


class ReportInputError(
    BiaozhuError, code="BZ052", advice="Make it again with the command that the option's help names"
):
    """A file that a report should show is not of the kind it was given as."""


class FormatError(BiaozhuError, code="BZ060", advice="Check --format, and export the file again"):
    """A file is not of the annotation format that it was given as, or holds what no article can."""


class ServiceError(BiaozhuError, code="BZ061", advice="See `biaozhu serve --help`"):
    """The prediction service cannot be started, or cannot be reached from Doccano."""


class RequestError(BiaozhuError, code="BZ062", advice='Send {"text": "…"} or {"texts": ["…"]}'):
    """A request to the prediction service cannot be answered as it is."""


class MeaningFileError(BiaozhuError, code="BZ053"):
    """A file of gold values or places does not fit its gold layer."""

    advice = "Every amount or place of the gold layer needs one line, with the same offsets and text"


def extra_advice(extra: str) -> str:
    """Return the next step where the packages of an extra are missing."""
    return f"Install what is missing: {describe_extra_install(extra)}"


@contextmanager
def needing_extra(extra: str, what: str, *, where: object = "") -> Iterator[None]:
    """Raise MissingExtraError where what is imported inside is not installed."""
    try:
        yield
    except ImportError:
        raise MissingExtraError(what, where=where, next_step=extra_advice(extra)) from None


def bug_from(error: Exception, *, where: str) -> BiaozhuError:
    """Return a `BugError` that names the line which raised this for the article `where`; any other error stays as it is."""
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
    """Return text that cannot move the cursor or reorder a line: such characters, but those to keep, by code point."""
    return "".join(c if c.isprintable() or c in keep else f"\\u{ord(c):04x}" for c in text)
