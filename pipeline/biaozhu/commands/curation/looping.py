"""Command: loop."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option

from biaozhu.commands.console import print_json, say
from biaozhu.commands.curation.adjudicating import adjudicate, freeze
from biaozhu.commands.curation.selecting import find_pool
from biaozhu.commands.doccano.projects import create, pull
from biaozhu.commands.models.training import train
from biaozhu.commands.options import LOCAL, Home
from biaozhu.curation.adjudication import find_disagreements
from biaozhu.curation.frozen import read_gold
from biaozhu.curation.loop_state import LoopState, advance, read_state, write_state
from biaozhu.curation.status import read_annotators, read_status
from biaozhu.data.errors import MissingFileError, UsageError, raise_collected
from biaozhu.data.layers import find_layers, read_layer, read_layers, write_layer
from biaozhu.data.shipped import find_shipped

SCORE = "score.json"  # a round's counts on each test sentence


@dataclass(frozen=True, slots=True)
class _Paths:
    """Paths of a round: the loop's folder and its gold; the project's name; the round's folder, choice and model."""

    folder: Path
    gold: Path
    name: str
    work: Path
    chosen: Path
    model: Path


def _find_paths(folder: Path, number: int) -> _Paths:
    work = folder / f"round-{number:02}"
    name = f"{folder.resolve().name}-{number:02}"
    return _Paths(folder, folder / "gold", name, work, work / "chosen.jsonl", folder / "models" / work.name)


def loop(
    folder: Annotated[Path, Argument(help="The loop's folder: state, gold, models, scores.")],
    *,
    pool: list[str] = [],  # noqa: B006 — typer copies the default
    annotators: Annotated[str, Option(help="The two annotators, as in ann,bo. First run.")] = "",
    config: Annotated[Path, Option(help="The training config. First run.")] = Path("configs/ner.cfg"),
    number: Annotated[int, Option("-n", "--number", min=1, help="Sentences a round. First run.")] = 50,
    test: Annotated[Path | None, Option(help="Gold that each round's model is scored on. First run.")] = None,
    worth: Annotated[float, Option(min=0, max=1)] = 0.005,
    as_json: Annotated[bool, Option("--json", help="Print the end of a round as JSON.")] = False,
    home: Home = LOCAL,
) -> None:
    """Go round: select, push, pull, adjudicate, freeze, train, evaluate; run it again and it goes on.

    It stops with exit status 1 where people must act, and says what they have to do; with 0 at the end of a round. Both
    annotators get every sentence without pre-annotations, as the guideline wants it for gold. With test gold it says from
    the fourth round on whether another batch is expected to raise F1 by more than --worth.

    Options:
        pool: Pre-annotated layers or folders to select from. Repeatable. First run.
        worth: Gain of F1 that another batch must promise; below it you can stop.
    """
    from biaozhu.training.curves.stopping import describe_outlook, expect_gain, read_round

    state = read_state(folder)
    if state is None:
        names = tuple(name.strip() for name in annotators.split(","))
        if len(names) != 2 or not pool:  # noqa: PLR2004 — gold needs two
            advice = "Give both, as in --annotators ann,bo"
            raise UsageError("a new loop needs a --pool and two --annotators", next_step=advice)
        config = find_shipped(config)
        # Before people annotate: a later step of the round needs them.
        needed = [*map(Path, pool), config, *([test] if test else [])]
        missing = [MissingFileError("no such file", where=str(one)) for one in needed if not one.exists()]
        raise_collected(missing)
        state = LoopState(tuple(pool), names, str(config), number, str(test or ""))
    elif pool or annotators or test:
        what = "the loop has begun, and its settings are in its loop.json"
        raise UsageError(what, where=str(folder), next_step="Run `biaozhu loop FOLDER` alone")
    begun = state.round
    while state.round == begun:
        paths = _find_paths(folder, state.round)
        paths.work.mkdir(parents=True, exist_ok=True)
        say(f"round {state.round}: {state.step}")
        # Only the end is JSON, and the steps print tables.
        with redirect_stdout(sys.stderr if as_json else sys.stdout):
            done = _take_step(state, paths, home)
        waits = done.asked and not state.asked
        state = done if waits else advance(done)
        write_state(folder, state)
        if waits:
            todo = "draw what is right, give the rule in a comment, and confirm"
            _wait(f"decide the disagreements in the Doccano project {paths.name}-adjudication: {todo}")
        if state.step == "pull":
            both = " and ".join(state.annotators)
            _wait(f"{both} annotate {paths.name} in Doccano, and confirm each sentence")
    outlook = None
    if state.test:
        done_rounds = (_find_paths(folder, number).work / SCORE for number in range(1, state.round))
        rounds = [read_round(one) for one in done_rounds if one.is_file()]
        outlook = expect_gain(rounds, more=state.number, worth=worth)
    if as_json:
        print_json({"round": begun, "f1": state.f1, "outlook": outlook and outlook.as_json()})
    scores = ", ".join("–" if one is None else f"{one:.4f}" for one in state.f1)
    say(f"round {begun} is done{f'; F1 after each round: {scores}' if scores else ''}. Run again for another")
    if outlook:
        say(describe_outlook(outlook))


