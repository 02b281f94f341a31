"""What features of items are worth: their effects on the biases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FeatureEffects:
    """The coefficients of known features of items in the prior mean of an item's bias.

    Attributes
    ----------
    features
        For each feature the column of the items table, and the category; None for a number.
    mean, sd
        The posterior mean and standard deviation of each effect, in units of the ratings: of a
        category against none, and of one standard deviation of a number; shapes (m,).
    """

    features: tuple[tuple[str, str | None], ...]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
