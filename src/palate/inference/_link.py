"""From a score to a rating."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sigmoid:
    """The rating low + (high - low) / (1 + exp(-score)): always between `low` and `high`."""

    low: float
    high: float

    name = "sigmoid"
    mu = 0.0  # what a score counts from

    def rating(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rating for each score."""
        rating = self.low + (self.high - self.low) * self._share(score)
        return rating.astype(np.float32, copy=False)

    def slope(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the derivative of the rating at each score."""
        share = self._share(score)
        slope = (self.high - self.low) * share * (1 - share)
        return slope.astype(np.float32, copy=False)

    def level(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rating that each score stands for, were ratings never cut off: `rating`."""
        return self.rating(score)

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
        return np.clip(self.level(score), self.low, self.high)

    def slope(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the derivative of the level at each score."""
        return np.ones_like(score)

    def level(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rating that each score stands for, were ratings never cut off."""
        return (self.mu + score).astype(np.float32, copy=False)


Link = Sigmoid | Linear


def at(function: Callable[[NDArray[np.float32]], NDArray[np.float32]], score: float) -> float:
    """Return what a function of a link, such as its `rating`, is at one score."""
    return float(function(np.array([score], dtype=np.float32))[0])


# Where the sigmoid is flat a rating says nothing: below this slope, as a share of its width.
_FLAT = 1e-4


def linearised(
    link: Link, score: NDArray[np.float32], rating: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return ratings of the linear model that agrees with the link's at the scores, and slopes.

    f(s) + f'(s) (x - s) = r becomes x = s + (r - f(s)) / f'(s), which counts with the weight
    f'(s)^2. Shapes (n,).
    """
    if isinstance(link, Linear):
        return rating - np.float32(link.mu), np.ones_like(rating)
    slope = np.maximum(link.slope(score), np.float32(_FLAT * (link.high - link.low)))
    return (score + (rating - link.rating(score)) / slope).astype(np.float32), slope


def mean_squared_error(
    link: Link, score: NDArray[np.float32], rating: NDArray[np.float32]
) -> float:
    """Return the mean of the squared distances of ratings from those that scores stand for."""
    error = link.rating(score) - rating
    return float(np.mean(np.square(error, dtype=np.float64)))


LINKS: dict[str, type[Link]] = {link.name: link for link in (Sigmoid, Linear)}
