"""Every message that biaozhu shows, read from its source: f-strings as templates `{0} of {1} sentences`, each with its place.

What is shown is what an error, `say`, `show`, a table, a bar or a question is given. An argument that is no string itself
is followed: to what a local name is set to, to what a function returns, to what the callers of a function give.
"""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import biaozhu

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(biaozhu.__file__).resolve().parents[1]
# Runs inside Doccano's process, which has a language of its own.
NOT_SHOWN = "server_plugin"
# Which argument of a function is shown, or part of what is shown.
SHOWN_ARGUMENT = {
    "say": 0, "show": 0, "progress": 0, "progress_of_steps": 0, "print_table": 0, "print_values": 0,
    "_say_first": 0, "bar": 2, "Entry": 2, "LeftOut": 1, "_Finding": 1, "make_loss": 1, "explain": 0, "kind": 0, "ResamplingUnits": 3,
}  # fmt: skip
SHOWN_KEYWORDS = ("next_step", "reason", "detail", "remedy")
ERROR = re.compile(r"(Error|Problem)$")
Node = TypeVar("Node", bound=ast.AST)
Pieces = tuple["str | None", ...]
HOLE: Pieces = (None,)
MAX_DEPTH, MAX_ALTERNATIVES = 14, 48


@dataclass(frozen=True, eq=False, slots=True)
class Module:
    """A source file, with the node that each node is in."""

    path: Path
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def find_above(self, node: ast.AST, kind: type[Node]) -> Node | None:
        """Return the nearest node of a kind that a node is in."""
        above = self.parents.get(node)
        while above is not None and not isinstance(above, kind):
            above = self.parents.get(above)
        return above


Found = tuple[Module, ast.expr]


