"""A BERT that reads characters, from a folder in the files that it is published in.

The network is that of `curated-transformers` (MIT; Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional
Transformers for Language Understanding"). Chinese BERTs have a piece for each character, so a character is looked up as
it stands or in lower case, and nothing is cut: a row of the output is a code point of the text.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from curated_transformers.models.bert import BertConfig, BertEncoder
from curated_transformers.models.curated_transformer import CuratedTransformer
from curated_transformers.models.hf_util import convert_pretrained_model_for_encoder
from safetensors import SafetensorError
from safetensors.torch import load as read_safetensors
from torch import nn

from biaozhu.annotators.network.batching import cut_pieces
from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import read_bytes
from biaozhu.nlp.torch_encoders.torch_layer import pad_pieces

CONFIG, VOCABULARY = "config.json", "vocab.txt"
SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
PAD, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
# What config.json must say, and the most that is believed: the sizes of the largest that are published, and some more.
SIZES: Mapping[str, int] = {
    "hidden_size": 8192,
    "intermediate_size": 32768,
    "num_attention_heads": 128,
    "num_hidden_layers": 96,
    "vocab_size": 1_000_000,
    "max_position_embeddings": 8192,
    "type_vocab_size": 16,
}


class BertNetwork(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """Gives the last hidden state of each character.

    Until `fill` is called it has no arrays: a saved model brings its own, whatever became of the folder.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout
        self.facts: dict[str, Any] = {}
        self.rows: dict[str, int] = {}

    def fill(self, facts: Mapping[str, Any], arrays: Mapping[str, torch.Tensor]) -> None:
        """Take the sizes and the vocabulary (`config`, `vocabulary`), and the arrays as `state_dict` names them.

        ValueError or RuntimeError says that they do not fit each other.
        """
        config, pieces = dict(facts["config"]), list(facts["vocabulary"])
        for name, most in SIZES.items():
            if type(config.get(name)) is not int or not 0 < config[name] <= most:
                raise ValueError(f"{name} is {config.get(name)!r}")
        if config["hidden_size"] != self.width:
            raise ValueError(f"its width is {config['hidden_size']}, not {self.width}")
        if len(pieces) > config["vocab_size"] or not {PAD, UNKNOWN, FIRST, LAST} <= set(pieces):
            raise ValueError("its vocabulary is not that of a BERT of this size")
        # Nothing is set aside for arrays before it is known that they have these sizes.
        with torch.device("meta"):
            self.curated_encoder = BertEncoder(_curated(config, pieces.index(PAD), self.dropout))
        self.load_state_dict(dict(arrays), strict=True, assign=True)
        self.facts = {"config": {name: config[name] for name in (*SIZES, *_OTHERS)}, "vocabulary": pieces}
        self.rows = {piece: row for row, piece in enumerate(pieces)}

    def inputs(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the texts' pieces with the marks of beginning and end, int64 of shape (pieces, longest), and their lengths."""
        most = self.facts["config"]["max_position_embeddings"] - 2
        marks = self.rows[FIRST], self.rows[LAST]
        parts = [
            torch.tensor([marks[0], *map(self._row, text[at : min(at + most, end)]), marks[1]])
            for text in texts
            for start, end in cut_pieces(text)
            for at in range(start, end, most)
        ]
        return pad_pieces(parts, batch_first=True, padding_value=self.rows[PAD])

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the states of all characters, one text after the other, float32 of shape (characters, width)."""
        if not len(lengths):
            return torch.zeros((0, self.width))
        states = self.curated_encoder(ids).last_hidden_layer_states
        places = torch.arange(ids.shape[1])[None]
        return states[(places > 0) & (places < lengths[:, None] - 1)]

    def _row(self, character: str) -> int:
        return self.rows.get(character, self.rows.get(character.lower(), self.rows[UNKNOWN]))


# Beside the sizes; published files may lack them.
_OTHERS: Mapping[str, Any] = {"hidden_act": "gelu", "layer_norm_eps": 1e-12}


def read_bert(folder: Path, network: BertNetwork) -> None:
    """Fill a network from a folder with config.json, vocab.txt, and model.safetensors or pytorch_model.bin.

    MissingFileError says that a file is missing, ModelDataError that they are not those of a BERT, or not of this width.
    """
    try:
        config = {**_OTHERS, **json.loads(read_bytes(folder / CONFIG))}
        if config.get("model_type") != "bert":
            raise ValueError(f"its model_type is {config.get('model_type')!r}")  # noqa: TRY301 — one line for all that can be wrong
        pieces = read_bytes(folder / VOCABULARY).decode("utf-8").split("\n")
        pieces = [piece.rstrip("\r") for piece in (pieces if pieces[-1] else pieces[:-1])]
        arrays = _arrays(folder)
        # The library's own renaming wants to see which kind of network it is for.
        with torch.device("meta"):
            kind = CuratedTransformer(BertEncoder(BertConfig(num_hidden_layers=1)))
        network.fill({"config": config, "vocabulary": pieces}, convert_pretrained_model_for_encoder(kind, arrays))
    except (ValueError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError, SafetensorError) as error:
        what = " ".join(str(error).split())[:200]
        raise ModelDataError(
            f"not a BERT as it is published ({what})",
            where=str(folder),
            next_step="Give a folder with config.json, vocab.txt and model.safetensors",
        ) from None


def _arrays(folder: Path) -> dict[str, torch.Tensor]:
    if (folder / PICKLED).is_file() and not (folder / SAFE).is_file():
        # Tensors only: nothing else that a pickle can hold is let in.
        arrays = dict(torch.load(folder / PICKLED, map_location="cpu", weights_only=True))
    else:
        arrays = read_safetensors(read_bytes(folder / SAFE))
    return {name: array.to(torch.float32) for name, array in arrays.items() if array.is_floating_point()}


def _curated(config: Mapping[str, Any], padding: int, dropout: float) -> BertConfig:
    same = {name: config[name] for name in (*SIZES, *_OTHERS) if name not in {"hidden_size", "intermediate_size"}}
    return BertConfig(
        **same,
        embedding_width=config["hidden_size"],
        hidden_width=config["hidden_size"],
        intermediate_width=config["intermediate_size"],
        attention_probs_dropout_prob=dropout,
        hidden_dropout_prob=dropout,
        model_max_length=config["max_position_embeddings"],
        padding_idx=padding,
    )
