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
        width = np.float32(self.high - self.low)
        return np.float32(self.low) + width / (1 + np.exp(-score))
