"""PyTorch networks as thinc layers that read characters, kept as plain arrays.

thinc's own wrapper keeps a network by `torch.save`, which is a pickle. A model's folder must hold none (see
`biaozhu.annotators.network.model_folder`), so the arrays go into msgpack as names, shapes and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import srsly
import torch
from spacy.tokens import Doc
from thinc.api import ArgsKwargs, Model, PyTorchWrapper_v3
from torch.nn.utils.rnn import pad_sequence

from biaozhu.data.errors import ModelDataError
from biaozhu.nlp.encoders import mean_by_token, token_sizes

# Types of arrays that a network may have, little-endian on every machine.
KINDS = ("<f4", "<i8")
# No array's name: those are Python names with dots.
FACTS = "*facts"
Inputs = Callable[[Sequence[str]], tuple[torch.Tensor, ...]]


def torch_layer(name: str, network: Any, inputs: Inputs, width: int) -> Model[list[Doc], list[np.ndarray]]:
    """Return a network as a layer from Docs to arrays of shape (tokens, width), which learns by gradient descent.

    The network takes what `inputs` makes of texts, and gives a row for each code point of all texts one after the other.
    """
    model = PyTorchWrapper_v3(
        network,
        # Texts have no gradient.
        convert_inputs=lambda _, docs, __: (ArgsKwargs(inputs([doc.text for doc in docs]), {}), lambda _: []),
        convert_outputs=_convert_outputs,
        serialize_model=as_bytes,
        deserialize_model=from_bytes,
    )
    model.name = name
    model.set_dim("nO", width)
    return model


def pad_pieces(pieces: Sequence[torch.Tensor], **settings: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows of pieces as one padded batch, int64 (see `pad_sequence`), and the pieces' lengths."""
    lengths = torch.tensor([len(piece) for piece in pieces], dtype=torch.int64)
    return pad_sequence(pieces, **settings) if pieces else torch.zeros((0, 0), dtype=torch.int64), lengths


def as_bytes(network: Any) -> bytes:
    """Return a network's arrays as msgpack: name -> [type, shape, bytes]; with its `facts`, where it has such."""
    found: dict[str, Any] = {}
    for name, value in network.state_dict().items():
        array = value.detach().cpu().numpy()
        kind = array.dtype.newbyteorder("<").str
        if kind not in KINDS:
            raise TypeError(f"{name} has type {kind}")
        found[name] = [kind, list(array.shape), np.ascontiguousarray(array, kind).tobytes()]
    if hasattr(network, "facts"):
        found[FACTS] = srsly.json_dumps(network.facts)
    return bytes(srsly.msgpack_dumps(found))


def from_bytes(network: Any, content: bytes, device: Any) -> Any:
    """Put arrays into a network, built anew where it has facts, and return it; ModelDataError if they are not its own."""
    try:
        known = srsly.msgpack_loads(content)
        facts = srsly.json_loads(known.pop(FACTS)) if hasattr(network, "facts") else None
        arrays = {
            name: torch.from_numpy(np.frombuffer(raw, _kind(kind)).reshape(shape).copy())
            for name, (kind, shape, raw) in known.items()
        }
        if facts is None:
            network.load_state_dict(arrays)
        else:
            network.fill(facts, arrays)
    except (ValueError, TypeError, AttributeError, KeyError, RuntimeError) as error:
        what = str(error).splitlines()[0]
        raise ModelDataError(f"not the arrays of this network ({what})", next_step="Train the model again") from None
    return network.to(device)


def _kind(kind: str) -> str:
    # Nothing but numbers: an object would be a pickle.
    if kind not in KINDS:
        raise ValueError(f"arrays of type {kind}")
    return kind


def _convert_outputs(
    _model: Any,
    both: tuple[list[Doc], torch.Tensor],
    is_train: bool,  # noqa: ARG001, FBT001 — thinc calls it so
) -> tuple[list[np.ndarray], Callable[[list[np.ndarray]], ArgsKwargs]]:
    docs, rows = both
    found = rows.detach().cpu().numpy()
    sizes = [token_sizes(doc) for doc in docs]
    pieces = np.split(found, np.cumsum([len(doc.text) for doc in docs], dtype=np.int64))[: len(docs)]
    made = [mean_by_token(piece, size) for piece, size in zip(pieces, sizes, strict=True)]

    def backward(gradients: list[np.ndarray]) -> ArgsKwargs:
        # The code points of a token share its gradient.
        parts = [np.repeat(one / size[:, None], size, axis=0) for one, size in zip(gradients, sizes, strict=True)]
        joined = np.concatenate([np.zeros((0, found.shape[1])), *parts])
        back = torch.from_numpy(np.ascontiguousarray(joined, np.float32)).to(rows.device)
        return ArgsKwargs(args=((rows,),), kwargs={"grad_tensors": (back,)})

    return made, backward
