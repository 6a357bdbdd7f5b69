"""Messages in Chinese: which language is taken, that no message lacks its translation, and that real lines come out in it."""

from __future__ import annotations

import itertools
import json
import re
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

import pytest
import typer
from rich.cells import cell_len
from shown_words import TYPER_MESSAGES, list_messages
from typer._click.formatting import HelpFormatter

from biaozhu.cli import list_all_commands, run
from biaozhu.commands.help_pages import formatting, list_commands, wrap_columns
from biaozhu.data.translation import VARIABLES, _match, choose_language, parse_holes, read_catalogue, translate

if TYPE_CHECKING:
    from collections.abc import Iterator

# The core alone resolves to the newest typer, whose usage errors have other words, and to no Doccano client.
LOCKED = pytest.mark.skipif(
    find_spec("doccano_client") is None, reason="the words are those of the locked typer and of all extras"
)
# Wider ones would be cut in the list of commands, which takes a text without spaces for one word.
MAX_CHARACTERS = 30
CHINESE = re.compile("[一-鿿]")
SENTENCE = {"id": "aaaaaaaaaaaa:0-4", "article": "aaaaaaaaaaaa", "start": 0, "end": 4, "text": "云岭县人"}
PLACE = {"start": 0, "end": 3, "label": "PLACE", "text": "云岭县", "source": "x", "score": None}


@pytest.fixture
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Chinese locale, and typer's pages as they were afterwards."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setattr(HelpFormatter.write_usage, "__defaults__", HelpFormatter.write_usage.__defaults__)
    monkeypatch.setattr(HelpFormatter, "write_heading", HelpFormatter.write_heading)
    for owner, name in ((formatting, "term_len"), (formatting, "wrap_text"), (typer.core, "_")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    choose_language()
    yield
    choose_language("en")


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "zh:en"}, "zh"),
    ],
)
def test_translation_takes_the_language_of_the_locale(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert choose_language() == language
    assert choose_language("en") == "en"


def test_translation_breaks_no_paragraph() -> None:
    # A regression test: help pages make a space of a lone line feed.
    assert not [text for text in read_catalogue().values() if re.search("[一-鿿，。；]\n[一-鿿]", text)]


def test_translation_lacks_no_message_and_has_no_dead_one() -> None:
    messages, catalogue = list_messages(), read_catalogue()
    lacking = [
        f"{where} msgid {json.dumps(text, ensure_ascii=False)}"
        for text, where in messages.items()
        if text not in catalogue
    ]
    assert not lacking, "add to zh.po, with a msgstr each:\n" + "\n".join(lacking)
    dead = [text for text in catalogue if text not in messages]
    assert not dead, "no message is like this any more, remove from zh.po:\n" + "\n".join(map(repr, dead))


def test_translation_is_sorted_by_the_english() -> None:
    assert list(read_catalogue()) == sorted(read_catalogue(), key=str.casefold)


def test_translation_keeps_the_holes_of_each_message() -> None:
    for message, text in read_catalogue().items():
        shown = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        # Where a hole is a word that English needs (`article` or `section`), it may go.
        assert shown == set(parse_holes(message)[1]), message


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize("value", ["Q{}", "云岭{}", "a/b.{}.jsonl:3"])
def test_translation_confuses_no_two_messages(value: str) -> None:
    wrong = {}
    for message, text in read_catalogue().items():
        literals, names = parse_holes(message)
        if all(map(str.isdigit, names)) and "\n" not in message:
            values = [value.format(number) for number in range(len(names))]
            expected = re.sub(r"{(\d+):[^}]*}", r"{\1}", text).format(*values)
            shown = "".join(itertools.chain(*zip(literals, [*values, ""], strict=True)))
            if translate(shown) != expected:
                wrong[shown] = translate(shown)
    assert not wrong


def test_translation_of_commands_fits_their_list() -> None:
    read = read_catalogue()
    helps = {path: read[one.help].partition("\n")[0] for path, one in list_commands(list_all_commands())}
    assert [path for path, text in helps.items() if len(text) > MAX_CHARACTERS] == []


@LOCKED
def test_translation_knows_what_typer_says() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(typer.__file__).parent.rglob("*.py"))
    source = re.sub(r'"\s*f?"', "", source)
    words = {
        word for text in TYPER_MESSAGES for part in parse_holes(text)[0] for word in re.findall(r"[A-Za-z]+", part)
    }
    assert [word for word in words if word not in source] == []


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize(
    ("message", "chinese"),
    [
        ("no such message 1", "no such message 1"),
        ("12 amounts in a.csv", "12 个数量，在 a.csv"),
        (
            "failed: BZ003 a: b.txt: no such file. Check the path.",
            "失败：BZ003 a: b.txt: 没有这个文件。检查路径。",
        ),
        # What the user wrote stays, though it is a word or fits a short template.
        ("this is among the files of the input gold", "这是输入 gold 的文件之一"),
        (
            "span 0-3 PLACE says 'a is b' where 'what' stands",
            "片段 0-3 PLACE 写的是 'a is b'，那里的文字是 'what'",
        ),
        ("this {is} no message from here", "this {is} no message from here"),
        (
            "disagreements of a and b in 3 sentences: 1 × boundary, 2 × label",
            "a 与 b 在 3 句中的分歧：1 × 边界，2 × 标签",
        ),
        # A regression test: the first hole took the file's name, too.
        (
            "BZ008 a.jsonl: 3 decisions in it would be replaced by open questions. Give another output; if the file there is not needed, remove it first.",
            "BZ008 a.jsonl: 其中 3 个裁决会被未答的问题取代。换一个输出；如果那里的文件不再需要，先删除它。",
        ),
        # Regression tests: a name was cut where it holds what stands between two holes, or kept its message English.
        ("held out: 沿革 (1) (15 sentences)", "留出：沿革 (1)（15 句）"),
        ("沿革 (上) from 乙", "沿革 (上)，来自 乙"),
        ("沿革 (上 from 甲) from 乙", "沿革 (上 from 甲)，来自 乙"),
        ("a: hard\nfailed: x", "a: hard\n失败：x"),
        ("a.cfg: x.y: 0 is not int from 1 to inf", "a.cfg: x.y: 0：应为 1–∞ 的整数"),
        ("… by anna", "… anna 的"),
        ("… score 0.5–0.7", "… 分数 0.5–0.7"),
    ],
)
def test_translation_fills_the_template_of_a_message(message: str, chinese: str) -> None:
    assert translate(message) == chinese
    choose_language("en")
    assert translate(message) == message


