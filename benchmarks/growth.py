"""How the CPU time of each command grows with the length of one sentence, over patterns that show a quadratic step.

    python benchmarks/growth.py                                # 5,000 to 40,000 characters, each pattern and command
    python benchmarks/growth.py --model accurate --sizes 1000 4000 --patterns 河北 1元 --steps preannotate table

Prints a line for each step and pattern whose exponent (least squares on the logarithms) is over the limit, and at the
end a row for each step: the patterns that took long enough to tell, the middle exponent, the largest, and its pattern.
What is over the limit is measured again at four times the length, where caches and what a run costs whatever its text
weigh less; only what is over it there, too, counts.
It exits with status 1 where one is over the limit. `tests/annotators/test_growth.py` does the same on a few patterns,
without a network.
"""

from __future__ import annotations

import argparse
import gc
import io
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.annotators.network.models import load_model
from biaozhu.cli import run
from biaozhu.data.layers import read_layer
from biaozhu.formats.serialization import to_remote_spans
from biaozhu.serving.app import answer
from biaozhu.serving.predictor import rule_predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_EXPONENT = 1.15
NAMES = {"PLACE": "地点", "PERSON": "人物", "AMOUNT": "数量"}
SIZES = (5000, 40_000)
# A run that is shorter says more about the machine than about the text.
MIN_SECONDS = 0.1
LONGER = 4

# Each is repeated to the length that is asked for, without a full stop.
_PATTERNS = """
河北 北京 河北省 石家庄市 定远县 柳河乡 东安庄村 东西 东村 中国 河北、 定远县、 石家庄市、 东安庄村、 河北和 定远县到 河北省石家庄市 定远县柳河乡 县 市 村 乡 镇 省 区 李明 王小明
欧阳文静 李明、 王小明、 李明和 张三李四 县长李明 记者李明 李明先生 老李 小王 李 王 明 李明说 姓李 某某 1元 1% 1 12 123456789 1、 1, 1. 1.5 1,000
1元、 1元, 1-2元 1—2元 1~2 10元/公斤 1元/斤、 每人1元 每斤1元 1℃ 1°C 1kg 1平方米 1亩 1个 1万 1亿元 百分之一 百分之 一 十 百 千 万 亿 一百 一万
一个 半个 半 两 几 一二三 三四个 第一 第 1年 2024年 1月1日 1月 1:00 12:30 1点 1时30分 一年 一天 五年 两块五 三斤二两 一米八 3000元港币 余 多 来
20余 20余万 约1 近 达 1倍 翻一番 1折 V1 A1 iPhone 1A1 ， 、 ； ： ( ) （ ） “ ” 《 》 《河北》 “河北” （河北） · — … - / \\ . a ab
a1 的 是 在 在河北 从河北到 到 了 𠮷 😀 é é １ Ａ ⼀ 壹 壹万 壹元 贰拾 零 〇 ○ 甲乙 河北1元李明 李明在河北买了1元 李明1元 1元河北 东南 西北 黄河 长江 太行山
大学 公司 晨光公司 河北大学 河北大学、 县委书记 市长 1吨、 10吨, 价格1元 价1元， 单位:万元 (万元) 单位 级 1级 1级地震 风力 度 东经1度 1度 排第1 名列第一 近1年
过去的一年 日 1日 一日 届 次 会议 五届一次会议
"""
PATTERNS = tuple(_PATTERNS.split())


