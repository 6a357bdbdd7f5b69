"""What `biaozhu select` saves: F1 against sentences labelled, for random, uncertainty, diversity and both together.

    python benchmarks/select_simulation.py FOLDER --corpora uner weibo --sizes 25 50 100 200 -o select.jsonl

FOLDER has the corpora of `custom_curve.py`; `modern` is read from the cache folder. Each seed draws a pool; of it each aim
selects sentences in one go, by the default network's marginals, as `select --marginals` does; the corpus's own labels stand
for the annotators. A line of the output is one model; lines that are there already are not made again. The second table
says how many sentences an aim needs for the F1 of so many random ones (`training.extrapolation.exchange`).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from custom_curve import CORPORA, count, f1, read, run

from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model, load_tagger
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.curation.probabilities import make_judge
from biaozhu.curation.select import select_sentences
from biaozhu.data.model import Sentence, with_spans
from biaozhu.nlp.encoders import remembering
from biaozhu.training.curves.extrapolation import exchange
from recipes.corpora.corpus_store import corpora_folder, read_part

if TYPE_CHECKING:
    from collections.abc import Sequence

# Aim -> what `select` is told; `both` is its default.
AIMS: dict[str, dict[str, Any]] = {
    "random": {"share": 1.0},
    "uncertainty": {"share": 0.0, "aim": "uncertainty"},
    "diversity": {"share": 0.0, "aim": "diversity"},
    "both": {},
}
Key = tuple[str, str, int, int]
CONFIG = Path("configs/ner.cfg")
# At most so much of the sentences that random ones take is what was hoped for.
HALF = 0.5


def main() -> None:
    """Train what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--corpora", nargs="+", default=["uner", "weibo", "modern"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[25, 50, 100, 200])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pool", type=int, default=1000, help="sentences to select from")
    parser.add_argument("--scored", type=int, default=500, help="sentences to score on, at most")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    with remembering():
        print_tables(measure(given))


def read_corpus(folder: Path, name: str) -> tuple[list[Sentence], list[Sentence]]:
    """Return the sentences to select from and those to score on."""
    if name == "modern":
        return read_part(corpora_folder() / name, "train"), read_part(corpora_folder() / name, "test")
    learnable, scored_on, labels = CORPORA[name]
    scored = read(folder, scored_on, labels)
    seen = {sentence.text for sentence in scored}
    return [one for one in read(folder, learnable, labels) if one.text not in seen], scored


def draw(sentences: Sequence[Sentence], most: int, seed: int) -> list[Sentence]:
    """Draw sentences, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(sentences))[:most]
    return [sentences[at] for at in sorted(drawn.tolist())]


def measure(given: argparse.Namespace) -> dict[Key, Any]:
    """Train what is missing and return all models' rows."""
    lines = given.output.read_text(encoding="utf-8").splitlines() if given.output.is_file() else []
    done: dict[Key, Any] = {tuple(one["key"]): one for one in map(json.loads, lines)}
    judge = make_judge(load_tagger())
    for seed in range(given.seeds):
        for name in given.corpora:
            wanted = [(name, aim, size, seed) for size in given.sizes for aim in AIMS]
            if all(key in done for key in wanted):
                continue
            learnable, scored = read_corpus(given.folder, name)
            scored, pool = draw(scored, given.scored, 0), draw(learnable, given.pool, seed)
            gold = {one.id: one for one in pool}
            found = annotate_combined([one.text for one in pool], model=load_model(DEFAULT_MODEL))
            layer = [with_spans(one, spans) for one, spans in zip(pool, found, strict=True)]
            unsure = dict(zip(gold, judge(layer), strict=True))
            for key in wanted:
                if key in done:
                    continue
                selected = select_sentences(
                    layer,
                    key[2],
                    seed=seed,
                    judge=lambda some, unsure=unsure: [unsure[one.id] for one in some],
                    **AIMS[key[1]],
                )
                learned, spans, taken = run(CONFIG, [gold[one.sentence.id] for one in selected], scored)
                counts = count(scored, spans, None)
                done[key] = {
                    "key": key,
                    "cpu_s": round(taken, 1),
                    "characters": sum(len(one.sentence.text) for one in selected),
                    "spans": sum(len(gold[one.sentence.id].spans) for one in selected),
                    "learned": learned and str(learned),
                    "counts": counts.tolist(),
                }
                with given.output.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[key], ensure_ascii=False) + "\n")
                print(*key, f"{float(f1(counts.sum(axis=0)[None])[0]):.4f}", f"{taken:.0f} s", flush=True)
    return done


def print_tables(done: dict[Key, Any]) -> None:
    """Print F1 by corpus, size and aim over the seeds that all cells have, and what random sentences are worth in others."""
    by_corpus: defaultdict[str, dict[tuple[str, int, int], Any]] = defaultdict(dict)
    for (name, aim, size, seed), row in done.items():
        by_corpus[name][aim, size, seed] = row
    print(f"| corpus | seeds | sentences | {' | '.join(AIMS)} |\n|---|---:|---:|{'---:|' * len(AIMS)}")
    rates = []
    for name, rows in by_corpus.items():
        sizes = sorted({size for _, size, _ in rows})
        cells = [(aim, size) for aim in AIMS for size in sizes]
        seeds = [seed for seed in sorted({seed for _, _, seed in rows}) if all((*cell, seed) in rows for cell in cells)]
        if not seeds:
            continue
        counts = {
            aim: np.array([[rows[aim, size, seed]["counts"] for seed in seeds] for size in sizes]) for aim in AIMS
        }
        for at, size in enumerate(sizes):
            means = [f"{f1(counts[aim][at].sum(axis=1)).mean():.4f}" for aim in AIMS]
            print(f"| {name} | {len(seeds)} | {size} | {' | '.join(means)} |")
            for aim in list(AIMS)[1:]:
                of_random = sizes[: at + 1], counts["random"][: at + 1]
                rates.append((name, size, aim, exchange(of_random, (sizes, counts[aim]))))
    print(
        "\n| corpus | random sentences | aim | needs | share | 95 % | at most half |\n|---|---:|---|---:|---:|---:|---|"
    )
    for name, size, aim, one in rates:
        if one and one.low is not None and one.high is not None:
            reached = one.rate <= HALF and one.bound != "at least"
            no = "not shown: only an upper bound" if one.bound == "at most" else "no: it does not reach half"
            verdict = "yes" if reached else no
            figures = (
                f"{one.bound} {one.layer:.0f} for {one.gold:.0f} | {one.rate:.2f} | {one.low:.2f} to {one.high:.2f}"
            )
            print(f"| {name} | {size} | {aim} | {figures} | {verdict} |")


if __name__ == "__main__":
    main()
