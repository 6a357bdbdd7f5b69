"""Write the reference pages of the documentation from the code: commands, configs, file formats, error codes.

Run: python docs/make_reference.py [--python]. With --python it writes docs/reference/python.md too, which is not kept
in the repository.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import typer.main

from biaozhu.cli import app
from biaozhu.curation.frozen import FrozenFile
from biaozhu.curation.status import SentenceStatus
from biaozhu.data import errors
from biaozhu.data.errors import BiaozhuError
from biaozhu.data.labels import Label
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span
from biaozhu.data.outputs import KEYS_OF_LINES
from biaozhu.normalization.names import NameRow
from biaozhu.normalization.people import Mention, People, Person
from biaozhu.normalization.places import Candidate, Place
from biaozhu.normalization.table import Row
from biaozhu.reporting.authorship import About, Author
from biaozhu.scale.batch import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
PACKAGE = ROOT / "pipeline" / "biaozhu"
MADE = "<!-- Made by docs/make_reference.py; do not edit. -->\n\n"
# What a library's user may want; the rest serves the commands.
PUBLIC = (
    *("data/*", "reading/*", "annotators/*", "annotators/network/models", "nlp/*", "normalization/*", "scoring/*"),
    *("curation/*", "formats/*", "training/*", "serving/*"),
)
RECORDS = {
    "A span of a sentence line": Span,
    "A line of a ledger (`*.ledger.jsonl`)": Entry,
    "A line of `OUT.failed.jsonl` (`preannotate -o OUT.jsonl` of a corpus) or of `failed.jsonl` (`--shards`)": Failure,
    "A file in `MANIFEST.json` of frozen gold": FrozenFile,
    "A sentence in a status file (`*.status.json`)": SentenceStatus,
    "A label in `configs/labels.toml`": Label,
    "`about.toml` beside the gold": About,
    "An annotator in `about.toml`": Author,
    "A row of `table -o`, an amount": Row,
    "A row of `table --names`, a name": NameRow,
    "A place in the JSON of `table`": Place,
    "A candidate of a place": Candidate,
    "The people in the JSON of `table`": People,
    "A person": Person,
    "A mention of a person": Mention,
}
MEANING = """\
`biaozhu table --json` prints a list with an object for each article:

- `article`: the article's name
- `rows`: a list of amounts, with the columns of `table -o`
- `places`: a list of places, one for each span
- `tree`: the places by division: `name`, `count` (mentions at or below it), `unknown` (whether no table has it), `ambiguous` and `children`, which have the same keys
- `people`: the people
"""
SENTENCE_LINE = """\
A layer is a file of sentence lines: JSON Lines in UTF-8, with the keys in this order.

```json
{"id": "<article>:<start>-<end>", "article": "<first 12 hex digits of a SHA-256>", "start": 812, "end": 861, "text": "…",
 "spans": [{"start": 3, "end": 5, "label": "PLACE", "text": "…", "source": "network", "score": 0.98}]}
```

