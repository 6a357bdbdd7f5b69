"""The CRF over n-grams of characters: features, training by CRFsuite, a saved model that does without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from training_material import invented_gold, small_project

from biaozhu.annotators.trained import annotate_with, load_trained
from biaozhu.data.errors import TrainingError
from biaozhu.nlp.crf import encode_spans
from biaozhu.nlp.ngrams import ngrams_of
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.gold import make_examples
from biaozhu.training.solving import solve
from biaozhu.training.train import read_config, train

pycrfsuite = pytest.importorskip("pycrfsuite")
CONFIG = Path(__file__).parents[2] / "configs" / "crf.cfg"
TEXT = "去年 孙丽在雅安市卖了120元。"


@given(text=st.text(max_size=30), longest=st.integers(1, 3), classes=st.booleans())
def test_ngrams_have_a_row_a_code_point_and_the_same_names(text: str, longest: int, *, classes: bool) -> None:
    found = ngrams_of(text, longest=longest, classes=classes)
    assert len(found) == len(text)
    assert len({len(row) for row in found}) <= 1
    for row in found:
        assert len(set(row)) == len(row)


def test_ngrams_see_neighbours_and_no_further() -> None:
    middle = ngrams_of("甲乙丙丁戊己庚")[3]
    assert middle == ngrams_of("子乙丙丁戊己丑")[3]
    assert middle != ngrams_of("甲子丙丁戊己庚")[3]
    assert ngrams_of("１２", classes=False)[0] == ngrams_of("34", classes=False)[0]
    assert len(ngrams_of("甲", longest=1, classes=False)[0]) == 5


def test_ngrams_give_the_tags_of_crfsuite(tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    part = nlp.add_pipe("biaozhu_crf", name="ner")
    gold = invented_gold()
    nlp.initialize(lambda: make_examples(nlp, gold)[0])
    solve(part, make_examples(nlp, gold)[0], [""] * len(gold))
    # CRFsuite itself, on the same features under the same numbers.
    columns = part.model.get_ref("tok2vec").attrs["columns"]

    def rows(text: str) -> list[list[str]]:
        return [[str(columns[one]) for one in some if one in columns] for some in ngrams_of(text)]

    trainer = pycrfsuite.Trainer(
        algorithm="lbfgs", params={"c1": 0.1, "c2": 0.01, "max_iterations": 100}, verbose=False
    )
    for one in gold:
        path = encode_spans(part.labels, len(one.text), [span.key for span in one.spans])
        trainer.append(rows(one.text), [str(tag) for tag in path])
    trainer.train(str(tmp_path / "crf"))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(tmp_path / "crf"))
    tags = [int(tag) for tag in tagger.tag(rows(TEXT))]
    (spans,) = part.predict([nlp.make_doc(TEXT)])
    assert encode_spans(part.labels, len(TEXT), [span[:3] for span in spans]).tolist() == tags
    assert [(TEXT[start:end], label) for start, end, label, _ in spans] == [
        ("孙丽", "PERSON"), ("雅安市", "PLACE"), ("120元", "AMOUNT"),
    ]  # fmt: skip


def test_ngrams_config_trains_a_model_that_loads_without_crfsuite(tmp_path: Path) -> None:
    _, gold = small_project(tmp_path)
    overrides = {"paths.train": [str(gold)]}
    folders = [tmp_path / "one" / "model", tmp_path / "two" / "model"]
    steps: list[tuple[int, int]] = []
    for folder in folders:
        done = train(CONFIG, folder, overrides=overrides, on_step=lambda step, most, _: steps.append((step, most)))
    assert done.scores["all"].f1 == 1
    first = steps[: len(steps) // 2]
    assert first == steps[len(first) :] == [(step, 100) for step in range(1, len(first) + 1)]
    assert 0 < len(first) <= 100
    assert (folders[0] / "ner" / "model").read_bytes() == (folders[1] / "ner" / "model").read_bytes()
    code = (
        "import sys; sys.modules['pycrfsuite'] = None\n"
        "from biaozhu.annotators.trained import load_trained; from pathlib import Path\n"
        "print([(s.start, s.end, s.label) for s in load_trained(Path(sys.argv[1]))([sys.argv[2]])[0]])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(folders[0]), TEXT], check=True, capture_output=True, text=True
    )
    assert out.stdout.strip() == "[(3, 5, 'PERSON'), (6, 9, 'PLACE'), (11, 15, 'AMOUNT')]"
    spans = load_trained(folders[0])([TEXT, ""])
    assert spans[1] == ()
    assert all(0.3 < (span.score or 0) <= 1 for span in spans[0])


def test_ngrams_averaged_perceptron_and_rare_features_left_out(tmp_path: Path) -> None:
    _, gold = small_project(tmp_path)
    overrides = {
        "paths.train": [str(gold)],
        "components.ner.algorithm": "ap",
        "components.ner.model.tok2vec.at_least": 3,
        "components.ner.iterations": 10,
    }
    steps: list[int] = []
    done = train(CONFIG, tmp_path / "model", overrides=overrides, on_step=lambda step, *_: steps.append(step))
    assert steps == [*range(1, 11)]
    assert done.scores["all"].f1 == 1


def test_ngrams_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, gold = small_project(tmp_path)
    monkeypatch.setitem(sys.modules, "pycrfsuite", None)
    with pytest.raises(TrainingError, match=r"\[crf\]'"):
        train(CONFIG, tmp_path / "model", overrides={"paths.train": [str(gold)]})
    assert not (tmp_path / "model").exists()


def test_ngrams_untrained_finds_nothing() -> None:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    nlp.add_pipe("biaozhu_crf")
    assert annotate_with(nlp, [TEXT], source="x") == [()]
    assert read_config(CONFIG)["components"]["ner"]["factory"] == "biaozhu_crf"
