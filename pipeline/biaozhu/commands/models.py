"""Commands on models: train, crossval, curve, predict, segmenter, serve."""

from __future__ import annotations

import glob
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from shutil import rmtree
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

from biaozhu.annotators.network.models import ACCURATE, model_folder
from biaozhu.annotators.trained import annotate_sentences, load_trained
from biaozhu.commands.articles.files import say_where_not_read
from biaozhu.commands.console import finish, print_json, print_table, progress_of_steps, quote, say
from biaozhu.commands.options import AsJson, GoldLayers, LayerFile, SentenceFiles, folder_name, target
from biaozhu.data.errors import UsageError, bug_from
from biaozhu.data.files import descriptor_of
from biaozhu.data.layers import find_layers, name_articles, read_layers, read_named_layers, write_layer
from biaozhu.data.ledger import Entry
from biaozhu.data.model import IN_SAMPLE_MARK
from biaozhu.data.outputs import check_output, check_output_folder, check_outputs
from biaozhu.data.shipped import find_shipped
from biaozhu.data.strict_counts import StrictCounts
from biaozhu.reading.article import divide_sources, find_articles, list_layer_sources, read_articles, read_sentences
from biaozhu.reading.holdout import group_sentences, name_held_out, sections_of

if TYPE_CHECKING:
    from biaozhu.serving.predictor import Predictor

Config = Annotated[Path, Argument(callback=find_shipped, help="A training config, such as configs/ner.cfg.")]
Overrides = Annotated[
    list[str], Option("--set", help="SECTION.KEY=VALUE in place of the config's own; VALUE as JSON or plain text.")
]
Articles = Annotated[list[Path], Option("--article", help="An article that the gold was made from. Repeatable.")]
Ledger = Annotated[Path | None, Option("--ledger", callback=target, help="Write the ledger of lost spans here.")]


def train(
    config: Config,
    *,
    output: Annotated[Path, Option("-o", "--output", callback=folder_name)],
    gold: list[Path] = [],  # noqa: B006 — typer copies the default
    held_out: list[Path] = [],  # noqa: B006 — typer copies the default
    seeds: Annotated[int, Option(min=1, max=100)] = 1,
    score: list[Path] = [],  # noqa: B006 — as above
    settings: Overrides = [],  # noqa: B006 — as above
    ledger: Ledger = None,
    as_json: AsJson = False,
) -> None:
    """Train the model of a config; the result loads with spacy.load.

    With --seeds or --score a run that was killed goes on with the seeds that are missing when it is started again.

    Options:
        output: The model's folder, such as models/NAME.
        gold: Gold to train on, in place of the config's paths.train. Repeatable.
        held_out: A layer from `crossval` on the gold, for the model card. Repeatable.
        seeds: Train with so many seeds; the first one's model stays, the card tells all.
        score: A gold layer that is not trained on, scored with each seed. Repeatable.
    """
    from biaozhu.training.crossval import score_held_out
    from biaozhu.training.train import train as run

    check_output_folder(output, [config, *gold, *held_out, *score])
    check_output(ledger, "ledger", [config, *gold, *held_out, *score])
    overrides = _parse_overrides(settings, gold)
    held = score_held_out(config, overrides, held_out) if held_out else None
    if seeds > 1 or score:
        given = {"seeds": seeds, "scored": find_layers(score), "overrides": overrides, "held_out": held}
        finish(_train_seeds(config, output, as_json=as_json, **given), ledger=ledger)
        return
    with _show_steps() as on_step:
        done = run(config, output, overrides=overrides, held_out=held, on_step=on_step)
    say(f"{output}: {done.spans} spans in {done.sentences} sentences")
    if twice := done.contradicted:
        say(f"the gold marks the text of {len(twice)} sentences in another way elsewhere, the first is {twice[0]}")
    if done.learned is not None:
        say(f"compared with {done.learned.start}: {done.learned}")
        for where, side in (("on its own gold", done.learned.own), ("on parts left out", done.learned.held_out)):
            for right in (True, False):
                if shown := [str(one) for one in side.examples if one.right is right]:
                    say(f"{'corrected' if right else 'made wrong'} {where}, such as {', '.join(shown)}")
    some = f", its first {done.scored} sentences" if done.scored < done.sentences else ""
    if held and not as_json:
        _print_scores(
            "Held out, by the models of `crossval` (the card has the in-sample scores, too)", held, as_json=False
        )
    else:
        _print_scores(f"On the training data itself (in-sample){some}", done.scores, as_json=as_json)
    finish(done.entries, ledger=ledger)


