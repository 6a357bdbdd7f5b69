"""What a trained model builds on is named in its config by a checksum, and another one is refused."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import ConfigError, MissingFileError
from biaozhu.nlp.checksums import pinned
from biaozhu.nlp.lexicon_encoder import SEGMENTER_FILES, WORD_ENCODER, checksum, word_encoder

if TYPE_CHECKING:
    from pathlib import Path


def test_pins_name_the_segmentation_model_wherever_a_config_has_one(segmenter: Path) -> None:
    encoder = {"@architectures": WORD_ENCODER, "folder": str(segmenter), "window": 1}
    config = {"components": {"ner": {"model": {"words": encoder}}}, "paths": {"train": "x"}}
    pinned(config)
    assert encoder["sha256"] == checksum(str(segmenter))
    pinned(config)
    assert encoder["sha256"] == checksum(str(segmenter))


@pytest.mark.parametrize("name", SEGMENTER_FILES)
def test_pins_change_with_each_file_of_the_model(segmenter: Path, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other"
    shutil.copytree(segmenter, other)
    assert checksum(str(other)) == checksum(str(segmenter))
    with (other / name).open("ab") as file:
        file.write(b" ")
    assert checksum(str(other)) != checksum(str(segmenter))


def test_pins_refuse_another_segmentation_model(segmenter: Path) -> None:
    word_encoder(str(segmenter), 0, checksum(str(segmenter)))
    with pytest.raises(ConfigError, match="not the one that this model was trained on"):
        word_encoder(str(segmenter), 0, "0" * 64)


def test_pins_say_what_is_not_there(tmp_path: Path) -> None:
    config = {"words": {"@architectures": WORD_ENCODER, "folder": str(tmp_path / "nowhere")}}
    with pytest.raises(MissingFileError, match="no segmentation model"):
        pinned(config)
