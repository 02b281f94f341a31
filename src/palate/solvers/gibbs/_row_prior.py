"""The prior of one side's rows: linear in their features, with a matrix-normal-Wishart prior."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.solvers.gibbs._random_stream import RandomStream


class RowPrior(NamedTuple):
    """Normal distributions of rows: that with the features f has the mean f' B.

    Attributes
    ----------
    coefficients
        B; shape (m, d).
    precision
        Lambda; shape (d, d).
    """

    coefficients: NDArray[np.float64]
    precision: NDArray[np.float64]


@dataclass(frozen=True)
class MatrixNormalWishart:
    """The prior of a side's coefficients B and precision Lambda, over rows of d coordinates.

    Lambda is Wishart with d + freedom degrees of freedom and a scale matrix whose inverse is
    diagonal, scatter for the factors and bias_scatter for the bias. Given Lambda, the row of B for
    the feature f is N(0, (penalty_f Lambda)^-1). With the constant as the only feature this is the
    Normal-Wishart prior. Penalties of blocks of other features are gamma variates.

    The density of rows X of which Lambda is integrated out is proportional to
    |scatter I + X'X|^-(d + freedom + n)/2, whereas the volume of all X with the singular values s
    grows like prod s^(n - d) prod (s_a^2 - s_b^2): a power of d - 1 for each factor comes from the
    others (James, "Normal multivariate analysis and the orthogonal group", Ann. Math. Stat. 1954,
    section 8). Below the size at which factors are detectable the ratings say nothing against it,
    so that with a freedom of 0 all factors grow to this size (see `detectable_variance`), whether
    there is any interaction or not. A freedom of d makes up for the volume.

    The sum of n squares of a bias that varies by nothing is about
    (n bias_scatter v^2)^1/3 for ratings whose means vary by v, so bias_scatter is small.

    Attributes
    ----------
    constant_penalty
        penalty_f of the constant.
    penalty_shape, penalty_rate
        Of the gamma distribution of the other penalties.
    scatter, bias_scatter
        The diagonal of the inverse of the scale matrix, for rows of standardised ratings.
    freedom
        The degrees of freedom beyond d; None for d.
    """

    constant_penalty: float = 2.0
    penalty_shape: float = 1.0
    penalty_rate: float = 1.0
    scatter: float = 1.0
    bias_scatter: float = 0.1
    freedom: int | None = None


class Regression:
    """The regression of one side's rows X on their features F, by sums over the rows with ratings.

    Parameters
    ----------
    gram
        F'F; the first feature is the constant; shape (m, m).
    blocks
        The number of features of each block with a penalty of its own, after the constant.
    prior
        The prior of what is drawn.
    """

    STATE = ("penalties",)

    def __init__(
        self,
        gram: NDArray[np.float64],
        blocks: Sequence[int],
        prior: MatrixNormalWishart | None = None,
    ) -> None:
        self._gram, self._prior = gram, prior or MatrixNormalWishart()
        self.rows = round(float(gram[0, 0]))
        self._blocks = [block for block in blocks if block]
        self.penalties = np.ones(1 + len(self._blocks))
        self.penalties[0] = self._prior.constant_penalty

    def _penalised(
        self, gram: NDArray[np.float64], penalties: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return F'WF + diag(penalty), given F'WF; shape (m, m)."""
        return gram + np.diag(np.repeat(penalties, [1, *self._blocks]))

    def mean(
        self, onto: NDArray[np.float64], penalties: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return (F'F + diag(penalty))^-1 F'X, given F'X; shape (m, d)."""
        return np.linalg.solve(self._penalised(self._gram, penalties), onto).astype(np.float64)

    def draw(
        self,
        gram: NDArray[np.float64],
        onto: NDArray[np.float64],
        scatter: NDArray[np.float64],
        random: RandomStream,
        *,
        searching: bool = False,
    ) -> RowPrior:
        """Draw B and Lambda given F'WF, F'WX and X'WX (see `RowSums`); then the penalties.

        While `searching`, the freedom is 0.

        A row with the weight w has the precision w Lambda. With n rows,
        K = F'WF + diag(penalty) and M = K^-1 F'WX (Bishop, "Pattern recognition and
        machine learning", 2006, section 2.3.6, for the constant alone; Rossi, Allenby and
        McCulloch, "Bayesian statistics and marketing", 2005, section 2.8.5)::

            Lambda ~ Wishart((diag(scatter) + X'WX - X'WF M)^-1, d + freedom + n)
            B ~ M + K^-1/2 Z Lambda^-1/2,   Z standard normal
            penalty of a block ~ gamma(shape + m d / 2, rate + tr(B Lambda B') / 2)
        """
        d = len(scatter)
        root = np.linalg.cholesky(self._penalised(gram, self.penalties))
        onto = np.linalg.solve(root, onto)  # K^-1/2 F'WX
        diagonal = np.append(np.full(d - 1, self._prior.scatter), self._prior.bias_scatter)
        inverse = np.diag(diagonal) + scatter - onto.T @ onto
        freedom = d if self._prior.freedom is None else self._prior.freedom
        precision = wishart(inverse, d + (0 if searching else freedom) + self.rows, random)
        noise = random.normal(onto.size).reshape(onto.shape)
        noise = np.linalg.solve(np.linalg.cholesky(precision).T, noise.T).T
        coefficients = np.linalg.solve(root.T, onto + noise)
        self._draw_penalties(RowPrior(coefficients, precision), random)
        return RowPrior(coefficients, precision)

    def _draw_penalties(self, prior: RowPrior, random: RandomStream) -> None:
        weighted = np.einsum("ij,ij->i", prior.coefficients @ prior.precision, prior.coefficients)
        first = 1
        for block, size in enumerate(self._blocks, start=1):
            squares = float(weighted[first : first + size].sum())
            shape = self._prior.penalty_shape + size * prior.coefficients.shape[1] / 2
            rate = self._prior.penalty_rate + squares / 2
            self.penalties[block] = random.gamma(shape) / rate
            first += size

    def residual_covariance(
        self,
        gram: NDArray[np.float64],
        onto: NDArray[np.float64],
        scatter: NDArray[np.float64],
        coefficients: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the covariance of rows of weight 1 about their prior means; shape (d, d).

        It is (X - F B)' W (X - F B) / n, given F'WF, F'WX and X'WX. Of few rows it is no larger
        than they are, whereas the inverse of a drawn precision can be.
        """
        cross = coefficients.T @ onto
        explained = coefficients.T @ gram @ coefficients
        rest: NDArray[np.float64] = (scatter - cross - cross.T + explained) / self.rows
        return rest

    def explained_covariance(self, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance of the prior means of the rows; shape (d, d)."""
        mean = self._gram[0] / self.rows
        covariance = self._gram / self.rows - np.outer(mean, mean)
        explained: NDArray[np.float64] = coefficients.T @ covariance @ coefficients
        return explained


def wishart(
    inverse_scale: NDArray[np.float64], freedom: int, random: RandomStream
) -> NDArray[np.float64]:
    """Draw from a Wishart distribution by Bartlett's decomposition (Smith and Hocking 1972)."""
    d = len(inverse_scale)
    lower = np.zeros((d, d))
    lower[np.tril_indices(d, -1)] = random.normal(d * (d - 1) // 2)
    lower[np.diag_indices(d)] = np.sqrt(2 * random.gammas((freedom - np.arange(d)) / 2))
    # inverse_scale = C C', so C'^-1 is a root of the scale matrix.
    root = np.linalg.solve(np.linalg.cholesky(inverse_scale).T, lower)
    return root @ root.T
