"""Commands: select, what to annotate next; doubt, what to look at again; loop, which goes round."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from typer import Argument, Exit, Option

from biaozhu.annotators.network.models import load_tagger
from biaozhu.annotators.trained import annotate_sentences, load_trained
from biaozhu.commands.console import print_json, print_table, say
from biaozhu.commands.curation.adjudicating import adjudicate, freeze
from biaozhu.commands.doccano.projects import create, pull
from biaozhu.commands.doccano.specs import log_in
from biaozhu.commands.models import train
from biaozhu.commands.options import LOCAL, AsJson, Home, layer_name
from biaozhu.curation.adjudication import find_disagreements, judge_against
from biaozhu.curation.doubts import Doubt, apply_doubts, rank_doubts
from biaozhu.curation.loop_state import LoopState, advance, read_loop_state, write_loop_state
from biaozhu.curation.select import Aim, keep_apart, reasons_path, select_sentences, stream_files, write_reasons
from biaozhu.curation.status import read_annotators, read_status
from biaozhu.data.errors import MissingFileError, UsageError, raise_collected
from biaozhu.data.files import descriptor_of, hold_folder
from biaozhu.data.layers import find_layers, read_layer, read_layers, write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.data.outputs import check_output, check_outputs
from biaozhu.data.shipped import find_shipped
from biaozhu.scale import corpus_stream, shard_folders
from biaozhu.scale.shard_folders import is_remote

CONTEXT_CHARS = 12


def select(
    layers: Annotated[list[str], Argument(metavar="LAYER")],
    *,
    number: Annotated[int, Option("--number", "-n", min=1, help="How many sentences to select.")],
    output: Annotated[Path, Option("--output", "-o", metavar="OUT", callback=layer_name)],
    aim: Annotated[Aim, Option(help="Uncertain ones that are unlike each other, or only one of the two.")] = "both",
    marginals: Annotated[bool, Option("--marginals")] = False,
    against: Annotated[list[Path], Option(metavar="LAYER")] = [],  # noqa: B006 — typer copies the default
    without: Annotated[list[Path], Option(metavar="GOLD")] = [],  # noqa: B006 — as above
    share: Annotated[float, Option("--random", min=0, max=1)] = 0.2,
    seed: Annotated[int, Option("--seed", min=0, help="Seed of that draw.")] = 1,
) -> None:
    """Select the sentences to annotate next: uncertain, unlike each other, balanced over labels and articles.

    Near-duplicates are left out; some are drawn at random. `push` shows annotators why each was selected.

    Options:
        layers: Pre-annotated layers or shards, or folders of them: .jsonl, .gz, .zst; patterns.
        output: The layer to write, OUT.jsonl; OUT.reasons.json says why, in Chinese as annotators see it.
        marginals: Ask the default network how sure it is; else the spans' scores say it.
        against: Take the sentences where this layer, such as a language model's, differs. Repeatable.
        without: Leave out the sentences of this layer, such as the gold. Repeatable.
        share: Share that is drawn at random instead, from all sentences.
    """
    given = corpus_stream.expand_globs(map(shard_folders.place, layers))
    if descriptor_of(output) is not None:
        raise UsageError("the reasons are written beside the layer", where=output, next_step="Name a file")
    check_outputs((output, "layer"), (reasons_path(output), "reasons"), inputs=[*given, *against, *without])
    if marginals and against:
        raise UsageError("--marginals and --against are two ways to judge", next_step="Give one of them")
    if aim == "diversity" and (marginals or against):
        advice = "Leave out --marginals and --against"
        raise UsageError("--aim diversity asks no model and no layer", next_step=advice)
    judge = None
    if against:
        judge = judge_against({one.id: one for one in read_layers(against)})
    elif marginals:
        from biaozhu.curation.probabilities import make_judge

        judge = make_judge(load_tagger())
    known = {one.id for one in read_layers(without)} if without else frozenset[str]()
    left = (one for one in stream_files(find_pool(given)) if one.id not in known)
    selected = select_sentences(left, number, share=share, seed=seed, aim=aim, judge=judge)
    if not selected:
        lacking = "the layers do not differ there" if against else "no span there has a score"
        advice = "Give a pre-annotated layer, --marginals, or --random 1"
        raise UsageError(f"{lacking}, and no sentence is drawn at random", next_step=advice)
    write_layer(output, [one.sentence for one in selected])
    write_reasons(output, selected)
    articles = {one.sentence.article for one in selected}
    labels = Counter(label for one in selected for label in {span.label for span in one.sentence.spans})
    counts = ", ".join(f"{count} × {label}" for label, count in sorted(labels.items()))
    say(f"{len(selected)} sentences of {len(articles)} articles{f' ({counts})' if counts else ''}")


def find_pool(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the layers and shards among files, and in folders by name; MissingFileError where there is none."""
    return find_layers(
        paths,
        suffixes=(".jsonl", ".jsonl.gz", ".jsonl.zst"),
        # An address is a file's: to ask the store whether it is a folder fails as reading it does, and later.
        is_folder=lambda path: not is_remote(path) and path.is_dir(),
    )