@contextmanager
def _show_steps() -> Iterator[Callable[[int, int, float], None]]:
    with progress_of_steps("training") as bar:
        yield lambda step, most, loss: bar(step, most, f"training, loss {loss:.1f}")


def _train_seeds(config: Path, output: Path, *, as_json: bool, **given: Any) -> tuple[Entry, ...]:
    from biaozhu.training.seed_runs import train_seeds

    def say_seed(seed: int, was: bool) -> None:
        say(f"seed {seed}{' was trained before' if was else ''}")

    with _show_steps() as on_step:
        entries, runs = train_seeds(config, output, **given, on_seed=say_seed, on_step=on_step)
    scored = [(run.seed, path, labels) for run in runs for path, labels in run.scores.items()]
    rows = [(*given, label, *figures) for *given, labels in scored for label, figures in labels.items()]
    print_table(f"{output}, strict", ("seed", "layer", "label", "F1", "95 % from", "to"), rows, as_json=as_json)
    if len(runs) > 1 and all(run.scores == runs[0].scores for run in runs):
        say("every seed scores the same, as with any training without randomness; this does not show stability")
    return entries


def crossval(
    config: Config,
    *,
    gold: GoldLayers,
    article: Articles,
    output: LayerFile,
    name: str = "",
    at_least: Annotated[int, Option("--at-least", min=1, help="Smaller sections join the next one.")] = 5,
    settings: Overrides = [],  # noqa: B006 — as above
    ledger: Ledger = None,
    as_json: AsJson = False,
) -> None:
    """Predict each article (of one each section, of one section each stretch) by a model trained on the others only.

    A run that was killed goes on with what is missing when it is started again.

    Options:
        name: The source of the spans, with a checksum of the config behind it; the config's name if empty.
    """
    from biaozhu.training.card import score_strictly
    from biaozhu.training.crossval import count_groups, crossvalidate, mark_config
    from biaozhu.training.seed_runs import name_work
    from biaozhu.training.train import read_config

    check_outputs((output, "layer"), (ledger, "ledger"), inputs=[config, *gold], articles=article)
    sentences = read_layers(sorted({*find_layers(gold)}))
    say_where_not_read(article)
    groups = group_sentences(read_articles(find_articles(article)), sentences, at_least=at_least)
    overrides = _parse_overrides(settings, gold)
    parsed = read_config(config, overrides)
    counts, part = sorted(count_groups(sentences, groups).items()), name_held_out(sentences, groups)
    say(f"{len(counts)} models on {len(sentences)} sentences of gold, one for each {part} left out")
    with progress_of_steps("cross-validation") as bar:
        begun = monotonic()

        def on_fold(number: int, most: int, before: int) -> None:
            bar(number, most, f"fold {number + 1} of {most}")
            minutes = (most - number) * (monotonic() - begun) / max(number - before, 1) / 60
            told = number > before and minutes > 1
            left = ", predicted before" if number < before else f", {minutes:.0f} min left" if told else ""
            say(f"held out: {counts[number][0]} ({counts[number][1]} sentences){left}")

        source = mark_config(name or config.stem, parsed)
        work = output.parent / f".{output.name}.folds"
        stated = {"overrides": overrides, "groups": groups, "source": source}
        named = name_work(config, parsed, stated, find_layers(gold))
        keep = None if descriptor_of(output) is not None else work / named
        predicted, entries = crossvalidate(parsed, sentences, groups, source=source, keep=keep, on_fold=on_fold)
    write_layer(output, predicted)
    rmtree(work, ignore_errors=True)
    if part == "stretch":
        say(
            "the gold is one section: a stretch of sentences leaves its neighbours to learn from, a new article may score lower"
        )
    title = f"Each {part} held out, by a model that saw nothing of it"
    _print_scores(title, score_strictly(sentences, predicted), as_json=as_json)
    say(
        f"with intervals: `{quote('biaozhu', 'evaluate', '--held-out', '--layer', output)}` and the same --gold and --article"
    )
    finish(entries, ledger=ledger)


