"""The users' part of the sketch of the draws, and the steps that pass over it; see `DrawSummary`.

With the random matrix Psi, and the means Y of the draws' products with Omega.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate.learned._main_effects import effects_of_rows, factor_table
from palate.solvers.gibbs._user_block import NOTHING, UserBlock

# Tables of users are passed over in parts that fit into the cache.
_PART = 2048


class SketchSums(NamedTuple):
    """Sums over users with the centred factors P of a draw.

    Attributes
    ----------
    onto_psi
        Psi' P.
    onto_axes
        P' U for the preliminary axes U of the users; shape (factors, r).
    """

    onto_psi: NDArray[np.float64]
    onto_axes: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AddToSketch:
    """Add the latest rows of the users to their sketch.

    Attributes
    ----------
    user_mean, item_mean
        The mean of the rows of each side.
    onto_omega
        The centred item factors, transposed, times Omega; shape (factors, width).
    psi_columns
        The number of columns of Psi.
    """

    reads, changes = ("rows", "sketch", "bias_sums", "axes"), ("sketch", "bias_sums")

    user_mean: NDArray[np.float64]
    item_mean: NDArray[np.float64]
    onto_omega: NDArray[np.float32]
    psi_columns: int

    def __call__(self, block: UserBlock) -> SketchSums:
        """Return the sums over the users of a block."""
        if not block.sketch.size:
            width = self.onto_omega.shape[1]
            block.sketch = np.zeros((len(block), width), dtype=np.float32)
            block.bias_sums = np.zeros(len(block))
        factors, axes = len(self.user_mean) - 1, block.axes.shape[1]
        onto_psi, onto_axes = np.zeros((self.psi_columns, factors)), np.zeros((factors, axes))
        means = self.user_mean.astype(np.float32), self.item_mean.astype(np.float32)
        psi = _psi(block, self.psi_columns)
        for part in _parts(len(block)):
            p, bias = effects_of_rows(block.rows[part], *means)
            block.sketch[part] += p @ self.onto_omega
            block.bias_sums[part] += bias
            onto_psi += psi[part].T @ p
            onto_axes += p.T @ block.axes[part]
        return SketchSums(onto_psi, onto_axes)


class ColumnProducts(NamedTuple):
    """Products with the columns of Y T: with each other, and with those of Psi."""

    of_columns: NDArray[np.float64]
    onto_psi: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SketchProducts:
    """The products with the columns of Y T, for T of the shape (width, k)."""

    reads, changes = ("sketch",), NOTHING

    transform: NDArray[np.float64]
    psi_columns: int

    def __call__(self, block: UserBlock) -> ColumnProducts:
        """Return those of a block."""
        k, transform = self.transform.shape[1], self.transform.astype(np.float32)
        of_columns, onto_psi = np.zeros((k, k)), np.zeros((self.psi_columns, k))
        psi = _psi(block, self.psi_columns)
        for part in _parts(len(block)):
            columns = block.sketch[part] @ transform
            onto_psi += psi[part].T @ columns
            wide = columns.astype(np.float64)
            of_columns += wide.T @ wide
        return ColumnProducts(of_columns, onto_psi)


@dataclass(frozen=True, eq=False)
class TakeAxes:
    """Take Y T as the preliminary axes of the users."""

    reads, changes = ("sketch",), ("axes",)

    transform: NDArray[np.float64]

    def __call__(self, block: UserBlock) -> None:
        """Change a block."""
        block.axes = block.sketch @ self.transform.astype(np.float32)


class TableSums(NamedTuple):
    """Products of the users' table X on the final axes: F'X, and U'X without the biases."""

    onto_features: NDArray[np.float64]
    onto_axes: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TakeTable:
    """Take Y T as the factors of the users, and the mean of the biases in units of the ratings."""

    reads, changes = ("sketch", "bias_sums", "axes", "features"), ("table",)

    transform: NDArray[np.float64]
    weight: float

    def __call__(self, block: UserBlock) -> TableSums:
        """Return the sums over the users of a block."""
        factors = block.sketch @ self.transform.astype(np.float32)
        block.table = factor_table(factors, self.weight * block.bias_sums)
        onto_axes = np.zeros((block.axes.shape[1], factors.shape[1]))
        for part in _parts(len(block)):
            onto_axes += block.axes[part].T @ factors[part]
        return TableSums(block.onto(block.table), onto_axes)


def _parts(users: int) -> Iterator[slice]:
    for first in range(0, users, _PART):
        yield slice(first, first + _PART)


def _psi(block: UserBlock, columns: int) -> NDArray[np.float32]:
    """Return the rows of Psi for the users of a block; shape (users, columns)."""
    if block.psi is None or block.psi.shape[1] != columns:
        block.psi = _random_streams.normals_of_rows(
            block.seed, _random_streams.USER_SKETCH, block.first, len(block), columns
        )
    return block.psi
