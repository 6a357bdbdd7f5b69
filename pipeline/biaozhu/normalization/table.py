"""Table of the meaning of an article's spans: one row per amount, and the places and people beside it."""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from biaozhu.data.errors import MissingExtraError, UsageError, VersionError, extra_advice
from biaozhu.data.files import LONE_SURROGATE, write_bytes, write_text
from biaozhu.data.model import Article, Sentence, Span
from biaozhu.knowledge.word_tables import read_alternation
from biaozhu.normalization.addresses import resolve_places
from biaozhu.normalization.eras import year_of
from biaozhu.normalization.numerals import write_numeral
from biaozhu.normalization.people import People, group_people
from biaozhu.normalization.places import Place
from biaozhu.normalization.subjects import Subject, subject_places
from biaozhu.normalization.values import AmountValue, in_base, read_amount
from biaozhu.reading.simplified import is_traditional, to_half_width

LABEL, PLACE_DOUBT = "AMOUNT", "place"
# Figures of a converted value; the written value stays exact beside it.
BASE_PLACES = 6
# How far around an amount its clause is read, and how much of it says what the amount is about: more of a whole clause than of a part.
REACH, ABOUT_LENGTH, LONGEST_ABOUT = 40, 12, 24
# 地区生产总值(GDP)58.67亿元
_ASIDE = re.compile(r"[(（][^()（）]*[)）]$")
_CLAUSE = re.compile(r"[,，。;；:：、!！?？…“”‘’\"'()（）《》\n\s]")
_TIME = r"(?:[去今明前当]年[底初内]?|\d{4}年|目前|现在|如今|至今|[总一]共|[总合累]计)"
_OPENERS, _QUALIFIERS = (read_alternation("amount_about", name) for name in ("openers", "qualifiers"))
_FILLER = re.compile(rf"^(?>(?:{_TIME}|{_OPENERS})+)|(?>(?:{_TIME}|{_QUALIFIERS})+)$")
# Another measure of the same thing: 318户、1042人.
_SAME = re.compile("、?")
_EACH = re.compile(r"(?:按照?)?每个?[^\d]{1,2}$")
# Rests of a place's name, or of its list: 湖州|市区, 宜宾、乐山|一带.
_REST = re.compile("[市城郊]?区(?!里)|一带|等地|境内")
# The first cell of a row of a table, which says what its figures are about.
_ROW = re.compile(r" ?\|? ?(?=[^|\t]{1,80}[|\t])([^|\t]{0,40}?[\u4e00-\u9fff][^|\t]{0,40})(?<! ) ?[|\t]")
# A numeral that goes on behind the end of its line: 11⏎万斤.
_CUT_NUMERAL = re.compile(
    r"(?:[\d.][ \t\u3000]?(?:\r\n|[\n\r])[ \t\u3000]{0,2}[\d.十百千万亿]"
    r"|[零一二三四五六七八九十百千万亿两][ \t\u3000]?(?:\r\n|[\n\r])[ \t\u3000]{0,2}[零一二三四五六七八九十百千万亿两])"
)
# 3\ufe0f\u20e300元: what stands behind it is the rest of a numeral, or what a bullet of a list is for.
KEYCAP = "\u20e3"
# Thousands that do: 3,⏎456万元.
_CUT_THOUSANDS = re.compile(r"(?<!\d)\d{1,3}[,，][ \t\u3000]?(?:\r\n|[\n\r])[ \t\u3000]{0,2}(?=\d{3}(?!\d))")
# Where a clause may be cut and no word with it.
_BORDER = re.compile("[的了着在把将等与及]")


@dataclass(frozen=True, slots=True)
class Row:
    """An amount with its meaning; numbers are exact decimals as text, None where the span could not be read.

    `start` and `end` are code points into the sentence; `about` is the text beside the amount in its clause;
    `base_low` and `base_high` are in `base_unit` (CNY, m², kg …), rounded to six places (below 0.1 to six figures);
    `place` is the path of the place that the amount is about, empty where none was found; `doubt` is what is not
    certain, as `AmountValue` has it, and `place` at its end where the place is. `context` is the text of the sentence.
    """

    article: str
    sentence: str
    start: int
    end: int
    text: str
    about: str
    low: str | None
    high: str | None
    unit: str
    dimension: str
    per: str
    approx: str
    bound: str
    base_low: str | None
    base_high: str | None
    base_unit: str
    place: str
    doubt: str
    context: str


