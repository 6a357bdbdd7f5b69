"""Bad files for the commands and options that take neither an article nor a layer alone: one line each, status 2."""

from __future__ import annotations

from inspect import unwrap
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
import typer
from bad_files import good_layer, refuse, write_all
from bad_rows import ARTICLE_COMMANDS, CONFIG, LAYER_COMMANDS, OTHER_FILES, SERVER_COMMANDS

from biaozhu.cli import app, run
from biaozhu.curation.status import write_status
from biaozhu.data.model import sentence_to_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BINARY, DEEP = b"\x7fELF\xff\xfe", b"[" * 100_000
CREATE, ENTER = (
    "project create {} --annotators lin,mei --project p",
    "project enter {} --annotator lin --project p",
)
ADD = "corpus add mine --train bad --dev bad --test bad --licence free"
SCORED = "--gold good.jsonl --layer a=good.jsonl"
LOOP = "loop new --pool good.jsonl --annotators ann,bo"
VALUES = f"evaluate {SCORED} --values bad"
LABELS_SAY = r"BZ018 bad: not TOML: .*\. Compare it with the configs/labels\.toml"
GUIDELINE_SAYS = r"BZ010 bad@4: the guideline is not UTF-8\. Save the file as UTF-8"
PLAN_SAYS = r"BZ013 plans/p\.json: not a plan of assignments\. Restore the file"
LOOP_SAYS = r"BZ013 bad/loop\.json: not the state of a loop of this version\. Restore the file"
STATE_SAYS = r"BZ030 /.*/bad/state\.json: not a state file\. Move the file away and run `biaozhu doccano up`"
META_SAYS = r"BZ020 bad/meta\.json: not the description of a model\. Train it again with `biaozhu train`"
ROW_SAYS = r'BZ023 bad:1: no \{"text": …, "entities": \[\[start, end, label\], …\]\}\. A sentence a line'
MEANING_SAYS = r"BZ053 bad:1: |BZ013 bad(:1: a JSON list|@4: not UTF-8)"