def curve(
    config: Config,
    *,
    gold: GoldLayers,
    article: Articles,
    output: Annotated[Path, Option("-o", "--output", help="Write the curve here (JSON), for `report --curve`.")],
    layer: list[Path] = [],  # noqa: B006 — typer copies the default
    held_out_by: Literal["section", "article"] | None = None,
    sizes: Annotated[int, Option(min=2, max=50, help="How many shares to train on; fewer than 4 tell no gain.")] = 6,
    seeds: Annotated[int, Option(min=1, max=100, help="How many draws of each share.")] = 5,
    folds: Annotated[int, Option(min=2, max=100, help="Parts to hold out in turn, at most.")] = 5,
    resamples: Annotated[int, Option(min=100, max=100_000, help="Draws for bands and gain.")] = 1000,
    settings: Overrides = [],  # noqa: B006 — as above
    ledger: Ledger = None,
    as_json: AsJson = False,
) -> None:
    """Train on growing shares of the gold, and say what another 100 sentences are worth.

    Options:
        layer: Another layer, such as a language model's: say how many of its sentences are worth one of the gold's. Repeatable.
        held_out_by: What is held out together; without it articles, or sections where there is one.
    """
    from biaozhu.scoring.significance import Sampling, choose_units
    from biaozhu.training.curves.curve import CurvePlan, measure_curve, write_curve
    from biaozhu.training.train import read_config

    check_outputs((output, "curve"), (ledger, "ledger"), inputs=[config, *gold, *layer], articles=article)
    gold, layer = list(find_layers(gold)), list(find_layers(layer))
    sentences, other = read_layers(sorted({*gold})), read_layers(sorted({*layer}))
    say_where_not_read(article)
    paths = find_articles(article)
    articles = read_articles(paths)
    groups = group_sentences(articles, sentences, by=held_out_by)
    known = {sentence.article for sentence in sentences}
    units = choose_units(sentences, sections_of([one for one in articles if one.id in known], sentences))
    plan = CurvePlan(sizes, seeds, folds, Sampling(resamples=resamples), other)
    parsed = read_config(config, _parse_overrides(settings, gold))
    with progress_of_steps("learning curve") as bar:

        def on_training(number: int, most: int) -> None:
            bar(number, most, f"training {number + 1} of {most}")

        measured, entries = measure_curve(parsed, sentences, groups, units, plan=plan, on_training=on_training)
    document = write_curve(output, measured, files=(config, *gold, *layer, *paths), command=["biaozhu", *sys.argv[1:]])
    say(f"{document['trainings']} models, each scored on what it was not trained on")
    say(f"bands resample {units.count} {units.kind}s and the draws ({seeds}): {units.reason}")
    if as_json:
        print_json(document)
    else:
        rows = [(one["sentences"], one["mean"], one["low"], one["high"]) for one in document["points"]]
        print_table("Held-out strict F1 by annotated sentences", ("sentences", "F1", "95 % from", "to"), rows)
    say(_tell_gain(document))
    if layer:
        say(_tell_exchange(document["exchange"]))
    finish(entries, ledger=ledger)