_DOLLARS = {"新台币": "NT[$]|[台臺][币幣]", "港元": "HK[$]|港[元币幣]", "澳门元": "澳[门門][元币幣]"}
_DOLLAR_OF = {"台湾省": "新台币", "香港特别行政区": "港元", "澳门特别行政区": "澳门元"}
COLUMNS = tuple(field.name for field in fields(Row))
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Meaning:
    """All that an article's spans mean."""

    rows: tuple[Row, ...]
    places: tuple[Place, ...]
    people: People


def article_meaning(article: Article, sentences: Sequence[Sentence]) -> Meaning:
    """Return what the spans of one layer mean, of one article's sentences in any order; VersionError for another article's."""
    strange = next((sentence for sentence in sentences if sentence.article != article.id), None)
    if strange is not None:
        raise VersionError(f"the article is {article.id}, not {strange.article}", where=strange.id)
    ordered = sorted(sentences, key=lambda sentence: sentence.start)
    places = resolve_places(ordered)
    subjects = subject_places(article, ordered, places)
    rows: list[Row] = []
    starts = [block.start for block in article.blocks]
    year, paragraph, traditional = None, 0, is_traditional(article.raw)
    yuan, sign = _dollars(article.raw, places if traditional else ())
    for sentence in ordered:
        # A time holds for the rest of its paragraph.
        before, paragraph = paragraph, bisect_right(starts, sentence.start)
        year = year if before == paragraph else None
        # Not into the next or the last span: those are other things.
        lefts = [0, *(span.end for span in sentence.spans)]
        rights = [*(span.start for span in sentence.spans[1:]), len(sentence.text)]
        for span, *reach in zip(sentence.spans, lefts, rights, strict=False):
            if span.label == LABEL:
                subject = subjects[sentence.id, span.start]
                # 元 and $ may be the dollar of a place there, or of the writing.
                there = traditional or subject.path.startswith(tuple(_DOLLAR_OF))
                value = read_amount(sentence.text, span.start, span.end, year=year, dollar=yuan if there else "")
                if there and value and (value.unit, value.doubt) == ("美元", "currency"):
                    value = replace(value, unit=sign)
                row = _amount_row(article, sentence, span, reach, subject, value)
                last = rows[-1] if rows and (rows[-1].sentence, rows[-1].end) == (row.sentence, reach[0]) else None
                same = last and not row.about and _SAME.fullmatch(sentence.text, last.end, row.start)
                rows.append(replace(row, about=last.about) if last and same else row)
        year = year_of(sentence.text, year)
    return Meaning(tuple(rows), places, group_people(ordered))


def _dollars(text: str, places: Iterable[Place]) -> tuple[str, str]:
    """Return what 元 and $ may be in a text of Taiwan, Hong Kong or Macau, 元 and 美元 where nothing says it.

    It is the one currency of theirs that the text names, 元 only beside no yuan of the mainland; else that of the one of them in which
    places may be, where none is known to be in a province.
    """
    names = {name for name, pattern in _DOLLARS.items() if re.search(pattern, text)}
    if not names:
        heads = [{one.path[0] for one in place.candidates} for place in places]
        if not any(len(one) == 1 and one.isdisjoint(_DOLLAR_OF) for one in heads):
            names = {_DOLLAR_OF[head] for one in heads for head in one.intersection(_DOLLAR_OF)}
    name = names.pop() if len(names) == 1 else ""
    return name if name and not re.search("人民[币幣]|RMB|CNY", text) else "元", name or "美元"


def neutralize_cell(value: object) -> object:
    """Return a cell with an apostrophe before what a spreadsheet takes for a formula; numbers stay as they are."""
    is_formula = isinstance(value, str) and value.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value


