"""How the CPU time of each command grows with the length of one sentence, over patterns that show a quadratic step.

    python benchmarks/growth.py                                # 10,000 to 80,000 characters, each pattern and command
    python benchmarks/growth.py --sizes 1000 4000 --patterns 河北 1元 --steps preannotate table

Prints a line for each step and pattern whose exponent (least squares on the logarithms) is over the limit, and one for
each step with its largest, and exits with status 1 where one is over it. `tests/annotators/test_growth.py` does the
same on a few patterns, without a network.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.annotators.network.models import load_model
from biaozhu.cli import run
from biaozhu.data.layers import read_layer
from biaozhu.formats.serialization import to_remote_spans
from biaozhu.serving.messages import answer
from biaozhu.serving.predictor import rule_predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from biaozhu.serving.predictor import Predictor

MAX_EXPONENT = 1.15
NAMES = {"PLACE": "地点", "PERSON": "人物", "AMOUNT": "数量"}
SIZES = (10_000, 20_000, 40_000, 80_000)
# A run that is shorter says more about the machine than about the text.
MIN_SECONDS = 0.1

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


def make_steps(folder: Path) -> dict[str, Callable[[str], None]]:
    """Return what is timed: each step takes a text, whose article and layer lie in the folder already."""
    article, layer = str(folder / "a.txt"), str(folder / "a.jsonl")
    predictors = {name: rule_predictor(load_model(name, threads=1)) for name in ("accurate", "fast")}

    def command(*arguments: str) -> Callable[[str], None]:
        return lambda _: _run(*arguments)

    def serve(predictor: Predictor) -> Callable[[str], None]:
        def predict(text: str) -> None:
            answer([text], predictor.predict([text]), model="", many=False)

        return predict

    return {
        "preannotate": command("preannotate", article, "-o", layer, "--threads", "1"),
        "preannotate --model fast": command(
            "preannotate", article, "-o", layer, "--model", "fast", "--threads", "1"
        ),
        "export": command("export", layer, "--format", "conll", "-o", str(folder / "a.conll")),
        "table": command("table", article, "-o", str(folder / "a.csv")),
        "select": command("select", layer, "-n", "1", "-o", str(folder / "selected.jsonl")),
        "report": command("report", "--layer", f"a={layer}", "--gold", layer, "-o", str(folder / "report")),
        "push's offsets": lambda _: [
            to_remote_spans(one.text, one.spans, NAMES) for one in read_layer(Path(layer))
        ].clear(),
        "/predict": serve(predictors["accurate"]),
        "/predict --model fast": serve(predictors["fast"]),
    }


def _run(*arguments: str) -> None:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said:
        status = run(list(arguments))
    if status not in (0, 1):
        raise SystemExit(f"{' '.join(arguments)}: {said.getvalue()}")


def measure(step: Callable[[str], None], text: str) -> float:
    """Return the CPU seconds of a step, all its threads together."""
    begun = time.process_time()
    step(text)
    return time.process_time() - begun


def main() -> int:
    """Print what grows faster than it may, and the largest exponent of each step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--patterns", nargs="+", default=PATTERNS)
    parser.add_argument("--steps", nargs="+")
    arguments = parser.parse_args()
    largest: dict[str, tuple[float, str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = make_steps(folder)
        chosen = {one: steps[one] for one in arguments.steps or steps}
        # What is loaded once, and what each run costs whatever the text, is no growth.
        fixed = {one: _fixed_cost(folder, steps, step) for one, step in chosen.items()}
        for pattern in arguments.patterns:
            seconds: dict[str, list[float]] = {one: [] for one in chosen}
            for size in arguments.sizes:
                text = _write(folder, pattern, size, steps)
                for one, step in chosen.items():
                    seconds[one].append(max(measure(step, text) - fixed[one], 1e-4))
            for one, found in seconds.items():
                if found[-1] < MIN_SECONDS:
                    continue
                exponent = fit_exponent(arguments.sizes, found)
                largest[one] = max(largest.get(one, (0.0, "")), (exponent, pattern))
                if exponent > MAX_EXPONENT:
                    figures = " ".join(f"{value:.2f}" for value in found)
                    sys.stdout.write(f"{one} {pattern}: exponent {exponent:.2f} ({figures} s)\n")
    for one, (exponent, pattern) in largest.items():
        sys.stdout.write(f"{one}: at most {exponent:.2f} ({pattern})\n")
    return int(any(exponent > MAX_EXPONENT for exponent, _ in largest.values()))


def _write(folder: Path, pattern: str, size: int, steps: dict[str, Callable[[str], None]]) -> str:
    text = (pattern * (size // len(pattern) + 1))[:size]
    (folder / "a.txt").write_text(text, encoding="utf-8")
    steps["preannotate"](text)
    return text


def _fixed_cost(folder: Path, steps: dict[str, Callable[[str], None]], step: Callable[[str], None]) -> float:
    text = _write(folder, "河北买1元", 20, steps)
    step(text)
    return min(measure(step, text) for _ in range(2))


if __name__ == "__main__":
    sys.exit(main())
