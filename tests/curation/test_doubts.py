from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.cli import run
from biaozhu.curation.doubts import Doubt, apply_doubts, make_doubt, rank_doubts
from biaozhu.curation.lint import lint_layer
from biaozhu.curation.probabilities import find_improbable, read_by_layer
from biaozhu.curation.surfaces import find_inconsistent
from biaozhu.data.errors import GoldError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span, check_sentence, with_spans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ARTICLE = "0123456789ab"


def _sentence(marked: str, *labels: str, start: int = 0, score: float | None = None) -> Sentence:
    """Make a sentence in which 【】 mark the spans."""
    text, spans = "", []
    for piece in marked.split("【"):
        name, closed, rest = piece.partition("】")
        if closed:
            spans.append(Span(len(text), len(text) + len(name), labels[len(spans)], "x", score))
        text += name + rest
    return Sentence(ARTICLE, start, start + len(text), text, tuple(spans))


def _marked(sentence: Sentence) -> str:
    text = sentence.text
    for span in reversed(sentence.spans):
        text = f"{text[: span.start]}【{text[span.start : span.end]}】{text[span.end :]}"
    return text


@pytest.mark.parametrize(
    ("label", "marked", "rule", "right"),
    [
        ("PLACE", "【湖东】县两岸", "P2", "【湖东县】两岸"),
        ("PLACE", "【福建】省份", "", ""),
        ("PLACE", "【唐山】市委", "", ""),
        ("PLACE", "【曲阳县灵山镇】群众", "P1", "【曲阳县】【灵山镇】群众"),
        ("PLACE", "【浙江湖州】人", "P1", "【浙江】【湖州】人"),
        ("PLACE", "【丽江古镇】里", "", ""),
        ("PLACE", "【东坡湿地公园】里", "P5", "东坡湿地公园里"),
        ("PLACE", "【该乡】的果园", "P6", "该乡的果园"),
        ("PLACE", "【曲阳县西部】多山", "P7", "【曲阳县】西部多山"),
        ("PLACE", "【刚果（金）】政府", "", ""),
        ("PLACE", "去【福建，】考察", "一.3", "去【福建】，考察"),
        ("PERSON", "【林大有同志】说", "R1", "【林大有】同志说"),
        ("PERSON", "【记者何小帆】报道", "R1", "记者【何小帆】报道"),
        ("PERSON", "【林书记】说", "R4", "林书记说"),
        ("PERSON", "【李某】说", "R4", "李某说"),
        ("PERSON", "【老周】说", "R4", "老周说"),
        ("PERSON", "【林大有】说", "", ""),
        ("AMOUNT", "收入【约4600元】", "A3", "收入约【4600元】"),
        ("AMOUNT", "收入【800元以上】", "A3", "收入【800元】以上"),
        ("AMOUNT", "【上千人】来", "A3", "上【千人】来"),
        ("AMOUNT", "【2013年】的事", "N1", "2013年的事"),
        ("AMOUNT", "【10月8日】的事", "N1", "10月8日的事"),
        ("AMOUNT", "【2000年】历史", "", ""),
        ("AMOUNT", "【3年】的事", "", ""),
        ("AMOUNT", "得【第3名】", "N2", "得第3名"),
        ("AMOUNT", "【前10个月】里", "N4", "前10个月里"),
        ("AMOUNT", "有【640万】，", "A10", "有640万，"),
        ("CROP", "种【小麦】", "", ""),
    ],
)
def test_lint_names_the_rule_and_what_is_right(label: str, marked: str, rule: str, right: str) -> None:
    layer = [_sentence(marked, label)]
    found = rank_doubts(lint_layer(layer))
    assert [one.reason.partition(":")[0] for one in found] == [rule] * bool(rule)
    if rule:
        assert _marked(apply_doubts(layer, found)[0]) == right


def test_surfaces_doubt_the_minority() -> None:
    said = [_sentence(f"他到【湖东】去第{n}次", "PLACE", start=100 * n) for n in range(8)]
    left_out = _sentence("她从湖东来", start=1000)
    otherwise = _sentence("又见【湖东】了", "PERSON", start=2000)
    short = _sentence("后来【湖】东也变了", "PLACE", start=3000)
    layer = [*said, left_out, otherwise, short]
    found = {one.sentence: one for one in find_inconsistent(layer)}
    assert set(found) == {left_out.id, otherwise.id, short.id}
    for sentence in (left_out, otherwise, short):
        (span,) = apply_doubts([sentence], [found[sentence.id]])[0].spans
        assert (sentence.text[span.start : span.end], span.label) == ("湖东", "PLACE")


def test_surfaces_doubt_nothing_without_a_majority() -> None:
    layer = [_sentence("到【湖东】去", "PLACE"), _sentence("看湖东的人", start=50)]
    assert not list(find_inconsistent(layer))
    assert not list(find_inconsistent([_sentence("没有")]))


def _read(layer: Sequence[Sentence], marked: str, *labels: str, score: float) -> tuple[Doubt, ...]:
    readings = read_by_layer(layer, [_sentence(marked, *labels, score=score)])
    return rank_doubts(find_improbable(layer, readings))


def test_probabilities_doubt_what_a_sure_model_reads_otherwise() -> None:
    layer = [_sentence("【湖】东的【林大有】种地", "PLACE", "PLACE")]
    label, border = sorted(
        _read(layer, "【湖东】的【林大有】种地", "PLACE", "PERSON", score=0.99), key=lambda one: -one.start
    )
    assert (label.start, label.end) == (3, 6)
    assert (border.start, border.end) == (0, 2)
    applied = apply_doubts(layer, [label, border])[0]
    assert [span.key for span in applied.spans] == [(0, 2, "PLACE"), (3, 6, "PERSON")]
    assert not _read(layer, "【湖】东的【林大有】种地", "PLACE", "PLACE", score=0.5)
    # What it does not know is in no doubt: neither an unsure reading nor a span that it lacks, where it has none.
    assert not _read([_sentence("湖东")], "【湖东】", "PLACE", score=0.6)


