"""Commands: serve, and doccano suggest."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biaozhu.annotators.network.models import model_folder
from biaozhu.commands.console import print_table, say
from biaozhu.commands.options import AsJson  # noqa: TC001 — typer reads the annotations when it runs
from biaozhu.data.errors import RemoteError, raise_collected
from biaozhu.data.labels import read_labels
from biaozhu.serving.token import VARIABLE, find_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.serving.predictor import Predictor

PORT = 8620


class Switch(StrEnum):
    """State of a project's suggestions."""

    on = "on"
    off = "off"


TOKEN_FILE = Path(".doccano/serve.token")

TokenFile = Annotated[
    Path,
    typer.Option("--token-file", help="Where the token stands (mode 600), unless BIAOZHU_TOKEN has one."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.command("serve")(serve)


def serve(
    *,
    model: Annotated[
        str,
        typer.Option(help="accurate, fast, the folder of a network, or of a model of `biaozhu train`."),
    ] = "accurate",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = PORT,
    token_file: TokenFile = TOKEN_FILE,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Requests worked on at once.")] = 2,
    waiting: Annotated[int, typer.Option(min=0, max=1024, help="Requests that may wait; more get 429.")] = 16,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest request.")] = 1024 * 1024,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.01, max=86_400, help="Seconds that a prediction may take; its process is ended then."
        ),
    ] = 30.0,
    per_client: Annotated[
        int, typer.Option(min=1, max=1024, help="Requests of one address at once; more get 429.")
    ] = 12,
) -> None:
    """Answer texts with spans over HTTP: a page at /, and /predict, /meaning, /health, /metrics.

    POST {"text": "…"} or {"texts": ["…"]} with `Authorization: Bearer TOKEN`; /meaning adds values of amounts and paths
    of places. The token is made at the first start.
    """
    from biaozhu.serving.app import Limits, make_app
    from biaozhu.serving.predictor import process_predictor
    from biaozhu.serving.server import LOOPBACK, address_of, bind, run

    limits = Limits(body=max_bytes, answering=timeout, workers=workers, waiting=waiting, client=per_client)
    listening = bind(host, port)
    predictor = process_predictor(_maker(model, workers=workers), size=workers, seconds=timeout)
    try:
        token = find_token(token_file, make=True)  # last: a service that cannot start leaves no token behind
        say(f"{workers} processes load the model …")

        def ready() -> None:
            address = address_of(listening)
            page = address.removesuffix("predict")
            say(
                f"{predictor.name} answers at {address}; a page: {page}; the token: {VARIABLE} or {token_file}"
            )
            if listening.getsockname()[0] not in LOOPBACK:
                say("others on the network can reach it, and http shows them the token: put TLS before it")

        app = make_app(predictor, token=token, limits=limits)
        run(app, listening, limits=limits, drain=timeout, ready=ready)
    finally:
        predictor.close()


def suggest(
    switch: Annotated[Switch, typer.Argument(help="on or off.")],
    *,
    project: Annotated[
        list[str] | None, typer.Option("--project", help="Name of the Doccano project; may be repeated.")
    ] = None,
    url: Annotated[
        str, typer.Option(help="The service's /predict, as the machine of Doccano sees it.")
    ] = f"http://127.0.0.1:{PORT}/predict",
    token_file: TokenFile = TOKEN_FILE,
    labels: Annotated[Path, typer.Option("--labels", help="The label set.")] = Path("configs/labels.toml"),
    home: Annotated[Path, typer.Option(help="Folder of the local server.")] = Path(".doccano"),
    as_json: AsJson = False,
) -> None:
    """Let annotators ask a running `biaozhu serve` for spans, with the wand on Doccano's page; or no longer."""
    from biaozhu.doccano.connection import connect, find_account
    from biaozhu.doccano.project import find_project
    from biaozhu.doccano.suggest import switch_off, switch_on

    names = project or ["biaozhu"]
    label_set = read_labels(labels)
    token = find_token(token_file) if switch is Switch.on else ""
    connection = connect(find_account(home=home))
    found = {name: find_project(connection, name) for name in names}
    raise_collected(
        [
            RemoteError(f"no project {name!r}", where=connection.url, next_step="Push to it first")
            for name, one in found.items()
            if one is None
        ]
    )
    rows = [
        (
            name,
            switch.value,
            switch_on(connection, one, url=url, token=token, labels=label_set)
            if switch is Switch.on
            else switch_off(connection, one),
        )
        for name, one in found.items()
        if one is not None
    ]
    print_table("suggestions", ("project", "suggestions", "changed"), rows, as_json=as_json)


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
