"""Commands from annotators' layers to gold: agree, bias; adjudicate; gold freeze, gold check and gold diff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from biaozhu.commands.console import finish, print_json, print_table, quote, say, say_unknown_labels, show_line
from biaozhu.commands.doccano.specs import GUIDELINE, GuidelineFile, log_in, read_spec
from biaozhu.commands.options import LABELS, LOCAL, AsJson, Home, LabelsFile, layer_or_folder, target
from biaozhu.curation import adjudication, frozen, joint_gold, status
from biaozhu.curation.joint_gold import JointGold, add_gold, find_others, read_joint_gold, write_joint_gold
from biaozhu.data.errors import BiaozhuError, GoldError, LabelError, OutputError, UsageError, raise_collected
from biaozhu.data.files import descriptor_of, hold_folder, write_json
from biaozhu.data.labels import advise_on_label, read_labels
from biaozhu.data.layers import name_articles, read_layers, read_named_layers
from biaozhu.data.model import Sentence
from biaozhu.data.outputs import check_distinct, check_output
from biaozhu.data.translation import translate
from biaozhu.reporting.authorship import ABOUT, read_about

if TYPE_CHECKING:
    from biaozhu.curation.agreement import Agreement
    from biaozhu.curation.bias import Bias
    from biaozhu.doccano.adjudication_project import AdjudicatorAnswers

LayerPath = Annotated[Path, Argument(help="layers/<annotator>/ or one file of it.")]
GoldFolder = Annotated[Path, Argument(help="The folder of the gold files.")]
GOLD, QUESTIONS = Path("annotations/gold"), Path("questions.jsonl")
Output = Annotated[Path | None, Option("-o", "--output", help="Write the figures as JSON.")]


def adjudicate(
    first: LayerPath,
    second: Annotated[Path | None, Argument()] = None,
    *,
    decisions: Path | None = None,
    questions: Annotated[Path | None, Option(callback=target)] = None,
    output: Annotated[Path | None, Option("-o", "--output", callback=layer_or_folder)] = None,
    to_doccano: Annotated[bool, Option("--to-doccano", help="Make a Doccano project of the disagreements.")] = False,
    from_doccano: Annotated[bool, Option("--from-doccano", help="Bring the decisions back from that project.")] = False,
    project: Annotated[str, Option("--project", help="Name of the Doccano project.")] = "adjudication",
    adjudicator: str = "",
    common: Annotated[bool, Option("--common", help="Take only the sentences that both annotators have.")] = False,
    labels: LabelsFile = LABELS,
    guideline: GuidelineFile = GUIDELINE,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Join two annotators' layers: what they agree on, and what was decided where they do not.

    The layer of one annotator alone is taken as it is. Decisions come from a file, or from a Doccano project that shows only the disagreements. Exit status 1 with
    --from-doccano where something is not decided yet: each is named, and no gold is written. Gold that is in the output
    already stays, but for the sentences that the same two annotators decide anew,
    or that one of them had alone.

    Options:
        second: The other annotator's; without it the first layer is gold as it is.
        decisions: The decisions, one a line: read, or with --from-doccano written.
        questions: Write the disagreements here, to be decided.
        output: Write the gold to a .jsonl file, or a folder: a file an article.
        adjudicator: Account to make for the adjudicator; else the administrator decides.
    """
    layers = [one for one in (first, second) if one]
    _check_steps(layers, questions, decisions, output, to_doccano=to_doccano, from_doccano=from_doccano)
    dispute = _read_dispute(layers, common=common)
    targets = _plan_gold(output, dispute)
    for path in targets:
        check_output(path, "gold", [*layers, decisions])
        check_output(joint_gold.disputes_path(path), "disputes", [*layers, decisions])
    check_output(questions, "decisions", [*layers, decisions])
    check_distinct(*targets, *map(joint_gold.disputes_path, targets), questions, decisions)
    _check_undecided(questions)
    check_output(decisions if from_doccano else None, "decisions", layers)
    read = decisions if output and not from_doccano else None
    given = adjudication.read_decisions(read, names=dispute.names) if read else ()
    if to_doccano or from_doccano:
        spec = read_spec(project, labels, guideline if to_doccano else None)
        connection = log_in(home)
    # Before the table: what is not decided yet is named by the error, and once is enough.
    gold = _make_gold(None if from_doccano else output, dispute, given, labels)
    found = _show_disagreements(dispute, as_json=as_json)
    if questions is not None:
        # Decisions to fill in: spans, rule and note are empty.
        empty = [adjudication.Decision(*item.place, ()) for item in found]
        adjudication.write_decisions(questions, found, empty, names=dispute.names)
        say(f"{len(found)} disagreements written to {questions}")
        if found and not (output or to_doccano):
            say("next: in each line, copy the right spans into `spans` and give a `rule` or a `note`, then")
            given_layers = f"{quote(*layers)}{' --common' if common else ''}"
            say(f"`biaozhu adjudicate {given_layers} --decisions {quote(questions)} -o annotations/gold`")
    if to_doccano:
        from biaozhu.doccano.adjudication_project import ask_adjudicator

        asked = ask_adjudicator(connection, dispute, spec, adjudicator=adjudicator, home=home)
        say(f"{len(found)} disagreements in {asked.sentences} sentences: {asked.url}")
        finish(asked.losses)
    if from_doccano and decisions is not None:
        from biaozhu.doccano.adjudication_project import read_adjudication

        _keep(read_adjudication(connection, dispute, spec), dispute, found, decisions)
        given = adjudication.read_decisions(decisions, names=dispute.names)
        gold = _make_gold(output, dispute, given, labels)
    if output is not None:
        folder = next(iter(targets)).parent
        about, stated = folder / ABOUT, {author.name for author in read_about([folder]).annotator}
        _add_gold(targets, gold, dispute.names)
        taken = f"the layer of {dispute.names[0]} is gold as it is, nothing was decided"
        say(f"{len(found)} disagreements decided" if second else taken)
        if without := sum(not decision.rule for decision in given):
            say(f"{without} decisions name no rule of the guideline: they count, and a rule would say why")
        if lacking := ", ".join(name for name in dict.fromkeys(dispute.names) if name not in stated):
            say(f"next: write in {about} who annotated and when, person or model; the report shows it: {lacking}")
        say(f"next: `biaozhu gold freeze {quote(folder)}`")