def _take_step(state: LoopState, paths: _Paths, home: Path) -> LoopState:
    match state.step:
        case "select":
            _select(state, paths)
        case "push":
            names = ",".join(state.annotators)
            create([paths.chosen], annotators=names, project=paths.name, blind=1.0, plans=paths.work, home=home)
        case "pull":
            pull(project=paths.name, output=paths.work / "layers", plans=paths.work, home=home)
            _check_confirmed(state, paths)
        case "adjudicate":
            return _adjudicate(state, paths, home)
        case "freeze":
            freeze(paths.gold)
        case "train":
            train(Path(state.config), output=paths.model, gold=sorted(paths.gold.glob("*.jsonl")))
        case "evaluate" if state.test:
            return replace(state, f1=(*state.f1, _evaluate(state, paths)))
    return state


def _select(state: LoopState, paths: _Paths) -> None:
    from biaozhu.curation.select import select_sentences, stream_files, write_reasons

    known = {one.id for file in paths.gold.glob("*.jsonl") for one in read_layer(file)}
    files = find_pool(map(Path, state.pool))
    left = (sentence for sentence in stream_files(files) if sentence.id not in known)
    selected = select_sentences(left, state.number, seed=state.round)
    if not selected:
        raise UsageError("every sentence of the pool is gold", where=str(paths.folder))
    write_layer(paths.chosen, [one.sentence for one in selected])
    write_reasons(paths.chosen, selected)


def _check_confirmed(state: LoopState, paths: _Paths) -> None:
    for name in state.annotators:
        files = (paths.work / "layers" / name).glob("*.status.json")
        if left := [one for file in files for one in read_status(file) if not one.confirmed_by]:
            _wait(f"{name} has {len(left)} sentences of {paths.name} to confirm in Doccano")


def _adjudicate(state: LoopState, paths: _Paths, home: Path) -> LoopState:
    first, second = (paths.work / "layers" / name for name in state.annotators)
    gold, project = paths.gold / f"{paths.work.name}.jsonl", f"{paths.name}-adjudication"
    (_, ours), (_, theirs) = read_annotators([first, second])
    if not find_disagreements(ours, theirs):
        adjudicate(first, second, output=gold, home=home)
    elif not state.asked:
        adjudicate(first, second, to_doccano=True, project=project, home=home)
        return replace(state, asked=True)
    else:
        # Ends here, with status 1 and each of them named, while something is not decided.
        given = {"decisions": paths.work / "decisions.jsonl", "output": gold}
        adjudicate(first, second, from_doccano=True, project=project, home=home, **given)
    return state


def _evaluate(state: LoopState, paths: _Paths) -> float | None:
    from biaozhu.annotators.trained import annotate_sentences, load_trained
    from biaozhu.training.card import ALL, score_strictly
    from biaozhu.training.curves.stopping import count_round, write_round

    gold = [one for file in find_layers([Path(state.test)]) for one in read_gold(file)]
    predicted, failed = annotate_sentences(load_trained(paths.model), gold)
    for error in failed.values():
        raise error
    learned = len(read_layers(sorted(paths.gold.glob("*.jsonl"))))
    write_round(paths.work / SCORE, count_round(gold, predicted, sentences=learned))
    return score_strictly(gold, predicted)[ALL].f1


def _wait(what: str) -> None:
    say(f"now people must act: {what}. Then run the same command again")
    raise Exit(1)
