"""Variates of several distributions, read from one stream of random numbers."""

import numpy as np
from numpy.typing import NDArray

from palate._native import normals


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
            d = shapes[left] - 1 / 3
            x, y, z = self.normal(3 * len(left)).reshape(3, -1)
            v = (1 + x / np.sqrt(9 * d)) ** 3
            with np.errstate(invalid="ignore", divide="ignore"):
                accepted = (v > 0) & (-(y * y + z * z) / 2 < x * x / 2 + d - d * v + d * np.log(v))
            variates[left[accepted]] = (d * v)[accepted]
            left = left[~accepted]
        return variates
