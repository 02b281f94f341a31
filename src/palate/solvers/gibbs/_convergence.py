"""When the chain has drawn enough: its two halves agree about expected ratings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.solvers.gibbs._people import People
from palate.solvers.gibbs._user_block import PairScores, RatedPairs

# The numbers of draws after which convergence is judged; the last one is enough in any case. Half
# of each but the first is another one of them.
CHECKS = (88, 128, 176, 256, 352)
# The chain has converged when the error of the mean over the draws, which is due to their finite
# number, is at most this fraction of the variance of the noise. The RMSE of predictions is then at
# most 0.25% above that of infinitely many draws.
_MAX_ERROR = 0.005
# Expected ratings are compared at this many pairs.
_PAIRS = 20_000


class Convergence:
    """Compares the expected ratings in the two halves of the draws.

    With the means m_1 and m_2 of the score of a pair over the first and the second half of the
    draws, the variance of their mean, that of all draws, is estimated by

        (m_1 - m_2)^2 / 4

    averaged over pairs of a user and an item that are taken from different ratings, so that most of
    them are not rated. It includes the correlation of successive draws, as batch means do (Geyer,
    "Practical Markov chain Monte Carlo", Statistical Science 1992, section 3.2), and what is left
    of a drift after the burn-in.

    Parameters
    ----------
    people
        The users.
    ratings
        The number of their ratings, of which the pairs are made.
    """

    STATE = ("_sum", "_sums", "draws")

    def __init__(self, people: People, ratings: int) -> None:
        rows = np.linspace(0, ratings - 1, min(_PAIRS, ratings)).astype(np.int64)
        user, item = people.total(RatedPairs(rows)).astype(np.int32)
        self._user, self._item = user, np.roll(item, len(rows) // 2)
        self._sum = np.zeros(len(rows))
        self._sums: dict[int, NDArray[np.float64]] = {}
        self._kept = {check // 2 for check in CHECKS}
        self.draws = 0

    def scores(self, items: NDArray[np.float32]) -> PairScores:
        """Return the step that computes the scores of the pairs, given the rows of the items."""
        return PairScores(items, self._user, self._item)

    def add(self, scores: NDArray[np.float32]) -> None:
        """Add a draw: the scores of the pairs."""
        self._sum += scores
        self.draws += 1
        if self.draws in self._kept:
            self._sums[self.draws] = self._sum.copy()

    def reached(self, noise_variance: float) -> bool:
        """Return whether the draws are enough, given the variance of the noise in their units."""
        if self.draws not in CHECKS:
            return False
        return self.draws == CHECKS[-1] or self.error <= _MAX_ERROR * noise_variance

    @property
    def error(self) -> float:
        """The mean squared error of the mean over the draws; their number must be in `CHECKS`."""
        half = self.draws // 2
        first: Any = self._sums[half] / half
        second = (self._sum - self._sums[half]) / (self.draws - half)
        return float(np.mean((first - second) ** 2)) / 4
