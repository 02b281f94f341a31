"""How each rating of a person differs from what the others of theirs let expect."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from palate.analysis._contributions import Contributions
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned

Numbers = NDArray[np.float64]


class Residuals:
    """The ratings of one person beside their expectations given all other ratings of theirs.

    For a rating r with leverage h, error e and noise of the variance v, the expectation given the
    other ratings is r - e / (1 - h), and the difference e / (1 - h) has the variance v / (1 - h)
    (Cook and Weisberg, "Residuals and influence in regression", 1982, section 2.2.1). The items are
    as they were learned, and what can be told from an item having been rated at all is kept.

    Attributes
    ----------
    errors
        The difference of each rating from its expectation given all ratings, in units of the
        ratings; shape (m,), like all others.
    leverage
        The derivative of the expectation of each rating in the rating itself, from 0 to 1: how much
        it tells of the person that the others do not.
    """

    def __init__(self, learned: Learned, user: UserPosterior) -> None:
        self.learned, self.user = learned, user
        self._scores = user.scores(learned.item_table)[user.rated]
        unclipped = learned.likelihood.unclipped(self._scores)
        self.errors: Numbers = user.rating.astype(np.float64) - unclipped
        self.leverage = Contributions(learned, user).leverage

    @cached_property
    def expected(self) -> Numbers:
        """The expectation of each rating given the others, clipped to the range."""
        likelihood, differences = self.learned.likelihood, self.errors / (1 - self.leverage)
        expected: Numbers = np.clip(self.user.rating - differences, likelihood.low, likelihood.high)
        return expected

    @cached_property
    def surprise(self) -> Numbers:
        """The difference from the expectation divided by its standard deviation."""
        noise = self.learned.parameters.rating_variance(
            self._scores, self.user.rated, self.user.variance
        )
        surprise: Numbers = self.errors / np.sqrt(noise * (1 - self.leverage))
        return surprise
