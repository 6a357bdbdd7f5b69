"""The networks that pre-annotation can read names from: `deep`, `accurate`, `fast`, or a folder that a recipe wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.annotators.words import NameModel
from biaozhu.data.errors import UsageError
from biaozhu.data.files import sha256_of

if TYPE_CHECKING:
    from biaozhu.annotators.network.lac import CrfNetwork

ACCURATE, FAST, DEEP, CONFIG = "accurate", "fast", "deep", "config.json"
NAMED = (DEEP, ACCURATE, FAST)
# Of the commands that take --model, but for `serve`, and of a custom model's start.
DEFAULT_MODEL = DEEP


def load_model(name: str | Path, *, threads: int | None = None) -> NameModel:
    """Load a network by its name or from its folder; it raises what `model_folder` and `load_checked` do."""
    from biaozhu.annotators.network.base import load_base  # noqa: PLC0415 — brings the runtime
    from biaozhu.annotators.network.fast import PAIRS, load_fast  # noqa: PLC0415 — as above
    from biaozhu.annotators.transformer.deep import ARRAYS, load_deep  # noqa: PLC0415 — as above

    folder = model_folder(str(name))
    if (folder / ARRAYS).is_file():
        return load_deep(folder, threads=threads)
    return (load_fast if (folder / PAIRS).is_file() else load_base)(folder, threads=threads)


def load_tagger(name: str = DEFAULT_MODEL, *, threads: int | None = None) -> CrfNetwork:
    """Load a network that shows its states and how likely each tag is; see `load_model` and `as_tagger`."""
    return as_tagger(load_model(name, threads=threads), name)


def as_tagger(model: NameModel, name: str) -> CrfNetwork:
    """Return the model of this name; it raises UsageError where it does not say how sure it is of each character."""
    from biaozhu.annotators.network.lac import CrfNetwork  # noqa: PLC0415 — as above

    if not isinstance(model, CrfNetwork):
        what = "the fast model does not say how sure it is"
        raise UsageError(what, where=name, next_step="Take another model")
    return model


def model_folder(name: str) -> Path:
    """Return the folder of a network; it raises UsageError where it is none of these names and no such folder."""
    if name in NAMED:
        return Path(__file__).parent / name
    folder = Path(name)
    if (folder / "meta.json").is_file():
        what = "a model of `biaozhu train` does not pre-annotate"
        raise UsageError(what, where=name, next_step="Take `biaozhu predict`, in Python `load_trained`")
    if not (folder / CONFIG).is_file():
        what = "neither deep nor accurate nor fast nor the folder of a network"
        raise UsageError(what, where=name, next_step="Take deep, or the folder of a network")
    return folder


def whole_name(name: str) -> str:
    """Return a network's name, or the whole path of its folder: for processes that work in other folders."""
    folder = model_folder(name)
    return name if name in NAMED else str(folder.resolve())


def weights_mark(name: str) -> str:
    """Return the checksum of a network: its config holds those of all its files."""
    return sha256_of(model_folder(name) / CONFIG)
