"""The parameters that a solver learns."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.learned._feature_effects import FeatureEffects
from palate.learned._item_posterior import ItemPosterior
from palate.learned._item_prior import ItemPrior
from palate.learned._likelihood import Likelihood
from palate.learned._rating_variances import RatingVariances
from palate.learned._user_prior import UserPrior


@dataclass(frozen=True, eq=False)
class Parameters:
    """What a solver learns about the items and the population of users.

    The score of user u and item i is ``p_u . q_i + b_u + b_i``; `likelihood` says how a rating
    depends on it. Users are inferred from these parameters and their ratings.

    Attributes
    ----------
    item_table
        The k factors of each item, then its bias; shape (items, k + 1).
    likelihood
        The distribution of a rating given its score.
    user_prior
        The prior over users.
    item_posterior
        The uncertainty of the items; None in a point estimate.
    variances
        How far ratings lie from their expectations; None if all have one variance.
    effects, user_effects
        What features of items, and of users, are worth; None in a point estimate.
    item_prior
        The prior over items that are added after the fit; None in a point estimate.
    """

    item_table: NDArray[np.float32]
    likelihood: Likelihood
    user_prior: UserPrior
    item_posterior: ItemPosterior | None = None
    variances: RatingVariances | None = None
    effects: FeatureEffects | None = None
    user_effects: FeatureEffects | None = None
    item_prior: ItemPrior | None = None

    @property
    def typical_noise_sd(self) -> float:
        """How far the ratings of the person in the middle lie from their expectations.

        It is noise_sd (median of s_u)^1/2 with s_u of the prior of `RatingVariances`, freedom over
        a chi-square variate, in units of the ratings; the mean is above most people. The median of
        chi-square is that of Wilson and Hilferty (PNAS 1931), freedom (1 - 2 / (9 freedom))^3.
        """
        noise_sd = self.likelihood.noise_sd
        if self.variances is None:
            return noise_sd
        return noise_sd / math.sqrt((1 - 2 / (9 * self.variances.freedom)) ** 3)

    def rating_variance(
        self,
        scores: NDArray[np.float32],
        items: NDArray[np.integer[Any]] | slice,
        person: float | NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the variance of ratings about their expectations; shape (n,).

        Parameters
        ----------
        scores
            The scores of some items for people; shape (n,).
        items
            The rows of these items.
        person
            The relative variance of each person's ratings.
        """
        variance = self.likelihood.variance(scores)
        if self.variances is not None:
            variance *= self.variances.items[items] * person
        return variance
