"""The rows of the table of bad input that several test files read."""

from __future__ import annotations

from bad_files import LABELS

SCORED = "--gold good.jsonl --layer a=good.jsonl"
# Each of them with bad.txt, or bad.jsonl, where a good file would make it end with status 0: a test below says so.
ARTICLE_COMMANDS = (
    "read bad.txt",
    "split bad.txt -o out.jsonl --text out.txt",
    "preannotate bad.txt -o out.jsonl --layers layers --ledger",
    "table bad.txt -o out.csv --names names.csv",
    "predict model bad.txt -o out.jsonl",
    "crossval good.cfg --gold good.jsonl --article bad.txt --at-least 1 -o out.jsonl --ledger ledger.jsonl",
    "evaluate --gold good.jsonl --layer good.jsonl --article bad.txt -o out.json",
    f"report {SCORED} --article bad.txt -o out",
    "import marked.ann --format brat --article bad.txt -o out.jsonl",
    "compare good.jsonl b=good.jsonl --gold good.jsonl --article bad.txt -o out.json",
)
LAYER_COMMANDS = (
    "export bad.jsonl --format conll -o out.conll",
    "export bad.jsonl --format brat -o out",
    "evaluate --gold bad.jsonl --layer good.jsonl -o out.json",
    "evaluate --gold good.jsonl --layer bad.jsonl -o out.json",
    "evaluate --gold good.jsonl --layer good.jsonl --train bad.jsonl -o out.json",
    "compare good.jsonl b=bad.jsonl --gold good.jsonl -o out.json",
    "agree anna bad.jsonl -o out.json",
    "adjudicate anna bad.jsonl -o out.jsonl --questions questions.jsonl",
    "gold diff good.jsonl bad.jsonl",
    "train good.cfg --gold bad.jsonl -o new",
    "train good.cfg --held-out bad.jsonl -o new",
    "crossval good.cfg --gold bad.jsonl --article good.txt --at-least 1 -o out.jsonl",
    "predict model bad.jsonl -o out.jsonl",
    "table good.txt --layer bad.jsonl -o out.csv",
    "report --gold bad.jsonl --layer a=good.jsonl -o out",
    "report --gold good.jsonl --layer a=bad.jsonl -o out",
    f"report {SCORED} --annotator b=bad.jsonl -o out",
)
# These need a server or more words than a test has, and read their layers before they look for either.
SERVER_COMMANDS = (
    "push bad.jsonl",
    "pull --compare bad.jsonl -o out",
    "segmenter --words bad.jsonl --dev good.jsonl -o new",
)
CONFIG = "train good.cfg -o new"

DEEP = "[" * 100_000
OTHER_FILES = (
    ("export good.jsonl --format conll -o out.conll --labels bad", ("\x7fELF", "", 'label = "x"', "label = [1]", LABELS.read_text(encoding="utf-8").replace("definition", "definitoin", 1)), r"BZ018 bad: "),
    ("adjudicate anna bert --decisions bad -o out.jsonl", ("7", "{}", DEEP, '{"sentence":"x","start":1e999,"end":1,"spans":[],"rule":"A","note":"n"}'), r"BZ013 bad:1: "),
    (f"report {SCORED} --ledger bad -o out", ("7", "{}", DEEP, '{"step":1}'), r"BZ013 bad:1: (?:not a ledger entry of this version\. Write|a JSON list)"),
    (f"report {SCORED} --round-trip bad -o out", ("", "7", "{}", DEEP, '{"identical":true,"changes":[{"sentence":"x","kind":[]}]}'), r"BZ052 bad: not "),
    (f"report {SCORED} --agreement bad -o out", ("", "7", "{}", DEEP, '{"pairs":[1]}', '{"pairs":[{"first":"a","second":"b","strict":{"micro":"<script>"},"partial":{}}]}'), r"BZ052 bad: not "),
    (f"report {SCORED} --curve bad -o out", ("", "7", "{}", DEEP, '{"points":[{"sentences":"x","mean":[],"low":{},"high":1}]}'), r"BZ052 bad: not "),
    ("gold check bad", ("\x7fELF", "", "7", DEEP, '{"schema":1,"files":{"good.jsonl":{}}}'), r"BZ040 bad/MANIFEST\.json: "),
    ("gold check bad", ('{"schema":7,"files":{}}',), r"BZ040 bad/MANIFEST\.json: .*`biaozhu gold freeze`"),
    ("gold check bad", ('{"schema":1,"files":{"../../x.jsonl":{"sha256":"","articles":[],"sentences":0,"spans":{}}}}',), r"BZ040 bad/\.\./\.\./x\.jsonl: "),
    ("summary bad", ("\x7fELF", "", "7", DEEP), r"BZ051 bad/scores\.json: "),
    ("summary bad", ('{"format":"biaozhu.scores.v0"}',), r"BZ051 bad/scores\.json: .*`biaozhu evaluate`"),
    ("history bad -o out.html", ('{"format":"biaozhu.scores.v1"}', '{"format":"biaozhu.scores.v1","made":{"date":"","inputs":[]},"layers":[{}]}'), r"BZ051 bad/scores\.json: "),
    ("import bad --format doccano -o out.jsonl", ("", "7", "{}", DEEP, "\0", '{"id":1,"text":"\\ud800ab","label":[]}'), r"BZ060 bad(:1)?: "),
    ("import bad --format conll -o out.jsonl", ("", "\0", "王 B-PERSON extra B-\n"), r"BZ060 bad"),
    ("import bad --format labelstudio -o out.jsonl", ("", "7", "{}", DEEP, '[{"data":{"text":7}}]'), r"BZ060 bad"),
    ("import bad --format spacy -o out.jsonl", ("", "7", "\x7fELF"), r"BZ060 bad: not a DocBin"),
    ("import marked.ann --format brat -o out.jsonl", ("7", "T1\tPLACE x y\tz", "{}"), r"BZ060 \./marked\.ann:1: not a (line of brat|text-bound)"),
)  # fmt: skip
