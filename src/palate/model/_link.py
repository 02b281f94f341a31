"""From a score to a rating."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sigmoid:
    """The rating low + (high - low) / (1 + exp(-score)): always between `low` and `high`."""

    low: float
    high: float

    def rating(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rating for each score."""
        rating = self.low + (self.high - self.low) / (1 + np.exp(-score))
        return rating.astype(np.float32, copy=False)
