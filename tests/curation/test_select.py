from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.annotators.network.models import load_tagger
from biaozhu.cli import run
from biaozhu.curation.probabilities import make_judge
from biaozhu.curation.select import (
    JUDGED_AT_ONCE,
    Selected,
    Unsure,
    keep_apart,
    read_reasons,
    reasons_path,
    select_sentences,
)
from biaozhu.data.errors import LineError, UsageError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span, with_spans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from biaozhu.curation.select import Aim

scores = st.lists(
    st.lists(st.one_of(st.none(), st.floats(0, 1).map(lambda one: round(one, 4))), max_size=3),
    min_size=1,
    max_size=40,
)


def _layer(drawn: list[list[float | None]]) -> list[Sentence]:
    return [
        Sentence(
            f"{number:012x}",
            0,
            6,
            # No two are near-duplicates.
            "".join(chr(0x4E00 + 6 * number + place) for place in range(6)),
            tuple(Span(at * 2, at * 2 + 1, "PLACE", "x", score) for at, score in enumerate(one)),
        )
        for number, one in enumerate(drawn)
    ]


def _surety(sentence: Sentence) -> float | None:
    return min((span.score for span in sentence.spans if span.score is not None), default=None)


@given(scores, st.integers(1, 50))
def test_select_takes_the_least_sure(drawn: list[list[float | None]], count: int) -> None:
    layer = _layer(drawn)
    chosen = [one.sentence for one in select_sentences(layer, count, share=0, aim="uncertainty")]
    scored = [_surety(one) for one in layer if _surety(one) is not None]
    assert len(chosen) == min(count, len(scored))
    assert sorted(_surety(one) for one in chosen) == sorted(scored)[: len(chosen)]
    assert set(chosen) <= set(layer)