class Messages:
    """What the source shows, found by following each argument that is shown."""

    def __init__(self) -> None:
        self.modules: list[Module] = []
        self.functions: dict[str, list[tuple[Module, ast.FunctionDef]]] = {}
        self.constants: dict[str, list[Found]] = {}
        self.calls: dict[str, list[tuple[Module, ast.Call]]] = {}
        self.found: dict[str, str] = {}
        # What a node stands for; a node that is being followed stands for nothing more.
        self.known: dict[ast.AST, list[Pieces]] = {}
        for path in sorted(SOURCE.rglob("*.py")):
            if NOT_SHOWN not in path.parts:
                self._read(path)

    def _read(self, path: Path) -> None:
        module = Module(path, ast.parse(path.read_text("utf-8")))
        self.modules.append(module)
        for node in ast.walk(module.tree):
            module.parents.update(dict.fromkeys(ast.iter_child_nodes(node), node))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef):
                self.functions.setdefault(node.name, []).append((module, node))
            elif isinstance(node, ast.Call):
                self.calls.setdefault(name_of(node.func), []).append((module, node))
            elif isinstance(node, ast.Assign | ast.AnnAssign) and not module.find_above(node, ast.FunctionDef):
                for name, value in bindings(node):
                    self.constants.setdefault(name, []).append((module, value))
            elif isinstance(node, ast.ClassDef):
                for one in node.keywords:
                    self.constants.setdefault(str(one.arg), []).append((module, one.value))

    def collect(self) -> dict[str, str]:
        """Return each template, with its place in the source."""
        for name, calls in self.calls.items():
            for module, call in calls:
                for node in shown_arguments(name, call, module):
                    self._add(module, node)
                if name == "print_table":
                    self._add_columns(module, call.args[1], call)
                if name in ("print_table", "print_values"):
                    self._add_cells(module, call)
        for module, advice in self.constants["advice"]:
            self._add(module, advice)
        return self.found

    def _add(self, module: Module, node: ast.expr | None) -> None:
        for pieces in self.resolve(module, node, 0) if node is not None else ():
            text = to_template(pieces)
            if is_language(text):
                self.found.setdefault(text, f"{module.path.relative_to(SOURCE)}:{node.lineno}")

    def _add_columns(self, module: Module, columns: ast.expr, call: ast.Call) -> None:
        match columns:
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for one in elements:
                    if isinstance(one, ast.Starred):
                        self._add_columns(module, one.value, call)
                    else:
                        self._add(module, one)
            case ast.ListComp(generators=[ast.comprehension(iter=ast.Tuple() as some)]):
                self._add_columns(module, some, call)
            case ast.Name(id=name):
                for found in self._define(module, call, name) or self.constants.get(name, []):
                    if isinstance(found[1], ast.Tuple | ast.List | ast.ListComp):
                        self._add_columns(*found, call)

    def _add_cells(self, module: Module, call: ast.Call) -> None:
        """Take what a function that prints a table writes as first cells of rows, as keys, or yields as rows."""
        for node in ast.walk(module.find_above(call, ast.FunctionDef) or ast.Pass()):
            above = module.parents.get(node)
            if isinstance(node, ast.Dict):
                as_json = isinstance(above, ast.Call) and name_of(above.func) == "print_json"
                for key in () if as_json else node.keys:
                    self._add(module, key)
            elif isinstance(node, ast.Tuple) and isinstance(above, ast.List | ast.Tuple):
                self._add(module, next(iter(node.elts), None))
            elif isinstance(node, ast.Call):
                for there, row in self._returns(name_of(node.func)):
                    for cell in row.elts if isinstance(row, ast.Tuple) else ():
                        self._add(there, cell)

    def resolve(self, module: Module, node: ast.expr, depth: int) -> list[Pieces]:
        """Return what an expression may be, each as its strings and, where something is filled in, None."""
        if node not in self.known:
            self.known[node] = [HOLE]
            self.known[node] = self._follow(module, node, depth) if depth < MAX_DEPTH else [HOLE]
        return self.known[node]

    def _follow(self, module: Module, node: ast.expr, depth: int) -> list[Pieces]:
        match node:
            case ast.Constant(value=str() as text):
                found: list[Pieces] = [(text,)]
            case ast.Constant(value=None):
                found = []
            case ast.JoinedStr(values=values):
                found = join_parts([self.resolve(module, one, depth + 1) for one in values])
            case ast.FormattedValue(value=ast.Call() as called, conversion=-1):
                # A phrase of its own, which is translated where it stands in the message.
                self._add(module, called)
                found = [HOLE]
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                # Of what a name stands for only phrases: a word may be the user's too.
                named = isinstance(value, ast.Name)
                inner = self.resolve(module, value, depth + 1)
                found = [HOLE if named and not is_phrase(one) else one for one in inner]
                if HOLE in found or found == [("",)]:
                    found = [HOLE, *(one for one in found if one != ("",))]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                found = join_parts([self.resolve(module, one, depth + 1) for one in (left, right)])
                found = found if any(one for pieces in found for one in pieces) else [HOLE]
            case _:
                followed = [self.resolve(*one, depth + 1) for one in self._choose(module, node)]
                found = [one for some in followed for one in some] or [HOLE]
        return list(dict.fromkeys(found))[:MAX_ALTERNATIVES]

    def _choose(self, module: Module, node: ast.expr) -> list[Found]:
        """Return the expressions of which one is meant; none where that is not known."""
        match node:
            case ast.IfExp(body=body, orelse=other):
                found = [(module, body), (module, other)]
            case ast.BoolOp(op=ast.Or(), values=values):
                found = [(module, one) for one in values]
            case ast.Subscript(value=ast.Name(id=name)):
                tables = self.constants.get(name, [])
                found = [(at, one) for at, table in tables if isinstance(table, ast.Dict) for one in table.values]
            case ast.Call(func=ast.Attribute(value=inner, attr="rstrip" | "strip")):
                found = [(module, inner)]
            case ast.Call(func=func):
                found = self._returns(name_of(func))
            case ast.Name(id=name):
                constants = self.constants.get(name, [])
                found = self._define(module, node, name) or (constants if len(constants) == 1 else [])
            case _:
                found = []
        return found

    def _returns(self, name: str) -> list[Found]:
        return [
            (module, node.value)
            for module, function in self.functions.get(name, [])
            for node in ast.walk(function)
            if isinstance(node, ast.Return | ast.Yield) and node.value is not None
        ]

    def _define(self, module: Module, node: ast.AST, name: str) -> list[Found]:
        """Return what a function sets a local name to, or what is given for its parameter."""
        scope = module.find_above(node, ast.FunctionDef)
        if scope is None:
            return []
        lines = [(module, value) for line in ast.walk(scope) for one, value in bindings(line) if one == name]
        positional = [one.arg for one in (*scope.args.posonlyargs, *scope.args.args)]
        positional = [one for one in positional if one not in ("self", "cls")]
        if lines or name not in {*positional, *(one.arg for one in scope.args.kwonlyargs)}:
            return lines
        place = positional.index(name) if name in positional else None
        found: list[Found] = []
        for there, call in self.calls.get(scope.name, []):
            given = [one.value for one in call.keywords if one.arg == name]
            given += call.args[place : place + 1] if place is not None and not given else []
            found += [(there, one) for one in given]
        return found