# The command, the file that is bad, what may stand in it, and what is said of it.
BAD_FILES = (
    (CREATE.format("good.jsonl") + " --labels bad", "bad", (BINARY, b"7"), LABELS_SAY),
    (CREATE.format("good.jsonl") + " --guideline bad", "bad", (BINARY,), GUIDELINE_SAYS),
    (CREATE.format("good.jsonl") + " --plans plans", "plans/p.json", (BINARY, b"7", b"{}", DEEP), PLAN_SAYS),
    (ENTER.format("good.jsonl") + " --labels bad", "bad", (BINARY,), LABELS_SAY),
    ("project pull --project p --plans plans", "plans/p.json", (BINARY, DEEP), PLAN_SAYS),
    ("push good.jsonl --labels bad", "bad", (BINARY,), LABELS_SAY),
    ("push good.jsonl --guideline bad", "bad", (BINARY,), GUIDELINE_SAYS),
    ("pull -o out --labels bad", "bad", (BINARY,), LABELS_SAY),
    ("adjudicate anna bert --to-doccano --labels bad", "bad", (BINARY,), LABELS_SAY),
    ("adjudicate anna bert --to-doccano --guideline bad", "bad", (BINARY,), GUIDELINE_SAYS),
    ("doccano suggest on --labels bad", "bad", (BINARY,), LABELS_SAY),
    ("doccano status --home bad", "bad/state.json", (BINARY, b"7", b"{}", DEEP), STATE_SAYS),
    ("loop bad", "bad/loop.json", (BINARY, b"7", b"{}", DEEP), LOOP_SAYS),
    ("loop bad --pool good.jsonl --annotators ann,bo", "bad", (BINARY,), r"BZ004 bad: "),
    ("doubt good.jsonl -o bad/file.jsonl", "bad", (BINARY,), r"BZ004 bad/file\.jsonl: "),
    ("doubt good.jsonl --project p --home bad", "bad", (BINARY,), r"BZ030 /.*: no Doccano was started with this folder"),
    ("doccano restore bad", "bad", (b"", BINARY, b"PK\x03\x04"), r"BZ036 bad: .*\. Give a whole file that"),
    ("doccano backup bad", "bad", (b"",), r"BZ030 /.*: no Doccano was started|BZ030 there is no local Doccano|BZ036 "),
    ("bias anna", "anna/good.status.json", (BINARY, b"7", DEEP), r"BZ013 anna/good\.status\.json: .*`biaozhu project pull`"),
    (f"report {SCORED} --bias bad -o out", "bad", (b"", b"7", b"{}", DEEP), r"BZ052 bad: not "),
    (f"report {SCORED} --labels bad -o out", "bad", (BINARY,), LABELS_SAY),
    (f"report {SCORED} -o bad", "bad", (BINARY,), r"BZ004 bad/index\.html: "),
    (f"evaluate {SCORED} --labels bad", "bad", (BINARY,), LABELS_SAY),
    ("compare a=good.jsonl b=good.jsonl --gold good.jsonl --labels bad", "bad", (BINARY,), LABELS_SAY),
    (VALUES, "bad", (BINARY, b"7", b"{}", DEEP, b'{"sentence": [], "start": 0, "end": 1, "text": ""}'), MEANING_SAYS),
    (f"evaluate {SCORED} --places bad --article good.txt", "bad", (BINARY, b"7", DEEP), MEANING_SAYS),
    (f"report {SCORED} --values bad -o out", "bad", (DEEP,), MEANING_SAYS),
    (f"report {SCORED} --places bad --article good.txt -o out", "bad", (DEEP,), MEANING_SAYS),
    ("preannotate good.txt --model bad -o out.jsonl", "bad/config.json", (BINARY, b"7", b"{}", DEEP), r"BZ020 bad/config\.json: not the config of a base model\. Build it again"),
    ("base annotate good.txt --model bad -o out.jsonl", "bad/config.json", (BINARY, DEEP), r"BZ020 bad/config\.json: not the config of a base model"),
    ("predict bad good.txt -o out.jsonl", "bad/meta.json", (BINARY, b"7", DEEP), META_SAYS),
    ("serve --model bad --port 0 --token-file new/token", "bad/meta.json", (BINARY, DEEP), META_SAYS),
    ("serve --port 0 --token-file bad", "bad", (b"", BINARY), r"BZ\d\d\d bad: "),
    ("preannotate good.txt --shards out --labels bad", "bad", (BINARY,), LABELS_SAY),
    ("preannotate good.txt --shards bad", "bad", (BINARY,), r"BZ004 bad: cannot be written"),
    ("train good.cfg -o bad", "bad", (BINARY,), r"BZ004 bad: this exists already"),
    ("gold freeze bad", "bad", (BINARY,), r"BZ0\d\d bad"),
    ("project pull --project p --plans plans --labels bad", "bad", (BINARY,), LABELS_SAY),
    ("import good.conll --format conll --labels bad -o out.jsonl", "bad", (BINARY,), LABELS_SAY),
    ("corpus add mine --train x --dev x --test x --licence x --apart bad.txt", "bad.txt", (b"PK\x03\x04",), r"BZ010 bad\.txt: this is a zip archive"),
    ("corpus fetch modern --from x --apart bad.txt", "bad.txt", (b"PK\x03\x04",), r"BZ010 bad\.txt: this is a zip archive"),
    ("base build bad -o new", "bad", (BINARY,), r"BZ02[12] "),
    ("base build bad -o new", "bad", (BINARY,), r"BZ02[12] "),
    ("base distil bad --from bad -o new", "bad", (BINARY,), r"BZ02[12] "),
    ("base deepen bad --weights bad -o new", "bad", (BINARY,), r"BZ02[12] "),
    ("doccano up --venv bad --home home", "bad", (BINARY,), r"BZ030 /.*/bad: Doccano's own environment is not there"),
    ("doccano backup out.zip --home bad", "bad", (BINARY,), r"BZ036 /.*/bad: no Doccano was ever started there"),
    *(
        (f"{command} --home bad", "bad", (BINARY,), r"BZ030 /.*: no Doccano was started with this folder")
        for command in (
            CREATE.format("good.jsonl"), ENTER.format("good.jsonl"), "push good.jsonl", "pull -o out",
            "adjudicate anna bert --to-doccano",
        )
    ),
    *(
        (f"{command} bad/file", "bad", (BINARY,), r"BZ004 bad/file: bad is not a folder\. Check the folder's rights")
        for command in (
            "train good.cfg -o new --ledger",
            "crossval good.cfg --gold good.jsonl --article good.txt --at-least 1 -o out.jsonl --ledger",
            "curve good.cfg --gold good.jsonl --article good.txt -o out.json --ledger",
            "pull -o out --ledger",
            "pull -o out --result",
            "project pull --project p --plans plans --ledger",
            "adjudicate anna bert -o out.jsonl --questions",
            "read good.txt --text", "split good.txt -o out.jsonl --text", "split good.txt -o", "agree anna bert -o",
            f"evaluate {SCORED} -o", "compare a=good.jsonl b=good.jsonl --gold good.jsonl -o",
        )
    ),
)  # fmt: skip


