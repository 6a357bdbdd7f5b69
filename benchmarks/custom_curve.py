"""How much gold a custom model needs: curves over 25 to 800 sentences, against its start, spaCy's CNN and CRFsuite.

    python benchmarks/custom_curve.py FOLDER --sizes 25 100 400 800 --seeds 2 -o custom_curve.jsonl

FOLDER has the labelled corpora (AISHELL-NER: a new label, ORG; UNER: ORG, and places that are cut otherwise; Weibo: names
of another domain; `aishell` learns from dev and `aishell-same` from other sentences of test). Each seed draws an order of the sentences to learn from, of which each size takes the first; all are
scored on the same sentences, strictly. A line of the output is one model; lines that are there already are not made again.
The table sums the seeds' counts sentence by sentence; p is that of a paired test against the start over these. With
`--modern` each model annotates the modern corpus's test part, too: what it forgets of the labels that the corpus has (rows "forgets"; in rows "forgets
elsewhere" without the names in what it marks with a label of its own, such as the places that its organisations begin with).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.trained import annotate_with
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.nlp.encoders import remembering
from biaozhu.scoring.significance import Sampling, compare_rows
from biaozhu.training.train import fit, read_config
from recipes.corpora.corpus_store import corpora_folder, read_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OURS = {"LOC": "PLACE", "PER": "PERSON", "PER.NAM": "PERSON", "GPE.NAM": "PLACE", "LOC.NAM": "PLACE"}
# Corpus: the files to learn from, those to score on, its labels as we name them.
CORPORA = {
    "aishell": (["aishell_ner_dev"], ["aishell_ner_test"], ("ORG", "PERSON", "PLACE")),
    # Learned and scored on different sentences of one part, as who annotates some of a corpus and wants the rest.
    "aishell-same": (["aishell_ner_test"], ["aishell_ner_test"], ("ORG", "PERSON", "PLACE")),
    "uner": (["uner_ud_gsdsimp_train"], ["uner_ud_gsdsimp_test"], ("AMOUNT", "ORG", "PERSON", "PLACE")),
    "weibo": (["weibo_ner_train"], ["weibo_ner_dev", "weibo_ner_test"], ("PERSON", "PLACE")),
}
START = "start"


def read(folder: Path, names: Iterable[str], labels: Sequence[str]) -> list[Sentence]:
    """Read the distinct sentences of a corpus, of one article each; spans that overlap an earlier one are left out."""
    found: dict[str, Sentence] = {}
    for line in (one for name in names for one in (folder / f"{name}.jsonl").open(encoding="utf-8")):
        row = json.loads(line)
        if row["text"] in found or row.get("amounts") == "not annotated" or not row["text"].strip():
            continue
        spans: list[Span] = []
        for start, end, label in sorted(row["entities"]):
            if OURS.get(label, label) in labels and (not spans or start >= spans[-1].end):
                spans.append(Span(start, end, OURS.get(label, label)))
        article = hashlib.sha256(row["text"].encode()).hexdigest()[:12]
        found[row["text"]] = Sentence(article, 0, len(row["text"]), row["text"], tuple(spans))
    return list(found.values())


def count(gold: Sequence[Sentence], found: Sequence[Iterable[Span]], label: str | None) -> np.ndarray:
    """Return gold, found and right spans of each sentence, of one label or of all that the gold has."""
    rows = []
    labels = {span.label for sentence in gold for span in sentence.spans} if label is None else {label}
    for sentence, spans in zip(gold, found, strict=True):
        there, here = ({one.key for one in side if one.label in labels} for side in (sentence.spans, spans))
        rows.append((len(there), len(here), len(there & here)))
    return np.array(rows, np.int64)


def leave_out(gold: Sequence[Sentence], found: Sequence[Iterable[Span]], labels: Iterable[str]) -> list[Sentence]:
    """Return the gold without what lies in a found span of none of its labels."""
    kept = []
    for sentence, spans in zip(gold, found, strict=True):
        new = [one for one in spans if one.label not in labels]
        apart = [span for span in sentence.spans if all(one.end <= span.start or span.end <= one.start for one in new)]
        kept.append(with_spans(sentence, apart))
    return kept


def f1(sums: np.ndarray) -> np.ndarray:
    """Return strict F1 of summed counts."""
    return np.asarray(2 * sums[:, 2] / np.maximum(sums[:, 0] + sums[:, 1], 1))


def run(config: Path, learned: Sequence[Sentence], *scored: Sequence[Sentence]) -> tuple[Any, list[Any], float]:
    """Train and return what was learned, the spans of each set, and the seconds of processor time that training took."""
    began = time.process_time()
    fitted = fit(read_config(config), learned)
    taken = time.process_time() - began
    sets = ([sentence.text for sentence in one] for one in scored)
    return fitted.learned, [annotate_with(fitted.nlp, texts, source="curve") for texts in sets], taken


def main() -> None:
    """Train what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--configs", type=Path, nargs="+", default=[Path("configs/ner.cfg")])
    parser.add_argument("--corpora", nargs="+", default=list(CORPORA))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 25, 50, 100, 200, 400, 800])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--scored", type=int, default=2000, help="sentences to score on, at most")
    parser.add_argument("--modern", action="store_true", help="score on modern test, too (in the cache folder)")
    given = parser.parse_args()
    with remembering():
        table(measure(given))


