"""Commands about annotators: agree and bias."""

from __future__ import annotations

from dataclasses import asdict, replace
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from biaozhu.commands.console import print_json, print_table, say, show
from biaozhu.commands.options import AsJson  # noqa: TC001 — typer reads the annotations when it runs
from biaozhu.curation.frozen import read_gold
from biaozhu.curation.status import read_annotators, read_times
from biaozhu.data.files import write_text
from biaozhu.data.layers import find_layers, name_articles, read_named_layers
from biaozhu.data.outputs import check_output
from biaozhu.data.translation import translate

if TYPE_CHECKING:
    from biaozhu.curation.agreement import Agreement
    from biaozhu.curation.bias import Bias

Output = Annotated[Path | None, Option("-o", "--output", help="Write the figures as JSON.")]


def agree(
    layers: Annotated[list[Path], Argument(help="Two or more: layers/<annotator>/ or one file of it.")],
    *,
    common: Annotated[
        bool, Option("--common", help="Compare each two annotators on the sentences that both have.")
    ] = False,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well annotators agree: pairwise F1, Krippendorff's alpha, kinds of disagreement."""
    from biaozhu.curation.agreement import FORMAT, measure_agreement

    check_output(output, "agreement", layers)
    read = read_annotators(layers)
    times = {name: read_times(path) for (name, _), path in zip(read, layers, strict=True)}
    result = measure_agreement(dict(read), common=common, times=times)
    names = name_articles(read_named_layers(layers))
    result = replace(result, by_article={names[one]: group for one, group in result.by_article.items()})
    _write_figures(output, FORMAT, result)
    if as_json:
        print_json(asdict(result))
        return
    everyone = translate("all pairs")
    rows: list[tuple[object, ...]] = [
        (
            f"{pair.first} – {pair.second}",
            "all" if label == "micro" else label,
            pair.strict[label],
            pair.partial[label],
            None,
        )
        for pair in result.pairs
        for label in pair.strict
    ]
    rows.append((everyone, "all", result.mean_strict, result.mean_partial, result.alpha))
    rows += [(everyone, label, None, None, alpha) for label, alpha in result.alpha_by_label.items()]
    print_table("Agreement", ("annotators", "label", "strict F1", "partial F1", "alpha (characters)"), rows)
    for title, groups in (("month", result.by_month), ("article", result.by_article)):
        # One article says what the total says; one month still says when.
        if len(groups) > (title == "article"):
            lines = [(name, group.comparisons, group.strict) for name, group in groups.items()]
            print_table(f"Agreement by {title}", (title, "comparisons", "strict F1"), lines)
    for pair in result.pairs:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in pair.disagreements.items()) or "none"
        say(f"disagreements of {pair.first} and {pair.second} in {pair.sentences} sentences: {kinds}")
    if len(result.pairs) == 1 and result.pairs[0].disagreements:
        given = f"{layers[0]} {layers[1]}{' --common' if common else ''}"
        say(f"next: `biaozhu adjudicate {given} --questions questions.jsonl`")


def bias(
    annotators: Annotated[
        list[Path], Argument(help="Folders layers/<annotator>/ from `project pull`.", metavar="FOLDER...")
    ],
    *,
    gold: Annotated[
        list[Path] | None, Option("--gold", help="Gold of the same sentences, or its folder.")
    ] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Measure how far annotators follow the pre-annotation: acceptance, edits, and the blind control slice."""
    from biaozhu.curation.bias import FORMAT, measure_bias, read_work

    check_output(output, "bias", [*annotators, *(gold or ())])
    work = [item for folder in annotators for item in read_work(folder)]
    truth = [sentence for path in find_layers(gold or ()) for sentence in read_gold(path)]
    result = measure_bias(work, gold=truth)
    _write_figures(output, FORMAT, result)
    if as_json:
        print_json(asdict(result))
        return
    rates = {
        "sentences accepted unchanged": result.accepted,
        **{f"… by {name}": rate for name, rate in result.accepted_by_annotator.items()},
        "shown spans edited": result.edited,
        **{f"… {label}": rate for label, rate in result.edited_by_label.items()},
        **{f"… score {band}": rate for band, rate in result.edited_by_score.items() if rate.of},
    }
    print_table(
        "Pre-annotations and annotators",
        ("what", "count", "of", "rate"),
        [(name, rate.count, rate.of, rate.rate) for name, rate in rates.items()],
    )
    contrasts = {
        "agreement with the pre-annotation (strict F1)": result.agreement,
        "the model's errors taken over": result.errors_taken,
        "the model's omissions taken over": result.omissions_taken,
    }
    print_table(
        f"Shown ({result.sentences['shown']} sentences) and blind ({result.sentences['blind']})",
        ("what", "shown", "blind", "difference", "95 % from", "to"),
        [
            (name, one.shown.rate, one.blind.rate, one.difference, *(one.interval or (None, None)))
            for name, one in contrasts.items()
            if one is not None
        ],
    )
    show("shown spans: " + ", ".join(f"{count} × {fate}" for fate, count in result.fates.items()))


def _write_figures(output: Path | None, form: str, result: Agreement | Bias) -> None:
    if output is not None:
        write_text(output, dumps({"format": form, **asdict(result)}, ensure_ascii=False, indent=2) + "\n")
