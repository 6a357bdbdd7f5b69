r"""CoNLL columns with BIO tags: a character and its tag on each line, a blank line after each sentence.

We write the character, a tab and the tag, in the IOB2 scheme (every span begins with B-), and before each sentence
`# sent_id = <id>`. A character that is white space, invisible, a control or a backslash is written `\u{hex}`, and
the first line of the file says so; only in a file that begins with that line are such escapes read. A format of
columns carries no sources and no scores.

Read are files of anybody: the first column is the token, the last the tag, columns are parted by a tab or, in a line
without one, by white space. Tokens of more characters are joined as they are. Schemes: IOB2, IOB1, BIOES, BMES,
BILOU; an I- without a beginning begins a span, as in conlleval.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from biaozhu.data.errors import FormatError, raise_collected
from biaozhu.formats.foreign_document import Document, Export, Stated, decoded, make_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from biaozhu.data.model import Sentence

DECLARATION = r"# biaozhu characters, IOB2, white space and \ as \u{hex}"
SENT_ID = re.compile(r"# sent_id = (\S+)")
ESCAPE = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
TAG = re.compile(r"O|([BIMESLU])-(.+)", re.DOTALL)
DOCSTART = "-DOCSTART-"
SOURCE = "conll"


def write_conll(sentences: Sequence[Sentence]) -> Export:
    """Return sentences as IOB2, see the module's text."""
    lines = [DECLARATION]
    for sentence in sentences:
        tags = ["O"] * len(sentence.text)
        for span in sentence.spans:
            label = escaped(span.label)
            tags[span.start : span.end] = [f"B-{label}"] + [f"I-{label}"] * (span.end - span.start - 1)
        lines += [f"# sent_id = {sentence.id}"]
        lines += [f"{escaped(one)}\t{tag}" for one, tag in zip(sentence.text, tags, strict=True)]
        lines += [""]
    return Export({"": "".join(f"{line}\n" for line in lines).encode("utf-8")})


def escaped(text: str) -> str:
    r"""Return text with white space, invisible characters, controls and backslashes as `\u{hex}`."""
    return "".join(rf"\u{{{ord(one):x}}}" if one in " \\" or not one.isprintable() else one for one in text)


def read_conll(data: bytes, *, where: str) -> tuple[Document, ...]:
    """Read columns with tags.

    Raises:
        FormatError: lines have no tag that is known; all are reported together.
    """
    # Only line feeds end a line: a character may be U+2028 or U+0085 in files of others.
    lines = [line.removesuffix("\r") for line in decoded(data, where=where).split("\n")]
    ours = lines[0] == DECLARATION
    documents: list[Document] = []
    rows: list[tuple[str, str, str]] = []
    problems: list[FormatError] = []
    sid = ""
    for number, line in enumerate([*lines, ""], 1):
        if not line.strip(" \t") or line.startswith(DOCSTART):
            if rows:
                documents.append(_document(rows, sid))
            rows, sid = ([], "") if rows else (rows, sid)
        elif "\t" not in line and _is_comment(line):
            found = SENT_ID.match(line)
            sid = found[1] if found else sid
        else:
            row = _row(line, ours=ours)
            if row is None:
                problems.append(FormatError(f"no tag in {line[:40]!r}", where=f"{where}:{number}"))
            else:
                rows.append(row)
    raise_collected(problems)
    return tuple(documents)


def _is_comment(line: str) -> bool:
    # In files parted by white space `# O` is the character # with its tag.
    return line.startswith("#") and TAG.fullmatch(line.rsplit(maxsplit=1)[-1]) is None


def _row(line: str, *, ours: bool) -> tuple[str, str, str] | None:
    columns = line.split("\t") if "\t" in line else line.split()
    if not columns:  # white space of other kinds alone
        return None
    match = TAG.fullmatch(columns[-1].strip() if not ours else columns[-1])
    if match is None or len(columns) == 1 or not columns[0]:
        return None
    token, label = columns[0], match[2] or ""
    if ours:
        token, label = (ESCAPE.sub(_character, text) for text in (token, label))
    return token, match[1] or "O", label


def _character(match: re.Match[str]) -> str:
    try:
        character = chr(int(match[1], 16))
        character.encode("utf-8")
    except ValueError:  # no code point, or a surrogate, which no UTF-8 file can hold
        return match[0]
    return character


def _document(rows: Iterable[tuple[str, str, str]], sid: str) -> Document:
    text = ""
    spans: list[Stated] = []
    open_label: str | None = None
    for token, prefix, label in rows:
        start, text = len(text), text + token
        if prefix != "O" and prefix in "IMEL" and label == open_label:
            spans[-1] = Stated(spans[-1].start, len(text), label, source=SOURCE)
        elif prefix != "O":
            spans.append(Stated(start, len(text), label, source=SOURCE))
        open_label = None if prefix in "OESLU" else label
    return make_document(text, spans, units=False, sid=sid)
