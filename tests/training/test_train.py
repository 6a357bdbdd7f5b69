from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import is_zipfile

import pytest
import spacy
from training_material import SMALL_CONFIG, invented_gold, small_project

from biaozhu.annotators.trained import load_trained
from biaozhu.cli import run
from biaozhu.data.errors import ConfigError, TrainingError, WriteError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.shipped import find_own
from biaozhu.data.strict_counts import StrictCounts
from biaozhu.training.card import HELD_OUT, IN_SAMPLE, TWO_MEASURES, write_card
from biaozhu.training.choosing import Learned, StartComparison
from biaozhu.training.gold import make_examples
from biaozhu.training.train import fit, read_config, train

if TYPE_CHECKING:
    from spacy.training import Example

ROOT = Path(__file__).parents[2]
TEXT = "去年 孙丽在雅安市卖了120元。"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_train_gives_a_model_that_plain_spacy_loads(tmp_path: Path) -> None:
    config, _ = small_project(tmp_path)
    done = train(config, tmp_path / "model")
    assert (done.sentences, done.spans, done.entries) == (25, 75, ())
    assert done.scores["all"].f1 == 1
    # A fresh interpreter, elsewhere, that imports nothing of ours.
    code = (
        "import json, sys, spacy; assert not any(m.split('.')[0] == 'biaozhu' for m in sys.modules)\n"
        "doc = spacy.load(sys.argv[1])(sys.argv[2]); print(json.dumps([doc.text, [[e.start_char, e.end_char, "
        "e.label_] for e in doc.ents], list(doc.spans['biaozhu_ner'].attrs['scores'])]))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model"), TEXT],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    text, spans, scores = json.loads(out.stdout)
    assert text == TEXT
    assert spans == [[3, 5, "PERSON"], [6, 9, "PLACE"], [11, 15, "AMOUNT"]]
    assert all(0.5 < score <= 1 for score in scores)


def test_train_is_repeatable_to_the_byte(tmp_path: Path) -> None:
    config, _ = small_project(tmp_path)
    folders = [tmp_path / "one" / "model", tmp_path / "two" / "model"]
    for folder in folders:
        train(config, folder)
    first, second = map(contents, folders)
    assert first == second
    assert "README.md" in first


def test_train_writes_no_pickle(tmp_path: Path) -> None:
    config, _ = small_project(tmp_path)
    train(config, tmp_path / "model")
    for name, content in contents(tmp_path / "model").items():
        # Protocol 2 and later begin so; msgpack, JSON and text do not.
        assert not content.startswith(b"\x80\x02"), name
        assert not content.startswith((b"\x80\x03", b"\x80\x04", b"\x80\x05")), name
        assert b"cnumpy" not in content, name
        assert not is_zipfile(tmp_path / "model" / name), name


def test_train_card_names_data_config_scores_and_versions(tmp_path: Path) -> None:
    config, gold = small_project(tmp_path)
    held_out = StrictCounts(gold=5, predicted=4, correct=3)
    train(config, tmp_path / "model", held_out={"PLACE": held_out, "all": held_out})
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    for path in (gold, config):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert "| PLACE | 0.7500 | 0.6000 | 0.6667 | 5 | 4 | 3 |" in card
    assert "In-sample: on the training data itself" in card
    assert f"| spacy | {spacy.__version__} |" in card


@pytest.mark.parametrize("held", [True, False])
def test_train_card_tells_its_two_held_out_measures_apart(tmp_path: Path, *, held: bool) -> None:
    # A regression test: 0.9848 on parts left out and 0.9744 held out stood on one card without a word.
    config, gold = small_project(tmp_path)
    counts = StrictCounts(gold=5, predicted=4, correct=3)
    compared = StartComparison(counts, counts, 0, 0, None, ())
    fitted = replace(fit(read_config(config), read_layer(gold)), learned=Learned(None, compared, compared))
    scores = {IN_SAMPLE: {"all": counts}} | ({HELD_OUT: {"all": counts}} if held else {})
    write_card(tmp_path, fitted, config_path=config, overrides={}, files=[], scores=scores, scored=0)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert (TWO_MEASURES in card) is held
    assert str(config) in card
    # A regression test: a package of the model named a folder of the machine that made it.
    shipped = find_own(Path("configs/ner.cfg"))
    write_card(tmp_path, fitted, config_path=shipped, overrides={}, files=[], scores=scores, scored=0)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "`configs/ner.cfg`" in card
    assert str(shipped) not in card


