"""The same training with several seeds, scored on layers that it did not see; a run that was killed goes on.

Each seed's model is written whole into a work folder beside the output, under a checksum of config, settings and data,
with its scores: what is there when the command is started again is not trained again. The first seed's model is what
stays; its card says what the others score.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from spacy.util import walk_dict

from biaozhu.annotators.trained import load_trained
from biaozhu.data.errors import TrainingError, UsageError
from biaozhu.data.files import read_bytes, report_unwritable, sha256_of, write_json, write_text
from biaozhu.data.layers import read_layer
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, with_spans
from biaozhu.data.strict_counts import StrictCounts
from biaozhu.scoring.evaluation import ALL, EvaluationOptions, evaluate_layer
from biaozhu.scoring.significance import Sampling
from biaozhu.training.card import format_score, markdown_table
from biaozhu.training.train import OnStep, corpus_of, read_config, train
from biaozhu.training.whole_folder import check_replaceable

RESULT = "run.json"
# Stands beside the paths of several layers that were scored.
TOTAL = "all layers"
SEED = "system.seed"
SAMPLING = Sampling(resamples=1000)


@dataclass(frozen=True, slots=True)
class SeedRun:
    """Result of one seed.

    `scores`: layer's path, and TOTAL where there are several -> label (and ALL) -> strict F1 with its 95 % interval, None where undefined; `bytes` is the
    model folder's size, `load_s` and `characters_per_s` are of the machine that ran it, on all its layers.
    """

    seed: int
    scores: Mapping[str, Mapping[str, Sequence[float | None]]]
    bytes: int
    load_s: float
    characters_per_s: int


def train_seeds(  # noqa: PLR0913 — what `train` takes, and seeds and layers
    config_path: Path,
    output: Path,
    *,
    seeds: int,
    scored: Sequence[Path],
    overrides: Mapping[str, Any] | None = None,
    held_out: Mapping[str, StrictCounts] | None = None,
    on_seed: Callable[[int, bool], None] = lambda *_: None,
    on_step: OnStep = lambda *_: None,
) -> tuple[tuple[Entry, ...], tuple[SeedRun, ...]]:
    """Train once for each seed, counted up from the config's own `system.seed`, score each, and keep the first model.

    `scored` are gold layers that training does not see; `on_seed` is called before each seed with it, and whether it was trained before;
    for the other options see `train`. Returned are what could not be aligned with the tokens, the same for each seed, and each seed's run.
    """
    check_replaceable(output)
    output = output.resolve()  # a link to a folder stays a link
    overrides = dict(overrides or {})
    config = read_config(config_path, overrides)
    first = config.get("system", {}).get("seed")
    if not isinstance(first, int):
        raise TrainingError("it has no seed as system.seed", where=str(config_path), next_step="Give it one")
    files = corpus_of(config, config_path).files()
    seen = {sha256_of(path) for path in files}
    for path in scored:
        if sha256_of(path) in seen:
            what = "this layer is trained on: it says nothing to score on it"
            raise UsageError(what, where=str(path), next_step="Score another layer")
        read_layer(path)  # what cannot be scored is said before the training, not after it
    settings = {"overrides": overrides, "held_out": dict(held_out or {})}
    work = output.parent / f".{output.name}.runs" / name_work(config_path, config, settings, [*files, *scored])
    entries: tuple[Entry, ...] = ()
    runs = []
    for seed in range(first, first + seeds):
        folder = work / str(seed) / output.name
        result = folder.parent / RESULT
        # The first seed's model moves away at the end: its result alone is not a model.
        there = result.is_file() and (folder / "meta.json").is_file()
        on_seed(seed, there)
        if not there:
            done = train(config_path, folder, overrides={**overrides, SEED: seed}, held_out=held_out, on_step=on_step)
            run = asdict(_score_run(folder, seed, scored))
            write_json(result, {"run": run, "entries": [asdict(one) for one in done.entries]}, indent=None)
        known = json.loads(read_bytes(result))
        entries = tuple(Entry(**one) for one in known["entries"])
        runs.append(SeedRun(**known["run"]))
    chosen = work / str(first) / output.name
    card = read_bytes(chosen / "README.md").decode("utf-8")
    write_text(chosen / "README.md", card.split("\n## Seeds\n", 1)[0].rstrip() + "\n\n" + describe_seeds(runs))
    _move(chosen, output)
    shutil.rmtree(work.parent, ignore_errors=True)
    return entries, tuple(runs)


def describe_seeds(runs: Sequence[SeedRun]) -> str:
    """Return the card's section on seeds: scores on each layer with their mean and spread, size and speed."""
    parts = ["## Seeds", f"This model is the run with seed {runs[0].seed}. Strict F1, with 95 % intervals:"]
    for path in runs[0].scores:
        labels = list(runs[0].scores[path])
        rows: list[tuple[object, ...]] = [
            (run.seed, *(_show(run.scores[path].get(label, (None,))) for label in labels)) for run in runs
        ]
        if len(runs) > 1:
            for name, figure in (("mean", fmean), ("standard deviation", stdev)):
                columns = ([run.scores[path].get(label, (None,))[0] for run in runs] for label in labels)
                known = ([value for value in column if value is not None] for column in columns)
                rows.append((name, *(format_score(figure(one) if len(one) > 1 else None) for one in known)))
        parts += [f"On {path if path == TOTAL else f'`{path}`'}:", markdown_table(("seed", *labels), rows)]
    parts.append(
        f"{runs[0].bytes / 1e6:.2f} MB without what it leans on; loaded in {runs[0].load_s:.2f} s, "
        f"{runs[0].characters_per_s:,} characters/s on the machine that trained it."
    )
    return "\n\n".join(parts) + "\n"


