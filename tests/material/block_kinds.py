"""Running text of invented pages, and the kinds of the blocks that a page is cut into."""

from __future__ import annotations

from biaozhu.reading.blocks import find_blocks

PROSE = "春耕时节，云溪县的农技员走进田间，手把手教农户育秧。今年全县早稻面积预计达到三十万亩，比去年增加一成。"
MORE = "入夏以来，这里的瓜果陆续上市，合作社的冷库里堆满了等待装车的纸箱。负责人说，订单已经排到了下个月。"


def kinds(raw: str) -> list[tuple[str, str]]:
    return [(block.kind[0], raw[block.start : block.end]) for block in find_blocks(raw)[0]]


def without_text(raw: str) -> str:
    return "".join(kind for kind, _ in kinds(raw))
