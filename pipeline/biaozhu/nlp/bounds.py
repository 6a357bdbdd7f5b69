"""Numbers with bounds, for the parameters that a config sets.

Both confections check them: 0.1 by pydantic 1, through `__get_validators__`, and 1.x, which has no pydantic, through the
same hook. Neither would check the bounds of an `Annotated` number in both.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    NonNegativeInt = int
    PositiveInt = int
    NgramLength = int
    NonNegativeFloat = float
    Probability = float
else:

    def _bounded(name: str, kind: type, least: float, most: float = math.inf) -> type:
        def check(value: Any) -> Any:
            right = isinstance(value, int) or (kind is float and isinstance(value, float))
            if not right or isinstance(value, bool) or not least <= value <= most:
                raise ValueError(f"{value!r} is not {kind.__name__} from {least} to {most}")
            return value

        told = f"{kind.__name__} from {least} to {most}"
        return type(name, (kind,), {"__doc__": told, "__get_validators__": classmethod(lambda _: iter([check]))})

    NonNegativeInt = _bounded("NonNegativeInt", int, 0)
    PositiveInt = _bounded("PositiveInt", int, 1)
    NgramLength = _bounded("NgramLength", int, 1, 3)
    NonNegativeFloat = _bounded("NonNegativeFloat", float, 0)
    Probability = _bounded("Probability", float, 0, 1)
