"""A source file as an article: decoded, cut into blocks, with its metadata; and sentences of articles and layers alike."""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path

from biaozhu.data.errors import (
    BiaozhuError,
    DuplicateError,
    EmptyArticleError,
    EncodingError,
    MissingFileError,
    raise_collected,
)
from biaozhu.data.files import MAX_ARTICLE_BYTES, as_path, as_paths, report_unreadable
from biaozhu.data.layers import find_layers, is_beside, join_layers, layer_stem, read_layer
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Article, LeftOut, Metadata, Sentence
from biaozhu.data.outputs import ARTICLE_SUFFIXES, COMPRESSED, READ_SUFFIXES
from biaozhu.reading.encodings import decode_source
from biaozhu.reading.sentences import split_article

STDIN = "-"
HTML_SUFFIXES = ARTICLE_SUFFIXES - {".txt"}


def read_article(path: str | Path) -> Article:
    """Read one source file, plain text or HTML, or standard input, which `-` means.

    Plain text is UTF-8, UTF-16 with a byte order mark, or GB18030; nothing of it is normalised, so that encoding `raw` again gives the
    file's bytes. Of an HTML page, `raw` is the extracted text, and `encoding` begins with `html:`; of a text with hard-wrapped lines it is
    that with the lines joined, and `encoding` begins with `joined:`. `sha256` and `id` are then those of the UTF-8 bytes of `raw`, so that
    it is the same article when saved and read again. Its name is that of the file without the suffix, as `layer_stem` gives it. A file
    that is binary, JSON Lines, too large, or in no encoding that is sure raises EncodingError, one without text EmptyArticleError.
    """
    path = as_path(path)
    if path.suffix.lower() == ".jsonl":
        # Its spans and names would be annotated as text.
        advice = "Read a layer by --layer, in Python by `read_layer`, and texts in JSON Lines by `biaozhu preannotate`"
        raise EncodingError("these are lines of JSON, not an article", where=str(path), next_step=advice)
    page = path.suffix.lower() in HTML_SUFFIXES
    name = "stdin" if str(path) == STDIN else layer_stem(path.stem)
    return article_from_bytes(read_source(path), name=name, where=str(path), page=page)


def article_from_bytes(
    data: bytes, *, name: str, where: str, page: bool = False, allow_furniture: bool = False
) -> Article:
    """Read an article whose bytes are already here, and which errors name as `where`; for those see `read_article`.

    It is an HTML page if `page` says so, or if it begins like one. With `allow_furniture` it may be nothing else.
    """
    # Their patterns take long to compile, and most commands read no article.
    from biaozhu.reading.blocks import find_blocks  # noqa: PLC0415 — as said above
    from biaozhu.reading.hard_wraps import join_wrapped  # noqa: PLC0415 — as said above

    stated, left_out = Metadata(), tuple[LeftOut, ...]()
    if page or looks_like_html(data):
        # Only pages pay for loading the extractor.
        from biaozhu.reading.page import read_page  # noqa: PLC0415 — as said above

        raw, encoding, stated, left_out = read_page(data, where=where)
        data, encoding = raw.encode("utf-8"), f"html:{encoding}"
        if looks_like_html(data):
            # Saved and read again it would be taken for a page, and be another article.
            raise EncodingError("the text of the page begins like HTML itself", where=where)
    else:
        raw, encoding = decode_source(data, where=where)
        if (joined := join_wrapped(raw)) != raw:
            raw, data, encoding = joined, joined.encode("utf-8"), f"joined:{encoding}"
    blocks, found = find_blocks(raw)
    if not blocks:
        raise EmptyArticleError("nothing but white space", where=where)
    if not allow_furniture and all(block.kind == "furniture" for block in blocks):
        raise EmptyArticleError("nothing but page furniture: dates, sources, menus", where=where)
    digest = hashlib.sha256(data).hexdigest()
    metadata = Metadata(*(getattr(stated, one.name) or getattr(found, one.name) for one in fields(Metadata)))
    return Article(digest[:12], name, digest, encoding, raw, blocks, metadata, left_out)