The SHA-256 is that of the file, or of the [text made from it](../explanations/offsets.md).
Offsets count code points, half open: `raw[start:end] == text` for the sentence, `text[s.start:s.end] == s.text` for each
span. Spans of a layer do not overlap, which every read and every write checks; a read takes them in any order, a write sorts them.
"""


def write_commands() -> str:
    """Return the page of commands: each with its usage, help, arguments and options."""
    group = typer.main.get_command(app)
    parts = ["# Commands", "`biaozhu COMMAND --help` shows the same in the terminal."]
    for path, command in _walk(group, "biaozhu"):
        parts.append(f"## {path}\n\n{_paragraphs(command.help)}")
        parts += _list_parameters(path, command)
    return "\n\n".join(parts)


def write_configs() -> str:
    """Return the page of configs: the comment at the top of each, and its settings."""
    parts = ["# Configs", "`biaozhu train CONFIG -o models/NAME --set SECTION.KEY=VALUE` changes a setting."]
    for path in sorted((ROOT / "configs").iterdir()):
        text = path.read_text(encoding="utf-8").strip()
        kind = "toml" if path.suffix == ".toml" else "ini"
        parts.append(f"## {path.name}\n\n```{kind}\n{text}\n```")
    return "\n\n".join(parts)


def write_formats() -> str:
    """Return the page of file formats: sentence lines, records, kinds of lines, and the keys of scores.json."""
    parts = ["# File formats", "## A sentence line", SENTENCE_LINE.strip()]
    for title, kind in RECORDS.items():
        fields = "\n".join(f"- `{one.name}`: `{one.type}`" for one in dataclasses.fields(kind))
        parts.append(f"## {title}\n\n{_paragraphs(kind.__doc__)}\n\n{fields}")
    parts.append(f"## The JSON of `table`\n\n{MEANING.strip()}")
    parts.append("## How a file is recognized\n\nA JSON Lines file is of the kind whose keys its first line has.")
    parts.append("\n".join(f"- {kind}: {_quote(sorted(keys))}" for kind, keys in KEYS_OF_LINES.items()))
    schema = json.loads((PACKAGE / "scoring" / "scores.schema.json").read_text(encoding="utf-8"))
    parts.append(f"## scores.json\n\n{_describe_schema(schema)}")
    parts.append(f"A sentence has the fields {_quote(one.name for one in dataclasses.fields(Sentence))} in Python.")
    return "\n\n".join(parts)


def write_errors() -> str:
    """Return the page of error codes: what each says and what to do."""
    known = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, BiaozhuError)]
    rows = [
        f"| `{one.code}` | {_escape(' '.join(_paragraphs(one.__doc__).split()))} | {_escape(one.advice)}. |"
        for one in sorted(known, key=lambda one: one.code)
        if one is not BiaozhuError
    ]
    return "\n".join(
        [
            "# Error codes\n",
            (
                "An error is one line, `CODE where: what is wrong. what to do.`, and the exit status is 2. Status 1 says that "
                "the command is done, but something was lost or differs; each case is named.\n"
            ),
            "| code | meaning | what to do |",
            "| --- | --- | --- |",
            *rows,
        ]
    )


def write_python() -> str:
    """Return the page of Python functions and classes, by module, from their source."""
    parts = [
        "# Python",
        "[From Python](../from-python.md) is a way through them. Names with an underscore before them are private and not listed.",
    ]
    for pattern in PUBLIC:
        for path in sorted(PACKAGE.glob(f"{pattern}.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
            parts.append(f"## {name}\n\n{_escape(_first_line(tree))}")
            parts += [
                f"### `{_signature(node)}`\n\n{_escape(_first_line(node))}{_list_fields(node)}"
                for node in tree.body
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            ]
            parts += [f"### `{name}`\n\n{_escape(said)}" for name, said in _list_constants(tree)]
    return "\n\n".join(parts)


PAGES = {
    "commands.md": write_commands,
    "configs.md": write_configs,
    "formats.md": write_formats,
    "errors.md": write_errors,
}


def make_pages() -> dict[str, str]:
    """Return the pages that the repository keeps, by file name."""
    return {name: MADE + write().rstrip() + "\n" for name, write in PAGES.items()}


def _walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield f"{path} {name}", below
            yield from _walk(below, f"{path} {name}")


def _list_parameters(path: str, command: click.Command) -> Iterator[str]:
    if getattr(command, "commands", None):
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    usage = " ".join([path, *("[OPTIONS]" for _ in options[:1]), *map(_show_argument, arguments)])
    yield f"```console\n$ {usage}\n```"
    rows = [(_name_argument(one), one) for one in arguments]
    rows += [(", ".join([*one.opts, *one.secondary_opts]), one) for one in options]
    if rows:
        lines = [
            f"| `{name}` | {_escape(' '.join((getattr(one, 'help', '') or '').split()))} | {_show_default(one)} |"
            for name, one in rows
        ]
        yield "\n".join(["| argument or option | meaning | default |", "| --- | --- | --- |", *lines])


def _name_argument(argument: click.Parameter) -> str:
    name = (argument.metavar or argument.name or "").upper()
    return f"{name.removesuffix('...')}…" if argument.nargs != 1 else name


def _show_argument(argument: click.Parameter) -> str:
    name = _name_argument(argument)
    return name if argument.required else f"[{name}]"


def _show_default(parameter: click.Parameter) -> str:
    """Return the default as --help shows it, or that there is none."""
    if parameter.required:
        return "required"
    # Nothing, off, and no values say no more than the option's absence; 0 is a number.
    unset = parameter.default is None or parameter.default is False or parameter.default in ("", [])
    return "" if unset else f"`{parameter.default}`"


def _describe_schema(schema: dict[str, object]) -> str:
    properties = schema.get("properties", {})
    rows = [f"- `{name}`: {one.get('description', '')}".rstrip(": ") for name, one in properties.items()]  # type: ignore[attr-defined]
    return "\n".join([str(schema.get("description", "")), "", *rows]).strip()


def _paragraphs(text: str | None) -> str:
    """Return a docstring without its sections, as Markdown in which nothing is markup by accident."""
    plain = re.split(r"\n\s*(?:Args|Raises|Attributes|Returns|Yields):\n", text or "")[0]
    lines = [" ".join(part.split()) for part in re.split(r"\n\s*\n", plain.replace("\b", ""))]
    return "\n\n".join(_escape(line) for line in lines if line)


def _escape(text: str) -> str:
    return re.sub(r"([|<*])", r"\\\1", text) if "`" not in text else text.replace("|", "\\|")


def _quote(names: object) -> str:
    return ", ".join(f"`{name}`" for name in names)  # type: ignore[attr-defined]


def _first_line(node: ast.Module | ast.FunctionDef | ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.ClassDef):
        return ast.unparse(ast.ClassDef(node.name, node.bases, [], [ast.Pass()], [])).partition(":")[0]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){returns}"


def _list_fields(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return the fields of a class, with their defaults, and its public properties and methods as a list."""
    rows = [one for one in node.body if isinstance(one, ast.AnnAssign)] if isinstance(node, ast.ClassDef) else []
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")]
    shown = [ast.unparse(one) for one in rows] + [_signature(one) for one in methods]
    return "\n" + "".join(f"\n- `{one}`" for one in shown) if shown else ""


def _list_constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the constants of a module that have a docstring, and it."""
    for node, after in pairwise(tree.body):
        target = (
            node.target
            if isinstance(node, ast.AnnAssign)
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        if isinstance(target, ast.Name) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            yield target.id, " ".join(str(after.value.value).split())


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="store_true", help="write the page of the Python functions too")
    pages = make_pages()
    if parser.parse_args().python:
        pages["python.md"] = MADE + write_python() + "\n"
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
