"""How often each step of the scale was given, beside how often the model expects it."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned

Numbers = NDArray[np.float64]
# Expectations are computed for at most so many ratings; those of more are in proportion to them.
_MAX_RATINGS = 2000
_erf = np.vectorize(math.erf, otypes=[np.float64])


class RatingCounts(NamedTuple):
    """How often each step of a scale was given and expected; shapes (steps,)."""

    observed: NDArray[np.int64]
    expected: Numbers


def rating_counts(
    learned: Learned,
    posteriors: UserPosteriors,
    entries: NDArray[np.int64],
    steps: NDArray[np.float64],
) -> RatingCounts:
    """Return how often each step was given in some training ratings, and how often it is expected.

    The prediction of the rating of user u for item i is N(m, s^2), with the expected rating m
    before it is clipped to the scale, and s that of `UserPosteriors.rating_sd`; in a point estimate
    s is the noise. It is rounded to the nearest step. With the midpoints c_1 < c_2 < ... between
    the steps, c_0 = -inf and c_K = inf, step k is expected

        sum_ui [F((c_k - m_ui) / s_ui) - F((c_(k-1) - m_ui) / s_ui)]

    times, with the standard normal distribution function F. The model has seen these ratings: where
    both differ, it is the shape of the distribution that it does not describe.

    Parameters
    ----------
    learned, posteriors
        The model, and the posteriors of its users.
    entries
        The places of the ratings among the training ratings; shape (n,). Of more than 2,000, at
        most as many, at equal distances, are predicted, and what is expected of them is scaled up.
    steps
        The scale: at least one rating, increasing; shape (steps,).
    """
    ratings = learned.require_users()
    midpoints = (steps[:-1] + steps[1:]) / 2
    given = np.searchsorted(midpoints, ratings.rating[entries], side="right")
    observed = np.bincount(given, minlength=len(steps))
    if len(entries) == 0:
        return RatingCounts(observed, np.zeros(len(steps)))
    chosen = entries[:: math.ceil(len(entries) / _MAX_RATINGS)]
    user, item = ratings.user[chosen], ratings.item[chosen]
    scores = posteriors.scores(user, item)
    if learned.has_intervals:
        sd = posteriors.rating_sd(user, item)
    else:
        variance = learned.parameters.rating_variance(scores, item, posteriors.variances[user])
        sd = np.sqrt(variance)
    mean = learned.likelihood.unclipped(scores).astype(np.float64)
    below = (1 + _erf((midpoints[:, None] - mean) / (sd * math.sqrt(2)))) / 2
    cumulative = np.concatenate([[0.0], below.mean(axis=1), [1.0]])
    return RatingCounts(observed, len(entries) * np.diff(cumulative))
