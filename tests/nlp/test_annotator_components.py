"""Annotators in a spaCy pipeline: by name, from a config, beside a labelling function of one's own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import tomllib
from functools import cache
from pathlib import Path

import pytest
import spacy
from confection import Config
from spacy.tokens import Doc

from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model
from biaozhu.annotators.preannotate import annotate_by_layer
from biaozhu.annotators.registry import Annotator, annotator
from biaozhu.data.model import Span
from biaozhu.nlp import annotator_components
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.reading.sentences import split_text

TEXT = "山东省青岛市农民李大海种了3亩草莓和20亩小麦。\n李大海今年收入5万元。"
CONFIG = """
[nlp]
lang = "zh"
pipeline = ["network","crops","amounts"]

[nlp.tokenizer]
@tokenizers = "biaozhu.CharTokenizer.v1"

[components]

[components.network]
factory = "biaozhu_network"

[components.crops]
factory = "biaozhu_annotator"
annotator = "crops"
spans_key = "mine"

[components.amounts]
factory = "biaozhu_amounts"
"""


@pytest.fixture(scope="module")
def crops() -> Annotator:
    """A labelling function of a user's own, as `--code FILE.py` of spaCy's commands would register it."""

    @annotator("crops", proposes={"CROP": 50})
    def find_crops(texts: list[str]) -> list[list[Span]]:
        return [[Span(*one.span(), "CROP", score=0.9) for one in re.finditer("草莓|小麦", text)] for text in texts]

    return find_crops


@cache
def by_article() -> dict[str, list[tuple[int, int, str, float | None]]]:
    cuts = split_text(TEXT)
    texts = [TEXT[start:end] for start, end in cuts]
    found = annotate_by_layer(texts, model=load_model(DEFAULT_MODEL))
    return {
        name: [
            (start + span.start, start + span.end, span.label, span.score)
            for (start, _), row in zip(cuts, rows, strict=True)
            for span in row
        ]
        for name, rows in found.items()
    }


def blank() -> spacy.Language:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    return nlp


def group_of(doc: Doc, key: str) -> list[tuple[int, int, str, float | None]]:
    group = doc.spans[key]
    return [
        (span.start_char, span.end_char, span.label_, score)
        for span, score in zip(group, group.attrs["scores"], strict=True)
    ]


@pytest.mark.parametrize("name", ["network", "amounts"])
def test_components_give_what_preannotation_gives(name: str) -> None:
    nlp = blank()
    nlp.add_pipe(f"biaozhu_{name}")
    doc = nlp(TEXT)
    assert group_of(doc, name) == by_article()[name]
    assert [(one.start_char, one.end_char, one.label_) for one in doc.ents] == [one[:3] for one in by_article()[name]]
    assert by_article()[name]


def test_components_take_time_in_proportion_to_the_doc() -> None:
    nlp = blank()
    component = nlp.add_pipe("biaozhu_amounts")
    component(nlp.make_doc(TEXT))
    seconds = []
    for copies in (150, 600):
        doc = nlp.make_doc(TEXT * copies)
        begun = time.process_time()
        component(doc)
        seconds.append(time.process_time() - begun)
    # Four times the text; what grows with its square would take sixteen times as long, and seconds.
    assert seconds[1] < max(10 * seconds[0], 0.5)


def test_components_mix_with_a_labelling_function_from_a_config(crops: Annotator, tmp_path: Path) -> None:
    nlp = spacy.util.load_model_from_config(Config().from_str(CONFIG), auto_fill=True)
    nlp.to_disk(tmp_path / "model")
    for pipeline in (nlp, spacy.load(tmp_path / "model")):
        (doc,) = pipeline.pipe([TEXT])
        assert [(one.text, one.label_) for one in doc.ents] == [
            ("山东省", "PLACE"),
            ("青岛市", "PLACE"),
            ("李大海", "PERSON"),
            ("3亩", "AMOUNT"),
            ("草莓", "CROP"),
            ("20亩", "AMOUNT"),
            ("小麦", "CROP"),
            ("李大海", "PERSON"),
            ("5万元", "AMOUNT"),
        ]
        assert [score for *_, score in group_of(doc, "mine")] == [0.9, 0.9]
        assert set(doc.spans) == {"network", "mine", "amounts"}
    assert crops.name == "crops"


def test_components_that_stand_first_win() -> None:
    nlp = blank()
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ORG", "pattern": [{"TEXT": one} for one in "青岛市农民"]}])
    nlp.add_pipe("biaozhu_network", config={"set_ents": True})
    nlp.add_pipe("biaozhu_amounts", config={"set_ents": False})
    doc = nlp(TEXT)
    assert [(one.text, one.label_) for one in doc.ents] == [
        ("山东省", "PLACE"),
        ("青岛市农民", "ORG"),
        ("李大海", "PERSON"),
        ("3亩", "AMOUNT"),
        ("20亩", "AMOUNT"),
        ("李大海", "PERSON"),
        ("5万元", "AMOUNT"),
    ]
    assert [span.text for span in doc.spans["network"]][:2] == ["山东省", "青岛市"]
    assert [span.text for span in doc.spans["amounts"]] == ["3亩", "20亩", "5万元"]


def test_components_say_what_the_tokens_cut_through() -> None:
    component = spacy.blank("zh").add_pipe("biaozhu_amounts")
    words = ["种了3", "亩", "草莓", "，", "20亩", "小麦"]
    doc = Doc(spacy.blank("zh").vocab, words=words, spaces=[False] * len(words))
    with pytest.warns(UserWarning, match="1 spans of amounts"):
        component(doc)
    assert [one.text for one in doc.ents] == ["20亩"]


@pytest.mark.parametrize(
    ("factory", "config", "error"),
    [
        ("annotator", {"annotator": "crops.py"}, "BZ021 components.x.annotator"),
        ("annotator", {"annotator": "nobody"}, "BZ025 nobody"),
    ],
)
def test_components_refuse_what_cannot_work(factory: str, config: dict[str, str], error: str) -> None:
    with pytest.raises(Exception, match=re.escape(error)):
        blank().add_pipe(f"biaozhu_{factory}", name="x", config=config)


def test_components_are_entry_points_that_need_no_import(tmp_path: Path) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    stated = project["project"]["entry-points"]["spacy_factories"]
    names = [f"biaozhu_{one}" for one in ("network", "repeated", "amounts", "annotator")]
    for name in names:
        module, _, function = stated[name].partition(":")
        assert module == annotator_components.__name__
        assert callable(getattr(annotator_components, function))
    # As an install writes them, whatever is installed here.
    info = tmp_path / "biaozhu-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: biaozhu\nVersion: 0\n")
    lines = "\n".join(f"{name} = {stated[name]}" for name in names)
    (info / "entry_points.txt").write_text(f"[spacy_factories]\n{lines}\n")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import spacy; nlp = spacy.blank('zh'); "
        "nlp.add_pipe('biaozhu_amounts'); print([one.text for one in nlp('种了3亩草莓。').ents])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['3亩']", done.stderr
