"""Variates of several distributions, read from one stream of random numbers."""

import numpy as np
from numpy.typing import NDArray

from palate._native import normals

# The numbers of a row in a stream of rows, and how far the rounds of a rejection are apart.
_ROW, _ROUND = 4, 1 << 40
# Of so many rows the numbers are made at a time: of all between them, unless these are more than so
# many times as many, for a call takes as long as some hundred numbers.
_PART, _SPARSE = 1 << 16, 64


class RandomStream:
    """Normal and gamma variates, read from a stream one after the other."""

    def __init__(self, seed: int, stream: int) -> None:
        self._seed, self._stream, self._position = seed, stream, 0

    def normal(self, n: int) -> NDArray[np.float64]:
        """Return `n` standard normal numbers."""
        numbers = normals(self._seed, self._stream, n, self._position)
        self._position += n + n % 2
        return numbers.astype(np.float64)

    def gamma(self, shape: float) -> float:
        """Return a gamma variate of scale 1, for a shape of at least 1/2."""
        return float(self.gammas(np.array([shape]))[0])

    def gammas(self, shapes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return gamma variates of scale 1, for shapes of at least 1/2; shape of `shapes`.

        Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), section 2; for
        shapes below 1 the note in section 6. The logarithm of a uniform variate is minus half the
        sum of two squared normal variates. Those that are rejected are drawn again.
        """
        small = shapes < 1
        if small.any():
            log_uniform = -np.square(self.normal(2 * len(shapes))).reshape(2, -1).sum(axis=0) / 2
            return self.gammas(shapes + small) * np.exp(np.where(small, log_uniform / shapes, 0))
        variates = np.empty(len(shapes))
        left = np.arange(len(shapes))
        while len(left):
            found = _gamma_candidates(shapes[left], self.normal(3 * len(left)).reshape(3, -1))
            variates[left] = found
            left = left[np.isnan(found)]
        return variates


class RowStream:
    """Variates of rows, which have places of their own in a stream: any part can draw its own.

    Parameters
    ----------
    seed, stream
        Of the random numbers.
    rows
        The numbers of the rows, in ascending order; shape (n,).
    """

    def __init__(self, seed: int, stream: int, rows: NDArray[np.int64]) -> None:
        self._seed, self._stream, self._rows = seed, stream, rows

    def uniforms(self) -> NDArray[np.float64]:
        """Return a uniform variate for each row, in (0, 1)."""
        numbers = self._numbers(self._rows, 0)
        uniforms: NDArray[np.float64] = np.exp(-np.square(numbers[:, :2]).sum(axis=1) / 2)
        return uniforms

    def gammas(self, shapes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a gamma variate of scale 1 for each row, for shapes of at least 1.

        See `RandomStream.gammas`. Only rows that are rejected read the numbers of another round.
        """
        variates = np.empty(len(shapes))
        left, turn = np.arange(len(shapes)), 0
        while len(left):
            numbers = self._numbers(self._rows[left], turn)[:, :3].T
            found = _gamma_candidates(shapes[left], numbers)
            variates[left] = found
            left, turn = left[np.isnan(found)], turn + 1
        return variates

    def _numbers(self, rows: NDArray[np.int64], turn: int) -> NDArray[np.float64]:
        """Return the normal numbers of rows in a round; shape (n, 4)."""
        numbers = np.empty((len(rows), _ROW))
        for first in range(0, len(rows), _PART):
            part = rows[first : first + _PART]
            low, high = int(part[0]), int(part[-1]) + 1
            if high - low < _SPARSE * len(part):
                among = self._between(low, high, turn)[part - low]
            else:
                among = np.concatenate([self._between(row, row + 1, turn) for row in part.tolist()])
            numbers[first : first + _PART] = among
        return numbers

    def _between(self, low: int, high: int, turn: int) -> NDArray[np.float32]:
        place = turn * _ROUND + low * _ROW
        return normals(self._seed, self._stream, _ROW * (high - low), place).reshape(-1, _ROW)


def _gamma_candidates(
    shapes: NDArray[np.float64], numbers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return gamma variates for shapes of at least 1, or NaN where they are rejected; shape (n,).

    `numbers` are three normal numbers for each, shape (3, n).
    """
    d = shapes - 1 / 3
    x, y, z = numbers
    v = (1 + x / np.sqrt(9 * d)) ** 3
    with np.errstate(invalid="ignore", divide="ignore"):
        accepted = (v > 0) & (-(y * y + z * z) / 2 < x * x / 2 + d - d * v + d * np.log(v))
    return np.where(accepted, d * v, np.nan)