def fit_exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the exponent of the power of the size that fits the seconds best."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def make_steps(folder: Path, model: str) -> dict[str, Callable[[str], None]]:
    """Return what is timed: each step takes a text, whose article lies in the folder; the first writes its layer."""
    article, layer = str(folder / "a.txt"), str(folder / "a.jsonl")
    predictor = rule_predictor(load_model(model, threads=1))

    def command(*arguments: str) -> Callable[[str], None]:
        return lambda _: _run(*arguments)

    return {
        "preannotate": command("preannotate", article, "-o", layer, "--model", model, "--threads", "1"),
        "export": command("export", layer, "--format", "conll", "-o", str(folder / "a.conll")),
        "table": command("table", article, "--layer", layer, "-o", str(folder / "a.csv")),
        "select": command("select", layer, "-n", "1", "--random", "1", "-o", str(folder / "selected.jsonl")),
        "report": command("report", "--layer", f"a={layer}", "--gold", layer, "-o", str(folder / "report")),
        "push's offsets": lambda _: [
            to_remote_spans(one.text, one.spans, NAMES) for one in read_layer(Path(layer))
        ].clear(),
        "/predict": lambda text: (answer([text], predictor.answer([text]), model="", many=False), None)[1],
    }


def _run(*arguments: str) -> None:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said:
        status = run(list(arguments))
    if status not in (0, 1):
        raise SystemExit(f"{' '.join(arguments)}: {said.getvalue()}")


def measure(step: Callable[[str], None], text: str) -> float:
    """Return the CPU seconds of a step, all its threads together, without Python's collector of cycles.

    What that costs depends on what else the process holds: it passes over all objects again as their number grows.
    """
    gc.disable()
    begun = time.process_time()
    step(text)
    taken = time.process_time() - begun
    gc.enable()
    gc.collect()
    return taken


def main() -> int:
    """Print what grows faster than it may, and a table of the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--patterns", nargs="+", default=PATTERNS)
    parser.add_argument("--steps", nargs="+")
    parser.add_argument("--model", default="fast", help="whose network is asked")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="begin no pattern after so many CPU seconds"
    )
    arguments = parser.parse_args()
    found: dict[str, list[tuple[float, str]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = make_steps(folder, arguments.model)
        chosen = {one: steps[one] for one in dict.fromkeys(["preannotate", *(arguments.steps or steps)])}
        # What is loaded once, and what each run costs whatever the text, is no growth.
        _measure_all(folder, "河北买1元", 20, chosen)
        gc.collect()
        gc.freeze()
        fixed = _measure_all(folder, "河北买1元", 20, chosen)
        for pattern in arguments.patterns:
            if time.process_time() > arguments.seconds:
                break
            rows = [_measure_all(folder, pattern, size, chosen) for size in arguments.sizes]
            for one, step in chosen.items():
                exponent, seconds = _fit(arguments.sizes, [row[one] - fixed[one] for row in rows])
                if seconds[-1] < MIN_SECONDS:
                    continue
                if exponent > MAX_EXPONENT:
                    sizes = [LONGER * size for size in arguments.sizes]
                    again = {"preannotate": chosen["preannotate"], one: step}
                    times = [_measure_all(folder, pattern, size, again)[one] - fixed[one] for size in sizes]
                    exponent, seconds = _fit(sizes, times)
                found.setdefault(one, []).append((exponent, pattern))
                if exponent > MAX_EXPONENT:
                    figures = " ".join(f"{value:.2f}" for value in seconds)
                    print(f"{one} {pattern}: exponent {exponent:.2f} ({figures} s)", flush=True)
    print("| step | patterns | middle exponent | largest | of |\n|---|---:|---:|---:|---|")
    for one, exponents in found.items():
        (largest, pattern), middle = max(exponents), median(exponent for exponent, _ in exponents)
        print(f"| {one} | {len(exponents)} | {middle:.2f} | {largest:.2f} | {pattern} |")
    return int(any(max(exponents)[0] > MAX_EXPONENT for exponents in found.values()))


def _fit(sizes: Sequence[int], seconds: Sequence[float]) -> tuple[float, list[float]]:
    found = [max(value, 1e-3) for value in seconds]
    return fit_exponent(sizes, found), found


def _measure_all(folder: Path, pattern: str, size: int, steps: dict[str, Callable[[str], None]]) -> dict[str, float]:
    text = (pattern * (size // len(pattern) + 1))[:size]
    (folder / "a.txt").write_text(text, encoding="utf-8")
    return {name: measure(step, text) for name, step in steps.items()}


if __name__ == "__main__":
    sys.exit(main())