def rows_as_csv(rows: Iterable[Any], columns: Sequence[str] = COLUMNS) -> str:
    """Return rows, dataclasses with these fields, as CSV with a header line; see `neutralize_cell`."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: neutralize_cell(value) for name, value in asdict(row).items()} for row in rows)
    return buffer.getvalue()


def find_kind(path: Path) -> Literal["csv", "parquet"]:
    """Return what a table of this name is, by its ending; another ending raises UsageError."""
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError("a table is .csv or .parquet", where=str(path), next_step="Name it NAME.csv or NAME.parquet")
    return "csv" if path.suffix == ".csv" else "parquet"


def write_table(path: str | Path, rows: Sequence[Any], kind: type = Row) -> None:
    """Write rows, dataclasses of one kind, as CSV (with a byte order mark, which spreadsheets need for Chinese) or Parquet, see `find_kind`.

    Parquet without pyarrow raises MissingExtraError.
    """
    path = Path(path)
    if find_kind(path) == "csv":
        write_text(path, f"\ufeff{rows_as_csv(rows, [field.name for field in fields(kind)])}")
    else:
        write_bytes(path, _parquet(rows, kind))


def _parquet(rows: Sequence[Any], kind: type) -> bytes:
    try:
        import pyarrow as pa  # noqa: PLC0415 — an extra that the base install does not have
        from pyarrow import parquet  # noqa: PLC0415 — as above
    except ImportError:
        next_step = f"{extra_advice('table')}; or write .csv"
        raise MissingExtraError("Parquet needs pyarrow", next_step=next_step) from None

    columns = ((field.name, pa.int64() if field.type == "int" else pa.string()) for field in fields(kind))
    schema = pa.schema(list(columns))
    cells = [asdict(row) for row in rows]
    for row in cells:
        # Names of files need not be UTF-8, which a table is.
        row.update({name: LONE_SURROGATE.sub("\ufffd", one) for name, one in row.items() if isinstance(one, str)})
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(cells, schema=schema), buffer)
    return buffer.getvalue()


def in_words(row: Row) -> str:
    """Return an amount as text with what its surroundings add: 约2300元/亩, 1000元/亩 以上; ? where that is not certain."""
    before = row.approx if row.approx in ("约", "近") else ""
    per = f"/{row.per}" if row.per and "/" not in row.text else ""
    return f"{before}{row.text}{per}{'?' * (row.doubt not in ('', PLACE_DOUBT))} {row.bound}".rstrip()


def place_in_words(row: Row) -> str:
    """Return the path of an amount's place, with ? where it is not certain."""
    return f"{row.place}{'?' * row.doubt.endswith(PLACE_DOUBT)}"


def _amount_row(
    article: Article, sentence: Sentence, span: Span, reach: Sequence[int], subject: Subject, value: AmountValue | None
) -> Row:
    start, end, text = span.start, span.end, sentence.text
    if value and value.doubt in ("", "era") and _is_cut(article.raw, sentence.start + start, sentence.start + end):
        value = replace(value, doubt="reading")
    rest = _REST.match(text, reach[0], start) if reach[0] else None
    before = text[max(rest.end() if rest else reach[0], start - REACH) : start]
    about = _about(before, text[end : min(reach[1], end + REACH)], value)
    if not about and (cell := _ROW.match(text, 0, start)):
        about = cell[1]
    place, doubt = subject.path, "" if subject.is_sure else PLACE_DOUBT
    where = (article.name, sentence.id, start, end, text[start:end], about)
    if value is None:
        return Row(*where, None, None, "", "", "", "", "", None, None, "", place, doubt, text)
    low, high = write_numeral(value.low), write_numeral(value.high)
    said = (value.unit, value.dimension, value.per, value.approx, " ".join(value.bound))
    base = in_base(value)
    base_low, base_high, base_unit = (_rounded(base[0]), _rounded(base[1]), base[2]) if base else (None, None, "")
    doubt = f"{value.doubt} {doubt}".strip()
    return Row(*where, low, high, *said, base_low, base_high, base_unit, place, doubt, text)


def _is_cut(raw: str, start: int, end: int) -> bool:
    """Tell whether the end of a line or a digit as a keycap may have cut the numeral of an amount in two."""
    if KEYCAP in raw[max(0, start - 1) : end]:
        return True
    before = _CUT_NUMERAL.search(raw, max(0, start - 6), start + 1)
    thousands = _CUT_THOUSANDS.search(raw, max(0, start - 9), start + 4)
    if thousands and thousands.end() == start:
        return True
    return (before is not None and before.end() > start) or _CUT_NUMERAL.match(raw, end - 1) is not None


def _about(before: str, after: str, value: AmountValue | None) -> str:
    """Return what is counted, as the text has it: after a classifier the noun, else what stands before the amount."""
    before = _FILLER.sub("", _EACH.sub("", _CLAUSE.split(_ASIDE.sub("", before))[-1]))
    after = re.sub("^(?:以上|以下|左右|多|余|的)+", "", _CLAUSE.split(to_half_width(after))[0])
    # From a border on or up to it; where there is none, nothing is better than half a word.
    if len(before) > ABOUT_LENGTH:
        border = _BORDER.search(before, len(before) - ABOUT_LENGTH - 1)
        before = before[border.end() :] if border else before * (len(before) <= LONGEST_ABOUT)
    if len(after) > ABOUT_LENGTH:
        border = _BORDER.search(after, 1, ABOUT_LENGTH)
        after = after[: border.start()] if border else ""
    counted = value is not None and value.dimension == "count"
    return (after or before) if counted else (before or after)


def _rounded(value: Fraction) -> str:
    # Of what is small, as many figures.
    places = BASE_PLACES
    while value and abs(value) * 10**places < 10 ** (BASE_PLACES - 1):
        places += 1
    return write_numeral(Decimal(f"{round(value * 10**places)}E-{places}"))
