"""What features are worth: their effects on the biases of a side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.learned._known_features import KnownFeature, KnownFeatures


@dataclass(frozen=True, eq=False)
class FeatureEffects:
    """The coefficients of known features of items or users in the prior mean of a bias.

    Attributes
    ----------
    features
        The features.
    mean, sd
        The posterior mean and standard deviation of each effect, in units of the ratings: of a
        category against the average row, or against none where rows can have several; and of one
        standard deviation of a number; shapes (m,).
    """

    features: KnownFeatures
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]

    @property
    def array(self) -> NDArray[np.float64]:
        """What a file holds beside the names; shape (6, m)."""
        scales = np.array([feature[3:] for feature in self.features.features])
        return np.vstack([self.mean, self.sd, scales.reshape(-1, 4).T])

    @property
    def record(self) -> list[list[str | None]]:
        """The names in a file: the column, the category and the separator of each feature."""
        return [list(feature[:3]) for feature in self.features.features]

    @classmethod
    def of_file(
        cls, array: NDArray[np.float64], record: list[list[str | None]]
    ) -> "FeatureEffects":
        """Return the effects with this `array` and `record`.

        Raises
        ------
        TypeError, ValueError
            If these do not belong to effects.
        """
        mean, sd, lowest, highest, _, scale = array
        features = []
        for (column, *texts), scales in zip(record, array[2:].T.tolist(), strict=True):
            if not isinstance(column, str) or not all(isinstance(x, str | None) for x in texts):
                raise TypeError("the names of features are not text")
            features.append(KnownFeature(column, *texts, *scales))  # type: ignore[arg-type]
        if sd.min(initial=0) < 0 or scale.min(initial=1) <= 0 or (lowest > highest).any():
            raise ValueError("the effects of the features are not in order")
        return cls(KnownFeatures(tuple(features)), mean, sd)
