from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doccano_layers import make_layer

from biaozhu.data.model import Sentence, Span
from biaozhu.doccano.push import find_half_imports, plan_push
from biaozhu.formats.serialization import (
    DoccanoExample,
    RemoteSpan,
    make_meta,
    spans_to_json,
    to_remote_spans,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = {"PLACE": "地点", "PERSON": "人物", "AMOUNT": "数量"}
SENTENCES = [sentence for sentence in make_layer("sync", 40) if sentence.spans]
WANTED = [(sentence, "sync") for sentence in SENTENCES]
OTHER = RemoteSpan(0, 1, "人物")


def as_imported(sentences: Sequence[Sentence], batch: str = "p.0") -> list[DoccanoExample]:
    return [
        DoccanoExample(
            number,
            sentence.text,
            dict(make_meta(sentence, "sync", by=1, batch=batch)),
            to_remote_spans(sentence.text, sentence.spans, NAMES),
        )
        for number, sentence in enumerate(sentences, 1)
    ]


def test_push_plan_adds_everything_to_an_empty_project_in_order() -> None:
    plan = plan_push(WANTED, [], names=NAMES)
    assert plan.add == WANTED
    assert [*plan.same, *plan.update, *plan.kept, *plan.removed, *plan.duplicates] == []


def test_push_plan_leaves_what_is_there_alone() -> None:
    plan = plan_push(WANTED, as_imported(SENTENCES), names=NAMES)
    assert len(plan.same) == len(SENTENCES)
    others = [*plan.add, *plan.update, *plan.kept, *plan.duplicates, *plan.incomplete, *plan.damaged]
    assert others == []


def test_push_plan_updates_only_what_nobody_touched() -> None:
    changed = [replace(sentence, spans=sentence.spans[1:]) for sentence in SENTENCES[:5]]
    examples = as_imported(SENTENCES[:5])
    examples[1] = replace(examples[1], confirmed=True)
    examples[2] = replace(examples[2], comments=("?",))
    examples[3] = replace(examples[3], spans=(*examples[3].spans[1:], OTHER))
    plan = plan_push([(sentence, "sync") for sentence in changed], examples, names=NAMES)
    assert [pair.example.id for pair in plan.update] == [1, 5]
    assert [pair.example.id for pair in plan.kept] == [2, 3, 4]


def test_push_plan_sees_a_change_of_score_alone() -> None:
    sentence = SENTENCES[0]
    rescored = replace(sentence, spans=tuple(replace(span, score=0.125) for span in sentence.spans))
    plan = plan_push([(rescored, "sync")], as_imported([sentence]), names=NAMES)
    assert [pair.example.id for pair in plan.update] == [1]


def test_push_plan_goes_on_with_an_update_that_was_cut_off() -> None:
    old = SENTENCES[0]
    new = replace(old, spans=(Span(0, 1, "PERSON", "rule"),))
    (example,) = as_imported([old])
    example = replace(example, meta={**example.meta, "next": spans_to_json(new.spans)}, spans=example.spans[1:])
    plan = plan_push([(new, "sync")], [example], names=NAMES)
    assert len(plan.update) == 1
    person = replace(example, spans=(RemoteSpan(0, 99, "人物"),))
    assert len(plan_push([(new, "sync")], [person], names=NAMES).kept) == 1


def test_push_plan_reports_removed_sentences_and_leaves_other_articles_out() -> None:
    others = [replace(example, id=example.id + 500) for example in as_imported(make_layer("other", 3))]
    others = [replace(example, meta={**example.meta, "article": "other"}) for example in others]
    foreign = DoccanoExample(999, "白水县", {})
    plan = plan_push(WANTED[2:], [*as_imported(SENTENCES), *others, foreign], names=NAMES)
    assert [example.sentence_id for example in plan.removed] == [sentence.id for sentence in SENTENCES[:2]]
    assert plan.others == 4


def test_push_plan_keeps_the_copy_that_was_worked_on() -> None:
    first, second = (
        replace(example, id=number)
        for number, example in ((1, as_imported(SENTENCES[:1])[0]), (2, as_imported(SENTENCES[:1])[0]))
    )
    plan = plan_push(WANTED[:1], [first, replace(second, confirmed=True)], names=NAMES)
    assert [example.id for example in plan.duplicates] == [1]
    assert plan.conflicts == []
    both = plan_push(WANTED[:1], [replace(first, confirmed=True), replace(second, comments=("!",))], names=NAMES)
    assert [example.id for example in both.conflicts] == [2]
    assert both.duplicates == []


def test_push_plan_tells_half_an_import_from_a_person_who_removed_spans() -> None:
    bare = [replace(example, spans=()) for example in as_imported(SENTENCES)]
    assert find_half_imports(bare, {"p.0"}) == {example.id for example in bare}
    assert len(plan_push(WANTED, bare, names=NAMES, unverified={"p.0"}).incomplete) == len(SENTENCES)
    # Verified batches are never half: there the spans were taken away by people.
    assert len(plan_push(WANTED, bare, names=NAMES).same) == len(SENTENCES)
    # One bare sentence in a batch whose others have their spans is a person's work too.
    mixed = [bare[0], *as_imported(SENTENCES)[1:]]
    assert not plan_push(WANTED, mixed, names=NAMES, unverified={"p.0"}).incomplete


def test_push_plan_imports_the_whole_of_a_run_that_was_cut_off_again_to_keep_the_order() -> None:
    layer = make_layer("sync", 40)
    assert any(not sentence.spans for sentence in layer)
    bare = [replace(example, spans=()) for example in as_imported(layer)]
    bare[0] = replace(bare[0], confirmed=True)
    plan = plan_push([(sentence, "sync") for sentence in layer], bare, names=NAMES, unverified={"p.0"})
    assert [pair.example.id for pair in plan.incomplete] == [example.id for example in bare[1:]]


def test_push_plan_replaces_a_bare_copy_by_the_whole_one_of_a_repeated_task() -> None:
    layer = make_layer("sync", 40)
    bare = [replace(example, spans=()) for example in as_imported(layer)]
    whole = [replace(example, id=example.id + 100) for example in as_imported(layer)]
    wanted = [(sentence, "sync") for sentence in layer]
    plan = plan_push(wanted, [*bare, *whole], names=NAMES, unverified={"p.0"})
    assert {example.id for example in plan.duplicates} == {example.id for example in bare}
    assert [pair.example.id for pair in plan.same] == [example.id for example in whole]


def test_push_plan_notices_a_text_that_was_edited() -> None:
    (example,) = as_imported(SENTENCES[:1])
    plan = plan_push(WANTED[:1], [replace(example, text=f"{example.text}。")], names=NAMES)
    assert len(plan.damaged) == 1
