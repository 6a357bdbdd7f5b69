"""Where the fuzzer begins: small right inputs of each target, and the words that it may put in. Names are invented."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, get_args

import srsly

from biaozhu.data.model import Sentence, Span, sentence_to_line
from biaozhu.formats.convert import export_layer
from biaozhu.formats.documents import Format

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = "春耕时节\n来源：农报 2021-03-05\n\n在白水县，林小满买了30余斤种子，每亩约2300元。“好！”他说。\n\n二、下田\n三分之二的𠮷田有3—5万株。"
PAGE = f"<!doctype html><html><head><title>春耕</title><meta charset=utf-8></head><body><article><h1>春耕</h1><p>{TEXT}</p><script>1</script></article></body></html>"
LAYER = (
    Sentence("0123456789ab", 0, 9, "在白水县\n林小满😀", (Span(1, 4, "PLACE", "lac", 0.5), Span(5, 8, "PERSON"))),
    Sentence("0123456789ab", 10, 14, "三万元。", (Span(0, 3, "AMOUNT", "amounts"),)),
)
FOREIGN = {
    "doccano": '{"id":1,"text":"在白水县","entities":[{"id":1,"label":"地点","start_offset":1,"end_offset":4}],"relations":[]}\n',
    "conll": "在 O\n白 B-LOC\n水 I-LOC\n县 E-LOC\n\n-DOCSTART- O\n林\tN\tS-PER\n# sent_id = x\n",
    "labelstudio": '[{"data":{"text":"在白水县"},"predictions":[{"result":[{"type":"labels","value":{"start":"1","end":4,"labels":["LOC"]},"score":0.5},{"type":"relation","from_id":"a"}]}]},{"data":{"x":"a"},"completions":[{"was_cancelled":true},{"updated_at":"2","ground_truth":true,"result":[]},{"result":[{"type":"labels","value":{"start":0,"end":1,"text":"a"}}]}]}]',
    "brat": "在白水县\n林小满\0T1\tLOC 1 4\t白水县\nT2\tPER 1 4;5 6\t白水县 林\nR1\tx Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\tx\n",
}  # fmt: skip
WORDS = (
    *"在县市镇村乡年月日元亩斤万亿千百十几数余多半两约近每个三二一〇零点分之至到。！？；，、“”‘’（）《》—…𠮷😀",
    "以上", "以下", "左右", "最高", "百分之", "万元", "平方米", "公里", "第一", "来源：", "记者", "责任编辑", "一、", "（一）", "1.",
    "\u3000", "\u2028", "\u0085", "\ufeff", "\u200b", "\u200f", "\u202e", "\r\n", "\x1b[", "e\u0301", "http://a.b/", "U.S.",
    '"id"', '"article"', '"start"', '"end"', '"text"', '"spans"', '"label"', '"source"', '"score"', '"texts"', '"data"',
    '"result"', '"value"', '"labels"', '"entities"', '"start_offset"', '"end_offset"', '"sid"', '"pre"', '"annotations"',
    '"predictions"', '"completions"', '"ground_truth"', '"updated_at"', '"type"', '"meta"', "null", "true", "NaN", "1e999",
    "\\ud800", "\\u0000", "0123456789ab:0-9", "B-", "I-", "E-", "S-", "# sent_id = ", "-DOCSTART-", "\\u{20}", "T1\t", ";5 6",
    "AnnotatorNotes", "<p>", "</p>", "<script>", "<!--", "&#0;", "&#xD800;", "<title>", "charset=gb2312", "\xff\xfe",
)  # fmt: skip


def seeds() -> Mapping[str, Sequence[bytes]]:
    """The seeds of each target, by its name."""
    text = TEXT.encode()
    made = {form: export_layer(LAYER, form, names={}).files for form in get_args(Format)}
    spacy = made["spacy"][""]
    name = LAYER[0].article
    ours = b"!" + b"\n".join(made["brat"][f"{name}.sentences.jsonl"].split(b"\n")[1:])
    standoff = b"\0".join((made["brat"][f"{name}.txt"], made["brat"][f"{name}.ann"], ours))
    unpacked = srsly.msgpack_loads(zlib.decompress(spacy))
    parts = [
        b"#" + bytes([number]) + unpacked[key]
        if isinstance(unpacked[key], bytes)
        else b"#" + bytes([number + 16 * len(unpacked)]) + srsly.msgpack_dumps(unpacked[key])
        for number, key in enumerate(sorted(unpacked))
    ]
    return {
        "article": (text, TEXT.encode("gb18030"), TEXT.encode("utf-16"), b"\xef\xbb\xbf" + text, PAGE.encode()),
        "page": (PAGE.encode(), PAGE.replace("utf-8", "gb2312").encode("gb2312", "replace")),
        "sentences": (text,),
        "layer": ("\n".join(map(sentence_to_line, LAYER)).encode(),),
        "amounts": (text,),
        "table": (text,),
        "doccano": (b" " + made["doccano"][""], b"~" + FOREIGN["doccano"].encode()),
        "conll": (made["conll"][""], FOREIGN["conll"].encode()),
        "docbin": (b"!" + spacy, b" " + zlib.decompress(spacy), *parts),
        "labelstudio": (made["labelstudio"][""], FOREIGN["labelstudio"].encode()),
        "brat": (standoff, FOREIGN["brat"].encode()),
        "roundtrip": (bytes(range(0, 36, 3)) + text,),
        "predict": (b"\1" + text, b"\0" + json.dumps({"texts": ["三万元", "白水县"]}).encode(), b"\2{", b"\4{}", b"\x0a{}"),
    }  # fmt: skip