def list_free_names(path: Path) -> Iterator[Path]:
    """Yield paths beside this one that no file has: name-2, name-3 and so on."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return (one for one in numbered if not one.exists())


def find_questions(first: Sequence[Sentence], second: Sequence[Sentence]) -> tuple[Path, bool]:
    """Return a file for the questions between two layers, and whether it has decisions; none is about other questions."""
    asked = {one.sentence for one in adjudication.find_disagreements(*adjudication.keep_common(first, second))}
    for path in (QUESTIONS, *sorted(Path().glob(f"{QUESTIONS.stem}-*.jsonl"))):
        with suppress(BiaozhuError):
            decided = {one.sentence for one in adjudication.read_decisions(path)} if path.is_file() else set()
            if decided <= asked:
                return path, bool(decided)
    return next(list_free_names(QUESTIONS)), False


def _make_gold(
    output: Path | None, dispute: adjudication.Dispute, given: Sequence[adjudication.Decision], labels: Path
) -> tuple[Sentence, ...]:
    if output is None:
        return ()
    _check_decided_labels(given, dispute, labels)
    return adjudication.adjudicate(dispute.first, dispute.second, given, names=dispute.names)


def _check_decided_labels(given: Sequence[adjudication.Decision], dispute: adjudication.Dispute, labels: Path) -> None:
    known = {label.id for label in read_labels(labels)}
    known |= {span.label for one in (*dispute.first, *dispute.second) for span in one.spans}
    advice = advise_on_label(labels)
    problems = [
        LabelError(f"unknown label {span.label!r}", where=f"{one.sentence}@{span.start}", next_step=advice)
        for one in given
        for span in one.spans
        if span.label not in known
    ]
    raise_collected(problems)


def _check_undecided(questions: Path | None) -> None:
    if questions is None or descriptor_of(questions) is not None or not questions.is_file():
        return
    if decided := adjudication.read_decisions(questions):
        raise OutputError(f"{len(decided)} decisions in it would be replaced by open questions", where=questions)


def _check_steps(
    layers: Sequence[Path],
    questions: Path | None,
    decisions: Path | None,
    output: Path | None,
    *,
    to_doccano: bool,
    from_doccano: bool,
) -> None:
    if len(layers) == 1 and (output is None or questions or decisions or to_doccano or from_doccano):
        what, advice = "one layer alone has nothing to decide", "Give the other annotator's layer too, or only -o GOLD"
        raise UsageError(what, next_step=advice)
    if to_doccano and from_doccano:
        raise UsageError("--to-doccano and --from-doccano are two steps", next_step="Give one of them")
    if from_doccano and decisions is None:
        raise UsageError("the decisions need a file", next_step="Name it with --decisions")
    if decisions is not None and output is None and not from_doccano:
        raise UsageError("the decisions make gold, which has no file", next_step="Name it with -o")


def _read_dispute(layers: Sequence[Path], *, common: bool) -> adjudication.Dispute:
    # One annotator agrees with herself.
    (name, layer), (other_name, other) = (status.read_annotators(layers) * 2)[:2]
    status.check_annotators([name, other_name])
    if common:
        layer, other = adjudication.keep_common(layer, other)
        if not layer:
            raise GoldError("no two annotators have a sentence in common", next_step="Name other layers")
    _say_unconfirmed(layers, [(name, layer), (other_name, other)])
    return adjudication.Dispute(layer, other, (name, other_name), name_articles(read_named_layers(layers)))


def _say_unconfirmed(paths: Sequence[Path], layers: Iterable[tuple[str, Iterable[Sentence]]]) -> None:
    # Of one annotator alone there is one path.
    for path, (name, layer) in zip(paths, layers, strict=False):
        if count := status.count_unconfirmed(path, layer):
            say(f"{count} sentences take part that {name} has worked on and not confirmed")


def _plan_gold(output: Path | None, dispute: adjudication.Dispute) -> dict[Path, set[str]]:
    """Return the files to write, each with the ids of its articles: one file, or in a folder one an article."""
    # A file that exists is no folder: `check_output` says what it is.
    ids = {sentence.article for sentence in dispute.first}
    if output is None or output.suffix == ".jsonl" or output.is_file():
        return {output: ids} if output else {}
    targets = {
        output / f"{dispute.articles[one]}.jsonl": {one} for one in sorted(ids, key=dispute.articles.__getitem__)
    }
    joint_gold.check_folder(output, targets, dispute.first)
    return targets


def _add_gold(targets: Mapping[Path, set[str]], gold: Sequence[Sentence], names: Sequence[str]) -> None:
    decided = {one.id for one in gold}
    with hold_folder(next(iter(targets)).parent):
        whole: dict[Path, JointGold] = {}
        for path, ids in targets.items():
            check_output(path, "gold")  # it may have been frozen meanwhile
            whole[path] = add_gold(read_joint_gold(path), [one for one in gold if one.article in ids], names=names)
        others = find_others(targets, decided)
        for path, one in whole.items():
            write_joint_gold(path, one)
    for path, one in whole.items():
        spans = sum(len(sentence.spans) for sentence in one.sentences)
        say(f"{spans} gold spans in {len(one.sentences)} sentences written to {path}")
        if earlier := sum(sentence.id not in decided for sentence in one.sentences):
            say(f"{earlier} of the sentences were gold before and stay")
    for file in others:
        say(f"{file} has some of these sentences, too: move one of the two away, or commands refuse their folder")


def _show_disagreements(dispute: adjudication.Dispute, *, as_json: bool) -> tuple[adjudication.Disagreement, ...]:
    found = adjudication.find_disagreements(dispute.first, dispute.second)
    names = {sentence.id: dispute.articles[sentence.article] for sentence in dispute.first}
    rows = [[names[one.sentence], one.sentence, one.start, one.end, one.kind, one.text] for one in found]
    if as_json or len(set(dispute.names)) > 1:
        print_table("Disagreements", ["article", "sentence", "start", "end", "kind", "text"], rows, as_json=as_json)
    return found


def _keep(
    answered: AdjudicatorAnswers, dispute: adjudication.Dispute, found: Sequence[adjudication.Disagreement], path: Path
) -> None:
    """Write the decisions; those of the file on disagreements that are still open in Doccano stay."""
    with hold_folder(path.parent):
        kept = adjudication.read_decisions(path, names=dispute.names) if path.exists() else ()
        earlier = {decision.place: decision for decision in kept}
        decided = earlier | {decision.place: decision for decision in answered.decisions}
        adjudication.write_decisions(path, found, tuple(decided.values()), names=dispute.names)
    lacking = [(item, why) for item, why in answered.open if item.place not in earlier]
    say(f"{len(answered.decisions)} decisions of {len(found)} brought back, {len(lacking)} still open")
    for item, why in lacking:
        say(f"open: {item.sentence} {item.start}-{item.end} {item.text!r}: {why}")
    finish(answered.losses, failed=bool(lacking))


def freeze(folder: GoldFolder = GOLD) -> None:
    """Write the checksums of the gold: from now on a changed file is an error."""
    files = frozen.freeze_gold(folder)
    for name, file in files.items():
        spans, checksum = sum(file.spans.values()), file.sha256[:12]
        if file.sentences:
            say(f"frozen: {name}, {file.sentences} sentences, {spans} spans, {checksum}")
        else:
            say(f"frozen: {name}, {checksum}")
    say_unknown_labels(label for file in files.values() for label in file.spans)


def check(folder: GoldFolder = GOLD, *, as_json: AsJson = False) -> None:
    """Check the gold against its checksums."""
    files = frozen.check_frozen(folder)
    if as_json:
        print_json({name: asdict(file) for name, file in files.items()})
    say(f"{len(files)} gold files are as they were frozen")
    say_unknown_labels(label for file in files.values() for label in file.spans)


def diff(
    old: Annotated[Path, Argument(help="A gold file, or a folder.")],
    new: Annotated[Path, Argument(help="Another version of it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show the spans that only one of two versions of a gold file has."""
    changes = frozen.diff_gold(frozen.read_version(old), frozen.read_version(new))
    if not changes and not as_json:
        say("no span differs")
        return
    print_table("Gold changes", frozen.GoldChange._fields, changes, as_json=as_json)
    finish((), failed=bool(changes))


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
    read = status.read_annotators(layers)
    times = {name: status.read_times(path) for (name, _), path in zip(read, layers, strict=True)}
    _say_unconfirmed(layers, read)
    result = measure_agreement(dict(read), common=common, times=times)
    _write_figures(output, FORMAT, result)
    if as_json:
        print_json(asdict(result))
        return
    everyone = translate("all pairs")
    rows: list[tuple[object, ...]] = []
    for pair in result.pairs:
        for label, strict in pair.strict.items():
            shown = "all" if label == "micro" else label
            rows.append((f"{pair.first} – {pair.second}", shown, strict, pair.partial[label], None))
    rows.append((everyone, "all", result.mean_strict, result.mean_partial, result.alpha))
    rows += [(everyone, label, None, None, alpha) for label, alpha in result.alpha_by_label.items()]
    print_table("Agreement", ("annotators", "label", "strict F1", "partial F1", "alpha (characters)"), rows)
    # The figures keep the ids, by which the report finds the articles; people are shown the names.
    names = name_articles(read_named_layers(layers))
    by_article = dict(sorted((names[one], group) for one, group in result.by_article.items()))
    for title, groups in (("month", result.by_month), ("article", by_article)):
        # One article says what the total says; one month still says when.
        if len(groups) > (title == "article"):
            lines = [(name, group.comparisons, group.strict) for name, group in groups.items()]
            print_table(f"Agreement by {title}", (title, "comparisons", "strict F1"), lines)
    for pair in result.pairs:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in pair.disagreements.items()) or "none"
        say(f"disagreements of {pair.first} and {pair.second} in {pair.sentences} sentences: {kinds}")
    if len(result.pairs) == 1 and result.pairs[0].disagreements:
        path, decided = find_questions(read[0][1], read[1][1])
        what = "--decisions" if decided else "--questions"
        to = f" -o {quote(GOLD)}" if decided else ""
        say(f"next: `biaozhu adjudicate {quote(*layers[:2])} --common {what} {quote(path)}{to}`")


