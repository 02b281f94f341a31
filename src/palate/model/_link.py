"""From a score to a rating."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sigmoid:
    """The rating low + (high - low) / (1 + exp(-score)): always between `low` and `high`."""

    low: float
    high: float

    name = "sigmoid"

    def rating(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rating for each score."""
        rating = self.low + (self.high - self.low) * self._share(score)
        return rating.astype(np.float32, copy=False)

    def slope(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the derivative of the rating at each score."""
        share = self._share(score)
        slope = (self.high - self.low) * share * (1 - share)
        return slope.astype(np.float32, copy=False)

    def _share(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):  # 1 / infinity is the right answer
            share = 1 / (1 + np.exp(-score))
        return share.astype(np.float32, copy=False)


@dataclass(frozen=True)
class Linear:
    """The rating mu + score, cut off at the lowest and the highest rating that were seen."""

    low: float
    high: float
    mu: float

    name = "linear"

    def rating(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rating for each score."""
        rating: NDArray[np.float32] = np.clip(self.mu + score, self.low, self.high)
        return rating.astype(np.float32, copy=False)


Link = Sigmoid | Linear


def mean_squared_error(
    link: Link, score: NDArray[np.float32], rating: NDArray[np.float32]
) -> float:
    """Return the mean of the squared distances of ratings from those that scores stand for."""
    error = link.rating(score) - rating
    return float(np.mean(np.square(error, dtype=np.float64)))


LINKS: dict[str, type[Link]] = {link.name: link for link in (Sigmoid, Linear)}
