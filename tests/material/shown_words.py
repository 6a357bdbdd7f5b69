"""All that biaozhu shows: the messages of its source, the help of its commands, and the words that stand in no call."""

from __future__ import annotations

import errno
import json
import os
import re
from contextlib import redirect_stdout
from io import StringIO
from typing import get_args

from message_templates import Messages

from biaozhu.cli import list_all_commands, run
from biaozhu.commands.doccano.projects import HEADINGS
from biaozhu.commands.help_pages import GROUPS, list_commands
from biaozhu.commands.workspace.starting import EXTRAS, README
from biaozhu.curation import adjudication
from biaozhu.data import diff
from biaozhu.data.model import BlockKind
from biaozhu.normalization.places import Status
from biaozhu.scoring.scores import Scheme

# What no call shows as it stands: words of the data that tables and notes name, and what the system says of files.
DATA_WORDS = (
    *get_args(BlockKind), *get_args(adjudication.Kind), *get_args(diff.Kind), *get_args(Status), *get_args(Scheme),
    "annotator", "sentences", "characters", "blind", "ok", "missing", "yes", "no", "identical", "DIFFERS", "edited", "untouched",
    "it drops {0} of {1} spans and adds {2} on its own gold ({3}); tried with {4} left out in turn: {5} ({6})",
    "{0}; of {1} spans of its start in other text it keeps {2} and adds {3}", "{0} begins from LAC's {1}; {2}", "{0} corrected, {1} made wrong, F1 {2}", "better than its start", "no certain gain",
    "no certain gain, so the model is its start", "of one text nothing can be left out to try what it says, so the model is its start", "seen", "unseen", "the pre-annotation", "the pre-annotation with LAC's words",
    *(line for line in README.splitlines() if re.search(r"\S  +\S|:$", line)),
    *EXTRAS.values(), *HEADINGS.values(), "… by {0}", "… score {0}", "kept", "model", "lint", "surface", "hidden", "comments", "navigation", "footer", "sidebar", "sharing", "control", "drawn",  "related links", "note mark", "ruby", "struck out", "above the title", "below the article", "source line", "links",
    "outside the article", "furniture", "… and {0} more.", "{0}: empty, and passed over", "{0}: another command is running here, waiting for it to end", "stopped; nothing half-written was left",
    *(f"{{0}} {kind} {{1}}" for kind in get_args(diff.Kind)),
    *(os.strerror(one) for one in (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ENOSPC,
      errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS, errno.ECONNREFUSED, errno.EADDRINUSE, errno.EIO)),
)  # fmt: skip
# What typer shows of usage and help; a test finds each in its source.
TYPER_MESSAGES = (
    "Usage: ",
    "Missing command",
    "Invalid value for {0}: {1}",
    "Invalid value: {0}",
    "Missing argument {0}",
    "Missing option {0}",
    "Missing argument {0}; {1}",
    "Missing option {0}; {1}",
    "No such option: {0}",
    "{0} (Possible options: {1})",
    "No such command {name!r}",
    "No such command {0}",
    "Got unexpected extra argument(s) ({0})",
    "Option {0} does not take a value",
    "Option {0} requires an argument",
    "Option {0} requires {1} arguments",
    "Argument {0} takes {1} values",
    "{0} is not one of {1}",
    "{0} is not a valid {1}",
    "{0} is not in the range {1}",
    "{0} is not a valid boolean; Recognized values: {1}",
    "Choose from:",
    "Options",
    "Arguments",
    "Commands",
    "Aborted!",
    "default: {default}",
    "required",
    "Show this message and exit.",
    "(dynamic)",
    "env var: {var}",
)
# What the packages that read JSON and check it say of a file.
READER_MESSAGES = (
    "Object missing required field `{0}`",
    "Object missing required field `{0}` - at `{1}`",
    "Object contains unknown field `{0}`",
    "Object contains unknown field `{0}` - at `{1}`",
    "Expected `{0}`, got `{1}`",
    "Expected `{0}`, got `{1}` - at `{2}`",
    "Invalid enum value {0}",
    "Invalid enum value {0} - at `{1}`",
    "Expecting value",
    "Expecting value: line {0} column {1} (char {2})",
    "Expecting property name enclosed in double quotes",
    "Expecting property name enclosed in double quotes: line {0} column {1} (char {2})",
    "Extra data",
    "Extra data: line {0} column {1} (char {2})",
    "Expecting ',' delimiter",
    "Expecting ',' delimiter: line {0} column {1} (char {2})",
    "Expecting ':' delimiter",
    "Expecting ':' delimiter: line {0} column {1} (char {2})",
    "Unterminated string starting at",
    "Unterminated string starting at: line {0} column {1} (char {2})",
    "Invalid control character at",
    "Invalid control character at: line {0} column {1} (char {2})",
)


def list_messages() -> dict[str, str]:
    """Return each message that biaozhu shows, in English, with its place in the source."""
    found = Messages().collect()
    for path, command in list_commands(list_all_commands()):
        for one in (command, *command.params):
            if getattr(one, "help", None):
                found.setdefault(one.help, f"the help of {path} {one.name}")
    with redirect_stdout(StringIO()) as shown:
        run(["configs", "--json"])
    for row in json.loads(shown.getvalue()):
        for cell in filter(None, (row["needs"], row["what it is"])):
            found.setdefault(cell, row["config"])
    return {
        **dict.fromkeys((*DATA_WORDS, *TYPER_MESSAGES, *READER_MESSAGES, *GROUPS), "shown_words.py"),
        **found,
    }