def _parse_overrides(settings: Sequence[str], gold: Sequence[Path]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"{setting!r} is not SECTION.KEY=VALUE", where="--set")
        try:
            found[key] = json.loads(value, parse_constant=int)  # NaN is no number for a config
        except ValueError:
            found[key] = value
    if gold:
        found["paths.train"] = [glob.escape(str(path)) for path in find_layers(gold)]
    return found


def _tell_gain(document: Mapping[str, Any]) -> str:
    if document["worth"] is None:
        return f"what {document['more']} more sentences are worth cannot be told: {document['failure_text']}"
    said = f"another {document['more']} sentences on top of {document['annotated']}: F1 {document['worth']:+.3f}"
    if document["worth_low"] is None:
        return f"{said}, without an interval: too few draws could be fitted"
    verdict = "" if document["distinguishable"] else ", not distinguishable from nothing"
    return f"{said} (95 % {document['worth_low']:+.3f} … {document['worth_high']:+.3f}){verdict}"


def _tell_exchange(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "what the layer's sentences are worth cannot be told: F1 is undefined at some sizes"
    bounds = "" if found["low"] is None else f" (95 % {found['low']:.1f} … {found['high']:.1f})"
    least = f"{found['bound']} " if found["bound"] else ""
    return (
        f"a sentence of the gold is worth {least}{found['rate']:.1f} of the layer's{bounds}: "
        f"{found['layer']:.0f} of them train to F1 {found['f1']:.3f}, as {found['gold']:.0f} of the gold do"
    )


def _print_scores(title: str, scores: Mapping[str, StrictCounts], *, as_json: bool) -> None:
    from biaozhu.training.card import COLUMNS, score_rows

    print_table(title, COLUMNS, score_rows(scores), as_json=as_json)


PORT, TOKEN_FILE = 8620, Path(".doccano/serve.token")
TokenFile = Annotated[Path, Option(help="Where the token stands (mode 600), unless BIAOZHU_TOKEN has one.")]


def predict(
    model: Annotated[Path, Argument(help="A model's folder.")],
    files: SentenceFiles,
    *,
    output: LayerFile,
    keep: list[Path] = [],  # noqa: B006 — typer copies the default
) -> None:
    """Annotate articles, or the sentences of layers, with a trained model.

    Options:
        keep: A layer or folder whose articles are taken over as they are, such as what `crossval` wrote. Repeatable.
    """
    check_output(output, "layer", [model, *keep, *list_layer_sources(files)], articles=files)
    say_where_not_read(files)
    kept = read_layers(keep)
    there = {one.article for one in kept}
    sentences = [one for one in read_sentences(files) if one.article not in there]
    with progress_of_steps("predicting"):
        annotated, failed = annotate_sentences(load_trained(model), sentences) if sentences else ([], {})
    write_layer(output, (*kept, *annotated))
    say(f"{output}: {sum(len(one.spans) for one in annotated)} spans in {len(annotated)} sentences")
    if learned := sum(any(span.source.endswith(IN_SAMPLE_MARK) for span in one.spans) for one in annotated):
        say(
            f"the model was trained on {learned} of them: their spans are marked as in-sample, scores on them show nothing"
        )
    if keep:
        say(f"{output}: {len(kept)} sentences taken over from {', '.join(map(str, keep))}")
    if failed:
        layers, articles = divide_sources(files)
        names = name_articles(read_named_layers(layers)) | {one.id: one.name for one in read_articles(articles)}
        for article, error in failed.items():
            say(f"failed: {bug_from(error, where=names[article])}")
    finish((), failed=bool(failed))


def segmenter(
    *,
    words: Annotated[Path, Option("--words", help="A layer, or a folder, whose spans are words, to learn from.")],
    dev: Annotated[Path, Option("--dev", help="Another one, to measure on.")],
    output: Annotated[
        Path | None,
        Option("-o", "--output", callback=folder_name, help="The model's folder; the user's cache if not given."),
    ] = None,
    iterations: Annotated[int, Option("--iterations", min=1, help="Passes over the data.")] = 5,
    sentences: Annotated[int | None, Option("--sentences", min=1, help="Learn from the first N only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train a word segmentation model for spacy-pkuseg, which ships none."""
    from biaozhu.training.segmentation import segmenter_folder, train_segmenter

    folder = output or segmenter_folder()
    with progress_of_steps("segmentation"):
        done = train_segmenter(read_layers([words])[:sentences], read_layers([dev]), folder, iterations=iterations)
    row, heads = (str(folder), done.precision, done.recall), ("folder", "precision", "recall")
    print_table("Word segmentation, on --dev", heads, [row], as_json=as_json)


def serve(
    *,
    model: str = ACCURATE,
    host: Annotated[str, Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port; 0 takes a free one.")] = PORT,
    token_file: TokenFile = TOKEN_FILE,
    workers: Annotated[int, Option(min=1, max=64, help="Requests worked on at once.")] = 2,
    waiting: Annotated[int, Option(min=0, max=1024, help="Requests that may wait; more get 429.")] = 16,
    max_bytes: Annotated[int, Option(min=1, help="Largest request.")] = 1024 * 1024,
    timeout: Annotated[float, Option(min=0.01, max=86_400)] = 30.0,
    per_client: Annotated[int, Option(min=1, max=1024, help="Requests of one address at once; more get 429.")] = 12,
) -> None:
    """Answer texts with spans over HTTP: a page at /, and /predict, /meaning, /health, /metrics.

    POST {"text": "…"} or {"texts": ["…"]} with `Authorization: Bearer TOKEN`; /meaning adds values of amounts and paths
    of places. The token is made at the first start.

    Options:
        model: deep, accurate, fast, the folder of a network, or of a model of `biaozhu train`. Not deep, as elsewhere: it would not answer the largest text within the time limit.
        timeout: Seconds that a prediction may take; its process is ended then.
    """
    from biaozhu.serving.app import Limits, make_app
    from biaozhu.serving.predictor import WorkerProcesses
    from biaozhu.serving.server import LOOPBACK, VARIABLE, address_of, bind, find_token, make_token, run

    limits = Limits(body=max_bytes, answering=timeout, workers=workers, waiting=waiting, client=per_client)
    bound = bind(host, port)
    make = _maker(model, workers=workers)
    token = find_token(token_file)  # a wrong one is told before the processes load
    with ExitStack() as stack:
        stack.enter_context(suppress(KeyboardInterrupt))  # asked to end it has done its work, while it loads too
        say(f"{workers} processes load the model …")
        predictor = stack.enter_context(closing(WorkerProcesses(make, size=workers, seconds=timeout)))
        token = token or make_token(token_file)  # last: a service that cannot start leaves no token behind

        def ready() -> None:
            address, told = address_of(bound), f"{VARIABLE} or {token_file}"
            page = address.removesuffix("predict")
            say(f"{predictor.name} answers at {address}; a page: {page}; the token: {told}")
            if bound.getsockname()[0] not in LOOPBACK:
                say("others on the network can reach it, and http shows them the token: put TLS before it")

        run(make_app(predictor, token=token, limits=limits), bound, limits=limits, drain=timeout, ready=ready)


def _maker(model: str, *, workers: int) -> Callable[[], Predictor]:
    from biaozhu.annotators.network.model_folder import check_model
    from biaozhu.annotators.network.runtime import default_threads
    from biaozhu.serving.predictor import load_rule_predictor, trained_predictor

    # Before any process starts: each would only say again what is wrong.
    if (Path(model) / "meta.json").is_file():
        check_model(Path(model))
        return partial(trained_predictor, Path(model))
    model_folder(model)
    # The workers share the cores: threads inside of each would only wait for one another.
    return partial(load_rule_predictor, model, max(1, default_threads() // workers))
