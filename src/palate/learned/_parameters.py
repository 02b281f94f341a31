"""The parameters that a solver learns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.learned._item_posterior import ItemPosterior
from palate.learned._likelihood import Likelihood
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
    """

    item_table: NDArray[np.float32]
    likelihood: Likelihood
    user_prior: UserPrior
    item_posterior: ItemPosterior | None = None
