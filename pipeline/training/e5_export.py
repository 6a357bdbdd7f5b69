"""From the trained network to the arrays of its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.training.e5_graph import E5Weights

if TYPE_CHECKING:
    import numpy as np

    from pipeline.training.e5_network import E5Network
    from pipeline.training.e5_start import Transformer


def weights_of(network: E5Network, start: Transformer, temperature: float = 1.0) -> E5Weights:
    """Return the network's arrays, the emissions divided by the temperature.

    Args:
        network: the trained network.
        start: what it was built from.
        temperature: chosen on dev.
    """
    arrays = {name: value.detach().numpy() for name, value in network.state_dict().items()}

    def linear(name: str) -> tuple[np.ndarray, np.ndarray]:
        return arrays[f"{name}.weight"].T, arrays[f"{name}.bias"]

    def norm(name: str) -> tuple[np.ndarray, np.ndarray]:
        return arrays[f"{name}.weight"], arrays[f"{name}.bias"]

    layers = tuple(
        {
            **{name: linear(f"layers.{number}.{name}") for name in ("attend", "mixed", "wide", "narrow")},
            **{name: norm(f"layers.{number}.{name}") for name in ("mixed_norm", "narrow_norm")},
        }
        for number in range(len(network.layers))
    )
    matrix, bias = linear("emit")
    return E5Weights(
        arrays["embedding.weight"],
        arrays["positions.weight"],
        norm("norm"),
        layers,
        start.heads,
        start.epsilon,
        linear("narrow"),
        (matrix / temperature, bias / temperature),
    )
