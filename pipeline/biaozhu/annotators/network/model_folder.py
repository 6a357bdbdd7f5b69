"""The content allowed in a model's folder: loading it must read numbers, and never run code.

`spacy.load` calls every function that the config names for the pipeline, from any installed package, and some
formats are pickles, which run code when they are read. So only functions that are known to do neither are let
through, and only files of the formats that they read: JSON, msgpack and NumPy arrays without objects.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from biaozhu.data.errors import BiaozhuError, MissingFileError, ModelDataError, raise_collected
from biaozhu.data.files import parse_json, read_bytes

SCHEMA = 4
"""Of meta.json's `biaozhu` entry; higher when a model of before cannot be loaded as it was meant."""
META_KEY = "biaozhu"
LEARNED_KEY = "sentences"
"""Of that entry: the ids of the sentences that a model was trained on."""
LANGUAGE = "zh"
# The last is our own annotators, and `biaozhu_annotator`, which takes registered ones by name and no files.
_FACTORIES = "biaozhu_ner biaozhu_crf ner tok2vec biaozhu_network biaozhu_repeated biaozhu_amounts biaozhu_annotator"
FACTORIES = frozenset(_FACTORIES.split())
_ARCHITECTURES = (
    "biaozhu.Crf.v1 biaozhu.LacEncoder.v1 biaozhu.LayerEncoder.v1 biaozhu.BaseEncoder.v1 biaozhu.ClassEncoder.v1 "
    "biaozhu.NgramEncoder.v1 biaozhu.TrainableDeep.v1 biaozhu.Bert.v1 spacy.HashEmbedCNN.v2 spacy.MultiHashEmbed.v2 "
    "spacy.CharacterEmbed.v2 spacy.Tok2Vec.v2 spacy.Tok2VecListener.v1 spacy.MaxoutWindowEncoder.v2 "
    "spacy.MishWindowEncoder.v2 spacy.TransitionBasedParser.v2"
)
FUNCTIONS = {
    "@architectures": frozenset(_ARCHITECTURES.split()),
    "@layers": frozenset({"concatenate.v1"}),
    "@tokenizers": frozenset({"biaozhu.CharTokenizer.v1", "spacy.zh.ChineseTokenizer"}),
    "@vectors": frozenset({"spacy.Vectors.v1"}),
    "@scorers": frozenset({"biaozhu.ner_scorer.v1", "spacy.ner_scorer.v1"}),
}
_FILES = (
    "README.md config.cfg meta.json cfg model moves key2row lookups.bin strings.json vectors vectors.cfg "
    "features.msgpack weights.npz pkuseg_processors"
)
FILES = frozenset(_FILES.split())
# The sections of which spaCy calls functions when it loads a pipeline; a test holds it to that.
CALLED = ("nlp", "components")


def check_model(folder: Path) -> None:
    """Check that a folder is a model of biaozhu which can be loaded without running anything else.

    MissingFileError says that there is no model, ModelDataError that it is of another version, or holds files or names functions that are
    not known to be harmless; all are reported together.
    """
    if not (folder / "meta.json").is_file():
        make = "Make one with `biaozhu train`"
        raise MissingFileError("there is no model", where=str(folder), next_step=make)
    raise_collected(list(_foreign_files(folder)))
    _check_version(folder / "meta.json")
    raise_collected(list(_foreign_functions(folder / "config.cfg")))


def _foreign_files(folder: Path) -> Iterator[BiaozhuError]:
    remedy = "Remove it if you know where it comes from, or train the model again"
    for path in sorted(folder.rglob("*")):
        problem = ""
        if path.is_symlink():
            problem = "a link, which a model has none of"
        elif not path.is_dir() and path.name not in FILES:
            problem = "no file that a model has"
        elif not path.is_dir() and _is_pickle(path):
            problem = "a pickle, which runs code when it is read"
        if problem:
            yield ModelDataError(f"{problem}; the model is not loaded", where=str(path), next_step=remedy)


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(2)
    # Protocols 2 to 5. In msgpack 0x80 is an empty map, which nothing follows.
    return head[:1] == b"\x80" and b"\x02" <= head[1:] <= b"\x05"


def _check_version(path: Path) -> None:
    from spacy.about import __version__  # noqa: PLC0415 — spaCy takes half a second, see `load_trained`
    from spacy.util import is_compatible_version  # noqa: PLC0415 — as above

    try:
        meta = parse_json(read_bytes(path))
    except ValueError:
        meta = None
    ours, wanted = (meta.get(META_KEY), meta.get("spacy_version")) if isinstance(meta, dict) else (None, None)
    schema = ours.get("schema") if isinstance(ours, dict) else None
    problem = ""
    if not isinstance(meta, dict) or (isinstance(ours, dict) and not isinstance(ours.get(LEARNED_KEY, []), list)):
        problem = "not the description of a model"
    elif schema is None:
        problem = "no model of `biaozhu train`, or one of an older version"
    elif schema != SCHEMA:
        problem = f"a model of schema {schema}, this version reads {SCHEMA}"
    elif not isinstance(wanted, str) or not is_compatible_version(__version__, wanted):
        problem = f"made for spaCy {wanted}, here is {__version__}"
    if problem:
        raise ModelDataError(problem, where=str(path), next_step="Train it again with `biaozhu train`")


def _foreign_functions(path: Path) -> Iterator[BiaozhuError]:
    from spacy.util import load_config_from_str  # noqa: PLC0415 — see `_check_version`

    where = str(path)
    try:
        config = load_config_from_str(read_bytes(path).decode("utf-8"), interpolate=True)
    except (ValueError, configparser.Error) as error:
        what = " ".join(str(error).split())
        yield ModelDataError(f"not a config ({what})", where=where, next_step="Train the model again")
        return
    problems = [f"[{name}] is not a section" for name in CALLED if not isinstance(config.get(name), dict)]
    if not problems:
        if config["nlp"].get("lang") != LANGUAGE:
            problems.append(f"[nlp] lang = {config['nlp'].get('lang')!r} is not {LANGUAGE!r}")
        for name, block in config["components"].items():
            problems += _component(name, block)
        for name in CALLED:
            problems += _unknown(config[name], name)
    for problem in problems:
        only = "Only models of `biaozhu train` with the networks it knows are loaded"
        yield ModelDataError(f"{problem}; the model is not loaded", where=where, next_step=only)


def _component(name: str, block: Any) -> Iterator[str]:
    if not isinstance(block, dict):
        yield f"[components.{name}] is not a section"
    elif block.get("factory") not in FACTORIES:
        yield f"[components.{name}] factory = {block.get('factory')!r} is not known"
    elif "source" in block:
        yield f"[components.{name}] takes its component from another model, {block['source']!r}"


def _unknown(block: Mapping[str, Any], place: str) -> Iterator[str]:
    for key, value in block.items():
        if isinstance(value, dict):
            yield from _unknown(value, f"{place}.{key}")
        elif isinstance(value, list):
            yield from _unknown({str(number): one for number, one in enumerate(value)}, f"{place}.{key}")
        elif str(key).startswith("@") and (key not in FUNCTIONS or value not in FUNCTIONS[key]):
            yield f"[{place}] {key} = {value!r} is not known"