def _score_run(folder: Path, seed: int, scored: Sequence[Path]) -> SeedRun:
    begun = time.perf_counter()
    model = load_trained(folder)
    load = time.perf_counter() - begun
    scores: dict[str, dict[str, tuple[float | None, ...]]] = {}
    every: dict[str, tuple[Sentence, Sentence]] = {}
    characters, taken = 0, 0.0
    for path in scored:
        gold = read_layer(path)
        texts = [sentence.text for sentence in gold]
        begun = time.perf_counter()
        found = model(texts)
        taken += time.perf_counter() - begun
        characters += sum(map(len, texts))
        layer = [with_spans(sentence, spans) for sentence, spans in zip(gold, found, strict=True)]
        every |= {one.id: (one, other) for one, other in zip(gold, layer, strict=True)}
        scores[str(path)] = _score_strictly(gold, layer, model.name)
    if len(scores) > 1:
        golds, layers = zip(*every.values(), strict=True)
        scores[TOTAL] = _score_strictly(golds, layers, model.name)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return SeedRun(seed, scores, size, round(load, 3), round(characters / taken) if taken else 0)


def _score_strictly(
    gold: Sequence[Sentence], layer: Sequence[Sentence], name: str
) -> dict[str, tuple[float | None, ...]]:
    result = evaluate_layer(gold, layer, name=name, options=EvaluationOptions(sampling=SAMPLING))
    strict = {label: row["strict"].f1 for label, row in {ALL: result.overall, **result.labels}.items()}
    return {label: (f1.value, *(f1.best or (None, None))) for label, f1 in strict.items()}


def _show(figures: Sequence[float | None]) -> str:
    value, *bounds = map(format_score, figures)
    return f"{value} ({' to '.join(bounds)})" if bounds and None not in figures else value


def name_work(path: Path, config: Mapping[str, Any], settings: Mapping[str, Any], files: Sequence[Path]) -> str:
    """Return the name of the folder that keeps what is trained with a config, settings and data until all of it is."""
    named = [value for _, value in walk_dict(dict(config)) if isinstance(value, str) and value]
    models = [Path(value) / "config.json" for value in named if (Path(value) / "config.json").is_file()]
    parts = [json.dumps(settings, default=str, sort_keys=True), *map(sha256_of, [path, *files, *models])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _move(model: Path, output: Path) -> None:
    # The model is not moved into a temporary folder first: a failure must not take hours of training with it.
    with report_unwritable(output):
        if output.exists():
            output.rename(model.parent / "old")
        model.rename(output)
