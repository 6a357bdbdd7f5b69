"""The networks that words can come from, by the names that `--model` has for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from biaozhu.data.files import sha256_of

if TYPE_CHECKING:
    from biaozhu.annotators.words import WordModel

# The accurate model, a small network that has learned from LAC, one of LAC's two sets of weights, or the mean of both.
Weights = Literal["accurate", "fast", "small", "large", "both"]


def load_model(weights: Weights, *, threads: int | None = None) -> WordModel:
    """Load a network; see `load_lac`.

    Raises:
        ModelDataError: the weights are missing or not those that were measured.
    """
    from biaozhu.annotators.network.lac import load_lac  # noqa: PLC0415 — brings the runtime
    from biaozhu.annotators.network.lac_pair import load_lac_pair  # noqa: PLC0415 — as above

    if weights == "accurate":
        from biaozhu.annotators.network.base import load_base  # noqa: PLC0415 — as above

        return load_base(threads=threads)
    if weights == "fast":
        from biaozhu.annotators.network.fast import load_fast  # noqa: PLC0415 — as above

        return load_fast(threads=threads)
    return load_lac_pair(threads=threads) if weights == "both" else load_lac(weights, threads=threads)


def weights_mark(weights: Weights) -> str:
    """Return what tells one state of the weights from another, where the version of biaozhu does not.

    Raises:
        MissingFileError: there is no fast model.
    """
    from biaozhu.annotators.network import base, fast, runtime  # noqa: PLC0415 — they bring ONNX Runtime

    # A recipe replaces a model; its config holds the checksums of all that it is.
    folder = {"accurate": base.DEFAULT, "fast": fast.FOLDER}.get(weights)
    return "" if folder is None else sha256_of(folder / runtime.CONFIG)


def check_weights(weights: Weights) -> None:
    """Check that the packages of the weights are installed, without loading anything.

    Raises:
        ModelDataError: one is not.
    """
    from biaozhu.annotators.network.lac_data import lac_folder  # noqa: PLC0415 — brings NumPy

    if weights in ("small", "both"):
        lac_folder("small")
    if weights in ("large", "both"):
        lac_folder("large")