def rows() -> list[tuple[str, str, bytes, str]]:
    return [(command, place, content, said) for command, place, contents, said in BAD_FILES for content in contents]


@pytest.mark.parametrize(
    ("command", "place", "content", "expected"),
    rows(),
    ids=[f"{command[:50]} {content[:8]!r}" for command, _, content, _ in rows()],
)
def test_bad_input_files_of_options(
    workplace: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    place: str,
    content: bytes,
    expected: str,
) -> None:
    write_all(workplace, {place: content})
    refuse(workplace, capsys, command, expected)


# What is named and is not there.
MISSING = (
    (CREATE.format("bad.jsonl"), r"BZ003 bad\.jsonl: no such file\. Check the path"),
    (CREATE.format("good.jsonl") + " --guideline bad", r"BZ003 bad: no such file\. Check the path"),
    (ENTER.format("bad.jsonl"), r"BZ003 bad\.jsonl: no such file"),
    (ENTER.format("good.jsonl"), r"BZ030 /.*: no Doccano was started with this folder, .* run `biaozhu doccano up`"),
    ("project pull --project p --plans plans", r"BZ003 plans/p\.json: no such file\. Make it with `biaozhu project create`"),
    ("project status p --plans plans", r"BZ0(03|30) "),
    ("project accounts p --plans plans", r"BZ0(03|30) "),
    ("run bad.txt --gold good.jsonl --config good.cfg", r"BZ003 bad\.txt: no such file\. Give your folder of articles"),
    ("llm bad.txt --config bad --labels bad -o out.jsonl", r"BZ003 bad"),
    ("new good.txt", r"BZ003 good\.txt: this is a file"),
    ("labels --labels bad", r"BZ003 bad: no such file"),
    ("pull -o out", r"BZ030 /.*: no Doccano was started with this folder"),
    ("bias anna", r"BZ003 anna: no \*\.status\.json in this folder\. Make it with `biaozhu project pull`"),
    ("select bad.jsonl -n 1 -o out.jsonl", r"BZ003 bad\.jsonl: no such file"),
    ("select good.jsonl --against bad -n 1 -o out.jsonl", r"BZ003 bad: no such file"),
    ("select good.jsonl --without bad.jsonl -n 1 -o out.jsonl", r"BZ003 bad\.jsonl: no such file"),
    ("curve good.cfg --gold good.jsonl --article good.txt --layer bad -o out.json", r"BZ003 bad: no such file"),
    ("select bad*.jsonl -n 1 -o out.jsonl", r"BZ003 bad\*\.jsonl: nothing matches this pattern"),
    ("doubt bad.jsonl", r"BZ003 bad\.jsonl: no such file"),
    ("doubt good.jsonl --held-out bad.jsonl", r"BZ003 bad\.jsonl: no such file"),
    ("loop new --pool bad.jsonl --annotators ann,bo", r"BZ003 bad\.jsonl: no such file"),
    (f"{LOOP} --config bad", r"BZ003 bad: no such file"),
    (f"{LOOP} --config good.cfg --test bad", r"BZ003 bad: no such file"),
    ("preannotate good.txt --model bad -o out.jsonl", "BZ002 bad: neither deep nor accurate"),
    ("preannotate good.txt --annotator bad.py --labels bad -o out.jsonl", r"BZ003 bad"),
    ("corpus fetch modern --from bad", r"BZ003 annotations/modern/train\.jsonl: no such file"),
    ("corpus extend bad new --model bad --model bad --from bad --config bad", r"BZ0(03|22) "),
    ("base distil --from bad --teacher bad -o new", r"BZ0(03|22) "),
    ("base deepen --weights bad -o new", r"BZ0(03|22) "),
    ("base annotate good.txt --model bad -o out.jsonl", r"BZ003 bad/config\.json: no such file"),
    ("predict bad good.txt -o out.jsonl", r"BZ003 bad: there is no model\. Make one with `biaozhu train`"),
    ("serve --model bad --port 0 --token-file new/token", r"BZ002 bad: neither deep nor accurate"),
    (VALUES, r"BZ003 bad: no such file"),
    (ADD, r"BZ003 bad: no such file"),
    ("corpus fetch nosuch --from bad", r"BZ002 no corpus 'nosuch'\. Take modern, or `biaozhu corpus add`"),
    ("corpus show nosuch", r"BZ023 .*nosuch: there is no such corpus here.*\. Get it with `biaozhu corpus fetch` or `biaozhu corpus add`"),
    ("doccano restore bad", r"BZ036 bad: no such file\. Give a whole file that `biaozhu doccano backup` has made"),
    ("doccano suggest on --token-file bad", r"BZ0\d\d "),
    ("gold freeze bad", r"BZ0\d\d bad"),
    ("summary bad", r"BZ003 bad: no report in this folder\. Make one with `biaozhu report`"),
    ("history bad", r"BZ003 bad: no report in this folder"),
)  # fmt: skip


