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
        rating = self.low + (self.high - self.low) / (1 + np.exp(-score))
        return rating.astype(np.float32, copy=False)


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
LINKS: dict[str, type[Link]] = {link.name: link for link in (Sigmoid, Linear)}
