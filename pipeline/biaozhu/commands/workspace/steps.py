"""Steps of a job that are redone only where an input, an output or a setting has changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from typer import Exit

from biaozhu import __version__
from biaozhu.commands.console import say
from biaozhu.data.files import parse_json_as, sha256_of, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class DoneStep:
    """A step as it was done: the fingerprint of its inputs, that of its outputs, their files, the exit status."""

    inputs: str
    outputs: str
    files: tuple[str, ...]
    status: int


@dataclass(slots=True)
class StepRecord:
    """Record of earlier steps, by the step's name, and the worst exit status of this run's steps."""

    path: Path
    done: dict[str, DoneStep] = field(default_factory=dict)
    force: bool = False
    status: int = 0

    def is_current(self, name: str, inputs: str, outputs: Iterable[Path]) -> bool:
        """Tell whether a step's outputs are still those that it made of these inputs."""
        before = self.done.get(name)
        if self.force or before is None or before.inputs != inputs:
            return False
        return before.outputs == hash_files(outputs)

    def run_step(
        self, name: str, title: str, do: Callable[[], object], *, inputs: str, outputs: Iterable[Path]
    ) -> bool:
        """Do a step unless it is current, keep what was done, and return whether it was done now."""
        outputs = tuple(outputs)
        if self.is_current(name, inputs, outputs):
            say(f"{title}: unchanged")
            self.status = max(self.status, self.done[name].status)
            return False
        say(f"{title} …")
        status = 0
        try:
            do()
        except Exit as ended:
            # 1: done, but something was lost or differs; the step has named it.
            status = ended.exit_code
        self.status = max(self.status, status)
        files = tuple(str(path) for path in outputs)
        self.done[name] = DoneStep(inputs, hash_files(outputs), files, status)
        self.save()
        return True

    def save(self) -> None:
        """Write the record."""
        document = {name: asdict(step) for name, step in self.done.items()}
        write_text(self.path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def read_record(path: Path, *, force: bool) -> StepRecord:
    """Read what was done before; a record that is missing or damaged means that nothing was."""
    try:
        done = parse_json_as(path.read_bytes(), dict[str, DoneStep])
    except (OSError, ValueError):
        done = {}
    return StepRecord(path, done, force)


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