def find_articles(paths: str | Path | Iterable[str | Path]) -> tuple[Path, ...]:
    """Replace each folder by the articles in it, by name: files that end in one of `ARTICLE_SUFFIXES`.

    A folder without any stays as it is, so that reading refuses it together with all else that is wrong.
    """
    files: list[Path] = []
    for path in as_paths(paths):
        inside = path.iterdir() if path.is_dir() else ()
        files += sorted(file for file in inside if file.suffix.lower() in ARTICLE_SUFFIXES) or [path]
    return tuple(files)


def find_unread(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the subfolders whose own articles `find_articles` passes over, but none that is given, too, nor a hidden one."""
    folders = [path for path in paths if path.is_dir()]
    given = {path.resolve() for path in folders}
    found = []
    for path in folders:
        for inside, below, names in os.walk(path):
            # Hidden ones, as an environment's, may hold very many files; a page that a browser saved has parts of it beside it.
            parts = {f"{Path(name).stem}_files" for name in names if Path(name).suffix.lower() in HTML_SUFFIXES}
            below[:] = [name for name in below if not name.startswith(".") and name not in parts]
            shown = (Path(name) for name in names if not name.startswith("."))
            if any(one.suffix.lower() in ARTICLE_SUFFIXES for one in shown):
                found.append(Path(inside))
    return tuple(sorted({one for one in found if one.resolve() not in given}))


# `~$` is a lock of an office program.
NO_TEXTS = (".", "~$", "README", "THUMBS.DB", "DESKTOP.INI")


def count_passed_over(folder: Path, *, stream: bool = False) -> Counter[str]:
    """Count by ending the files directly in a folder that no command reads; hidden ones, systems' own and a README say so themselves.

    Layers and tables are read in a stream, and else of a folder without articles alone.
    """
    whole = stream or find_articles([folder]) == (folder,)
    read = READ_SUFFIXES | COMPRESSED if whole else ARTICLE_SUFFIXES
    return Counter(
        file.suffix.lower() or file.name
        for file in folder.iterdir()
        if file.is_file()
        and file.suffix.lower() not in read | {".ann"}
        and not is_beside(file)
        and not file.name.upper().startswith(NO_TEXTS)
    )


def read_articles(paths: str | Path | Iterable[str | Path]) -> tuple[Article, ...]:
    """Read source files, and those of folders, in order; it raises what `read_readable` leaves out, for all files together."""
    articles, problems = read_readable(find_articles(paths))
    raise_collected(problems)
    return tuple(articles.values())


def read_readable(
    paths: Iterable[Path], work: Counter[str] | None = None
) -> tuple[dict[Path, Article], tuple[BiaozhuError, ...]]:
    """Read several source files, in order, and leave out those that cannot be read; where none can, all errors are raised.

    Returned are the articles by their files, and what is wrong with each file left out: what `read_article` raises, or DuplicateError
    where it is the same article as another, since their sentences would share ids. Of copies the one stays whose name has most `work`,
    as the layers there are of it, else the first.
    """
    paths, work = list(paths), work or Counter()
    articles: dict[Path, Article] = {}
    seen: dict[str, Path] = {}
    problems: list[BiaozhuError] = []
    for path in sorted(paths, key=lambda path: -work[layer_stem(path.stem)]):
        try:
            article = read_article(path)
        except BiaozhuError as error:
            problems.append(error)
            continue
        if article.id in seen:
            what = f"the same text as {seen[article.id]}"
            problems.append(DuplicateError(what, where=str(path), next_step="Give it once"))
            continue
        seen[article.id] = path
        articles[path] = article
    if not articles:
        raise_collected(problems)
    return {path: articles[path] for path in paths if path in articles}, tuple(problems)


def list_left_out(article: Article) -> tuple[Entry, ...]:
    """Return for the ledger what of a source is not annotated: furniture, and a page's text outside the article."""
    reason = "a line around the text, such as its source, date or menu"
    left_out = [(article.id, one.reason, one.text) for one in article.left_out]
    for block in article.blocks:
        if block.kind == "furniture":
            text = article.raw[block.start : block.end]
            left_out.append((f"{article.id}:{block.start}-{block.end}", reason, text))
    return tuple(Entry("read", "decision", reason, place, 0, len(text), "", text) for place, reason, text in left_out)


def read_source(path: Path) -> bytes:
    """Return the bytes of a source file or of `-`, at most `MAX_ARTICLE_BYTES`; for what it raises see `read_article`."""
    # A pipe that lies among the articles of a folder would be waited for without end; one from a shell has no such name.
    if path.suffix.lower() in ARTICLE_SUFFIXES and path.is_fifo():
        raise MissingFileError("this is not a file", where=str(path))
    if path.is_dir():
        raise MissingFileError("this is a folder without articles (*.txt, *.html)", where=str(path))
    try:
        with report_unreadable(path), nullcontext(sys.stdin.buffer) if str(path) == STDIN else path.open("rb") as file:
            data = file.read(MAX_ARTICLE_BYTES + 1)
    except ValueError as error:  # NUL in its name
        raise MissingFileError(f"cannot be read ({error})", where=str(path)) from None
    if len(data) > MAX_ARTICLE_BYTES:
        what = f"more than {MAX_ARTICLE_BYTES >> 20} MiB, which is too large for an article"
        raise EncodingError(what, where=str(path), next_step="Cut it into one file an article")
    return data


def is_rewritten(data: bytes) -> bool:
    """Return whether an article's text is not that of its file: it is an HTML page, or has hard-wrapped lines."""
    if looks_like_html(data):
        return True
    try:
        raw, _ = decode_source(data, where="")
    except BiaozhuError:
        return False
    from biaozhu.reading.hard_wraps import join_wrapped  # noqa: PLC0415 — as in `article_from_bytes`

    return join_wrapped(raw) != raw


def looks_like_html(data: bytes) -> bool:
    """Return whether a file begins as an HTML page does."""
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype html", b"<html")) or (head.startswith((b"<?xml", b"<!--")) and b"<html" in head)


def read_sentences(files: str | Path | Iterable[str | Path]) -> tuple[Sentence, ...]:
    """Return the sentences of layers (`*.jsonl`, with their spans) and of articles, in this order.

    It raises what `join_layers` and `read_articles` do, and DuplicateError for an article that a layer has too; folders of either are read
    as well.
    """
    layers, sources = divide_sources(as_paths(files))
    read = [(path, read_layer(path)) for path in find_layers(layers)]
    sentences, articles = join_layers(read), read_articles(sources)
    layer_of = {sentence.article: path for path, layer in read for sentence in layer}
    again = [
        DuplicateError(f"article {one.id} is in {layer_of[one.id]} too", where=str(path), next_step="Give it once")
        for path, one in zip(sources, articles, strict=True)
        if one.id in layer_of
    ]
    raise_collected(again)
    return (*sentences, *(sentence for article in articles for sentence in split_article(article)))


def list_layer_sources(files: Iterable[Path]) -> list[Path]:
    """Return those of files and folders from which layers are read."""
    return [path for path in files if path.exists() and divide_sources([path])[0]]


def divide_sources(files: Iterable[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the layers and the articles of files and folders; a folder of layers alone is one of layers."""
    layers: list[Path] = []
    articles: list[Path] = []
    for path in files:
        inside = find_articles([path])
        is_layer = path.suffix == ".jsonl" or (inside == (path,) and any(path.glob("*.jsonl")))
        layers += [path] if is_layer else []
        articles += () if is_layer else inside
    return find_layers(layers), tuple(articles)