def measure(given: argparse.Namespace) -> dict[tuple[Any, ...], Any]:
    """Train what is missing and return all models' rows."""
    lines = given.output.read_text(encoding="utf-8").splitlines() if given.output.is_file() else []
    done = {tuple(one["key"]): one for one in map(json.loads, lines)}
    whole = list(read_part(corpora_folder() / "modern", "test")) if given.modern else []
    for name in given.corpora:
        learnable, scored_on, labels = CORPORA[name]
        scored = read(given.folder, scored_on, labels)
        order = np.random.default_rng(0).permutation(len(scored))[: given.scored]
        scored = [scored[at] for at in sorted(order.tolist())]
        modern = [with_spans(one, [span for span in one.spans if span.label in labels]) for one in whole]
        seen = {sentence.text for sentence in scored}
        pool = [one for one in read(given.folder, learnable, labels) if one.text not in seen]
        wanted: list[tuple[Any, ...]] = [(name, START, 0, 0)]
        wanted += [
            (name, str(config), size, seed)
            for size in given.sizes
            for config in given.configs
            for seed in range(given.seeds)
        ]
        for key in wanted:
            if key in done:
                continue
            _, config, size, seed = key
            learned, taken = None, 0.0
            if config == START:
                deep = load_model(DEFAULT_MODEL)
                found, kept = (annotate_combined([one.text for one in some], model=deep) for some in (scored, modern))
            else:
                drawn = np.random.default_rng(seed).permutation(len(pool))[:size].tolist()
                learned, (found, kept), taken = run(Path(config), [pool[at] for at in sorted(drawn)], scored, modern)
            counts = {label: count(scored, found, label).tolist() for label in labels}
            counts["ALL"] = count(scored, found, None).tolist()
            if modern:
                known = {span.label for one in whole for span in one.spans}
                counts["forgets"] = count(modern, kept, None).tolist()
                counts["forgets elsewhere"] = count(leave_out(modern, kept, known), kept, None).tolist()
            row = {
                "key": key,
                "cpu_s": round(taken, 1),
                "learned": learned and str(learned),
                "counts": counts,
            }
            done[key] = row
            with given.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(*key, f"{float(f1(np.sum(counts['ALL'], axis=0)[None])[0]):.4f}", learned or "", flush=True)
    return done


def table(done: dict[tuple[Any, ...], Any]) -> None:
    """Print strict F1 by corpus, label, size and config, with p against the start."""
    cells: defaultdict[tuple[str, int, str], list[Any]] = defaultdict(list)
    for (name, config, size, _), row in done.items():
        cells[name, size, config].append(row)
    print("| corpus | sentences | model | seeds | label | F1 | start | p | CPU s |")
    print("|---|---:|---|---:|---|---:|---:|---:|---:|")
    for (name, size, config), rows in sorted(cells.items()):
        start = done.get((name, START, 0, 0))
        for label in rows[0]["counts"] if config != START and start else ():
            model = np.sum([row["counts"][label] for row in rows], axis=0)
            base = np.array(start["counts"][label]) * len(rows)
            (test,) = compare_rows(base, model, {"f1": f1}, sampling=Sampling(resamples=2000))
            taken = np.mean([row["cpu_s"] for row in rows])
            figures = f"{test.b:.4f} | {test.a:.4f} | {test.p:.4f} | {taken:.0f}"
            print(f"| {name} | {size} | {Path(config).stem} | {len(rows)} | {label} | {figures} |")


if __name__ == "__main__":
    main()
