"""Commands on scores: evaluate, compare, report, summary, history.

Options:
    article: An article that the gold was made from; gives sections. Repeatable.
    train: A layer that training saw; separates seen from unseen names. Repeatable.
    held_out: Layers from `crossval` on this gold: seen is what its other sections have.
    missing: A gold sentence that a layer lacks: skip (the default: not scored, named, exit status 1) or empty
        (counts as found empty).
    strict: Refuse where gold and layers do not hold the same sentences.
    labels: Labels file; orders the labels.
    stream: Read gold and layers side by side, in the same order (.jsonl, .gz, .zst): more than fits into memory.
        What the gold lacks is refused, and without --missing empty what a layer lacks.
    values: Gold values of the amounts (file or folder): their reading is scored, too.
    places: Gold paths of the places (file or folder): their paths are scored, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

from biaozhu.commands.articles.files import say_where_not_read
from biaozhu.commands.console import LOSSES_SHOWN, finish, print_json, print_table, say, say_unknown_labels
from biaozhu.commands.options import AsJson, folder_name
from biaozhu.data.errors import UsageError, raise_collected
from biaozhu.data.ledger import losses
from biaozhu.data.outputs import check_output

if TYPE_CHECKING:
    from biaozhu.reporting.history import PastReport
    from biaozhu.scoring.layer_scoring import ScoredLayers, ScoringInputs, ScoringRequest
    from biaozhu.scoring.significance import Bounds

TEXT_SHOWN = 20
COUNTS = attrgetter("cor", "inc", "par", "mis", "spu")
CLASS = attrgetter("key", "gold", "predicted", "correct", "precision", "recall", "f1")

Gold = Annotated[Path, Option("--gold", help="The gold: a layer (.jsonl), or a folder of them.")]
HeldOut = Annotated[bool, Option("--held-out")]
Missing = Literal["skip", "empty"] | None
Strict = Annotated[bool, Option("--strict")]
Resamples = Annotated[int, Option("--resamples", min=100, max=1_000_000, help="Bootstrap samples.")]
Seed = Annotated[int, Option("--seed", min=0, help="Seed of the random draws.")]
Stream = Annotated[bool, Option("--stream")]
Output = Annotated[Path | None, Option("-o", "--output", help="Write scores.json here.")]
ScoresJson = Annotated[bool, Option("--json", help="Print the scores.json document instead of a table.")]
Language = Annotated[Literal["zh", "en"], Option("--lang", help="Language of the report.")]
Reports = Annotated[Path, Argument(help="The folder of the reports, one folder each.")]


def evaluate(
    *,
    gold: Gold,
    layer: Annotated[list[str], Option(help="PATH or NAME=PATH of a layer or a folder. Repeatable.")],
    article: list[Path] = [],  # noqa: B006 — typer copies the default
    train: list[Path] = [],  # noqa: B006 — as above
    held_out: HeldOut = False,
    missing: Missing = None,
    strict: Strict = False,
    stream: Stream = False,
    values: Path | None = None,
    places: Path | None = None,
    labels: Path | None = None,
    resamples: Resamples = 10_000,
    seed: Seed = 1,
    fail_under: Annotated[float | None, Option(min=0, max=1)] = None,
    output: Output = None,
    as_json: ScoresJson = False,
) -> None:
    """Score layers against the gold: strict, exact, partial, type; per label; with 95 % intervals.

    Options:
        fail_under: Exit with status 1 when the strict micro F1 of any layer is lower or undefined.
    """
    how = partial(_score_layers, output, sampling=(resamples, seed), labels=labels, held_out=held_out)
    score = partial(how, gold=(gold,), layers=tuple(layer), articles=tuple(article), train=tuple(train))
    found = score(missing=missing, strict=strict, stream=stream, values=values, places=places)
    if as_json:
        print_json(found.document)
    else:
        title = f"Scores on {gold} (intervals: BCa over {found.evaluations[0].units.kind}s)"
        figures = ("P", "R", "F1", "F1 95 %", "COR", "INC", "PAR", "MIS", "SPU")
        print_table(title, ("layer", "label", "scheme", *figures), _list_score_rows(found))
        if seen := [(one.name, *CLASS(row)) for one in found.evaluations for row in one.breakdowns["surface"]]:
            of_names = ("layer", "kind", "there", "found", "right", "P", "R", "F1")
            print_table("Strict, by whether training had seen the name", of_names, seen)
        if scores := found.document.get("values"):
            rows = [(one["layer"] or "the gold itself", *list(one.values())[1:]) for one in scores]
            columns = ("spans of", "field", "correct", "of", "accuracy")
            print_table("Values and paths, over all of the gold", columns, rows)
    _say_notes(found, labels, articles=article, stream=stream)
    failed = bool(found.document.get("skipped"))
    for one in found.evaluations if fail_under is not None else ():
        reached = one.overall["strict"].f1.value
        if reached is None or (fail_under is not None and reached < fail_under):
            shown = "undefined" if reached is None else f"{reached:.4f}"
            say(f"too low: strict F1 of {one.name} is {shown}, under {fail_under}")
            failed = True
    finish((), failed=failed)


def compare(
    a: Annotated[str, Argument(help="PATH or NAME=PATH of the first layer, or its folder.")],
    b: Annotated[str, Argument(help="PATH or NAME=PATH of the second layer, or its folder.")],
    *,
    gold: Gold,
    article: list[Path] = [],  # noqa: B006 — typer copies the default
    train: list[Path] = [],  # noqa: B006 — as above
    held_out: HeldOut = False,
    missing: Missing = None,
    strict: Strict = False,
    stream: Stream = False,
    labels: Path | None = None,
    resamples: Resamples = 10_000,
    seed: Seed = 1,
    output: Output = None,
    as_json: ScoresJson = False,
) -> None:
    """Compare two layers on the gold: differences b - a with intervals, p by approximate randomisation, Holm."""
    from biaozhu.scoring.evaluation import list_occurring
    from biaozhu.scoring.layer_scoring import name_layers

    if len(name_layers((a, b))) == 1:
        raise UsageError("both layers have the same name", next_step="Name one of them, as in second=PATH")
    how = partial(_score_layers, output, sampling=(resamples, seed), labels=labels, held_out=held_out)
    score = partial(how, gold=(gold,), layers=(a, b), articles=tuple(article), train=tuple(train))
    found = score(missing=missing, strict=strict, stream=stream)
    if as_json:
        print_json(found.document)
    else:
        compared, rows = found.comparisons[0], []
        occurring = ("ALL", *list_occurring(found.evaluations))
        for one in compared.differences:
            label, scheme, figure = one.metric.rsplit(" ", 2)
            if label not in occurring:
                continue
            change = (one.difference.value, _format(one.difference.best))
            rows.append((label, scheme, "F1" if figure == "f1" else figure, one.a, one.b, *change, one.p, one.p_holm))
        title = f"{compared.b} - {compared.a} on {gold} (over {compared.units.kind}s)"
        print_table(title, ("label", "scheme", "metric", "a", "b", "b - a", "95 %", "p", "p (Holm)"), rows)
    _say_notes(found, labels, articles=article, stream=stream)
    finish((), failed=bool(found.document.get("skipped")))


def _make_request(resamples: int, seed: int, **options: Any) -> ScoringRequest:
    from biaozhu.scoring import layer_scoring, significance

    draws = significance.Sampling(resamples=resamples, seed=seed)
    return layer_scoring.ScoringRequest(**options, sampling=draws, command=("biaozhu", *sys.argv[1:]))


def _score_layers(
    output: Path | None, *, sampling: tuple[int, int], missing: Missing, strict: bool, stream: bool, **options: Any
) -> ScoredLayers:
    from biaozhu.scoring import layer_scoring, scores_document

    if strict and missing:
        raise UsageError("--strict and --missing contradict each other", next_step="Give one of them")
    if stream and missing == "skip":
        # It does not know beforehand what all layers have.
        advice = "Give --missing empty, or do without --stream"
        raise UsageError("--stream does not take --missing skip", next_step=advice)
    lacking = missing or ("error" if strict or stream else "skip")
    request = _make_request(*sampling, **options, missing=lacking, strict=strict, whole=True)
    read = (*request.gold, *request.layers, *request.train, request.values, request.places)
    check_output(output, "scores", read, articles=request.articles)
    say_where_not_read(request.articles)
    if stream:
        found = layer_scoring.score_streams(request)
    else:
        reader = layer_scoring.InputReader()
        given = layer_scoring.read_inputs(request, reader)
        raise_collected(reader.problems)
        found = layer_scoring.score_inputs(request, given, given.labels, reader.inputs)
        gold = {sentence.id for sentence in (*given.gold, *given.skipped)}
        for name, layer in given.layers.items():
            if left_out := sum(sentence.id not in gold for sentence in layer):
                say(f"{name}: {left_out} sentences that the gold lacks take no part")
        _say_skipped(given)
    if output is not None:
        scores_document.write_scores(output, found.document)
    return found


def _say_skipped(given: ScoringInputs) -> None:
    for sentence in given.skipped[:LOSSES_SHOWN]:
        lacking = [name for name, layer in given.layers.items() if all(one.id != sentence.id for one in layer)]
        say(f"not scored: {sentence.id} {sentence.text[:TEXT_SHOWN]!r}: {' and '.join(lacking)} lacks it")
    if given.skipped:
        total = len(given.gold) + len(given.skipped)
        say(f"not scored in all: {len(given.skipped)} of {total} gold sentences, which not every layer has")


def _say_notes(found: ScoredLayers, labels: Path | None, *, articles: Sequence[Path], stream: bool) -> None:
    from biaozhu.reporting.authorship import SOURCES
    from biaozhu.scoring.evaluation import list_occurring

    units, occurring = found.evaluations[0].units, list_occurring(found.evaluations)
    if absent := [label for label in found.evaluations[0].labels if label not in occurring]:
        say(f"neither the gold nor a layer has a span of {', '.join(absent)}")
    say_unknown_labels(occurring, labels)
    say(f"intervals resample {units.count} {units.kind}s: {units.reason}")
    if units.kind == "sentence" and units.count < len(units.of):
        say("copies of a sentence are one unit")
    if units.kind == "sentence" and not (articles or stream):
        say("`--article ARTICLES` gives their sections")
    for one in found.evaluations:
        if lacking := len(one.missing) + one.missing_more:
            named = f"; the first {len(one.missing)} of them are named" if one.missing_more else ""
            size = f"{lacking} of {one.sentences} gold sentences"
            say(f"{one.name} lacks {size}, counted as found empty{named}")
        if one.in_sample:
            say(f"{one.name}: {one.in_sample} spans are in sentences that its model was trained on (in-sample):")
            say("the score shows that it learned, not how well it will do; `crossval` scores what a model has not seen")
        if one.counts.fresh is not None and not SOURCES.issuperset(row.key for row in one.breakdowns["source"]):
            repeated, fresh = one.counts.repeated, one.counts.fresh
            say(f"{one.name}: training had seen {repeated} of {one.sentences} sentences, apart from their names")
            say(f"{one.name}: unseen names in unseen sentences: {fresh}, what a trained model's score rests on")
        if one.curve_step is not None:
            step = f"{one.curve_step:g}"
            say(f"{one.name}: too many distinct scores, the curve's thresholds are multiples of {step}")
    if units.groups is not None:
        say("so many articles are not broken down one by one")


def _list_score_rows(found: ScoredLayers) -> list[tuple[Any, ...]]:
    from biaozhu.scoring.evaluation import list_occurring

    rows, occurring = [], list_occurring(found.evaluations)
    for one in found.evaluations:
        scores = [("ALL", scheme, scores) for scheme, scores in one.overall.items()]
        scores += [(label, "strict", by["strict"]) for label, by in one.labels.items() if label in occurring]
        for label, scheme, row in scores:
            figures = (row.precision.value, row.recall.value, row.f1.value, _format(row.f1.best))
            rows.append((one.name, label, scheme, *figures, *COUNTS(row.counts)))
    return rows


def _format(bounds: Bounds) -> str | None:
    return f"{bounds[0]:.3f}{'–' if bounds[0] >= 0 else '…'}{bounds[1]:.3f}" if bounds else None


def report(
    *,
    layer: Annotated[list[str], Option()],
    output: Annotated[Path, Option("-o", "--output", callback=folder_name, help="Folder to write: reports/NAME.")],
    article: Annotated[list[Path], Option("--article", help="An article, or a folder. Repeatable.")] = [],  # noqa: B006 — typer copies the default
    gold: Annotated[list[Path], Option("--gold", help="A gold layer, or a folder. Repeatable.")] = [],  # noqa: B006 — as above
    annotator: Annotated[list[str], Option(help="NAME=FILE or FOLDER; shown, not scored. Repeatable.")] = [],  # noqa: B006 — as above
    train: list[Path] = [],  # noqa: B006 — as above
    held_out: HeldOut = False,
    ledger: Annotated[list[Path], Option("--ledger", help="A ledger. Repeatable.")] = [],  # noqa: B006 — as above
    round_trip: Annotated[Path | None, Option(help="From `pull --compare LAYER --result`.")] = None,
    agreement: Annotated[Path | None, Option("--agreement", help="From `agree -o`.")] = None,
    curve: Annotated[Path | None, Option("--curve", help="From `curve -o`.")] = None,
    bias: Annotated[Path | None, Option("--bias", help="From `bias -o`.")] = None,
    values: Path | None = None,
    places: Path | None = None,
    labels: Path | None = None,
    lang: Language = "zh",
    resamples: Resamples = 10_000,
    seed: Seed = 1,
) -> None:
    """Score layers and write the report: index.html, scores.json, summary.md and checks.json.

    Gold values and paths are those of --values and --places, else of GOLD/values and GOLD/places, where these are.

    Options:
        layer: PATH or NAME=PATH of a layer or a folder; compared with the first. Repeatable.
    """
    from biaozhu.reporting.content import ReportRequest, gather_content
    from biaozhu.reporting.report import FILES, list_text_pages, write_report

    read = (*layer, *gold, *annotator, *train, *ledger, round_trip, agreement, curve, bias, values, places)
    written = {output / name: kind for name, kind in FILES.items()}
    written |= dict.fromkeys((output, *list_text_pages(output)), "page")
    for path, kind in written.items():
        check_output(path, kind, read, articles=article)
    say_where_not_read(article)
    given: dict[str, Any] = {"gold": tuple(gold), "layers": tuple(layer), "articles": tuple(article)}
    given |= {"train": tuple(train), "held_out": held_out, "labels": labels}
    given |= {"values": values or _find_beside(gold, "values"), "places": places or _find_beside(gold, "places")}
    scoring = _make_request(resamples, seed, **given)
    evidence = (round_trip, agreement, curve, bias)
    content = gather_content(ReportRequest(scoring, tuple(annotator), tuple(ledger), *evidence))
    write_report(output, content, language=lang)
    say(f"report written to {output / 'index.html'}")
    say_unknown_labels((label.id for label in content.labels), labels)
    differs = content.round_trip is not None and not content.round_trip.whole
    if differs:
        say("the round trip differs")
    # What was decided the command that wrote the ledger has said, and the page says it.
    finish(losses(content.ledger or ()), failed=differs)


def _find_beside(gold: list[Path], name: str) -> Path | None:
    found = [folder / name for folder in gold if any((folder / name).glob("*.jsonl"))]
    return found[0] if len(found) == 1 else None


def summary(reports: Reports = Path("reports"), *, as_json: AsJson = False) -> None:
    """Print what every report in a folder found: scores with intervals, round trip, losses."""
    from biaozhu.reporting.history import read_reports, summarize_report

    # What `biaozhu run` keeps of earlier runs is for `history`.
    found = [one for one in read_reports(reports) if "runs" not in one.name.split("/")[:-1]]
    if as_json:
        print_json([summarize_report(one) for one in found])
        return
    print_reports(found)


def print_reports(reports: Sequence[PastReport]) -> None:
    """Print what reports found: of each its checks, and the scores of those with gold."""
    from biaozhu.reporting.history import COLUMNS, SCORES, list_cells, list_score_cells

    print_table("Reports", COLUMNS, [list_cells(one) for one in reports])
    if scores := [row for one in reports for row in list_score_cells(one)]:
        print_table("Scores", SCORES, scores)


def history(
    reports: Reports = Path("reports"),
    *,
    output: Annotated[Path | None, Option("-o", "--output", help="Write table and chart (HTML).")] = None,
    lang: Language = "zh",
    as_json: AsJson = False,
) -> None:
    """Collect the reports of a folder by time, with the change of strict F1 from one to the next."""
    from biaozhu.reporting.history import list_history, read_reports, write_history
    from biaozhu.reporting.page.strings import format_interval

    check_output(output, "history")
    rows = list_history(read_reports(reports))
    if output is not None:
        write_history(output, rows, language=lang)
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("no report has scores yet: they need gold")
        return
    # The figures that fit into a line; --json has all. Of an earlier run the date says which.
    cells = []
    for row in rows:
        bounds = None if row["low"] is None else (row["low"], row["high"])
        when, name = row["date"][:16].replace("T", " "), row["run"].partition("/runs/")[0]
        figures = (row["layer"], row["gold"], row["f1"], format_interval(bounds), row["change"], row["gold_sha"][:6])
        cells.append((when, name, *figures))
    print_table("History", ("date", "run", "layer", "spans", "strict F1", "95 %", "change", "gold"), cells)
