"""The streams of random numbers, assigned in one place: no two uses may share a stream.

A random number is a function of the seed, its stream and its index in the stream (see
``native/include/palate/philox.hpp``). These assignments are part of what a seed means: changing
one changes every model.
"""

import numpy as np
from numpy.typing import NDArray

from palate._native import normals as native_normals

SPLIT = 0
USER_TABLE = 1
ITEM_TABLE = 2
USER_SKETCH = 3
ITEM_SKETCH = 4
CHOICE_SKETCH = 5
HOLD_OUT = 6  # and the two after it
PAIR_SKETCH = 9
DIRECTIONS_SKETCH = 10
COMPARED_PEOPLE = 11
_EPOCHS = 1 << 32
_SWEEPS = 2 << 32
_SWEEP_USES = (
    *("user rows", "item rows", "user prior", "item prior", "user donors", "item donors"),
    *("user variances", "item variances", "user precisions", "item precisions", "noise"),
)


def epoch_order(epoch: int) -> int:
    """Return the stream that shuffles the ratings of an epoch, counted from 0."""
    return _EPOCHS + epoch


def sweep(sweep: int, use: str) -> int:
    """Return the stream for one use in a sweep of the sampler, counted from 0."""
    return _SWEEPS + sweep * len(_SWEEP_USES) + _SWEEP_USES.index(use)


def normals(seed: int, stream: int, rows: int, columns: int) -> NDArray[np.float32]:
    """Return standard normal numbers from the start of a stream; shape (rows, columns)."""
    return native_normals(seed, stream, rows * columns).reshape(rows, columns)


def normals_of_rows(
    seed: int, stream: int, first: int, rows: int, columns: int
) -> NDArray[np.float32]:
    """Return standard normal numbers for rows of a table from `first` on; shape (rows, columns).

    Each row has a place of its own in the stream, whatever part of the table is asked for.
    """
    stride = columns + columns % 2  # places are even
    numbers = native_normals(seed, stream, rows * stride, first * stride)
    return np.ascontiguousarray(numbers.reshape(rows, stride)[:, :columns])
