"""Steps of a run: what was done of which inputs, so that only what changed is done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from typer import Exit

from biaozhu import __version__
from biaozhu.commands.console import name_first, say
from biaozhu.data.files import parse_json_as, sha256_of, write_json

PRE, LAYERS = Path("annotations/pre"), Path("annotations/layers")
# Folders below layers/ that no annotator wrote: what came back from one's own Doccano, and who decided.
NO_ANNOTATORS = ("doccano", "adjudicator")
NAMED = 3


@dataclass(frozen=True, slots=True)
class DoneStep:
    """A step as it was done: the fingerprint of its inputs, that of its outputs, their files, the exit status."""

    inputs: str
    outputs: str
    files: tuple[str, ...]
    status: int

    def is_as_made(self) -> bool:
        """Tell whether its files are still as the step left them."""
        return self.outputs == hash_files(map(Path, self.files))


@dataclass(slots=True)
class StepRecord:
    """Record of earlier steps, by the step's name, and the names of this run's that lost something, now or when they were done."""

    path: Path
    done: dict[str, DoneStep] = field(default_factory=dict)
    force: bool = False
    failed: list[str] = field(default_factory=list)

    def is_current(self, name: str, inputs: str) -> bool:
        """Tell whether a step's outputs are still those that it made of these inputs, and remember if it lost something."""
        before = self.done.get(name)
        if self.force or before is None or before.inputs != inputs or not before.is_as_made():
            return False
        self.failed += [name] * bool(before.status)
        return True

    def say_failed(self, again: str) -> None:
        """Name the steps that lost something: who runs again, and nothing has changed, sees only here which."""
        if self.failed:
            first = name_first(self.failed, NAMED)
            say(f"something was lost or left out, `{again} --force` says what: {first}")

    def run_step(self, name: str, title: str, do: Callable[[], None], inputs: str, outputs: list[Path]) -> None:
        """Do a step unless it is current, and keep what was done."""
        if self.is_current(name, inputs):
            say(f"{title}: unchanged")
            return
        say(f"{title} …")
        self.keep({name: (inputs, lambda: outputs)}, do)

    def keep(self, steps: Mapping[str, tuple[str, Callable[[], list[Path]]]], do: Callable[[], None]) -> None:
        """Do steps at once, each with its inputs and its outputs afterwards, and keep what was done."""
        status = 0
        try:
            do()
        except Exit as ended:
            # 1: done, but something was lost or differs; the step has named it.
            status = ended.exit_code
        self.failed += list(steps) * bool(status)
        for name, (inputs, find_outputs) in steps.items():
            files = find_outputs()
            self.done[name] = DoneStep(inputs, hash_files(files), tuple(map(str, files)), status)
        write_json(self.path, {name: asdict(step) for name, step in self.done.items()}, indent=1)


def hash_inputs(paths: Iterable[Path], *settings: object) -> str:
    """Return a fingerprint of files, folders and settings, and of this version of the package."""
    said = json.dumps([__version__, *map(str, settings)])
    return hashlib.sha256(f"{said}{hash_files(paths)}".encode()).hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """Return a fingerprint of files and whole folders; what is missing has one too."""
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in files:
            content = sha256_of(file) if file.is_file() else "missing"
            digest.update(f"{file}\0{content}\n".encode())
    return digest.hexdigest()


def read_steps(path: Path) -> dict[str, DoneStep]:
    """Return the steps of a record; one that is missing or damaged means that nothing was done."""
    with suppress(OSError, ValueError):
        return parse_json_as(path.read_bytes(), dict[str, DoneStep])
    return {}