def test_probabilities_leave_labels_alone_that_the_model_lacks() -> None:
    layer = [_sentence("【湖东公司】的人", "ORG")]
    found = [Span(0, 2, "PLACE", "x", 0.99)]
    assert not list(find_improbable(layer, [(found, {(0, 2, "PLACE"): 0.99})]))


def test_probabilities_need_every_sentence() -> None:
    with pytest.raises(GoldError):
        read_by_layer([_sentence("湖东")], [_sentence("湖西")])


def test_ranking_joins_what_overlaps() -> None:
    sentence = _sentence("【湖】东的人", "PLACE")
    (wrong,) = sentence.spans
    right = Span(0, 2, "PLACE")
    one = make_doubt(sentence, [wrong], [right], reason="P2: unit", score=0.5, by="lint")
    other = make_doubt(sentence, [wrong], [], reason="the model", score=0.8, by="model")
    again = make_doubt(sentence, [wrong], [], reason="the model", score=0.4, by="model")
    (joined,) = rank_doubts([one, other, again])
    assert joined.score == pytest.approx(0.9)
    assert joined.by == ("lint", "model")
    # The stronger check says what is right: nothing.
    assert joined.right == ()
    assert joined.reason == "the model; P2: unit"


def test_doubts_leave_alone_what_only_a_weaker_one_doubts() -> None:
    # A regression test: the second span went with the first, and its correction was not put in.
    sentence = _sentence("【湖东县】【灵山镇】的人", "PLACE", "PLACE")
    one, other = sentence.spans
    strong = make_doubt(sentence, [one], [Span(0, 2, "PLACE")], reason="strong", score=0.9, by="lint")
    weak = make_doubt(sentence, [other], [Span(2, 6, "PLACE")], reason="weak", score=0.2, by="model")
    (joined,) = rank_doubts([weak, strong])
    assert (joined.start, joined.end, joined.by) == (0, 6, ("lint", "model"))
    assert joined.find_wrong(sentence.spans) == [one]
    assert [span.key for span in apply_doubts([sentence], [joined])[0].spans] == [(0, 2, "PLACE"), other.key]


@st.composite
def _layers(draw: st.DrawFn) -> list[Sentence]:
    layer = []
    for number in range(draw(st.integers(1, 4))):
        text = draw(st.text("湖东县约3元年记者李某老，公园", min_size=1, max_size=14))
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
        spans = [
            Span(start, end, draw(st.sampled_from(["PLACE", "PERSON", "AMOUNT"])), "x", draw(st.floats(0, 1)))
            for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        ]
        layer.append(Sentence(ARTICLE, 100 * number, 100 * number + len(text), text, tuple(spans)))
    return layer


@given(_layers(), st.data())
def test_doubts_always_make_a_layer(layer: list[Sentence], data: st.DataObject) -> None:
    predicted = [
        with_spans(one, other.spans) if len(other.text) <= len(one.text) else one
        for one, other in zip(layer, data.draw(st.permutations(layer)), strict=True)
    ]
    readings = read_by_layer(layer, predicted)
    found = rank_doubts((*lint_layer(layer), *find_inconsistent(layer), *find_improbable(layer, readings)))
    for sentence, before in zip(apply_doubts(layer, found), layer, strict=True):
        check_sentence(sentence)
        own = [one for one in found if one.sentence == sentence.id]
        wrong = [span for one in own for span in one.find_wrong(before.spans)]
        right = {span for one in own for span in one.right}
        assert {*sentence.spans} == right | {span for span in before.spans if span not in wrong}
        assert all(
            any(start <= span.start and span.end <= end for one in own for start, end in one.places) for span in right
        )
    for one in found:
        assert 0 <= one.score <= 1
        assert one.start < one.end
    assert list(found) == sorted(found, key=lambda one: -one.score)


def test_doubt_command_writes_a_layer_that_adjudicate_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = [_sentence("收入【约4600元】", "AMOUNT"), _sentence("没有什么", start=50)]
    gold, fixed = tmp_path / "gold" / "one.jsonl", tmp_path / "doubt" / "one.jsonl"
    write_layer(gold, layer)
    write_layer(tmp_path / "out" / "held.jsonl", layer)
    command = ["doubt", str(gold.parent), "--held-out", str(tmp_path / "out"), "-o", str(fixed), "--json"]
    assert run(command) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["reason"].startswith("A3")
    assert row["right"] == [{"start": 3, "end": 8, "label": "AMOUNT", "text": "4600元"}]
    assert [span.key for one in read_layer(fixed) for span in one.spans] == [(3, 8, "AMOUNT")]
    questions = tmp_path / "questions.jsonl"
    assert run(["adjudicate", str(gold.parent), str(fixed.parent), "--questions", str(questions)]) == 0
    assert len(questions.read_text("utf-8").splitlines()) == 1


def test_doubt_command_asks_the_default_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Any network that is worth shipping gives these next to nothing as a person.
    write_layer(tmp_path / "gold.jsonl", [_sentence("我们明天【再去看看】吧。", "PERSON")])
    assert run(["doubt", str(tmp_path / "gold.jsonl"), "--json"]) == 0
    assert [row["by"] for row in json.loads(capsys.readouterr().out)] == [["model"]]


def test_doubt_command_takes_each_sentence_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        write_layer(tmp_path / f"{name}.jsonl", [_sentence("没有什么")])
    assert run(["doubt", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("BZ017 ")
