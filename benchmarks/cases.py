"""Run small inputs that came out wrong once, and print by kind how many come out right now.

    python benchmarks/cases.py [CASES.jsonl ...] [--kind A] [--wrong] [--markdown]

CASES defaults to `../shared/data/cases/bug_reports.jsonl` beside the repository: inputs reduced from public bug
reports, every one of which was wrong on 2026-11-27, so that the column "before" is 0 of all. A case is read as it
comes to a user: a text is pre-annotated with the default network, an amount is looked up in the table, a file is read
as an article, a command is run in a folder of its own. Where the guideline rules otherwise than a case, `RULED`
says which rule; such cases are scored by the guideline.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model
from biaozhu.annotators.preannotate import preannotate_batch
from biaozhu.cli import run
from biaozhu.data.errors import BiaozhuError
from biaozhu.normalization.table import Meaning, article_meaning
from biaozhu.reading.article import article_from_bytes
from biaozhu.reading.sentences import split_article, split_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from biaozhu.annotators.preannotate import Preannotation
    from biaozhu.annotators.words import NameModel

Case = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT.parent / "shared" / "data" / "cases" / "bug_reports.jsonl"
# Where the guideline, settled after the cases were written, rules otherwise: text, right spans, rule.
RULED: dict[str, tuple[list[list[Any]], str]] = {
    "万把块钱。": ([[0, 4, "AMOUNT"]], "A1: 三块钱 is marked up to 钱"),
    "Tim Cook访华。": (
        [[0, 8, "PERSON"], [9, 10, "PLACE"]],
        "P3: one character that means a place is marked",
    ),
}


def read_cases(paths: Sequence[Path]) -> list[Case]:
    """Read cases, one JSON object a line."""
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines() if line]
    cases = [json.loads(line) for line in lines]
    return [case | {"spans": RULED[case["text"]][0]} if _is_ruled(case) else case for case in cases]


def judge(case: Case) -> tuple[bool, str]:
    """Return whether a case comes out right, and what came out."""
    try:
        return _judge(case)
    except (BiaozhuError, LookupError) as error:
        return False, f"{type(error).__name__}: {error}"


def _is_ruled(case: Case) -> bool:
    return "spans" in case and case["text"] in RULED


def _judge(case: Case) -> tuple[bool, str]:
    if "command" in case:
        return _of_command(case)
    if "file_text" in case:
        return _of_file(case)
    if "sentences" in case:
        text = case["text"]
        cut = [text[start:end] for start, end in split_text(text)]
        return cut == case["sentences"], " ⏎ ".join(cut)
    made = _preannotated(case["text"])
    if "spans" in case:
        spans = [
            (one.start + span.start, one.start + span.end, span.label) for one in made.sentences for span in one.spans
        ]
        shown = " ".join(f"{case['text'][start:end]}/{label[:2]}" for start, end, label in spans)
        return spans == [tuple(span) for span in case["spans"]], shown or "(none)"
    meaning = article_meaning(made.article, made.sentences)
    return _of_place(case, meaning) if "place" in case else _of_amount(case, made, meaning)


@cache
def _model() -> NameModel:
    return load_model(DEFAULT_MODEL)


@cache
def _preannotated(text: str) -> Preannotation:
    article = article_from_bytes(text.encode("utf-8"), name="case", where="case")
    return preannotate_batch([article], model=_model())[0]


def _of_place(case: Case, meaning: Meaning) -> tuple[bool, str]:
    found = next((place for place in meaning.places if place.text == case["place"]), None)
    if found is None:
        return False, "no such place"
    return list(found.path) == case["path"], f"{'/'.join(found.path)} {found.status}"


def _of_amount(case: Case, made: Preannotation, meaning: Meaning) -> tuple[bool, str]:
    first = case["text"].index(case["amount"])
    last = first + len(case["amount"])
    begins = {one.id: one.start for one in made.sentences}
    # The span may be wider than the case says (零下20℃ for 20℃).
    rows = [row for row in meaning.rows if begins[row.sentence] + row.start <= first]
    rows = [row for row in rows if begins[row.sentence] + row.end >= last]
    if len(rows) != 1:
        return False, f"{len(rows)} amounts there"
    got = {key: getattr(rows[0], key) for key in case["value"]}
    return got == case["value"], f"{rows[0].text} {got}"


def _of_file(case: Case) -> tuple[bool, str]:
    article = article_from_bytes(case["file_text"].encode("utf-8"), name="case", where="case", page=case["html"])
    texts = [one.text for one in split_article(article)]
    kept = [article.raw[block.start : block.end] for block in article.blocks if block.kind != "furniture"] + texts
    value, check = case["value"], case["check"]
    right = {
        "has": lambda: any(value in text for text in kept),
        "contains": lambda: any(value in text for text in kept),
        "hasnot": lambda: not any(value in text for text in texts),
        "title": lambda: article.metadata.title == value,
        "time": lambda: article.metadata.time == value,
    }[check]()
    return right, f"{article.metadata.title} | {article.metadata.time} | {' ⏎ '.join(texts)[:80]}"


def _of_command(case: Case) -> tuple[bool, str]:
    maker = COMMANDS.get(case["input"])
    if maker is None:
        return False, "described in words; no maker for it here"
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return maker(Path(folder))


def _run(*arguments: str) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        status = run(list(arguments))
    return status, said.getvalue()


TEXT = "曲阳县的果树。"
SPAN = {"start": 0, "end": 3, "label": "PLACE"}


def _import(content: object, form: str, wanted: list[list[Any]]) -> Callable[[Path], tuple[bool, str]]:
    def made(folder: Path) -> tuple[bool, str]:
        (folder / "in.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        labels = ROOT / "configs" / "labels.toml"
        status, said = _run("import", "in.json", "-f", form, "-o", "out.jsonl", "--labels", str(labels))
        if status == 2:  # noqa: PLR2004 — the status of bad input
            return any(key in said for key in ("annotations", "spans")), said
        rows = [json.loads(line) for line in (folder / "out.jsonl").read_text("utf-8").splitlines()]
        spans = [[span["text"], span["label"]] for row in rows for span in row["spans"]]
        return spans == wanted, f"exit {status} {spans} {said}"

    return made


def _studio(text: str, start: int, end: int, stated: str) -> list[dict[str, Any]]:
    value = {"start": start, "end": end, "text": stated, "labels": ["PLACE"]}
    result = {"from_name": "label", "to_name": "text", "type": "labels", "value": value}
    return [{"id": 1, "data": {"text": text}, "annotations": [{"id": 1, "result": [result]}]}]


def _folder_with_a_broken_file(folder: Path) -> tuple[bool, str]:
    (folder / "in").mkdir()
    (folder / "in" / "good.txt").write_text(f"{TEXT}\n", encoding="utf-8")
    (folder / "in" / "empty.txt").write_bytes(b"")
    status, said = _run("preannotate", "in", "-o", "out")
    written = [path.name for path in (folder / "out").glob("good*.jsonl")]
    return status == 1 and bool(written) and "empty" in said, f"exit {status} {written} {said}"


def _import_without_labels(folder: Path) -> tuple[bool, str]:
    row = {"text": TEXT, "label": [[0, 3, "PLACE"]]}
    (folder / "in.json").write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    status, said = _run("import", "in.json", "-f", "doccano", "-o", "out.jsonl")
    return status == 0 or "--labels" in said, f"exit {status} {said}"


def _unsorted_layer(folder: Path) -> tuple[bool, str]:
    spans = [
        SPAN | {"start": 4, "end": 6, "text": "果树", "source": "", "score": None},
        SPAN | {"text": "曲阳县", "source": "", "score": None},
    ]
    row = {"id": "0123456789ab:0-7", "article": "0123456789ab", "start": 0, "end": 7, "text": TEXT}
    for name, ones in (("gold", spans[::-1]), ("layer", spans)):
        line = json.dumps(row | {"spans": ones}, ensure_ascii=False)
        (folder / f"{name}.jsonl").write_text(f"{line}\n", encoding="utf-8")
    status, said = _run("evaluate", "--gold", "gold.jsonl", "--layer", "a=layer.jsonl")
    return status in (0, 1) or "sorted" in said, f"exit {status} {said}"


COMMANDS: dict[str, Callable[[Path], tuple[bool, str]]] = {
    'annotations:[{label:"PLACE",start_offset:0,end_offset:3}]': _import(
        {"text": TEXT, "annotations": [{"label": "PLACE", "start_offset": 0, "end_offset": 3}]},
        "doccano",
        [["曲阳县", "PLACE"]],
    ),
    'spans:[{start:0,end:3,label:"PLACE"}] (Prodigy, Argilla)': _import(
        {"text": TEXT, "spans": [SPAN]}, "doccano", [["曲阳县", "PLACE"]]
    ),
    '{"data": text, "label": …} (doccano 1.6.2)': _import(
        {"data": TEXT, "label": [[0, 3, "PLACE"]]}, "doccano", [["曲阳县", "PLACE"]]
    ),
    "CRLF text, offsets counted with LF": _import(
        _studio(f"果树\r\n{TEXT}", 3, 6, "曲阳县"), "labelstudio", [["曲阳县", "PLACE"]]
    ),
    "end one beyond the text, stated text right": _import(
        _studio("去曲阳县", 1, 5, "曲阳县"), "labelstudio", [["曲阳县", "PLACE"]]
    ),
    "去 曲阳县 看。 [1,6] with the spaces in the span": _import(
        {"text": "去 曲阳县 看。", "label": [[1, 6, "PLACE"]]}, "doccano", [["曲阳县", "PLACE"]]
    ),
    "layer line whose disjoint spans are not sorted": _unsorted_layer,
    "a folder with one empty or broken file": _folder_with_a_broken_file,
    "no configs/labels.toml here": _import_without_labels,
}


def main() -> None:
    """Print a table by kind, and with --wrong each case that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("cases", type=Path, nargs="*", default=[CASES])
    parser.add_argument("--kind", default="", help="only kinds that begin so")
    parser.add_argument("--wrong", action="store_true", help="print each case that is wrong")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    options = parser.parse_args()
    cases = [case for case in read_cases(options.cases) if case["kind"].startswith(options.kind)]
    right: Counter[str] = Counter()
    for case in cases:
        good, got = judge(case)
        right[case["kind"]] += good
        if options.wrong and not good:
            wanted = next(case[key] for key in ("spans", "value", "path", "sentences") if key in case)
            print(
                f"{case['kind'][:2]} {case.get('text') or case.get('input') or case['check']}\n   {got}\n   wanted {wanted}"
            )
    counts = Counter(case["kind"] for case in cases)
    rows = [(kind, count, right[kind]) for kind, count in sorted(counts.items())]
    rows.append(("all", len(cases), right.total()))
    if options.markdown:
        print("| kind | cases | before | right now |\n|---|---:|---:|---:|")
        print("\n".join(f"| {kind} | {count} | 0 | {good} |" for kind, count, good in rows))
        return
    table = Table("kind", "cases", "before", "right now", "share")
    for kind, count, good in rows:
        table.add_row(kind, str(count), "0", str(good), f"{good / max(1, count):.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