@given(
    scores,
    st.integers(1, 50) | st.just(1 << 64),
    st.floats(0, 1),
    st.randoms(),
    st.sampled_from(["both", "uncertainty", "diversity"]),
)
def test_select_depends_on_no_order(
    drawn: list[list[float | None]], count: int, share: float, random: object, aim: Aim
) -> None:
    layer = _layer(drawn)
    chosen = select_sentences(layer, count, share=share, aim=aim)
    assert len({one.sentence.id for one in chosen}) == len(chosen) <= count
    shuffled = layer[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert select_sentences(shuffled, count, share=share, aim=aim) == chosen
    if share == 1:
        assert len(chosen) == min(count, len(layer))


def test_select_refuses_what_makes_no_sense() -> None:
    with pytest.raises(UsageError):
        select_sentences([], 0)
    with pytest.raises(UsageError):
        select_sentences([], 5, share=1.5)


def test_select_command_writes_a_layer(tmp_path: Path) -> None:
    layer = _layer([[0.9], [0.2, 0.8], [], [0.5]])
    write_layer(tmp_path / "layer.jsonl", layer)
    output = tmp_path / "chosen.jsonl"
    command = ["select", str(tmp_path / "layer.jsonl"), "-n", "2", "--random", "0", "-o", str(output)]
    assert run(command) == 0
    found = [json.loads(line)["id"] for line in output.read_text(encoding="utf-8").splitlines()]
    assert found == [layer[1].id, layer[3].id]
    assert set(read_reasons(output)) == set(found)
    assert "0.20" in read_reasons(output)[layer[1].id]


def test_select_refuses_an_article_of_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = _layer([[0.9], [0.2, 0.8]])
    for name, sentences in (("a", layer[:1]), ("b", layer)):
        write_layer(tmp_path / f"{name}.jsonl", sentences)
    first, second, output = (str(tmp_path / f"{name}.jsonl") for name in ("a", "b", "out"))
    for other in (second, first):
        assert run(["select", first, other, "-n", "5", "-o", output]) == 2
        assert capsys.readouterr().err.startswith(f"BZ017 {other}: ")
        assert not (tmp_path / "out.jsonl").exists()


def test_select_passes_over_a_shard_whose_articles_all_failed(tmp_path: Path) -> None:
    write_layer(tmp_path / "part-0.jsonl", _layer([[0.9], [0.2, 0.8]]))
    (tmp_path / "part-1.jsonl").touch()
    files, output = [str(tmp_path / f"part-{number}.jsonl") for number in (0, 1)], str(tmp_path / "out.jsonl")
    assert run(["select", *files, "-n", "1", "-o", output]) == 0
    assert run(["select", files[1], "-n", "1", "-o", output]) == 2


def test_select_writes_no_empty_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_layer(tmp_path / "layer.jsonl", _layer([[None], [], [None, None]]))
    command = ["select", str(tmp_path / "layer.jsonl"), "-n", "2", "-o", str(tmp_path / "out.jsonl")]
    assert run(command) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert not (tmp_path / "out.jsonl").exists()
    assert run([*command, "--random", "1"]) == 0


def _said(text: str, *spans: Span, number: int = 0) -> Sentence:
    return Sentence(f"{number:012x}", 0, len(text), text, spans)


def _texts(chosen: tuple[Selected, ...]) -> set[str]:
    return {one.sentence.text for one in chosen}


def test_select_leaves_near_duplicates_out() -> None:
    unsure = [Span(0, 2, "PLACE", "x", 0.2)]
    layer = [
        _said("湖东的果园今年收了十二万斤苹果", *unsure, number=1),
        _said("湖东的果园今年收了十三万斤苹果", *unsure, number=2),
        _said("河西有人来过", Span(0, 2, "PLACE", "x", 0.9), number=3),
    ]
    assert len(select_sentences(layer, 3, share=0)) == 2
    assert "河西有人来过" in _texts(select_sentences(layer, 2, share=0))
    assert len(select_sentences(layer, 3, share=0, aim="uncertainty")) == 3


@pytest.mark.parametrize(("articles", "kept"), [(True, ["河西有人来过"]), (False, ["河西有人来过", "另一句"])])
def test_select_keeps_apart_what_is_like_a_test(*, articles: bool, kept: list[str]) -> None:
    test = [_said("湖东的果园今年收了十二万斤苹果", number=1), _said("好。", number=2)]
    pool = [
        *test,
        _said("湖东的果园今年收了十三万斤苹果", number=3),
        _said("好。", number=4),
        _said("河西有人来过", number=4),
        _said("另一句", number=1),
    ]
    assert [one.text for one in keep_apart(pool, test, articles=articles)] == kept
    assert [*keep_apart(pool, [], articles=articles)] == pool


@pytest.mark.parametrize("balanced", ["label", "article"])
def test_select_balances_labels_and_articles(balanced: str) -> None:
    # Forty of one kind are a little less certain than two of the other.
    layer = []
    for number in range(42):
        text = "".join(chr(0x4E00 + 6 * number + place) for place in range(6))
        rare = number >= 40
        label = "PERSON" if rare and balanced == "label" else "PLACE"
        article = 99 if rare or balanced == "label" else 1
        span = Span(0, 2, label, "x", 0.35 if rare else 0.3)
        layer.append(Sentence(f"{article:012x}", 10 * number, 10 * number + 6, text, (span,)))
    rare_ids = {one.id for one in layer[40:]}
    chosen = {one.sentence.id for one in select_sentences(layer, 6, share=0)}
    assert rare_ids <= chosen
    assert not rare_ids & {one.sentence.id for one in select_sentences(layer, 6, share=0, aim="uncertainty")}


def test_select_takes_another_judge() -> None:
    layer = _layer([[0.1], [0.9]])
    judged = {layer[0].id: None, layer[1].id: Unsure(0.3, "why")}
    (one,) = select_sentences(layer, 2, share=0, judge=lambda some: [judged[one.id] for one in some])
    assert one == Selected(layer[1], "why")


def test_select_command_takes_folders_and_marginals(tmp_path: Path) -> None:
    folder, output = tmp_path / "layers", tmp_path / "chosen.jsonl"
    texts = ("福建省龙岩市有三个人。", "他说了。")
    for number, text in enumerate(texts):
        write_layer(folder / f"{number}.jsonl", [_said(text, number=number)])
    (folder / "0.ledger.jsonl").write_text("")
    assert run(["select", str(folder), "-n", "2", "--random", "0", "-o", str(output)]) == 2
    assert run(["select", str(folder), "-n", "2", "--random", "0", "--marginals", "-o", str(output)]) == 0
    assert len(read_reasons(output)) == 2
    (tmp_path / "empty").mkdir()
    assert run(["select", str(tmp_path / "empty"), "-n", "2", "-o", str(output)]) == 2


def test_uncertainty_of_a_batch_is_that_of_each_sentence_alone() -> None:
    texts = ("福建省龙岩市有三个人。", "他说了。", "", "长汀县" * 300 + "。", "王小明在上海买了12公斤米。")
    sentences = [_said(text, number=number) for number, text in enumerate(texts)]
    judge = make_judge(load_tagger())
    together = list(judge(sentences))
    alone = [one for sentence in sentences for one in judge([sentence])]
    assert [one.where for one in together if one] == [one.where for one in alone if one]
    assert [one.doubt for one in together if one] == pytest.approx([one.doubt for one in alone if one], abs=1e-5)
    assert len(together) == len(texts)


def test_select_judges_a_long_stream_in_batches() -> None:
    layer, sizes = _layer([[0.5]] * (JUDGED_AT_ONCE + 1)), []

    def judge(sentences: Sequence[Sentence]) -> list[Unsure | None]:
        sizes.append(len(sentences))
        return [Unsure(0.5, one.id) for one in sentences]

    chosen = select_sentences(layer, len(layer), share=0, aim="uncertainty", judge=judge)
    assert sizes == [JUDGED_AT_ONCE, 1]
    assert all(one.reason == one.sentence.id for one in chosen)


@pytest.mark.parametrize("content", ["", "[]", '{"reasons": [1]}', '{"reasons": {"a": 1}}'])
def test_select_refuses_damaged_reasons(tmp_path: Path, content: str) -> None:
    layer = tmp_path / "chosen.jsonl"
    assert read_reasons(layer) == {}
    reasons_path(layer).write_text(content)
    with pytest.raises(LineError):
        read_reasons(layer)


def test_select_takes_the_sentences_where_another_layer_differs(tmp_path: Path) -> None:
    layer = _layer([[0.9], [0.9], [], [0.9]])
    other = [layer[0], with_spans(layer[1], []), with_spans(layer[2], [Span(0, 2, "PERSON")])]
    write_layer(tmp_path / "network.jsonl", layer)
    write_layer(tmp_path / "llm.jsonl", other)
    command = ["select", str(tmp_path / "network.jsonl"), "--against", str(tmp_path / "llm.jsonl")]
    command += ["-n", "4", "--random", "0", "-o", str(tmp_path / "out.jsonl")]
    assert run(command) == 0
    # Nothing of the one where both agree, and of the one that only one layer has.
    assert read_layer(tmp_path / "out.jsonl") == tuple(layer[1:3])
    reasons = read_reasons(tmp_path / "out.jsonl")
    assert reasons[layer[2].id] == f"两层不同:“{layer[2].text[:2]}”无/PERSON"
    assert run([*command, "--marginals"]) == 2
    # A regression test: what was gold already was selected again.
    write_layer(tmp_path / "gold.jsonl", layer[:2])
    assert run([*command, "--without", str(tmp_path / "gold.jsonl")]) == 0
    assert read_layer(tmp_path / "out.jsonl") == (layer[2],)
    write_layer(tmp_path / "llm.jsonl", layer)
    (tmp_path / "out.jsonl").unlink()
    assert run(command) == 2
    assert not (tmp_path / "out.jsonl").exists()
