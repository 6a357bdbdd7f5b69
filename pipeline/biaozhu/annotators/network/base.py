"""The accurate model: places, persons and amounts straight from a network that was trained on the modern corpus.

It is in the folder accurate/ (see its README.md); `biaozhu base build` makes it.
"""

from __future__ import annotations

from pathlib import Path

from biaozhu.annotators.labelled import OUTSIDE
from biaozhu.annotators.network.crf_decoding import make_chain
from biaozhu.annotators.network.lac import Lac
from biaozhu.annotators.network.runtime import CONFIG, GRAPH, ModelKind, load_checked, read_network_config
from biaozhu.knowledge.lexicon import lexicon_columns, lexicon_facts, loaded_lexicon

DEFAULT = Path(__file__).parent / "accurate"
SCORES = "crf.npz"
# 2: with the lexicon's columns; a model without them is the same in both.
FORMAT = 2
KIND = ModelKind("base model", "tags", SCORES, (1, FORMAT), "Build it again with `biaozhu base build`")


def load_base(folder: Path = DEFAULT, *, threads: int | None = None) -> Lac:
    """Load the model; it raises what `load_checked` does, and ModelDataError where the lexicon is another one."""
    model = load_checked(folder, KIND, threads=threads)
    try:
        chain = make_chain(
            tuple(map(str, model.config["tags"])),
            **{name: model.arrays[name] for name in ("start", "stop", "transitions")},
        )
    except KeyError as error:
        raise KIND.refuse(folder / SCORES, f"it lacks {error}") from None
    labels = tuple(dict.fromkeys(kind for kind in chain.kinds if kind != OUTSIDE))
    if (wanted := model.config.get("lexicon")) is not None:
        if wanted != lexicon_facts():
            raise KIND.refuse(folder, "the base model was trained on another lexicon than this version has")
        # Here, so that a dictionary that is not the right one is told before anything is read.
        loaded_lexicon()
    # Networks of before version 0.2 call it `least`.
    min_score = float(model.config.get("min_score", model.config.get("least", 0.0)))
    # The same batches, padding and decoding as for LAC's own network, whose shape ours has.
    columns = None if wanted is None else lexicon_columns
    return Lac(chain, model.rows, model.session, columns, simplifies=True, labels=labels, min_score=min_score)


def graph_checksum(folder: Path) -> str:
    """Return the SHA-256 of the graph of the model in a folder, as its config names it; see `read_network_config`."""
    return str(read_network_config(folder / CONFIG, KIND)["files"].get(GRAPH))
