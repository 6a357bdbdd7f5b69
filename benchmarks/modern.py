"""Strict F1 of the pre-annotation on the modern corpus, by label and kind of text: `python benchmarks/modern.py dev [MODEL …]`.

`dev` and `test` need the corpus in the cache folder (`biaozhu corpus fetch modern --from FOLDER`); `written`, passages that were
written for the corpus and kept out of train, `known`, those of them about real persons and places of the world, and `fresh`, those of sixteen other fields, lie in annotations/modern. Sentences of one document are annotated together.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from biaozhu.annotators.network.models import NAMED, load_model
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.data.model import Sentence, Span
from recipes.corpora.corpus_store import corpora_folder, read_corpus_manifest, read_part
from recipes.corpora.modern import Documents

OFFSETS = Path(__file__).parent.parent / "annotations" / "modern"
LABELS = ("PLACE", "PERSON", "AMOUNT")
# Kinds whose sentences are scored together, too.
POOLED = {
    "all news": {"news", "news_site", "news_translated", "business", "finance"},
    "government": {"report", "law", "spokesperson"},
}
WRITTEN = ("written", "known", "fresh", "cases")


def read_written(rows: list[dict[str, Any]]) -> list[Sentence]:
    """Return the sentences of the passages that lie beside the offsets, each checked against its checksum."""
    documents, found = Documents((OFFSETS,)), []
    for row in rows:
        spans = tuple(Span(start, end, label) for start, end, label in row["spans"])
        text = documents.sentence(row)
        if text is None:
            sys.exit(f"{row['path']} of {OFFSETS} is not the text that was read")
        found.append(Sentence(row["path"], row["start"], row["end"], text, spans))
    return found


def main(part: str, names: list[str]) -> None:
    """Print a table in Markdown for each model."""
    path = OFFSETS / f"{part}.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if part in WRITTEN:
        gold, digest = read_written(rows), hashlib.sha256(path.read_bytes()).hexdigest()
    else:
        folder = corpora_folder() / "modern"
        gold, digest = list(read_part(folder, part)), read_corpus_manifest(folder)["parts"][part]["sha256"]
    if len(rows) != len(gold):
        sys.exit(f"{part} in the cache folder is not that of {OFFSETS}: fetch it again")
    print(f"modern {part}, {len(gold)} sentences, layer {digest[:12]}\n")
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    columns = ("all", *LABELS, *kinds, *(pool for pool, pooled in POOLED.items() if pooled <= set(kinds)))
    print(f"| | {' | '.join(columns)} | characters a CPU second |")
    print("|---|" + "---:|" * (len(columns) + 1))
    pools = {kind: [pool for pool, pooled in POOLED.items() if kind in pooled] for kind in kinds}
    for name in names:
        model = load_model(name, threads=1)
        begun, counts = time.process_time(), Counter[tuple[str, str]]()
        for _, group in itertools.groupby(
            zip(rows, gold, strict=True), key=lambda pair: (pair[0]["file"], pair[0]["path"])
        ):
            pairs = list(group)
            found = annotate_combined([sentence.text for _, sentence in pairs], model=model)
            for (row, sentence), spans in zip(pairs, found, strict=True):
                ours, theirs = {span.key for span in spans}, {span.key for span in sentence.spans}
                for key, count in (
                    *((span, "right") for span in ours & theirs),
                    *((span, "all") for span in (*ours, *theirs)),
                ):
                    for group_name in ("all", key[2], row["kind"], *pools[row["kind"]]):
                        counts[group_name, count] += 1
        seconds = time.process_time() - begun
        cells = [
            f"{2 * counts[one, 'right'] / counts[one, 'all']:.3f}" if counts[one, "all"] else "–" for one in columns
        ]
        print(f"| {name} | {' | '.join(cells)} | {sum(len(one.text) for one in gold) / seconds:,.0f} |")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or list(NAMED))
