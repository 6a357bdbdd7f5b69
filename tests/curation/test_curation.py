"""Agreement, adjudication, typed marks and frozen gold."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.cli import run
from biaozhu.curation.adjudication import (
    Decision,
    adjudicate,
    find_disagreements,
    read_decisions,
    write_decisions,
)
from biaozhu.curation.agreement import GroupAgreement, measure_agreement
from biaozhu.curation.frozen import check_frozen, diff_gold, freeze_gold
from biaozhu.curation.status import LINE_KEYS
from biaozhu.data.errors import BiaozhuError, FrozenError, GoldError, LineError
from biaozhu.data.layers import read_layer, read_layers, write_layer
from biaozhu.data.model import Sentence, Span

ARTICLE = "0123456789ab"
TEXT = "林大有到曲阳县灵山镇买了三斤茶"


def sentence(*spans: tuple[int, int, str], start: int = 0, text: str = TEXT) -> Sentence:
    return Sentence(ARTICLE, start, start + len(text), text, tuple(Span(*span) for span in spans))


PERSON = (0, 3, "PERSON")
COUNTY = (4, 7, "PLACE")
TOWN = (7, 10, "PLACE")
JOINED = (4, 10, "PLACE")
AMOUNT = (12, 14, "AMOUNT")


@st.composite
def spans_of(draw: st.DrawFn) -> tuple[tuple[int, int, str], ...]:
    cuts = sorted(draw(st.sets(st.integers(0, len(TEXT)), max_size=8)))
    labels = st.sampled_from(["PLACE", "PERSON", "AMOUNT"])
    return tuple((a, b, draw(labels)) for a, b in zip(cuts[::2], cuts[1::2], strict=False))


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        ([PERSON, COUNTY], [PERSON, COUNTY], []),
        ([COUNTY, TOWN], [JOINED], ["boundary"]),
        ([PERSON], [], ["missing"]),
        ([], [AMOUNT], ["extra"]),
        ([PERSON], [(0, 3, "PLACE")], ["label"]),
        ([(0, 2, "PERSON")], [(0, 3, "PLACE")], ["mixed"]),
        ([PERSON, AMOUNT], [TOWN], ["missing", "extra", "missing"]),
    ],
)
def test_disagreements_are_typed(
    first: list[tuple[int, int, str]], second: list[tuple[int, int, str]], kinds: list[str]
) -> None:
    found = find_disagreements([sentence(*first)], [sentence(*second)])
    assert [item.kind for item in found] == kinds


@given(spans_of(), spans_of())
def test_disagreements_hold_each_differing_span_once(
    first: tuple[tuple[int, int, str], ...], second: tuple[tuple[int, int, str], ...]
) -> None:
    found = find_disagreements([sentence(*first)], [sentence(*second)])
    assert sorted(s.key for item in found for s in item.first) == sorted(set(first) - set(second))
    assert sorted(s.key for item in found for s in item.second) == sorted(set(second) - set(first))
    for before, after in itertools.pairwise(found):
        assert after.start >= before.end


def test_disagreements_of_different_sentences_are_refused() -> None:
    with pytest.raises(GoldError, match="BZ041"):
        find_disagreements([sentence()], [sentence(start=3)])
    with pytest.raises(GoldError, match="BZ041"):
        find_disagreements([sentence()], [sentence(text=TEXT.replace("茶", "米"))])


def test_adjudication_keeps_who_proposed_and_who_decided() -> None:
    first, second = [sentence(PERSON, COUNTY, TOWN)], [sentence(PERSON, JOINED, AMOUNT)]
    decisions = [
        Decision(first[0].id, 4, 10, (Span(*COUNTY), Span(*TOWN)), "P1", "two units"),
        Decision(first[0].id, 12, 14, (), "N3", "no amount"),
    ]
    gold = adjudicate(first, second, decisions, names=("a", "b"))
    assert [(s.key, s.source) for s in gold[0].spans] == [
        (PERSON, "a+b"),
        (COUNTY, "adjudicated:a"),
        (TOWN, "adjudicated:a"),
    ]


def test_adjudication_marks_a_new_reading_as_new() -> None:
    decision = Decision(sentence().id, 4, 10, (Span(4, 6, "PLACE"),), "P3", "the short form")
    gold = adjudicate([sentence(COUNTY)], [sentence(JOINED)], [decision], names=("a", "b"))
    assert [(s.key, s.source) for s in gold[0].spans] == [((4, 6, "PLACE"), "adjudicated:new")]


@pytest.mark.parametrize(
    ("decisions", "code"),
    [
        ([], "BZ041"),
        (
            [Decision(sentence().id, 4, 7, (), "P1", "x"), Decision(sentence().id, 0, 3, (), "R1", "x")],
            "BZ041",
        ),
        ([Decision(sentence().id, 4, 7, (), "P1", "x")] * 2, "BZ041"),
        ([Decision(sentence().id, 4, 7, (Span(12, 13, "AMOUNT"),), "P1", "x")], "BZ041"),
        ([Decision(sentence().id, 4, 7, (Span(4, 99, "PLACE"),), "P1", "x")], "BZ041"),
        # Regression tests: spans outside the stretch in dispute were taken over.
        ([Decision(sentence().id, 4, 7, (Span(8, 11, "PLACE"),), "P1", "x")], "BZ041"),
        ([Decision(sentence().id, 4, 7, (Span(7, 10, "PLACE"),), "P1", "x")], "BZ041"),
        ([Decision(sentence().id, 4, 7, (Span(3, 4, "PLACE"), Span(*COUNTY)), "P1", "x")], "BZ041"),
    ],
)
def test_adjudication_refuses_what_does_not_fit(decisions: list[Decision], code: str) -> None:
    with pytest.raises(BiaozhuError) as caught:
        adjudicate([sentence(COUNTY, AMOUNT)], [sentence(AMOUNT)], decisions, names=("a", "b"))
    assert caught.value.code == code
    assert "--help" not in str(caught.value)


@given(spans_of(), spans_of())
def test_adjudication_takes_a_span_only_where_it_touches_the_disagreement(
    marked: tuple[tuple[int, int, str], ...], decided: tuple[tuple[int, int, str], ...]
) -> None:
    mine, theirs = [sentence(*marked)], [sentence()]
    spans = tuple(Span(*key) for key in decided)
    for item in find_disagreements(mine, theirs):
        others = [one for one in find_disagreements(mine, theirs) if one != item]
        decisions = [Decision(*item.place, spans), *(Decision(*one.place, ()) for one in others)]
        disputed = set(range(item.start, item.end))
        if all(disputed & set(range(span.start, span.end)) for span in spans):
            (gold,) = adjudicate(mine, theirs, decisions, names=("a", "b"))
            assert [span.key for span in gold.spans] == [*decided]
        else:
            with pytest.raises(BiaozhuError):
                adjudicate(mine, theirs, decisions, names=("a", "b"))


@given(spans_of(), spans_of())
def test_adjudication_of_every_question_for_the_first_gives_the_first(
    first: tuple[tuple[int, int, str], ...], second: tuple[tuple[int, int, str], ...]
) -> None:
    mine, theirs = [sentence(*first)], [sentence(*second)]
    decisions = [
        Decision(item.sentence, item.start, item.end, item.first, "P1", "x")
        for item in find_disagreements(mine, theirs)
    ]
    gold = adjudicate(mine, theirs, decisions, names=("a", "b"))
    assert tuple(span.key for span in gold[0].spans) == first


def test_adjudication_questions_become_decisions_once_filled_in(tmp_path: Path) -> None:
    mine, theirs = [sentence(COUNTY, TOWN)], [sentence(JOINED)]
    path = tmp_path / "questions.jsonl"
    found = find_disagreements(mine, theirs)
    write_decisions(path, found, [Decision(*item.place, ()) for item in found], names=("a", "b"))
    assert read_decisions(path) == ()
    # A regression test: a note of a blank decided that nothing is right.
    path.write_text(path.read_text("utf-8").replace('"note": ""', '"note": " "'), "utf-8")
    assert read_decisions(path) == ()
    with pytest.raises(GoldError, match="--to-doccano"):
        adjudicate(mine, theirs, (), names=("a", "b"))
    question = json.loads(path.read_text(encoding="utf-8"))
    # Enough to decide by: the sentence, and where in it.
    assert question["context"].replace("【", "").replace("】", "") == mine[0].text
    assert f"【{question['text']}】" in question["context"]
    assert question["a"] == [
        {"start": 4, "end": 7, "label": "PLACE", "text": "曲阳县"},
        {"start": 7, "end": 10, "label": "PLACE", "text": "灵山镇"},
    ]
    question.update(note="two units", spans=question["a"])
    path.write_text(json.dumps(question), encoding="utf-8")
    decided = read_decisions(path, names=("a", "b"))
    assert adjudicate(mine, theirs, decided, names=("a", "b"))[0].spans[0].source == "adjudicated:a"
    wrong = {"end": 6, "text": "曲阳县"}, {"text": "灵山镇"}
    changes = [{"spans": [question["a"][0] | one]} for one in wrong]
    changes += [{"text": "曲阳县"}, {"context": question["context"].replace("三斤", "两斤")}]
    # Regression tests: what a decision says was not compared with its offsets, and a misspelt key was nothing decided.
    for change in changes:
        path.write_text(json.dumps(question | change), encoding="utf-8")
        with pytest.raises(GoldError):
            adjudicate(mine, theirs, read_decisions(path, names=("a", "b")), names=("a", "b"))
    for change in ({"span": question["spans"], "spans": []}, {"spans": [question["a"][0] | {"txt": "曲"}]}):
        path.write_text(json.dumps(question | change), encoding="utf-8")
        with pytest.raises(LineError):
            read_decisions(path, names=("a", "b"))


def test_agreement_of_a_layer_with_itself_is_one() -> None:
    layer = [sentence(PERSON, COUNTY, TOWN, AMOUNT)]
    result = measure_agreement({"a": layer, "b": layer})
    assert result.mean_strict == result.alpha == 1.0
    assert result.alpha_by_label == {"AMOUNT": 1.0, "PERSON": 1.0, "PLACE": 1.0}
    assert result.pairs[0].disagreements == {}


def test_agreement_counts_by_hand() -> None:
    # 2 spans agree of 3 and 3: F1 2/3. Partial: the joined place overlaps one unit and earns half: 2.5 of 3.
    result = measure_agreement({"a": [sentence(PERSON, COUNTY, AMOUNT)], "b": [sentence(PERSON, JOINED, AMOUNT)]})
    assert result.pairs[0].strict == {
        "micro": pytest.approx(2 / 3),
        "AMOUNT": 1.0,
        "PERSON": 1.0,
        "PLACE": 0.0,
    }
    assert result.pairs[0].partial["micro"] == pytest.approx(2.5 / 3)
    assert result.by_article == {ARTICLE: GroupAgreement(1, pytest.approx(2 / 3))}


def test_agreement_alpha_is_undefined_where_nobody_marked_anything() -> None:
    result = measure_agreement({"a": [sentence()], "b": [sentence()]})
    assert result.alpha is None
    assert result.mean_strict is None


def test_agreement_alpha_matches_the_textbook_formula() -> None:
    # Krippendorff's nominal alpha by hand: 1 - Do/De on two annotators, 15 characters, labels PLACE or none.
    result = measure_agreement({"a": [sentence((4, 7, "PLACE"))], "b": [sentence((4, 10, "PLACE"))]})
    size, ones, differing = 2 * len(TEXT), 9, 3
    expected = 1 - (size - 1) * (2 * differing) / (2 * ones * (size - ones))
    assert result.alpha == pytest.approx(expected)


def test_agreement_needs_two_layers() -> None:
    with pytest.raises(GoldError, match="BZ041"):
        measure_agreement({"a": [sentence()]})


def test_frozen_gold_that_changed_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write_layer(path, [sentence(PERSON)])
    files = freeze_gold(tmp_path)
    assert files["x.jsonl"].spans == {"PERSON": 1}
    assert check_frozen(tmp_path) == files
    assert read_layer(path)[0].spans[0].key == PERSON
    write_layer(path, [sentence(COUNTY)])
    for read in (lambda: check_frozen(tmp_path), lambda: read_layer(path)):
        with pytest.raises(FrozenError, match="BZ040"):
            read()
    path.unlink()
    with pytest.raises(FrozenError, match="BZ040"):
        check_frozen(tmp_path)


def test_frozen_gold_beside_an_unlisted_file_is_an_error(tmp_path: Path) -> None:
    write_layer(tmp_path / "x.jsonl", [sentence(PERSON)])
    freeze_gold(tmp_path)
    write_layer(tmp_path / "y.jsonl", [sentence(PERSON)])
    with pytest.raises(FrozenError, match="BZ040"):
        check_frozen(tmp_path)
    with pytest.raises(FrozenError, match="BZ040"):
        read_layer(tmp_path / "y.jsonl")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 9, "files": {}}', '{"schema": 1, "files": {"x": 1}}'])
def test_frozen_manifest_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "MANIFEST.json").write_text(content, encoding="utf-8")
    with pytest.raises(FrozenError):
        check_frozen(tmp_path)


def test_frozen_diff_shows_both_sides() -> None:
    changes = diff_gold((sentence(PERSON, JOINED),), (sentence(PERSON, COUNTY),))
    assert [(change.change, change.text) for change in changes] == [
        ("removed", "曲阳县灵山镇"),
        ("added", "曲阳县"),
    ]
    assert diff_gold((sentence(PERSON),), (sentence(PERSON),)) == ()


def test_curation_commands_run_from_layers_to_frozen_gold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, gold = (tmp_path / name / "x.jsonl" for name in ("anna", "ben", "gold"))
    write_layer(first, [sentence(PERSON, COUNTY)])
    write_layer(second, [sentence(PERSON)])
    questions = tmp_path / "q.jsonl"
    assert run(["agree", str(first), str(second), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["annotators"] == ["anna", "ben"]
    assert run(["adjudicate", str(first), str(second), "-o", str(gold)]) == 2
    assert not gold.exists()
    assert run(["adjudicate", str(first.parent), str(second.parent), "--questions", str(questions)]) == 0
    line = {**json.loads(questions.read_text(encoding="utf-8")), "rule": "P1", "note": "no", "spans": []}
    questions.write_text(json.dumps(line), encoding="utf-8")
    arguments = ["adjudicate", str(first), str(second), "--decisions", str(questions), "-o", str(gold)]
    assert run(arguments) == 0
    assert run(["gold", "freeze", str(gold.parent)]) == 0
    assert run(["gold", "check", str(gold.parent)]) == 0
    gold.write_text(gold.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert run(["gold", "check", str(gold.parent)]) == 2
    assert "BZ040" in capsys.readouterr().err
    assert run(["gold", "diff", str(gold), str(first)]) == 1


def test_gold_diff_of_the_same_gold_is_a_line_and_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gold.jsonl"
    write_layer(path, [Sentence("0" * 12, 0, 2, "青岛", (Span(0, 2, "PLACE"),))])
    assert run(["gold", "diff", str(path), str(path)]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "no span differs\n")
    assert run(["gold", "diff", str(path), str(path), "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


def two_articles(folder: Path, *spans: tuple[int, int, str]) -> Path:
    for name, article in (("north", "1" * 12), ("south", "2" * 12)):
        write_layer(folder / f"{name}.jsonl", [Sentence(article, 0, len(TEXT), TEXT, tuple(Span(*s) for s in spans))])
    return folder


def test_curation_adjudicate_writes_a_file_an_article_into_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = two_articles(tmp_path / "anna", PERSON, COUNTY)
    second = two_articles(tmp_path / "ben", PERSON)
    questions, gold = tmp_path / "q.jsonl", tmp_path / "gold"
    given = ["adjudicate", str(first), str(second)]
    assert run([*given, "--questions", str(questions), "--json"]) == 0
    assert [row["article"] for row in json.loads(capsys.readouterr().out)] == ["north", "south"]
    assert run([*given, "--decisions", str(questions), "-o", str(gold)]) == 2
    assert "--to-doccano" in capsys.readouterr().err
    assert not gold.exists()
    lines = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    lines[0]["spans"] = lines[0]["anna"]  # without rule and note
    lines[1]["note"] = "no place"
    questions.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    assert run([*given, "--decisions", str(questions), "-o", str(gold)]) == 0
    assert "2 decisions name no rule" in capsys.readouterr().err
    spans = {path.stem: [s.key for s in read_layer(path)[0].spans] for path in gold.glob("*.jsonl")}
    assert spans == {"north": [PERSON, COUNTY], "south": [PERSON]}


def test_curation_adjudicate_refuses_a_label_that_nobody_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_articles(tmp_path / "anna", PERSON, COUNTY), two_articles(tmp_path / "ben", PERSON)
    questions, gold = tmp_path / "q.jsonl", tmp_path / "gold"
    assert run(["adjudicate", str(first), str(second), "--questions", str(questions)]) == 0
    lines = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["spans"] = [line["anna"][0] | {"label": "XX"}]
    questions.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    capsys.readouterr()
    assert run(["adjudicate", str(first), str(second), "--decisions", str(questions), "-o", str(gold)]) == 2
    assert "BZ015" in capsys.readouterr().err
    assert not gold.exists()


def test_curation_adjudicate_into_a_folder_spares_frozen_gold(tmp_path: Path) -> None:
    first, second = two_articles(tmp_path / "anna", PERSON), two_articles(tmp_path / "ben", PERSON)
    gold = two_articles(tmp_path / "gold", PERSON, COUNTY)
    freeze_gold(gold)
    before = {path: path.read_bytes() for path in gold.iterdir()}
    assert run(["adjudicate", str(first), str(second), "-o", str(gold)]) == 2
    assert {path: path.read_bytes() for path in gold.iterdir()} == before


def test_curation_agree_calls_articles_by_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = [str(two_articles(tmp_path / name, PERSON)) for name in ("anna", "ben")]
    assert run(["agree", *layers]) == 0
    shown = capsys.readouterr().out
    assert re.findall("north|south", shown[shown.index("Agreement by article") :]) == ["north", "south"]
    # A report finds the articles by their ids.
    assert run(["agree", *layers, "-o", str(tmp_path / "agreement.json"), "--json"]) == 0
    ids = {sentence.article for sentence in read_layers([Path(layers[0])])}
    written = json.loads((tmp_path / "agreement.json").read_text("utf-8"))
    assert json.loads(capsys.readouterr().out)["by_article"].keys() == written["by_article"].keys() == ids


def test_frozen_gold_passes_over_a_ledger_beside_it(tmp_path: Path) -> None:
    write_layer(tmp_path / "x.jsonl", [sentence(PERSON)])
    (tmp_path / "x.ledger.jsonl").write_text("{}\n", encoding="utf-8")
    assert set(freeze_gold(tmp_path)) == {"x.jsonl"}
    assert set(check_frozen(tmp_path)) == {"x.jsonl"}


def test_gold_diff_takes_folders(tmp_path: Path) -> None:
    old, new = two_articles(tmp_path / "old", PERSON), two_articles(tmp_path / "new", PERSON, COUNTY)
    assert run(["gold", "diff", str(old), str(old)]) == 0
    assert run(["gold", "diff", str(old), str(new)]) == 1


def test_questions_have_no_key_that_an_annotator_may_be_called(tmp_path: Path) -> None:
    items = find_disagreements([sentence(COUNTY)], [sentence(JOINED)])
    path = tmp_path / "decisions.jsonl"
    decision = Decision(*items[0].place, (), "P1", "x", "zoe", "2026-01-02T03:04:05Z")
    write_decisions(path, items, [decision], names=("anna", "ben"))
    assert json.loads(path.read_text("utf-8")).keys() == {*LINE_KEYS, "anna", "ben"}
