"""Annotations of a run's articles, and advice at its end: the command that brings them nearer to gold, as it works here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from glob import escape
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biaozhu.commands.console import name_first, quote, say
from biaozhu.commands.curation.adjudicating import find_questions, list_free_names
from biaozhu.commands.doccano.projects import PLANS, ROUND_TRIP
from biaozhu.commands.workspace.steps import LAYERS, NAMED, NO_ANNOTATORS, PRE
from biaozhu.curation.adjudication import keep_common
from biaozhu.curation.status import read_project
from biaozhu.data.layers import find_layers, read_layer
from biaozhu.data.model import Article, Sentence
from biaozhu.data.storage.manifest import MANIFEST
from biaozhu.doccano.assignment import Assignment, read_assignment

if TYPE_CHECKING:
    from biaozhu.commands.workspace.running import Job

USUAL_ANNOTATORS = ("anna", "ben")


def say_next_steps(job: Job, annotators: Sequence[Path], again: str) -> tuple[list[Path], list[str]]:
    """Say what to do next: annotate what has no gold, make gold of what is annotated, else look at the scores.

    Returns the articles that are not the text that was annotated, and the commands that bring the others nearer to gold.
    """
    lacking = {path: article for path, article in job.articles.items() if article.id not in job.covered}
    if not lacking:
        say("every article has gold; `biaozhu history reports` shows how the scores went from run to run")
        say(f"`biaozhu table` with `--layer {quote(job.gold_folder)}` makes tables of the amounts and names in it")
        return [], []
    count = f"{len(lacking)} {'article has' if len(lacking) == 1 else 'articles have'} no gold"
    ids = {article.id for article in job.articles.values()}
    changed = [path for path, article in lacking.items() if _is_worked_on(job.gold_folder, article.name, ids)]
    for path in changed[:NAMED]:
        move = quote("mv", path, next(list_free_names(path)))
        say(f"{path} is not the text that was annotated: restore that one, or let this be an article of its own,")
        say(f"with `{move}`, then `{again}`; what was annotated takes no part until its text is back")
    left = {path: article for path, article in lacking.items() if path not in changed}
    commands = _say_how_to_adjudicate(job, left.values(), annotators, count) if left else []
    if left and not commands:
        commands = _say_how_to_annotate(job, left.values(), count, again)
    return changed, commands


def say_how_to_use(job: Job, scores: Iterable[Mapping[str, Any]]) -> None:
    """Say how to annotate other articles: by the model, unless the pre-annotation scores higher on the gold."""
    f1 = {one["layer"]: one["f1"] or 0 for one in scores if one["label"] == "ALL"}
    own = chain.from_iterable(("--annotator", one) for one in job.annotators)
    pre = quote("biaozhu", "preannotate", "FOLDER", *own, "-o", "LAYERS")
    model = quote("biaozhu", "predict", Path("models") / job.config.stem, "FOLDER", "-o", "FILE.jsonl")
    if f1.get("pre", 0) > f1.get(job.config.stem, 0):
        say(f"the model scores lower than the pre-annotation: take that for other articles, `{pre}`")
        return
    say(f"the model on other articles: `{model}`, and their amounts and names")
    say("with `biaozhu table FOLDER --layer FILE.jsonl -o amounts.csv --names names.csv`")
    if job.annotators:
        say(f"the model does not ask the annotators that you gave, only `{pre}` does")


def _is_worked_on(gold: Path, name: str, ids: Collection[str]) -> bool:
    """Tell whether there is gold or an annotator's layer of this name that is about none of the articles at hand."""
    files = [gold / f"{name}.jsonl", *LAYERS.glob(f"*/{escape(name)}.jsonl")]
    layers = [read_layer(file) for file in files if file.is_file() and file.parent.name not in NO_ANNOTATORS]
    return any(sentence.article not in ids for layer in layers for sentence in layer)


def _say_how_to_adjudicate(job: Job, lacking: Collection[Article], annotators: Sequence[Path], count: str) -> list[str]:
    """Say how to decide between the first two who annotated the same sentences, if there are any."""
    names = {article.id: article.name for article in lacking}
    marked: dict[Path, list[Sentence]] = {}
    for one in annotators:
        layer = (line for file in find_layers([one]) for line in read_layer(file))
        marked[one] = [line for line in layer if line.article in names]
    pairs = ((two, keep_common(marked[two[0]], marked[two[1]])) for two in combinations(annotators, 2))
    found = next(((two, both) for two, both in pairs if both[0]), None)
    if found is None:
        return _say_how_to_take(job, {one: lines for one, lines in marked.items() if lines}, names, count)
    pair, both = found
    common = {sentence.article for sentence in both[0]}
    file = f"{names[min(common, key=list(names).index)]}.jsonl"
    # What is gold already is not asked again, which the whole folders would do.
    if job.covered and all((one / file).is_file() for one in pair):
        pair = (pair[0] / file, pair[1] / file)
    questions, decided = find_questions(*both)
    a, b = map(quote, pair)
    path, gold = quote(questions), quote(job.gold_folder)
    ask = f"biaozhu adjudicate {a} {b} --common --questions {path}"
    join = f"biaozhu adjudicate {a} {b} --common --decisions {path} -o {gold}"
    if decided:
        say(f"{count}: fill in {path}, then")
    else:
        say(f"{count}: `{ask}`, fill it in, then")
    say(f"`{join}`")
    return [*([] if decided else [ask]), join, *_say_how_to_freeze(job)]


