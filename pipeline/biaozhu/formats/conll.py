r"""CoNLL columns with BIO tags: a character and its tag on each line, a blank line after each sentence.

We write the character, a tab and the tag, in the IOB2 scheme (every span begins with B-), and before each sentence
`# sent_id = <id>` and `# text_sha = <checksum>`. A character that is white space, invisible, a control or a backslash is written `\u{hex}`; the
first line of the file says so, and only in a file with that line are such escapes read. Columns carry no sources and
no scores.

Of other files the first column is the token (the second, where the first numbers the tokens), the last the tag; columns are
separated by a tab or, in a line without one, by white space, which may be a token, too. Spans of other columns of tags are
losses where the column shares a label with the last, else (chunks) decisions. Rows of CoNLL-U that number several
tokens (`1-2`) or none (`2.1`) are left out. A line that begins with `-DOCSTART-` or `# newdoc` begins an
article. Tokens are joined as they are. The schemes IOB2, IOB1, BIOES, BMES and BILOU are known; a span whose tags are of
none that the file's may be (an I- without a beginning, as in conlleval) is a decision.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

from biaozhu.data.errors import FormatError
from biaozhu.data.files import is_file_name
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, is_unicode
from biaozhu.formats import documents
from biaozhu.formats.documents import BREAKS, Document, ExportedFiles, StatedSpan, make_entry
from biaozhu.formats.serialization import checksum_text

DECLARATION = r"# biaozhu characters, IOB2, white space and \ as \u{hex}"
OUR_COMMENT = re.compile(r"# (sent_id|text_sha) = (\S+)")
ESCAPE = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
# CoNLL-U's number of a row that is no token of its own.
NO_TOKEN = re.compile(r"[0-9]+[-.][0-9]+")
BLANK_TOKEN = re.compile(r"[^ ]+|(?:^|(?<= )) (?= )")
KEY = re.compile(r"# ?\S+ = ")
TAG = re.compile(r"O|([BIMESLU])-(.+)", re.DOTALL)
ARTICLE = re.compile(r"-DOCSTART-|# ?newdoc(?: +id *= *(\S.*?))?\s*$")
# Bytes of the longest id that names an article's file.
MAX_NAME_BYTES = 100
BROKEN = "its tags fit no scheme that the file can have: taken as in conlleval"
LINE_ENDS = BREAKS - {"\t"}
SOURCE = "conll"
_Tag = tuple[str, str]  # prefix and label
_Row = tuple[str, _Tag, list[str]]  # a token, its tag and the columns between


@dataclass(frozen=True, slots=True)
class _TokenSpan:
    # `is_split`: the span before it ends here and has its label, so that IOB1 begins it with B-.
    start: int
    end: int
    label: str
    prefixes: str
    is_split: bool


def write_conll(sentences: Sequence[Sentence]) -> ExportedFiles:
    """Write sentences as IOB2."""
    lines = [DECLARATION]
    for sentence in sentences:
        tags = ["O"] * len(sentence.text)
        for span in sentence.spans:
            label = _escape(span.label)
            tags[span.start : span.end] = [f"B-{label}"] + [f"I-{label}"] * (span.end - span.start - 1)
        lines += [f"# sent_id = {sentence.id}", f"# text_sha = {checksum_text(sentence.text)}"]
        lines += [f"{_escape(one)}\t{tag}" for one, tag in zip(sentence.text, tags, strict=True)]
        lines += [""]
    return ExportedFiles({"": documents.encode_lines(lines)})


def read_conll(data: bytes, *, where: str) -> tuple[Document, ...]:
    """Read columns with tags."""
    lines = documents.split_file_lines(documents.decode_utf8(data, where=where))
    is_escaped = lines[0] == DECLARATION
    read: list[tuple[str, tuple[list[_Row], dict[str, str], list[Entry]]]] = []
    rows: list[_Row] = []
    problems: list[FormatError] = []
    left_out: list[Entry] = []
    article, carried = "", dict[str, str]()
    begun, used = 0, Counter[str]()
    plain = [line for line in lines if "\t" not in line and not line.startswith("#") and not ARTICLE.match(line)]
    widths = {len(_split_line(line)) for line in plain}
    column = 1 if _are_numbered(lines, widths) else 0
    for number, line in enumerate([*lines, ""], 1):
        begins = ARTICLE.match(line)
        if not line.strip(" \t") or begins:
            if rows:
                read.append((article, (rows, carried, left_out)))
                rows, carried, left_out = [], {}, []
            if begins:
                begun, named = begun + 1, begins[1] or ""
                fits = is_file_name(named) and len(named.encode()) <= MAX_NAME_BYTES
                article = _free_name(named if fits else str(begun), used)
        elif _is_comment(line, widths):
            if found := OUR_COMMENT.match(line):
                carried[found[1]] = found[2]
        elif column and NO_TOKEN.fullmatch((columns := _split_line(line))[0]):
            if (tag := TAG.fullmatch(columns[-1].strip())) and tag[2]:
                left_out.append(make_entry("a row numbered 1-2 or 2.1 is not a token", text=line[:200]))
        elif row := _read_columns(line, max(widths, default=0), column, is_escaped=is_escaped):
            rows.append(row)
        else:
            what, advice = f"no tag in {line[:40]!r}", "A line is a token and a tag such as B-LOC"
            problems.append(FormatError(what, where=f"{where}:{number}", next_step=advice))
    documents.raise_refused(problems, read)
    spans = [span for _, (rows, _, _) in read for span in _find_spans([tag for _, tag, _ in rows])]
    labels = {span.label for span in spans}
    others = [found for _, (rows, _, _) in read for found in _find_others(rows)]
    nested = {column for column, found in others if any(span.label in labels for span in found)}
    join = partial(_join_rows, form=_find_form(spans), nested=nested)
    is_one = len({name for name, _ in read}) == 1
    return tuple(replace(join(*rest), name="" if is_one else name) for name, rest in read)


def _free_name(name: str, used: Counter[str]) -> str:
    """Return the name, with a number if it is used, and count it as used; file systems may not tell capitals from small letters."""
    used[name.casefold()] += 1
    if (count := used[name.casefold()]) == 1:
        return name
    return _free_name(f"{name}-{count}", used)


def _escape(text: str) -> str:
    return "".join(rf"\u{{{ord(one):x}}}" if one in " \\" or not one.isprintable() else one for one in text)


def _unescape_one(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= sys.maxunicode and is_unicode(chr(code)) else match[0]


def _is_comment(line: str, widths: Collection[int]) -> bool:
    """Tell whether this is a comment, even one that ends like a tag; `widths` counts columns of lines without a tab."""
    if not line.startswith("#") or "\t" in line:
        return line.startswith("# ")
    # In files whose columns are separated by white space `# O` is the character # with its tag.
    columns = line.split()
    return not (TAG.fullmatch(columns[-1]) and len(columns) in widths) or bool(KEY.match(line))


def _are_numbered(lines: Iterable[str], widths: Collection[int]) -> bool:
    """Tell whether the first of three or more columns numbers the tokens, from 0 or 1 on, in each sentence or throughout."""
    last, begins, is_counted, is_wide = -1, True, False, False
    for line in lines:
        columns = _split_line(line)
        if not line.strip(" \t") or ARTICLE.match(line):
            begins = True
        elif not (_is_comment(line, widths) or NO_TOKEN.fullmatch(columns[0])):
            if columns[0] != str(last + 1) and not (begins and columns[0] in ("0", "1")):
                return False
            is_counted |= not begins
            is_wide |= bool(columns[2:])
            last, begins = int(columns[0]), False
    return is_counted and is_wide


def _split_line(line: str, width: int = 0) -> list[str]:
    """Return the columns; one that is a space is recognized where the others are fewer than `width` by one."""
    if "\t" in line:
        return line.split("\t")
    columns = [one.strip() or one for one in line.split(" ") if one]
    if len(columns) == width - 1 and len(spaced := BLANK_TOKEN.findall(line)) == width:
        return spaced
    return columns if len(columns) > 1 else line.split() or [line]


def _read_columns(line: str, width: int, column: int, *, is_escaped: bool) -> _Row | None:
    """Return the token, its tag and the columns between them, or None where there is no known tag."""
    token, _, others = line.partition("\t")
    if not LINE_ENDS.isdisjoint((others or token).strip()):
        return None  # what another program takes for several lines
    columns = _split_line(line, width)
    match = TAG.fullmatch(columns[-1] if is_escaped else columns[-1].strip())
    if match is None or len(columns) <= column + 1 or not columns[column]:
        return None
    token, label = columns[column], match[2] or ""
    if is_escaped:
        token, label = (ESCAPE.sub(_unescape_one, text) for text in (token, label))
    return token, (match[1] or "O", label), columns[column + 1 : -1]


def _find_spans(tags: Iterable[_Tag]) -> list[_TokenSpan]:
    found: list[_TokenSpan] = []
    open_label = None
    for number, (prefix, label) in enumerate(tags):
        if prefix in "IMEL" and label == open_label:
            found[-1] = replace(found[-1], end=number + 1, prefixes=found[-1].prefixes + prefix)
        elif prefix != "O":
            is_split = bool(found) and (found[-1].end, found[-1].label) == (number, label)
            found.append(_TokenSpan(number, number + 1, label, prefix, is_split))
        open_label = None if prefix in "OESLU" else label
    return found


def _find_others(rows: Iterable[_Row]) -> Iterator[tuple[int, list[_TokenSpan]]]:
    """Yield the number and the spans of each other column that holds nothing but tags."""
    for number, column in enumerate(zip(*(others for _, _, others in rows), strict=False)):
        tags = [tag for tag in map(TAG.fullmatch, map(str.strip, column)) if tag]
        if len(tags) == len(column):
            yield number, _find_spans((tag[1] or "O", tag[2] or "") for tag in tags)


def _find_form(spans: Iterable[_TokenSpan]) -> re.Pattern[str]:
    """Return the form that the prefixes of a span have in the scheme of these."""
    used = {prefix for span in spans for prefix in span.prefixes}
    if used & set("MESLU"):
        return re.compile("B[IM]*[EL]|[SU]" if used & set("SU") else "B[IM]*[EL]|B")
    is_iob1 = all(span.is_split for span in spans if span.prefixes[0] == "B")
    return re.compile("B?I*" if is_iob1 else "BI*")


def _join_rows(
    rows: Sequence[_Row],
    carried: Mapping[str, str],
    left_out: Iterable[Entry],
    *,
    form: re.Pattern[str],
    nested: Collection[int],
) -> Document:
    text = "".join(token for token, _, _ in rows)
    edges = [0, *accumulate(len(token) for token, _, _ in rows)]
    stated: list[StatedSpan] = []
    entries = [*left_out]

    def enter(span: _TokenSpan, reason: str, *, decided: bool) -> None:
        start, end = edges[span.start], edges[span.end]
        entries.append(make_entry(reason, start, end, span.label, text[start:end], decided=decided))

    for span in _find_spans(tag for _, tag, _ in rows):
        stated.append(StatedSpan(edges[span.start], edges[span.end], span.label, source=SOURCE))
        if not form.fullmatch(span.prefixes):
            enter(span, BROKEN, decided=True)
    for column, found in _find_others(rows):
        for span in found:
            enter(span, "it is in another column of tags", decided=column not in nested)
    home = documents.read_id(carried.get("sent_id"), carried.get("text_sha"), text)
    return documents.make_document(text, stated, unit="codepoints", sentence_id=home, entries=entries)
