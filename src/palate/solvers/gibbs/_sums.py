"""Adding up what blocks of rows return."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Result = TypeVar("Result")


class Span(NamedTuple):
    """The lowest and the highest of some numbers; of blocks, of them all."""

    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[Any]) -> "Span":
        """Return the span of an array; without values it adds nothing to others."""
        return cls(float(np.min(values, initial=np.inf)), float(np.max(values, initial=-np.inf)))


def merged(results: Sequence[Result]) -> Result:
    """Return the sum of what blocks have returned: numbers, arrays, spans, or tuples of these."""
    return reduce(_added, results)


def _added(one: Any, other: Any) -> Any:
    if one is None:
        return None
    if isinstance(one, Span):
        return Span(min(one.low, other.low), max(one.high, other.high))
    if isinstance(one, tuple):
        fields = [_added(*both) for both in zip(one, other, strict=True)]
        return type(one)(*fields) if hasattr(one, "_fields") else tuple(fields)
    return one + other