def doubt(
    layers: Annotated[list[Path], Argument(metavar="GOLD_OR_LAYER", help="Gold or layers (.jsonl), or folders.")],
    *,
    number: Annotated[int, Option("-n", "--number", min=1, help="How many to show and write.")] = 200,
    output: Annotated[Path | None, Option("-o", "--output", metavar="LAYER", callback=layer_name)] = None,
    held_out: list[Path] | None = None,
    project: Annotated[str, Option(help="Link to this Doccano project.")] = "",
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Rank the likely errors of gold or a layer: rules of the guideline, like places, a model's probabilities.

    A score ranks, from 0 to 1, and is not the probability of an error. Probabilities are those of --held-out, else of the
    default network, which doubts no label that it lacks. Decide on what is found with `adjudicate LAYER OUTPUT`, where OUTPUT
    is what -o wrote into a folder of its own.

    Options:
        output: Write the layer as it would be if all of them were right.
        held_out: Held-out predictions of the same sentences (`crossval -o`). Repeatable.
    """
    from biaozhu.curation import lint, probabilities, surfaces

    check_output(output, "layer", [*layers, *(held_out or ())])
    layer = read_layers(layers)
    address = ""
    if project:
        from biaozhu.doccano.project import require_project

        address = require_project(log_in(home), project).url
    if held_out:
        readings = probabilities.read_by_layer(layer, read_layers(held_out))
    else:
        readings = probabilities.read_by_network(layer, load_tagger())
    found = (lint.lint_layer(layer), surfaces.find_inconsistent(layer), probabilities.find_improbable(layer, readings))
    every = rank_doubts(chain(*found))
    by_id = {sentence.id: sentence for sentence in layer}
    rows = [_make_row(one, by_id[one.sentence], address) for one in every[:number]]
    if output is not None:
        write_layer(output, apply_doubts(layer, every[:number]))
    if as_json:
        print_json(rows)
    else:
        columns = [key for key in ("score", "reason", "sentence", "text", "link") if key != "link" or address]
        print_table("Likely errors", columns, [[row[key] for key in columns] for row in rows])
    checks = Counter(name for one in every for name in one.by)
    counts = ", ".join(f"{count} × {name}" for name, count in sorted(checks.items()))
    say(f"{len(every)} doubts in {len(layer)} sentences{f' ({counts})' if counts else ''}, {len(rows)} shown")


def _make_row(one: Doubt, sentence: Sentence, address: str) -> Mapping[str, object]:
    text, start, end = sentence.text, one.start, one.end
    return {
        **{key: getattr(one, key) for key in ("score", "reason", "by", "sentence", "start", "end")},
        "text": f"{text[max(0, start - CONTEXT_CHARS) : start]}【{text[start:end]}】{text[end : end + CONTEXT_CHARS]}",
        "now": _describe_spans(one.find_wrong(sentence.spans), text),
        "right": _describe_spans(one.right, text),
        # Doccano finds the sentence by its text: its own order of examples is not unique.
        "link": f"{address}&q={quote(text)}" if address else "",
    }


def _describe_spans(spans: Sequence[Span], text: str) -> list[dict[str, object]]:
    found = ((one.start, one.end, one.label, text[one.start : one.end]) for one in spans)
    return [dict(zip(("start", "end", "label", "text"), each, strict=True)) for each in found]


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
    test: Path | None = None,
    worth: Annotated[float, Option(min=0, max=1)] = 0.005,
    as_json: Annotated[bool, Option("--json", help="Print where the round ends or waits as JSON.")] = False,
    home: Home = LOCAL,
) -> None:
    """Go round: select, push, pull, adjudicate, freeze, train, evaluate; run it again and it goes on.

    It stops with exit status 1 where people must act, and says what they have to do; with 0 at the end of a round. Both
    annotators get every sentence without pre-annotations, as the guideline wants it for gold. With test gold it says from
    the fourth round on whether another batch is expected to raise F1 by more than --worth.

    Options:
        pool: Pre-annotated layers or folders to select from. Repeatable. First run.
        test: Gold to score each round's model on; its articles are not selected from. First run.
        worth: Gain of F1 that another batch must promise; below it you can stop.
    """
    from biaozhu.training.curves.stopping import describe_outlook, expect_gain, read_round

    state = read_loop_state(folder)
    if state is None:
        names = tuple(name.strip() for name in annotators.split(","))
        if len(names) != 2 or not pool:  # noqa: PLR2004 — gold needs two
            advice = "Give both, as in --annotators ann,bo"
            raise UsageError("a new loop needs a --pool and two --annotators", next_step=advice)
        config = find_shipped(config)
        # Before people annotate: a later step of the round needs them.
        needed = [*map(Path, pool), config, *([test] if test else [])]
        raise_collected([MissingFileError("no such file", where=one) for one in needed if not one.exists()])
        state = LoopState(tuple(pool), names, str(config), number, str(test or ""))
    elif pool or annotators or test:
        what = "the loop has begun, and its settings are in its loop.json"
        raise UsageError(what, where=folder, next_step="Run `biaozhu loop FOLDER` alone")
    with hold_folder(folder, wait=False):
        state = read_loop_state(folder) or state  # it may have gone on meanwhile
        begun = state.round
        try:
            # Only the end is JSON, and the steps print tables.
            with redirect_stdout(sys.stderr if as_json else sys.stdout):
                while state.round == begun:
                    state = _go_on(state, folder, home)
        except Exit:
            if as_json:
                at = read_loop_state(folder) or state
                print_json({"round": at.round, "step": at.step, "f1": at.f1, "outlook": None})
            raise
    outlook = None
    if state.test:
        done_rounds = (_find_paths(folder, number).work / SCORE for number in range(1, state.round))
        outlook = expect_gain([read_round(one) for one in done_rounds if one.is_file()], more=state.number, worth=worth)
    if as_json:
        print_json({"round": begun, "step": "", "f1": state.f1, "outlook": outlook and asdict(outlook)})
    scores = ", ".join("–" if one is None else f"{one:.4f}" for one in state.f1)
    say(f"round {begun} is done{f'; F1 after each round: {scores}' if scores else ''}. Run again for another")
    if outlook:
        say(describe_outlook(outlook))


def _go_on(state: LoopState, folder: Path, home: Path) -> LoopState:
    """Take the next step and keep where the loop is then; exit with status 1 where people must act."""
    paths = _find_paths(folder, state.round)
    paths.work.mkdir(parents=True, exist_ok=True)
    say(f"round {state.round}: {state.step}")
    done = _take_step(state, paths, home)
    waits = done.asked and not state.asked
    state = done if waits else advance(done)
    write_loop_state(folder, state)
    if waits:
        todo = "draw what is right, give the rule in a comment, and confirm"
        _wait(f"decide the disagreements in the Doccano project {paths.name}-adjudication: {todo}")
    if state.step == "pull":
        both = " and ".join(state.annotators)
        _wait(f"{both} annotate {paths.name} in Doccano, and confirm each sentence")
    return state


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
    known = {one.id for file in paths.gold.glob("*.jsonl") for one in read_layer(file)}
    files, test = find_pool(map(Path, state.pool)), _read_test(state)
    tested = {one.article for one in test}
    # Of the whole pool, lest a later round takes what the earlier ones held out.
    has_others = not test or any(sentence.article not in tested for sentence in stream_files(files))
    if not has_others:
        say("every article of the pool is in the test too: only its sentences, and those like them, are left out")
    apart = keep_apart(stream_files(files), test, articles=has_others)
    left = (sentence for sentence in apart if sentence.id not in known)
    selected = select_sentences(left, state.number, seed=state.round)
    if not selected:
        what = "every sentence of the pool is gold, or held out with the test"
        advice = "Add articles to the pool, or begin another loop with another pool"
        raise UsageError(what, where=paths.folder, next_step=advice)
    write_layer(paths.chosen, [one.sentence for one in selected])
    write_reasons(paths.chosen, selected)


def _read_test(state: LoopState) -> tuple[Sentence, ...]:
    return read_layers([Path(state.test)]) if state.test else ()


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
        decisions = paths.work / "decisions.jsonl"
        adjudicate(first, second, from_doccano=True, decisions=decisions, output=gold, project=project, home=home)
    return state


def _evaluate(state: LoopState, paths: _Paths) -> float | None:
    from biaozhu.training.card import ALL, score_strictly
    from biaozhu.training.curves.stopping import count_round, write_round

    gold = _read_test(state)
    predicted, failed = annotate_sentences(load_trained(paths.model), gold)
    for error in failed.values():
        raise error
    learned = len(read_layers(sorted(paths.gold.glob("*.jsonl"))))
    write_round(paths.work / SCORE, count_round(gold, predicted, sentences=learned))
    return score_strictly(gold, predicted)[ALL].f1


def _wait(what: str) -> None:
    say(f"now people must act: {what}. Then run the same command again")
    raise Exit(1)
