"""Help pages: commands in groups, two examples for each, in the user's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
import typer.core

from biaozhu.commands.examples import EXAMPLES
from biaozhu.data.translation import current_language, find_translation, translate

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = {
    "A project of your own": ("new", "run", "doctor", "labels", "configs"),
    "Articles": ("read", "split", "preannotate", "llm", "table", "export", "import"),
    "Annotators and Doccano": ("doccano", "push", "pull", "project", "select", "loop"),
    "Gold": ("agree", "bias", "doubt", "adjudicate", "gold"),
    "Models": ("train", "crossval", "curve", "predict", "segmenter", "serve"),
    "Scores": ("evaluate", "compare", "report", "summary", "history"),
    "Corpora and base models (in a checkout)": ("corpus", "base"),
}


class GroupedCommands(typer.core.TyperGroup):
    """The top command, whose help lists the commands in groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 — typer gives both
        """Write a section for each group."""
        width = max(map(len, self.commands))
        for title, names in GROUPS.items():
            found = [(name, self.commands[name]) for name in names if name in self.commands]
            rows = [
                (name.ljust(width), one.get_short_help_str(formatter.width - width - 6))
                for name, one in found
            ]
            if rows:
                with formatter.section(translate(title)):
                    formatter.write_dl(rows)


def prepare_help(command: Any) -> None:
    """Give a command and all below it their examples, and their help in the user's language."""
    if current_language() != "en":
        # The words of the page itself: Usage, Options, Arguments.
        typer.core._ = translate  # type: ignore[attr-defined]
    for path, one in list_commands(command):
        one.help = find_translation(path or "biaozhu") or one.help
        for parameter in one.params:
            name = name_parameter(parameter)
            if getattr(parameter, "help", None):
                parameter.help = find_translation(f"{path} {name}".strip(), name) or parameter.help
        if path in EXAMPLES:
            lines = [f"  biaozhu {line}" for line in EXAMPLES[path]]
            one.epilog = "\n".join(["\b", translate("Examples:"), *lines])


def list_commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a command and all below it that are not hidden, each with its words: `doccano up`."""
    yield path, command
    for name, one in getattr(command, "commands", {}).items():
        if not one.hidden:
            yield from list_commands(one, f"{path} {name}".strip())


def name_parameter(parameter: Any) -> str:
    """Return an option's longest name, or an argument's."""
    return str(max(parameter.opts, key=len))
