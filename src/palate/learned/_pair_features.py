"""Features of a person from which items they have rated, whatever the ratings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate._native import multiply
from palate.data._ratings import Csr


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """How many and which items a person has rated, as standardised features.

    With n items rated, v_j the loadings of item j and c the mean of the people of the fit::

        f = [1, (log n - mean) / sd, sum_j v_j / (n + damping)^1/2 - c]

    Of people without ratings nothing is known: their features are those of the average,
    [1, 0, ..., 0].

    Attributes
    ----------
    loadings
        v; shape (items, m).
    centre
        c; shape (m,).
    damping
        What short histories count for less by.
    log_counts
        The mean, the sd, the lowest and the highest log n of the people of the fit. A number beyond
        these counts as they do.
    """

    loadings: NDArray[np.float32]
    centre: NDArray[np.float32]
    damping: float
    log_counts: tuple[float, float, float, float]

    @property
    def count(self) -> int:
        """The number of features."""
        return 2 + int(self.loadings.shape[1])

    def of(self, histories: Csr, threads: int) -> NDArray[np.float32]:
        """Return the features of each person; shape (people, m + 2)."""
        counts = histories.counts
        projected = projections(self.loadings, self.damping, histories, threads)
        return of_projections(counts, projected, self.centre, self.log_counts)

    def times(
        self,
        histories: Csr,
        coefficients: NDArray[np.float64],
        of_items: NDArray[np.float32],
        threads: int,
    ) -> NDArray[np.float32]:
        """Return f' C for each person; shape (people, d).

        The result for a person has the same bits whoever else is asked for.

        Parameters
        ----------
        histories
            The ratings of each person.
        coefficients
            C; shape (m + 2, d).
        of_items
            The loadings times the coefficients from the third on; shape (items, d).
        threads
            The number of threads.
        """
        constant, slope = coefficients[:2].astype(np.float32)
        known = projections(of_items, self.damping, histories, threads)
        counts = histories.counts
        known += slope * _standardised_logs(counts, self.log_counts)[:, None]
        known -= (self.centre @ coefficients[2:]).astype(np.float32)
        known[counts == 0] = 0
        known += constant
        return known

    def parts(self, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return what each of the items that one person has rated adds to f; shape (n, m + 2)."""
        parts = np.zeros((len(items), self.count), dtype=np.float32)
        parts[:, 2:] = self.loadings[items] / np.sqrt(np.float32(len(items) + self.damping))
        return parts


def of_projections(
    counts: NDArray[np.int64],
    projected: NDArray[np.float32],
    centre: NDArray[np.float32],
    log_counts: tuple[float, float, float, float],
) -> NDArray[np.float32]:
    """Return the features f of people, or of items, whose sums over v_j are known; see above.

    Shapes (n,) and (n, m) to (n, m + 2).
    """
    features = np.empty((len(counts), 2 + projected.shape[1]), dtype=np.float32)
    features[:, 0] = 1
    features[:, 1] = _standardised_logs(counts, log_counts)
    features[:, 2:] = projected - centre
    features[counts == 0, 1:] = 0
    return features


def _standardised_logs(
    counts: NDArray[np.int64], log_counts: tuple[float, float, float, float]
) -> NDArray[np.float32]:
    """Return the standardised log n of each number of ratings; shape (n,)."""
    mean, sd, lowest, highest = log_counts
    logs = np.clip(np.log(np.maximum(counts, 1)), lowest, highest)
    standardised: NDArray[np.float32] = ((logs - mean) / sd).astype(np.float32)
    return standardised


def projections(
    loadings: NDArray[np.float32], damping: float, histories: Csr, threads: int
) -> NDArray[np.float32]:
    """Return the sum of v_j / (n + damping)^1/2 over each history; shape (people, m)."""
    counts = histories.counts
    if loadings.shape[1] == 0:
        return np.zeros((len(counts), 0), dtype=np.float32)
    share = (1 / np.sqrt(counts + damping)).astype(np.float32)
    shared = histories._replace(rating=share[histories.row])
    sums: NDArray[np.float32] = multiply(*shared, loadings, threads)
    return sums