@pytest.mark.parametrize(("command", "expected"), MISSING, ids=[command[:50] for command, _ in MISSING])
def test_bad_input_missing_files_of_options(
    workplace: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    expected: str,
) -> None:
    monkeypatch.setenv("BIAOZHU_CACHE", str(workplace / "cache"))
    refuse(workplace, capsys, command, expected)


# No row: what is given there is made, or asked for nothing or only at a later step, where it is not there.
NO_ROW = {
    "doccano down": {"--home"}, "doccano restore": {"--home"}, "doccano suggest": {"--home"},
    "base build": {"--output"}, "base distil": {"--output"}, "base deepen": {"--output"}, "bias": {"--output"}, "project pull": {"--output", "--home"},
    "doccano up": {"--home"}, "project status": {"--home"}, "project accounts": {"--home"}, "loop": {"--home"},
}  # fmt: skip


def commands(command: Any, *names: str) -> Iterator[tuple[str, Any]]:
    for name, one in sorted(getattr(command, "commands", {}).items()):
        if not one.hidden:
            yield from commands(one, *names, name)
    if names and not hasattr(command, "commands"):
        yield " ".join(names), command


def test_bad_input_every_option_that_takes_a_path_has_a_row() -> None:
    told = [row[0] for row in (*BAD_FILES, *MISSING, *OTHER_FILES)]
    told += [*LAYERS, *ARTICLE_COMMANDS, *LAYER_COMMANDS, *SERVER_COMMANDS, ADD, CONFIG]
    lacking = set()
    found = dict(commands(typer.main.get_command(app)))
    assert set(found) >= {"read", "project create", "corpus add", *NO_ROW}
    for name, command in found.items():
        rows = [f"{row} " for row in told if f"{row} ".startswith(f"{name} ")]
        paths = {name for name, hint in get_type_hints(unwrap(command.callback)).items() if "Path" in str(hint)}
        for one in command.params:
            if one.name not in paths or NO_ROW.get(name, set()) & set(one.opts):
                continue
            options = one.opts if one.param_type_name == "option" else [""]
            if not any(f" {option} " in row or not option for option in options for row in rows):
                lacking.add(f"{name} {one.name}")
    assert lacking == set()


