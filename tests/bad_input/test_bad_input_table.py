"""Bad input of every kind against every command: one line that says what, where and what next; status 2; nothing written."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bad_files import (
    ARTICLE,
    Bad,
    bad_articles,
    bad_layers,
    make_workplace,
    other_version,
    refuse,
    write_all,
)
from bad_rows import ARTICLE_COMMANDS, CONFIG, LAYER_COMMANDS, OTHER_FILES, SCORED, SERVER_COMMANDS

from biaozhu.cli import run
from biaozhu.data.layers import read_layer

Capture = pytest.CaptureFixture[str]

with TemporaryDirectory() as _name:
    make_workplace(Path(_name))
    LAYERS = bad_layers(Path(_name))
ARTICLES = bad_articles()


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("command", [*ARTICLE_COMMANDS, *LAYER_COMMANDS])
def test_bad_input_commands_of_the_table_work_with_good_input(capsys: Capture, command: str) -> None:
    assert run(shlex.split(command.replace("bad.", "good."))) == 0, capsys.readouterr().err


@pytest.mark.parametrize("bad", ARTICLES, ids=lambda bad: bad.name)
def test_bad_input_article(workplace: Path, capsys: Capture, bad: Bad) -> None:
    bad.write(workplace / "bad.txt")
    refuse(workplace, capsys, ARTICLE_COMMANDS[1], bad.expected)


@pytest.mark.parametrize("command", ARTICLE_COMMANDS)
def test_bad_input_article_in_every_command(workplace: Path, capsys: Capture, command: str) -> None:
    (workplace / "bad.txt").write_bytes(b"PK\x03\x04")
    refuse(workplace, capsys, command, r"BZ010 bad\.txt: this is a zip archive")


@pytest.mark.parametrize("bad", LAYERS, ids=lambda bad: bad.name)
def test_bad_input_layer(workplace: Path, capsys: Capture, bad: Bad) -> None:
    bad.write(workplace / "bad.jsonl")
    refuse(workplace, capsys, LAYER_COMMANDS[0], bad.expected)


@pytest.mark.parametrize("command", [*LAYER_COMMANDS, *SERVER_COMMANDS])
def test_bad_input_layer_in_every_command(workplace: Path, capsys: Capture, command: str) -> None:
    broken = next(bad for bad in LAYERS if bad.name == "broken")
    broken.write(workplace / "bad.jsonl")
    refuse(workplace, capsys, command, broken.expected)


@pytest.mark.slow
@pytest.mark.parametrize("bad", LAYERS, ids=lambda bad: bad.name)
@pytest.mark.parametrize("command", [*LAYER_COMMANDS, *SERVER_COMMANDS])
def test_bad_input_every_layer_in_every_command(workplace: Path, capsys: Capture, command: str, bad: Bad) -> None:
    bad.write(workplace / "bad.jsonl")
    refuse(
        workplace,
        capsys,
        command,
        r"BZ003 bad\.jsonl: (no|this is a folder)" if bad.content is None else bad.expected,
    )


@pytest.mark.slow
@pytest.mark.parametrize("bad", ARTICLES, ids=lambda bad: bad.name)
@pytest.mark.parametrize("command", ARTICLE_COMMANDS)
def test_bad_input_every_article_in_every_command(workplace: Path, capsys: Capture, command: str, bad: Bad) -> None:
    bad.write(workplace / "bad.txt")
    refuse(workplace, capsys, command, bad.expected)


def test_bad_input_problems_of_a_file_are_reported_together(workplace: Path, capsys: Capture) -> None:
    lines = (workplace / "good.jsonl").read_text(encoding="utf-8").splitlines()
    (workplace / "bad.jsonl").write_text("\n".join(["7", *lines[1:], lines[1], "{"]), encoding="utf-8")
    assert run(["export", "bad.jsonl", "--format", "conll", "-o", "out.conll"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in said[:3]] == ["1", str(len(lines) + 1), str(len(lines) + 2)]
    assert said[3] == "BZ001 3 problems found. Fix them and run again."


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "evaluate --gold bad.jsonl --layer good.jsonl",
            r"BZ016 good .*[0-9a-f]{12}.*[0-9a-f]{12}",
        ),
        (
            "table good.txt --layer bad.jsonl -o out.csv",
            r"BZ016 bad\.jsonl: no article given has the id [0-9a-f]{12}\.",
        ),
        (
            "report --gold bad.jsonl --layer a=good.jsonl -o out",
            r"BZ016 a .*[0-9a-f]{12}.*[0-9a-f]{12}",
        ),
        (
            "report --gold good.jsonl --layer a=bad.jsonl -o out",
            r"BZ016 a .*[0-9a-f]{12}.*[0-9a-f]{12}",
        ),
        (
            "report --gold bad.jsonl --layer a=bad.jsonl --article good.txt -o out",
            r"BZ016 the gold .*[0-9a-f]{12}",
        ),
        (
            f"report {SCORED} --annotator b=bad.jsonl -o out",
            r"BZ016 b .*[0-9a-f]{12}.*[0-9a-f]{12}",
        ),
        ("compare good.jsonl b=bad.jsonl --gold good.jsonl", r"BZ016 b .*[0-9a-f]{12}"),
        (
            "train good.cfg --held-out bad.jsonl -o new",
            r"BZ002 --held-out: \d+ gold sentences have no prediction",
        ),
        ("adjudicate anna bad.jsonl -o out.jsonl", r"BZ041 .*only in the first"),
        (
            "crossval good.cfg --gold bad.jsonl --article good.txt -o out.jsonl",
            r"BZ022 the gold has sentences of [0-9a-f]{12}",
        ),
        ("agree anna bad.jsonl", r"BZ041 .*only in the first"),
    ],
)
def test_bad_input_gold_of_another_version(workplace: Path, capsys: Capture, command: str, expected: str) -> None:
    (workplace / "bad.jsonl").write_bytes(other_version(workplace))
    # One line, however many sentences are of the other version.
    refuse(workplace, capsys, command, expected)


@pytest.mark.parametrize(
    "command",
    ["predict older good.txt -o out.jsonl", "serve --model older --port 0 --token-file new/token"],
)
def test_bad_input_model_of_another_version(workplace: Path, capsys: Capture, command: str) -> None:
    shutil.copytree(workplace / "model", workplace / "older")
    meta = json.loads((workplace / "older" / "meta.json").read_text(encoding="utf-8"))
    meta["biaozhu"]["schema"] = 99
    (workplace / "older" / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    expected = r"BZ020 older/meta\.json: a model of schema 99, this version reads \d+\. Train it again"
    refuse(workplace, capsys, command, expected)


@pytest.mark.parametrize("command", ["export bad.jsonl --format conll -o out.conll", "push bad.jsonl"])
def test_bad_input_unknown_label(workplace: Path, capsys: Capture, command: str) -> None:
    content = (workplace / "good.jsonl").read_text(encoding="utf-8").replace("PERSON", "PERSN", 1)
    (workplace / "bad.jsonl").write_text(content, encoding="utf-8")
    refuse(
        workplace,
        capsys,
        command,
        r"BZ015 bad\.jsonl:2: unknown label 'PERSN'\. Correct it, or .*`biaozhu labels`",
    )


def test_bad_input_byte_order_mark_is_fine_and_said(workplace: Path, capsys: Capture) -> None:
    (workplace / "bom.txt").write_bytes(b"\xef\xbb\xbf" + ARTICLE.encode())
    assert run(["split", "bom.txt", "-o", "out.jsonl"]) == 0
    assert capsys.readouterr().err.startswith("bom.txt: decoded as utf-8-bom\n")
    (workplace / "bom.jsonl").write_bytes(b"\xef\xbb\xbf" + (workplace / "good.jsonl").read_bytes())
    assert read_layer(workplace / "bom.jsonl") == read_layer(workplace / "good.jsonl")


@pytest.mark.slow
@pytest.mark.parametrize("size", [40 << 20])
def test_bad_input_huge_single_line(workplace: Path, capsys: Capture, size: int) -> None:
    (workplace / "bad.txt").write_bytes("春".encode() * (size // 3))
    refuse(
        workplace,
        capsys,
        "split bad.txt -o out.jsonl",
        r"BZ010 bad\.txt: more than 32 MiB, which is too large for an article",
    )
    (workplace / "bad.jsonl").write_bytes(b'{"id": "' + b"a" * size + b'"}')
    refuse(workplace, capsys, LAYER_COMMANDS[0], r"BZ013 bad\.jsonl:1: the sentence line lacks")


CONFIG_TYPOS = (
    ("iterations = ", "iteratons = ", r"\[components\.ner\] has no setting 'iteratons', the nearest is 'iterations'"),
    ("factory = ", "factroy = ", r"\[components\.ner\] lacks factory, it has 'factroy'"),
    ('"biaozhu_ner"', '"biaozhu_nre"', r"\[components\.ner\] there is no factory 'biaozhu_nre', the nearest is 'biaozhu_ner'"),
    ("biaozhu.Crf.v1", "biaozhu.Crff.v1", r"\[components\.ner\.model\] there is no @architectures 'biaozhu\.Crff\.v1', the nearest is 'biaozhu\.Crf\.v1'"),
    ("window = 2", "windw = 2", r"\[components\.ner\.model.*\] has no setting 'windw', the nearest is 'window'"),
    ("train_corpus", "train_corpse", r"\[training\] has no setting 'train_corpse', the nearest is 'train_corpus'"),
    ("[training]", "[traning]", r"there is no section \[traning\], the nearest is 'training'"),
    ('pipeline = ["ner"]', 'pipeline = ["nre"]', r"\[nlp\] pipeline names 'nre', which is not a component, the nearest is 'ner'"),
    ("@readers", "@reader", r"\[corpora\.train\] there is no kind of function @reader, the nearest is '@readers'"),
    ("paths = ${paths.train}", "path = ${paths.train}", r"\[corpora\.train\] has no setting 'path', the nearest is 'paths'"),
    ("${paths.train}", "${paths.trian}", r"\[.*\] .* names \$\{paths\.trian\}, which the config does not have"),
    ('lang = "zh"', 'lang = "zz"', r".*language zz"),
    ("l2 = 0.1", "l2 = x", r".*l2\b"),
    ("l2 = 0.1", "l2 = NaN", r"(biaozhu_ner\.l2: 'NaN' is not float|a number is too large .*NaN)"),
    ("l2 = 0.1", "l2 = -1", r"biaozhu_ner\.l2: -1 is not float"),
    ('"biaozhu.Crf.v1"', '"biaozhu.Crf.v1"\nprior_weight = -1', r".*\.prior_weight: -1 is not float"),
    ("[nlp]\n", "[nlp\n", r".*\[nlp"),
    ("[system]", "[system]\n[system]", r".*section 'system' already exists"),
)  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "expected"), CONFIG_TYPOS, ids=[row[1].strip() for row in CONFIG_TYPOS])
def test_bad_input_config_typo(workplace: Path, capsys: Capture, right: str, wrong: str, expected: str) -> None:
    config = (workplace / "good.cfg").read_text(encoding="utf-8")
    assert right in config
    (workplace / "good.cfg").write_text(config.replace(right, wrong, 1), encoding="utf-8")
    refuse(workplace, capsys, CONFIG, rf"BZ021 good\.cfg: {expected}")


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "0x1"])
def test_bad_input_config_number_of_an_option(workplace: Path, capsys: Capture, value: str) -> None:
    refuse(
        workplace, capsys, f"{CONFIG} --set components.ner.l2={value}", r"BZ021 good\.cfg: \S.* (not float|too large)"
    )


@pytest.mark.parametrize(
    "command",
    [
        "train good.cfg -o new",
        "crossval good.cfg --gold good.jsonl --article good.txt -o out.jsonl",
        "curve good.cfg --gold good.jsonl --article good.txt -o out.json",
    ],
)
def test_bad_input_config_in_every_command(workplace: Path, capsys: Capture, command: str) -> None:
    (workplace / "good.cfg").write_bytes(b"\x7fELF\xff")
    refuse(workplace, capsys, command, r"BZ021 good\.cfg@4: not UTF-8\. Correct the config")
    refuse(workplace, capsys, f"{command} --set penalty", r"BZ002 --set: 'penalty' is not SECTION\.KEY=VALUE")


@pytest.mark.parametrize(
    ("command", "content", "expected"),
    [(command, content, expected) for command, contents, expected in OTHER_FILES for content in contents],
    ids=[
        f"{command.split(' bad')[0][:40]} {content[:12]!r}"
        for command, contents, _ in OTHER_FILES
        for content in contents
    ],
)
def test_bad_input_other_files(workplace: Path, capsys: Capture, command: str, content: str, expected: str) -> None:
    name = {"gold": "bad/MANIFEST.json", "summary": "bad/scores.json", "history": "bad/scores.json"}
    place = name.get(command.split(maxsplit=1)[0], "marked.ann" if "brat" in command else "bad")
    write_all(workplace, {place: content.encode()})
    refuse(workplace, capsys, command, expected)