def test_train_replaces_a_model_and_nothing_else(tmp_path: Path) -> None:
    config, _ = small_project(tmp_path)
    train(config, tmp_path / "model")
    train(config, tmp_path / "model", overrides={"components.ner.iterations": 1})
    assert load_trained(tmp_path / "model").nlp.config["components"]["ner"]["iterations"] == 1
    other = tmp_path / "letters"
    other.mkdir()
    (other / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(WriteError, match="BZ004"):
        train(config, other)
    assert contents(other) == {"mine.txt": b"keep"}
    # A regression test: nothing said that a model whose copy was cut short may be removed.
    (tmp_path / "model" / "meta.json").unlink()
    with pytest.raises(WriteError, match="Remove it"):
        train(config, tmp_path / "model")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("seeds", ["1", "2"])
def test_train_again_takes_its_own_ledger_and_keeps_a_link(tmp_path: Path, seeds: str) -> None:
    config, _ = small_project(tmp_path)
    link = tmp_path / "link"
    command = [
        "train",
        str(config),
        "-o",
        str(link),
        "--seeds",
        seeds,
        "--ledger",
        str(link / "ledger.jsonl"),
    ]
    (tmp_path / "models").mkdir()
    train(config, tmp_path / "models" / "model")
    link.symlink_to(tmp_path / "models" / "model")
    assert [run(command), run(command)] == [0, 0]
    assert link.is_symlink()
    assert (tmp_path / "models" / "model" / "ledger.jsonl").is_file()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("biaozhu.Crf.v1", "biaozhu.Gone.v1"), "biaozhu.Gone.v1"),
        (("window = 2", "window = -2"), "window"),
        (("l2 = 0.1", "l2 = 'much'"), "l2"),
        (("l2 = 0.1", "l2 = 0.1\nmin_score = 1.5"), "min_score"),
        (('"biaozhu.Crf.v1"', '"biaozhu.Crf.v1"\nprior_weight = -1'), "prior_weight"),
        (("[nlp]", "[nlp"), "nlp"),
        (('train]\n@readers = "biaozhu.GoldCorpus', 'train]\n@readers = "spacy.Corpus'), "path"),
        (("gold.jsonl", "nowhere-*.jsonl"), "nowhere"),
        (("[nlp]", "[loop]\nround = ${loop.round}\n\n[nlp]"), "loop"),
    ],
)
def test_train_refuses_a_bad_config_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], says: str
) -> None:
    config, gold = small_project(tmp_path)
    config.write_text(config.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    assert run(["train", str(config), "-o", str(tmp_path / "model")]) == 2
    line = capsys.readouterr().err
    assert line.startswith("BZ0")
    assert line.count("\n") == 1
    assert says in line
    assert {path.name for path in tmp_path.iterdir()} == {config.name, gold.name}


def test_train_refuses_gold_without_spans() -> None:
    config = ROOT / "configs" / "ner.cfg"
    with pytest.raises(TrainingError, match="no spans"):
        fit(
            read_config(config),
            [type(one)(one.article, one.start, one.end, one.text) for one in invented_gold(3)],
        )


def test_train_refuses_an_unknown_override(tmp_path: Path) -> None:
    config, _ = small_project(tmp_path)
    with pytest.raises(ConfigError):
        read_config(config, {"components.ner.nothing.like.it": 1})


def test_train_refuses_what_is_no_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, _ = small_project(tmp_path)
    assert run(["train", str(config), "-o", str(tmp_path / "model"), "--set", "components.ner.l2=NaN"]) == 2
    assert "l2: 'NaN'" in capsys.readouterr().err


def test_train_exits_with_1_when_spans_are_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, gold = small_project(tmp_path)
    # jieba's words cut some of the invented names in the middle, or join them with what stands beside them.
    config.write_text(
        config.read_text(encoding="utf-8").replace(
            '"biaozhu.CharTokenizer.v1"', '"spacy.zh.ChineseTokenizer"\nsegmenter = "jieba"'
        ),
        encoding="utf-8",
    )
    ledger = tmp_path / "ledger.jsonl"
    assert run(["train", str(config), "-o", str(tmp_path / "model"), "--ledger", str(ledger)]) == 1
    lost = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    known = {(one.id, span.start, span.end) for one in read_layer(gold) for span in one.spans}
    assert lost
    assert {(one["sentence"], one["start"], one["end"]) for one in lost} <= known
    assert "not on token borders" in capsys.readouterr().err
    assert load_trained(tmp_path / "model")([TEXT])


def test_train_component_learns_by_gradient_descent_too(tmp_path: Path) -> None:
    path = tmp_path / "small.cfg"
    path.write_text(SMALL_CONFIG, encoding="utf-8")
    nlp = spacy.util.load_model_from_config(read_config(path), auto_fill=True)
    examples: list[Example] = []

    def get_examples() -> list[Example]:
        return examples or make_examples(nlp, invented_gold(10))[0]

    optimizer = nlp.initialize(get_examples)
    examples = get_examples()
    losses = [nlp.update(examples, sgd=optimizer, losses={})["ner"] for _ in range(150)]
    assert losses[-1] < losses[0] / 2


def test_train_cnn_config_trains_and_loads(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    write_layer(gold, invented_gold(10))
    steps: list[int] = []
    train(
        ROOT / "configs" / "cnn.cfg",
        tmp_path / "model",
        overrides={"paths.train": [str(gold)], "training.max_steps": 3},
        on_step=lambda step, *_: steps.append(step),
    )
    assert steps == [1, 2, 3]
    (spans,) = load_trained(tmp_path / "model")([TEXT])
    assert all(span.score is None and span.source == "model" for span in spans)


def test_train_ner_config_learns_the_invented_gold(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    write_layer(gold, invented_gold())
    done = train(ROOT / "configs" / "ner.cfg", tmp_path / "model", overrides={"paths.train": [str(gold)]})
    assert done.scores["all"].f1 == 1
    (spans,) = load_trained(tmp_path / "model")(["周建华在吉安县租了46亩。"])
    assert [(span.start, span.end, span.label) for span in spans] == [
        (0, 3, "PERSON"),
        (4, 7, "PLACE"),
        (9, 12, "AMOUNT"),
    ]
