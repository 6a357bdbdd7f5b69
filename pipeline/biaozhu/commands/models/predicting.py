"""Commands: predict, segmenter, serve."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Exit, Option

from biaozhu.annotators.network.models import ACCURATE
from biaozhu.commands.console import print_table, progress_of_steps, say
from biaozhu.commands.options import AsJson, LayerFile, SentenceFiles  # noqa: TC001 — as above
from biaozhu.data.errors import bug_from
from biaozhu.data.layers import name_articles, read_layers, read_named_layers, write_layer
from biaozhu.data.outputs import check_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.serving.predictor import Predictor
PORT = 8620
TOKEN_FILE = Path(".doccano/serve.token")
TokenFile = Annotated[
    Path, Option("--token-file", help="Where the token stands (mode 600), unless BIAOZHU_TOKEN has one.")
]


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
    from biaozhu.annotators.trained import annotate_sentences, load_trained
    from biaozhu.reading.article import divide_sources, list_layer_sources, read_articles, read_sentences

    check_output(output, "layer", [model, *keep, *list_layer_sources(files)], articles=files)
    kept = read_layers(keep)
    there = {sentence.article for sentence in kept}
    sentences = [sentence for sentence in read_sentences(files) if sentence.article not in there]
    with progress_of_steps("predicting"):
        annotated, failed = annotate_sentences(load_trained(model), sentences) if sentences else ([], {})
    write_layer(output, (*kept, *annotated))
    taken = f", {len(kept)} sentences kept" if keep else ""
    say(f"{output}: {sum(len(one.spans) for one in annotated)} spans in {len(annotated)} sentences{taken}")
    if failed:
        layers, articles = divide_sources(files)
        names = name_articles(read_named_layers(layers))
        names |= {article.id: article.name for article in read_articles(articles)}
        for article, error in failed.items():
            say(f"failed: {bug_from(error, where=names[article])}")
        raise Exit(1)


def segmenter(
    *,
    words: Annotated[Path, Option("--words", help="A layer, or a folder, whose spans are words, to learn from.")],
    dev: Annotated[Path, Option("--dev", help="Another one, to measure on.")],
    output: Annotated[
        Path | None, Option("-o", "--output", help="The model's folder; the user's cache if not given.")
    ] = None,
    iterations: Annotated[int, Option("--iterations", min=1, help="Passes over the data.")] = 5,
    sentences: Annotated[int | None, Option("--sentences", min=1, help="Learn from the first N only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train a word segmentation model for spacy-pkuseg, which ships none."""
    from biaozhu.training.segmentation import segmenter_folder, train_segmenter

    with progress_of_steps("segmentation"):
        folder = output or segmenter_folder()
        learned = read_layers([words])[:sentences]
        done = train_segmenter(learned, read_layers([dev]), folder, iterations=iterations)
    rows = [(str(folder), done.precision, done.recall)]
    print_table("Word segmentation, on --dev", ("folder", "precision", "recall"), rows, as_json=as_json)


def serve(
    *,
    # A text of the largest size must be answered within the time limit, which the default network would not do.
    model: str = ACCURATE,
    host: Annotated[str, Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port; 0 takes a free one.")] = PORT,
    token_file: TokenFile = TOKEN_FILE,
    workers: Annotated[int, Option(min=1, max=64, help="Requests worked on at once.")] = 2,
    waiting: Annotated[int, Option(min=0, max=1024, help="Requests that may wait; more get 429.")] = 16,
    max_bytes: Annotated[int, Option(min=1, help="Largest request.")] = 1024 * 1024,
    timeout: Annotated[float, Option(min=0.01, max=86_400)] = 30.0,
    per_client: Annotated[int, Option(min=1, max=1024)] = 12,
) -> None:
    """Answer texts with spans over HTTP: a page at /, and /predict, /meaning, /health, /metrics.

    POST {"text": "…"} or {"texts": ["…"]} with `Authorization: Bearer TOKEN`; /meaning adds values of amounts and paths
    of places. The token is made at the first start.

    Options:
        model: deep, accurate, fast, the folder of a network, or of a model of `biaozhu train`.
        timeout: Seconds that a prediction may take; its process is ended then.
        per_client: Requests of one address at once; more get 429.
    """
    from biaozhu.serving.app import Limits, make_app
    from biaozhu.serving.predictor import process_predictor
    from biaozhu.serving.server import LOOPBACK, VARIABLE, address_of, bind, find_token, run

    limits = Limits(body=max_bytes, answering=timeout, workers=workers, waiting=waiting, client=per_client)
    listening = bind(host, port)
    predictor = process_predictor(_maker(model, workers=workers), size=workers, seconds=timeout)
    try:
        token = find_token(token_file, make=True)  # last: a service that cannot start leaves no token behind
        say(f"{workers} processes load the model …")

        def ready() -> None:
            address = address_of(listening)
            page = address.removesuffix("predict")
            told = f"{VARIABLE} or {token_file}"
            say(f"{predictor.name} answers at {address}; a page: {page}; the token: {told}")
            if listening.getsockname()[0] not in LOOPBACK:
                say("others on the network can reach it, and http shows them the token: put TLS before it")

        app = make_app(predictor, token=token, limits=limits)
        run(app, listening, limits=limits, drain=timeout, ready=ready)
    finally:
        predictor.close()


def _maker(model: str, *, workers: int) -> Callable[[], Predictor]:
    from biaozhu.annotators.network.model_folder import check_model
    from biaozhu.annotators.network.models import model_folder
    from biaozhu.annotators.network.runtime import default_threads
    from biaozhu.serving.predictor import load_rule_predictor, trained_predictor

    # Before any process starts: each would only say again what is wrong.
    if (Path(model) / "meta.json").is_file():
        check_model(Path(model))
        return partial(trained_predictor, Path(model))
    model_folder(model)
    # The workers share the cores: threads inside of each would only wait for one another.
    return partial(load_rule_predictor, model, max(1, default_threads() // workers))
