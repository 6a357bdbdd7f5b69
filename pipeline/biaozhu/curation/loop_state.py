"""State of a loop of select, annotate, adjudicate, train: one JSON file in its folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from biaozhu.data.errors import LineError
from biaozhu.data.files import parse_json_as, read_bytes, write_json

FILE, FORMAT = "loop.json", "biaozhu.loop.v1"

Step = Literal["select", "push", "pull", "adjudicate", "freeze", "train", "evaluate"]
STEPS: tuple[Step, ...] = get_args(Step)


@dataclass(frozen=True, slots=True)
class LoopState:
    """Inputs of the loop as given, next step, F1 by round; `asked`: this round's disagreements are in Doccano."""

    pool: tuple[str, ...]
    annotators: tuple[str, str]
    config: str
    number: int = 50
    test: str = ""
    round: int = 1
    step: Step = "select"
    asked: bool = False
    f1: tuple[float | None, ...] = ()
    format: str = FORMAT


def advance(state: LoopState) -> LoopState:
    """Return the state with the next step, which after the last is the first of another round."""
    position = STEPS.index(state.step) + 1
    if position < len(STEPS):
        return replace(state, step=STEPS[position])
    return replace(state, round=state.round + 1, step=STEPS[0], asked=False)


def read_loop_state(folder: Path) -> LoopState | None:
    """Read the state of the loop in a folder, None where there is none yet; raises LineError for another file."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        state = parse_json_as(read_bytes(path), LoopState)
        if state.format == FORMAT and state.round >= 1:
            return state
    except ValueError:
        pass
    raise LineError("not the state of a loop of this version", where=path, next_step="Restore the file")


def write_loop_state(folder: Path, state: LoopState) -> None:
    """Write the state, whole or not at all."""
    write_json(folder / FILE, asdict(state))