def shown_arguments(name: str, call: ast.Call, module: Module) -> list[ast.expr]:
    """Return the arguments of a call that are shown."""
    of = module.find_above(call, ast.ClassDef)
    place = SHOWN_ARGUMENT.get(name, len(call.args))
    # Not the method of a string.
    said = name == "translate" and isinstance(call.func, ast.Name)
    if said or ERROR.search(name) or (name == "__init__" and of is not None and ERROR.search(of.name)):
        place = 0
    return [*call.args[place : place + 1], *(one.value for one in call.keywords if one.arg in SHOWN_KEYWORDS)]


def bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that a line or a loop sets, with what it is set to; a loop over rows, each row's."""
    match node:
        case ast.Assign(targets=targets, value=value):
            pairs = [(target, value) for target in targets]
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            pairs = [(target, value)]
        case ast.NamedExpr(target=target, value=value) | ast.AugAssign(target=target, value=value):
            pairs = [(target, value)]
        case ast.For(target=target, iter=rows) | ast.comprehension(target=target, iter=rows):
            some = rows.elts if isinstance(rows, ast.Tuple | ast.List) else [rows]
            pairs = [(target, one) for one in some]
        case _:
            pairs = []
    for target, value in pairs:
        if isinstance(target, ast.Name):
            yield target.id, value
        elif isinstance(target, ast.Tuple):
            # What cannot be split stands for nothing that is known.
            values = value.elts if isinstance(value, ast.Tuple) else [ast.Pass()] * len(target.elts)
            for one, part in zip(target.elts, values, strict=False):
                if isinstance(one, ast.Name):
                    yield one.id, part


def name_of(func: ast.expr) -> str:
    """Return the last name of what is called."""
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def to_template(pieces: Pieces) -> str:
    """Number what is filled in."""
    numbers = itertools.count()
    return "".join(
        f"{{{next(numbers)}}}" if one is None else one.replace("{", "{{").replace("}", "}}") for one in pieces
    )


def is_phrase(pieces: Pieces) -> bool:
    """Tell whether the strings are English words, more than one, or nothing at all."""
    text = "".join(one or "" for one in pieces)
    if not re.search("[A-Za-z]", text):
        return pieces == ("",) or bool(re.match("[ ,…]", pieces[0] or "") or re.search(" $", pieces[-1] or ""))
    return text.isascii() and bool(re.search(r"[a-z]+ [a-z]+|[a-z] $|^ [a-z]", text))


def is_language(template: str) -> bool:
    """Tell whether a template has a word to translate."""
    return bool(re.search(r"[a-z]{2}", re.sub(r"{\d+}|`[^`]*`|http\S+", "", template)))


def join_parts(parts: list[list[Pieces]]) -> list[Pieces]:
    """Return each way in which the parts, of which each may be several things, follow one another."""
    found: list[Pieces] = []
    for some in itertools.islice(itertools.product(*parts), MAX_ALTERNATIVES):
        pieces: list[str | None] = []
        for one in itertools.chain(*some):
            if pieces and isinstance(one, str) and isinstance(pieces[-1], str):
                pieces[-1] += one
            else:
                pieces.append(one)
        found.append(tuple(pieces))
    return found