def bias(
    annotators: Annotated[
        list[Path], Argument(help="Folders layers/<annotator>/ from `project pull`.", metavar="FOLDER")
    ],
    *,
    gold: Annotated[list[Path] | None, Option("--gold", help="Gold of the same sentences, or its folder.")] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Measure how far annotators follow the pre-annotation: acceptance, edits, and the blind control slice."""
    from biaozhu.curation.bias import FORMAT, measure_bias, read_work

    check_output(output, "bias", [*annotators, *(gold or ())])
    work = [item for folder in annotators for item in read_work(folder)]
    result = measure_bias(work, gold=read_layers(gold or ()))
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
    rows = [(name, rate.count, rate.of, rate.rate) for name, rate in rates.items()]
    print_table("Pre-annotations and annotators", ("what", "count", "of", "rate"), rows)
    contrasts = {
        "agreement with the pre-annotation (strict F1)": result.agreement,
        "the model's errors taken over": result.errors_taken,
        "the model's omissions taken over": result.omissions_taken,
    }
    compared = [
        (name, one.shown.rate, one.blind.rate, one.difference, *(one.interval or (None, None)))
        for name, one in contrasts.items()
        if one is not None
    ]
    title = f"Shown ({result.sentences['shown']} sentences) and blind ({result.sentences['blind']})"
    print_table(title, ("what", "shown", "blind", "difference", "95 % from", "to"), compared)
    show_line("shown spans: " + ", ".join(f"{count} × {fate}" for fate, count in result.fates.items()))


def _write_figures(output: Path | None, form: str, result: Agreement | Bias) -> None:
    if output is not None:
        write_json(output, {"format": form, **asdict(result)})