CORPUS_ROWS = (
    ("7", ROW_SAYS),
    ("[" * 100_000, ROW_SAYS),
    ('{"text": 7, "entities": []}', ROW_SAYS),
    ('{"text": "", "entities": []}', ROW_SAYS),
    ('{"text": "\\ud800a", "entities": []}', ROW_SAYS),
    ('{"text": "王小明", "entities": [[0, 1e999, "PER"]]}', ROW_SAYS),
    ('{"text": "王小明", "entities": [[0, 9, "PER"]]}', r"BZ023 bad:1: span 0-9 PERSON is outside the sentence or empty\. Fix the file and add it again"),
    ('{"text": "王小明", "entities": [[2, 1, "PER"]]}', r"BZ023 bad:1: span 2-1 PERSON is outside"),
    ('{"text": "王小明", "entities": [[0, 2, "PER"], [1, 3, "LOC"]]}', r"BZ023 bad:1: span 1-3 PLACE overlaps the one before it"),
    ("", r"BZ023 bad: it has no sentence\. Fix the file and add it again"),
)  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), CORPUS_ROWS, ids=[row[0][:40] for row in CORPUS_ROWS])
def test_bad_input_corpus_of_somebody(
    workplace: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    content: str,
    expected: str,
) -> None:
    monkeypatch.setenv("BIAOZHU_CACHE", str(workplace / "cache"))
    good = '{"text": "李秀英在雅安市。", "entities": [[0, 3, "PER"], [4, 7, "LOC"]]}'
    write_all(workplace, {"bad": content.encode(), "fine": good.encode()})
    refuse(workplace, capsys, "corpus add mine --train bad --dev fine --test fine --licence free", expected)


LAYERS = (
    CREATE.format("bad.jsonl"),
    ENTER.format("bad.jsonl"),
    "select bad.jsonl -n 1 -o out.jsonl",
    "curve good.cfg --gold bad.jsonl --article good.txt -o out.json",
    "evaluate --stream --gold bad.jsonl --layer good.jsonl",
    "evaluate --stream --gold good.jsonl --layer bad.jsonl",
    "compare bad.jsonl b=good.jsonl --gold good.jsonl",
    "compare good.jsonl b=good.jsonl --gold bad.jsonl",
    "compare good.jsonl b=good.jsonl --gold good.jsonl --train bad.jsonl",
    f"report {SCORED} --train bad.jsonl -o out",
    "train good.cfg --score bad.jsonl -o new",
    "segmenter --words good.jsonl --dev bad.jsonl -o new",
    "gold diff bad.jsonl good.jsonl",
    "gold freeze badgold",
    "predict model good.txt --keep bad.jsonl -o out.jsonl",
    "bias anna --gold bad.jsonl",
    "doubt bad.jsonl -o out.jsonl",
    "doubt good.jsonl --held-out bad.jsonl",
)


@pytest.mark.parametrize("command", LAYERS)
def test_bad_input_layers_of_options(workplace: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    lines = [sentence_to_line(one) for one in good_layer(workplace)]
    broken = "\n".join([*lines[:2], lines[2][:-9], *lines[3:]]).encode()
    write_status(workplace / "anna" / "good.status.json", "project", "anna", ())
    write_all(workplace, {"bad.jsonl": broken, "badgold/bad.jsonl": broken})
    refuse(
        workplace,
        capsys,
        command,
        r"BZ013 (badgold/)?bad\.jsonl:3: not JSON \(.*\)\. Fix or remove the line",
    )


def test_bad_input_values_that_cannot_be_read_are_told_without_those_that_lack(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "bad").write_text("7\n{}\n", encoding="utf-8")
    assert run(VALUES.split()) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in said[:2]] == ["1", "2"]
    assert said[2:] == ["BZ001 2 problems found. Fix them and run again."]
