"""The Normal-Wishart hyper-prior: draws of a side's mean and precision given its rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._native import normals

# Rows are summed in blocks that fit into the cache.
_BLOCK = 2048


class Prior(NamedTuple):
    """A normal distribution over rows: its mean, shape (d,), and precision, shape (d, d)."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]


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
        """Return a gamma variate of scale 1, for a shape of at least 1/2.

        Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), section 2.
        The logarithm of a uniform variate is minus half the sum of two squared normal variates.
        """
        if shape < 1:  # the note in their section 6
            log_uniform = -np.square(self.normal(2)).sum() / 2
            return self.gamma(shape + 1) * float(np.exp(log_uniform / shape))
        d = shape - 1 / 3
        c = 1 / np.sqrt(9 * d)
        while True:
            x, y, z = self.normal(3)
            v = (1 + c * x) ** 3
            if v > 0 and -(y * y + z * z) / 2 < x * x / 2 + d - d * v + d * np.log(v):
                return float(d * v)


@dataclass(frozen=True)
class NormalWishart:
    """The prior of a side's mean m and precision Lambda, over rows of d coordinates.

    Lambda is Wishart with d + freedom degrees of freedom and the scale matrix I / scatter, and m
    is N(0, (beta Lambda)^-1).
    """

    beta: float = 2.0
    scatter: float = 1.0
    freedom: int = 0

    def draw(self, rows: NDArray[np.float32], random: RandomStream) -> Prior:
        """Draw m and Lambda given the rows of a side; shape (n, d).

        Salakhutdinov and Mnih (2008), equation 14: with x the mean of the n rows and S the sum of
        (row - x) (row - x)',

            beta* = beta + n,   nu* = d + freedom + n,   m* = n x / beta*
            W*^-1 = scatter I + S + beta n / beta* x x'
            Lambda ~ Wishart(W*, nu*),   m ~ N(m*, (beta* Lambda)^-1)
        """
        n, d = rows.shape
        mean = rows.mean(axis=0, dtype=np.float64)
        spread = np.zeros((d, d))
        for first in range(0, n, _BLOCK):
            centred = rows[first : first + _BLOCK] - mean.astype(np.float32)
            spread += centred.T @ centred
        beta = self.beta + n
        inverse = self.scatter * np.eye(d) + spread + self.beta * n / beta * np.outer(mean, mean)
        precision = _wishart(inverse, d + self.freedom + n, random)
        noise = np.linalg.solve(np.linalg.cholesky(beta * precision).T, random.normal(d))
        return Prior(n * mean / beta + noise, precision)


def _wishart(
    inverse_scale: NDArray[np.float64], freedom: int, random: RandomStream
) -> NDArray[np.float64]:
    """Draw from a Wishart distribution by Bartlett's decomposition (Smith and Hocking 1972)."""
    d = len(inverse_scale)
    lower = np.zeros((d, d))
    lower[np.tril_indices(d, -1)] = random.normal(d * (d - 1) // 2)
    chi_squared = [2 * random.gamma((freedom - i) / 2) for i in range(d)]
    lower[np.diag_indices(d)] = np.sqrt(chi_squared)
    # inverse_scale = C C', so C'^-1 is a root of the scale matrix.
    root = np.linalg.solve(np.linalg.cholesky(inverse_scale).T, lower)
    return root @ root.T