def test_translation_takes_time_in_proportion_to_the_values() -> None:
    # A regression test: each way to cut a list at its commas was tried, for minutes where none fits.
    assert _match(["", *[", "] * 4, " end, ", ""], ", ".join(["a"] * 4000)) is None


@pytest.fixture
def material(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files that are wrong in many ways."""
    monkeypatch.chdir(tmp_path)
    lines = {
        "good": {**SENTENCE, "spans": [PLACE]},
        "overlap": {**SENTENCE, "spans": [PLACE, PLACE]},
        "outside": {**SENTENCE, "spans": [{**PLACE, "end": 9}]},
        "other_text": {**SENTENCE, "spans": [{**PLACE, "text": "云岭"}]},
        "offsets": {**SENTENCE, "end": 9, "spans": []},
        "score": {**SENTENCE, "spans": [{**PLACE, "score": 2}]},
        "label": {**SENTENCE, "spans": [{**PLACE, "label": "DATE"}]},
    }
    for name, line in lines.items():
        Path(f"{name}.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    good = json.dumps(lines["good"])
    Path("twice.jsonl").write_text(f"{good}\n{good}\n", "utf-8")
    Path("broken.jsonl").write_text("{\n", "utf-8")
    Path("empty.jsonl").write_bytes(b"")
    Path("empty.txt").write_bytes(b"")
    Path("good.txt").write_text("云岭县的标题\n\n云岭县去年种了三十亩猕猴桃，收入十万元。\n", "utf-8")
    Path("binary.txt").write_bytes(b"\x7fELF\x00\x00")
    Path("bytes.txt").write_bytes(b"\xff\x01\xfa" * 40)
    Path("page.html").write_text("<!doctype html><html><body></body></html>", "utf-8")
    Path("labels.toml").write_text("x = 1\n", "utf-8")
    Path("broken.cfg").write_text("[nlp]\nlang = zh\n", "utf-8")
    Path("llm.toml").write_text('base_url = "ftp://x"\n', "utf-8")
    Path("folder").mkdir()
    return tmp_path


@LOCKED
@pytest.mark.usefixtures("material", "in_chinese")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("read nothing.txt", "BZ003"),
        ("read folder", "BZ003"),
        ("read empty.txt", "BZ011"),
        ("read binary.txt", "BZ010"),
        ("read bytes.txt", "BZ010"),
        ("read page.html", "BZ011"),
        ("labels --labels labels.toml", "BZ018"),
        ("labels --labels folder", "BZ003"),
        ("export overlap.jsonl -f conll -o out.conll", "BZ014"),
        ("export outside.jsonl -f conll -o out.conll", "BZ012"),
        ("export other_text.jsonl -f conll -o out.conll", "BZ012"),
        ("export offsets.jsonl -f conll -o out.conll", "BZ012"),
        ("export score.jsonl -f conll -o out.conll", "BZ013"),
        ("export broken.jsonl -f conll -o out.conll", "BZ013"),
        ("export empty.jsonl -f conll -o out.conll", "BZ013"),
        ("export twice.jsonl -f conll -o out.conll", "BZ017"),
        ("export good.jsonl -f conll -o good.jsonl", "BZ008"),
        ("export good.jsonl -f conll -o empty.txt/out.conll", "BZ004"),
        ("import good.jsonl -f brat -o layer.jsonl", "BZ003"),
        ("import broken.jsonl -f labelstudio -o layer.jsonl", "BZ060"),
        ("import good.jsonl -f doccano -o layer.txt", "BZ002"),
        ("compare good.jsonl good.jsonl --gold good.jsonl", "BZ002"),
        ("evaluate --gold good.jsonl --layer empty.jsonl", "BZ013"),
        ("agree good.jsonl", "BZ041"),
        ("agree good.jsonl good.jsonl", "BZ017"),
        ("adjudicate good.jsonl twice.jsonl --questions q.jsonl", "BZ017"),
        ("gold freeze folder", "BZ040"),
        ("gold check folder", "BZ003"),
        ("select good.jsonl -n 1 -o next.jsonl", "BZ002"),
        ("train broken.cfg -o model", "BZ021"),
        ("train nothing.cfg -o model", "BZ003"),
        ("predict folder good.jsonl -o out.jsonl", "BZ0"),
        ("summary folder", "BZ003"),
        ("llm good.txt --config llm.toml -o layer.jsonl", "BZ021"),
        ("preannotate empty.txt --ray-address x", "BZ002"),
        ("serve --model folder", "BZ0"),
        ("loop rounds", "BZ002"),
        ("doccano restore broken.jsonl", "BZ036"),
        ("pull", "BZ0"),
        ("project status spring", "BZ0"),
    ],
)
def test_translation_of_errors_is_whole(command: str, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = command.split()
    assert run(arguments) != 0
    chinese = capsys.readouterr().err
    assert run(["--lang", "en", *arguments]) != 0
    english = capsys.readouterr().err
    for line, before in zip(chinese.splitlines(), english.splitlines(), strict=True):
        assert line[:5] == before[:5]
        assert line.startswith(code)
        assert CHINESE.search(line)
        # Two English words in a row are none of a name, a path or a value.
        assert not re.search(r"\b[a-z]{2,} [a-z]{2,}\b", re.sub("`[^`]*`|'[^']*'|（[^（]*）|--\\S+ \\S+", "", line)), (
            line
        )
        names = re.findall(r"\w+\.(?:txt|jsonl|toml|cfg|html)\b", before)
        assert [name for name in names if name not in line] == []


@LOCKED
@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize(
    "command",
    ["evaluate", "labels --foo", "foo", "labels x", "serve --port x", "evaluate --gold a --layer b --seed -1",
     "compare --missing none", "labels --json=1", "split", "labels --labels"],
)  # fmt: skip
def test_translation_of_usage_errors_is_whole(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command.split()) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("BZ002 ")
    assert error.endswith(" --help` 查看帮助。")
    assert not re.search(r"\b[A-Za-z]{2,} [A-Za-z]{2,}\b", error.partition("`")[0])


@pytest.mark.usefixtures("in_chinese")
def test_translation_help_pages_are_chinese_and_fit_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for path, _ in list_commands(list_all_commands()):
        assert run([*path.split(), "--help"]) == 0
        page, examples, _ = (*capsys.readouterr().out.partition("例子："), "")[:3]
        assert path or "..." not in page.replace("[ARGS]...", "")
        assert all(cell_len(line) <= 80 for line in page.splitlines() if CHINESE.search(line)), page
        assert not re.search(
            r"\b[a-z]+ [a-z]+ [a-z]+\b", re.sub("<[^>]*>|`[^`]*`|[-/][a-z-]+|Usage.*|用法.*", "", page)
        ), page
        assert examples or not path
        assert not re.search("[一-鿿]:", page)


@pytest.mark.usefixtures("material", "in_chinese")
@pytest.mark.parametrize(
    "command",
    [
        "labels --json",
        "configs --json",
        "doctor --json",
        "gold diff good.jsonl label.jsonl --json",
        "read good.txt --json",
    ],
)
def test_translation_changes_no_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(command.split())
    chinese = capsys.readouterr().out
    run(["--lang", "en", *command.split()])
    assert capsys.readouterr().out == chinese


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("一二三四五", 6, ["一二三", "四五"]),
        ("一二三，四", 6, ["一二", "三，四"]),
        ("ab cd [必填]", 8, ["ab cd", "[必填]"]),
        ("一\n\n\b\n  二 三", 4, ["一", "", "  二 三"]),
    ],
)
def test_help_pages_wrap_at_columns(text: str, width: int, lines: list[str]) -> None:
    assert wrap_columns(text, width, preserve_paragraphs=True).split("\n") == lines


def test_translation_refuses_an_unknown_language() -> None:
    assert run(["--lang", "fr", "labels"]) == 2


@pytest.mark.usefixtures("in_chinese")
def test_translation_language_of_the_option_goes_before_the_locale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert run(["--lang", "zh", "read", "nothing.txt"]) == 2
    assert capsys.readouterr().err == "BZ003 nothing.txt: 没有这个文件。检查路径。\n"