def _say_how_to_take(
    job: Job, marked: Mapping[Path, Sequence[Sentence]], names: Mapping[str, str], count: str
) -> list[str]:
    """Say how the work of annotators who had each sentence alone becomes gold, unless their project wants a second one."""
    plan = _read_plan(job)
    if not marked or (plan and plan.overlap > 1):
        return []
    layers, done = list(marked), len({line.article for lines in marked.values() for line in lines})
    if job.covered:  # frozen gold is not written again
        articles = ((one, names[article]) for one in marked for article in {line.article: 0 for line in marked[one]})
        layers = [one / f"{name}.jsonl" for one, name in articles]
    commands = [f"biaozhu adjudicate {quote(one)} -o {quote(job.gold_folder)}" for one in layers]
    say(
        f"{count}: what one annotator did alone, in {done} of them, becomes gold as it is (a second one would find mistakes) with"
    )
    for command in commands:
        say(f"`{command}`")
    return [*commands, *_say_how_to_freeze(job)]


def _say_how_to_freeze(job: Job) -> list[str]:
    if not (job.gold_folder / MANIFEST).is_file():
        return []
    freeze = f"biaozhu gold freeze {quote(job.gold_folder)}"
    say(f"`{freeze}`, as this gold is frozen")
    return [freeze]


def _read_plan(job: Job) -> Assignment | None:
    plan = PLANS / f"{job.name}.json"
    return read_assignment(plan) if plan.is_file() else None


def _say_how_to_annotate(job: Job, lacking: Collection[Article], count: str, again: str) -> list[str]:
    found = _read_plan(job)
    given = {sentence.partition(":")[0] for one in found.annotators.values() for sentence in one} if found else set()
    new = [one for one in lacking if one.id not in given]
    project = quote(job.name)
    if not new:
        pull = f"biaozhu project pull --project {project}"
        say(f"{count}: `biaozhu project status {project}` shows how far the annotators are;")
        say(f"when they are done: `{pull}`, then `{again}`")
        return [pull, again]
    few = len(new) <= NAMED and len(new) < len(job.articles)
    layers = quote(*(PRE / f"{one.name}.jsonl" for one in new)) if few else str(PRE)
    names = quote(",".join(found.annotators if found else USUAL_ANNOTATORS))
    say(f"{count}: `biaozhu doccano up`, then")
    blind, overlap = (found.blind, found.overlap) if found else (1.0, len(USUAL_ANNOTATORS))
    share = f" --blind {blind:g}" if blind else ""
    create = f"biaozhu project create {layers} --project {project} --annotators {names} --overlap {overlap}{share}"
    say(f"`{create}`")
    if not found:
        say("one annotator alone is enough, with one name and without --overlap; two show how sure the gold is")
    if blind == 1:
        say(
            "`--blind 1` hides the pre-annotation from them, as gold that scores it needs; without it they correct it, which is faster"
        )
    return ["biaozhu doccano up", create]


def say_unused_gold(about: Mapping[Path, Collection[str]], lacking: Mapping[str, str]) -> tuple[Path, ...]:
    """Name the gold that takes no part, and return that of articles that have no other, given by id and name."""
    dropped, strange = [], []
    for path, ids in about.items():
        if path.stem in lacking.values():
            say(f"{path}: the gold is about another version of {path.stem}, and takes no part")
            dropped.append(path)
        elif not lacking.keys().isdisjoint(ids):
            say(
                f"{path}: the gold is also about texts that are not here, and takes no part: cut it into a file an article"
            )
            dropped.append(path)
        else:
            strange.append(path)
    if strange:
        say(f"gold about texts that are not here takes no part ({len(strange)}): {name_first(strange, NAMED)}")
    return tuple(dropped)


def list_annotator_folders(articles: Iterable[Article]) -> list[Path]:
    """Return the folders of annotators who worked on one of the articles."""
    ids = {article.id for article in articles}
    theirs = [one for one in sorted(LAYERS.glob("*")) if one.name not in NO_ANNOTATORS and any(one.glob("*.jsonl"))]
    about = {one: (line.article for file in find_layers([one]) for line in read_layer(file)) for one in theirs}
    return [one for one in theirs if not ids.isdisjoint(about[one])]


def find_round_trip(name: str, annotators: Sequence[Path], articles: Iterable[str]) -> Path | None:
    """Return what `project pull` wrote of the way to Doccano and back: of the project of this name, else of the annotators'.

    One about other articles says nothing of these, and of several projects the last one that was pulled counts.
    """
    layers = [layer for one in articles for folder in annotators if (layer := folder / f"{one}.jsonl").is_file()]
    projects = {read_project(layer) for layer in layers}
    trips = (LAYERS / f"{one}{ROUND_TRIP}" for one in sorted(projects))
    found = [trip for trip in trips if trip.is_file()]
    own = LAYERS / f"{name}{ROUND_TRIP}"
    is_own = bool(annotators) and own.is_file()
    return own if is_own else max(found, key=lambda trip: trip.stat().st_mtime_ns, default=None)
