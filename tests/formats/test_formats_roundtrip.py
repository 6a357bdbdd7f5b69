"""Every format gives back what was written: texts, offsets, labels, and what else it can carry."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from format_material import HARD, sentences
from hypothesis import example, given, settings

from biaozhu.data.errors import OffsetError
from biaozhu.data.model import Sentence, Span, check_sentence
from biaozhu.formats.convert import export_layer, import_documents, read_documents
from biaozhu.formats.documents import Document, Format

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"PLACE": "地点", "PERSON": "人物"}
CARRYING = ["doccano", "spacy", "labelstudio", "brat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats")


def there_and_back(layer: list[Sentence], form: Format, folder: Path) -> tuple[tuple[Sentence, ...], set[tuple]]:
    made = export_layer(layer, form, names=NAMES)
    for old in folder.iterdir():
        old.unlink()
    for name, content in made.files.items():
        (folder / (name or "file")).write_bytes(content)
    path = folder if form == "brat" else folder / "file"
    ids = {name: label for label, name in NAMES.items()}
    imported = import_documents(read_documents(path, form, names=ids, renamed={}))
    assert imported.entries == ()
    assert imported.raws == {}
    return imported.sentences, {(entry.sentence, entry.start, entry.end, entry.label) for entry in made.entries}


@pytest.mark.parametrize("form", CARRYING)
@settings(deadline=None, max_examples=40)
@given(layer=sentences())
def test_formats_give_back_spans_sources_and_scores(form: Format, layer: list[Sentence], folder: Path) -> None:
    back, lost = there_and_back(layer, form, folder)
    expected = [
        replace(one, spans=tuple(span for span in one.spans if (one.id, *span.key) not in lost)) for one in layer
    ]
    # A folder of brat has its files by name, not in an order.
    assert list(back) == sorted(expected, key=lambda one: one.article if form == "brat" else "")
    if form != "brat":
        assert not lost


@settings(deadline=None, max_examples=40)
@given(layer=sentences(labels=("PLACE", "带 空格", "tab\tand\\", "U+\u2028")))
def test_formats_conll_gives_back_spans_alone(layer: list[Sentence], folder: Path) -> None:
    back, lost = there_and_back(layer, "conll", folder)
    assert not lost
    expected = [
        replace(one, spans=tuple(replace(span, source="conll", score=None) for span in one.spans)) for one in layer
    ]
    assert list(back) == expected


@pytest.mark.parametrize("form", [*CARRYING[:3], "conll"])
def test_formats_text_that_was_edited_to_the_same_length_is_refused(
    form: Format, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A regression test: it was taken for the sentence of its id.
    if form == "spacy":
        monkeypatch.setattr("biaozhu.formats.docbin.checksum_text", lambda _: "0" * 12)
    content = export_layer([Sentence("a" * 12, 0, 3, "小河村", ())], form, names=NAMES).files[""]
    (folder / "edited").write_bytes(content.replace("小".encode(), "大".encode()))
    with pytest.raises(OffsetError):
        read_documents(folder / "edited", form, names={}, renamed={})


@pytest.mark.parametrize("hard", HARD)
def test_formats_brat_loses_only_what_begins_or_ends_with_a_break(hard: str, folder: Path) -> None:
    text = f"在{hard}县"
    middle = Sentence("a" * 12, 0, len(text), text, (Span(0, len(text), "PLACE", "x"),))
    back, lost = there_and_back([middle], "brat", folder)
    assert not lost
    assert back == (middle,)
    edge = replace(middle, spans=(Span(0, 1 + len(hard), "PLACE", "x"),))
    back, lost = there_and_back([edge], "brat", folder)
    ends = hard[-1] in "\r\n\u2028\u2029\x85\x0b\x1c\t"
    assert bool(lost) == ends
    assert back == (replace(edge, spans=()) if ends else edge,)


@settings(deadline=None, max_examples=40)
@given(layer=sentences())
@example(layer=[Sentence("a" * 12, 0, 1, "小", ())])  # a choice of type size on pages, alone
def test_formats_importing_makes_an_article_that_holds_every_text(layer: list[Sentence]) -> None:
    # Control characters of any number make a text binary, which no article is.
    documents = [
        Document(
            "".join(one if one.isprintable() or one in "\n\r\u2028\t" else "文" for one in text.text),
            text.spans,
        )
        for text in layer
    ]
    if not "".join(document.text for document in documents).strip("\ufeff\u200b\u2060 \n\r\t\u2028\u3000"):
        return
    for split in (False, True):
        imported = import_documents(documents, split=split)
        (raw,) = imported.raws.values()
        assert {one.article for one in imported.sentences} == {hashlib.sha256(raw.encode()).hexdigest()[:12]}
        for sentence in imported.sentences:
            check_sentence(sentence)
            assert raw[sentence.start : sentence.end] == sentence.text
        lost = [entry.text for entry in imported.entries if entry.severity == "loss"]
        assert not "".join(lost).strip()
        found = [
            (sentence.text[span.start : span.end], span.label)
            for sentence in imported.sentences
            for span in sentence.spans
        ]
        assert found == [
            (shown, span.label)
            for document in documents
            for span in document.spans
            if (shown := document.text[span.start : span.end].strip())
        ]
