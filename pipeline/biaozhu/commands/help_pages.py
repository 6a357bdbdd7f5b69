"""Help pages: commands in groups, two examples for each, in the user's language."""

from __future__ import annotations

import math
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer
import typer.core
from typer._click import formatting

from biaozhu.data.errors import UsageError
from biaozhu.data.files import descriptor_of
from biaozhu.data.translation import current_language, translate

# A word or one Chinese character, with the space after it and the punctuation that must not begin or end a line.
PIECE = r"[（\[]*(?:[^\s\u2e80-\uffef]+|[\u2e80-\uffef])[，。：；、）\]]*\s*|\s+"
_TABLE = files(__package__).joinpath("examples.toml").read_text("utf-8")
EXAMPLES: dict[str, list[str]] = tomllib.loads(_TABLE)
# An option's line in a docstring: its name and help, which may go on in lines that are indented more.
OPTION_HELP = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
GROUPS = {
    "A project of your own": ("new", "run", "doctor", "labels", "configs"),
    "Articles": ("read", "split", "preannotate", "llm", "table", "export", "import"),
    "Annotators and Doccano": ("doccano", "push", "pull", "project", "select", "loop"),
    "Gold": ("agree", "bias", "doubt", "adjudicate", "gold"),
    "Models": ("train", "crossval", "curve", "predict", "segmenter", "serve"),
    "Scores": ("evaluate", "compare", "report", "summary", "history"),
    "Corpora and base models (in a checkout)": ("corpus", "base"),
}


class DocumentedCommand(typer.core.TyperCommand):
    """A command whose docstring, or that of its module, may end in `Options:`: their help, where the signature has none.

    It takes `nan` for no number: no bound of an option holds it back. With --json nothing else goes to standard output.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.help, _, options = (self.help or "").partition("\n\nOptions:\n")
        of_module = sys.modules[getattr(self.callback, "__module__", "")].__doc__ or ""
        helps = dict(OPTION_HELP.findall(f"{of_module}\n{options}"))
        for parameter in self.params:
            if not getattr(parameter, "help", None) and parameter.name in helps:
                parameter.help = " ".join(helps[parameter.name].split())  # type: ignore[attr-defined]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments."""
        given = self.make_parser(ctx).parse_args(list(args))[0]
        paths = self._name_paths()
        for parameter in self.params:
            value = given.get(parameter.name or "")
            if parameter.name in paths and "" in (value if isinstance(value, list | tuple) else (value,)):
                # pathlib takes it for the folder that one is in: an unset variable of a script would mean all of it.
                raise UsageError("the path is empty", where=parameter.opts[0], next_step="Give the path")
        rest: list[str] = super().parse_args(ctx, args)
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            if isinstance(value, float) and math.isnan(value):
                raise UsageError("nan is not a number", where=parameter.opts[0])
            # A path is a text here, but for one that a callback has checked.
            is_path = parameter.name in paths and isinstance(value, str | Path)
            is_output = is_path and parameter.param_type_name == "option" and descriptor_of(Path(value)) == 1
            if is_output and ctx.params.get("as_json"):
                what = "--json prints to standard output, too, and two results there are not JSON"
                raise UsageError(what, where=parameter.opts[0], next_step="Name a file, or leave out --json")
        return rest

    def _name_paths(self) -> frozenset[str]:
        """Return the names of the parameters that are paths, by their annotations: typer's name for a type changes."""
        hints = get_type_hints(self.callback).items()
        inside = ((name, hint, *get_args(hint), *chain(*map(get_args, get_args(hint)))) for name, hint in hints)
        return frozenset(name for name, *types in inside if Path in types)


class GroupedCommands(typer.core.TyperGroup):
    """The top command, whose help lists the commands in groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 — typer gives both
        """Write a section for each group."""
        width = max(map(len, self.commands))
        for title, names in GROUPS.items():
            found = [(name, self.commands[name]) for name in names if name in self.commands]
            # The whole first sentence, over several lines where it is long: click's short help cuts it.
            firsts = [" ".join((one.help or "").split("\n\n")[0].split()) for _, one in found]
            rows = [(name.ljust(width), first) for (name, _), first in zip(found, firsts, strict=True)]
            if rows:
                with formatter.section(translate(title)):
                    formatter.write_dl(rows)


def prepare_help(command: Any) -> None:
    """Give a command and all below it their examples, and their help in the user's language."""
    if current_language() != "en":
        _translate_help(command)
    for path, one in list_commands(command):
        if path in EXAMPLES:
            lines = [f"  biaozhu {line}" for line in EXAMPLES[path]]
            one.epilog = "\n".join(["\b", translate("Examples:"), *lines])


def _translate_help(command: Any) -> None:
    from rich.cells import cell_len

    # The words of the page itself: Usage, Options, Arguments. Typer takes characters for columns, and Chinese for one
    # long word.
    typer.core._ = translate  # type: ignore[attr-defined]
    formatting.HelpFormatter.write_usage.__defaults__ = ("", translate("Usage: "))
    formatting.HelpFormatter.write_heading = _write_heading  # type: ignore[method-assign, assignment]
    formatting.term_len = cell_len  # type: ignore[attr-defined, assignment]
    formatting.wrap_text = wrap_columns
    for _, one in list_commands(command):
        one.help = translate(one.help)
        for parameter in (*one.params, one.get_help_option(typer.Context(one))):
            if getattr(parameter, "help", None):
                parameter.help = translate(parameter.help)


def _write_heading(formatter: Any, heading: str) -> None:
    formatter.write(f"{'':>{formatter.current_indent}}{heading}：\n")


def list_commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a command and all below it, each with its words: `doccano up`."""
    yield path, command
    for name, one in getattr(command, "commands", {}).items():
        yield from list_commands(one, f"{path} {name}".strip())


def wrap_columns(
    text: str, width: int = 78, initial_indent: str = "", subsequent_indent: str = "", preserve_paragraphs: bool = False
) -> str:
    r"""Wrap a text at a terminal's columns, also between two Chinese characters; a paragraph after \b stays."""
    from rich.cells import cell_len

    done = []
    for paragraph in text.split("\n\n") if preserve_paragraphs else [text]:
        if paragraph.startswith("\b"):
            done.append("\n".join(subsequent_indent + line for line in paragraph.split("\n")[1:]))
            continue
        lines = [initial_indent]
        for piece in re.findall(PIECE, " ".join(paragraph.split())):
            if cell_len(lines[-1] + piece.rstrip()) > width and lines[-1].strip():
                lines.append(subsequent_indent)
            lines[-1] += piece if lines[-1] != subsequent_indent else piece.lstrip()
        done.append("\n".join(map(str.rstrip, lines)))
    return "\n\n".join(done)
