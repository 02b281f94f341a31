"""Questions: the items whose ratings would be most informative about a person."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate import _arguments
from palate._linear_algebra import quadratic_forms, with_ones
from palate.analysis._eligible_items import eligible_items
from palate.analysis._item_table import ItemTable
from palate.inference._prediction_interval import score_variance_from_items
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned
from palate.learned._lookup import Unknown

Numbers = NDArray[np.float64]
# The share of the variance that is explained where tastes are clear; and the maximum number of
# further ratings that are foreseen.
_CLEAR, _MAX_MORE = 0.5, 20


class Clarity(NamedTuple):
    """How clear a person's tastes are to a model.

    Attributes
    ----------
    explained
        The share of the prior variance of an expected rating that the history explains, from 0 to
        1: averaged over the items, as the gain of `Profile.next_questions` is.
    more
        After how many further ratings of the most informative items half of it will be explained,
        and the tastes count as clear; at most 20, also where fewer items are left to rate.
    """

    explained: float
    more: int


def next_questions(
    learned: Learned, user: UserPosterior, n: int, exclude: Any, unknown: Unknown
) -> ItemTable:
    """Return the `n` items to ask a person about; see `Profile.next_questions`."""
    _arguments.integer("n", n, 1)
    eligible, skipped = _unrated(learned, user, exclude, unknown)
    found = _most_informative(learned, user, _directions(learned, user), eligible, n)
    return _table(learned, *found, skipped)


def clarity(learned: Learned, user: UserPosterior, exclude: Any) -> Clarity:
    """Return how clear a person's tastes are; see `Profile.clarity`."""
    eligible, _ = _unrated(learned, user, exclude, "skip")
    directions = _directions(learned, user)
    before, explained = _explained(learned, user, directions)
    n = _MAX_MORE if explained < _CLEAR else 0
    _, gains = _most_informative(learned, user, directions, eligible, n)
    return _clarity(before, explained, gains)


def questions_and_clarity(
    learned: Learned, user: UserPosterior, n: int, exclude: Any, unknown: Unknown
) -> tuple[ItemTable, Clarity]:
    """Return both of the above; what they share is computed once."""
    _arguments.integer("n", n, 1)
    eligible, skipped = _unrated(learned, user, exclude, unknown)
    directions = _directions(learned, user)
    before, explained = _explained(learned, user, directions)
    most = max(n, _MAX_MORE) if explained < _CLEAR else n
    asked, gains = _most_informative(learned, user, directions, eligible, most)
    questions = _table(learned, asked[:n], gains[:n], skipped)
    return questions, _clarity(before, explained, gains[:_MAX_MORE])


def _unrated(
    learned: Learned, user: UserPosterior, exclude: Any, unknown: Unknown
) -> tuple[NDArray[np.bool_], tuple[Any, ...]]:
    """Return a mask of the items that a person can be asked about, and what was skipped."""
    eligible, skipped = eligible_items(learned, exclude=exclude, unknown=unknown)
    eligible[user.rated] = False
    return eligible, skipped


def _table(
    learned: Learned, asked: NDArray[np.int64], gains: Numbers, skipped: tuple[Any, ...]
) -> ItemTable:
    frame = learned.item_frame(asked, gain=gains, ratings=learned.item_counts[asked])
    return ItemTable.of(frame, skipped)


def _explained(
    learned: Learned, user: UserPosterior, directions: tuple[Numbers, Numbers]
) -> tuple[float, float]:
    """Return the prior variance of an expected rating, and the share of it that is explained.

    It is that of people whose ratings have the same variance as the user's.
    """
    rated, variances = directions[0][learned.rated], learned.parameters.variances
    before = float(quadratic_forms(rated, learned.parameters.user_prior.of_anyone).mean())
    if variances is not None:
        before *= user.variance / variances.of_anyone
    left = float(quadratic_forms(rated, user.covariance.astype(np.float64)).mean())
    return before, max(0.0, 1 - left / before)


def _clarity(before: float, explained: float, gains: Numbers) -> Clarity:
    """Return the clarity, given the gains of the most informative items, one after the other."""
    if explained >= _CLEAR:
        return Clarity(explained, 0)
    clear = np.flatnonzero(explained + np.cumsum(gains) / before >= _CLEAR)
    return Clarity(explained, int(clear[0]) + 1 if len(clear) else _MAX_MORE)


def _most_informative(
    learned: Learned,
    user: UserPosterior,
    directions: tuple[Numbers, Numbers],
    eligible: NDArray[np.bool_],
    n: int,
) -> tuple[NDArray[np.int64], Numbers]:
    """Return the rows of the `n` most informative items and their gains; each follows the others.

    Each answer changes the covariance V by a term of rank one. So what depends on V and on every
    item, V z and the mean over i of (z_i' V z)^2, is updated and not computed anew.
    """
    z, noise = directions
    rated = z[learned.rated]
    mean_moment = rated.T @ rated / max(1, len(rated))
    # People can only rate items that they know, so gains are weighted by the number of ratings.
    familiarity = learned.item_counts / max(1, learned.item_counts.max(initial=0))
    projected = z @ user.covariance.astype(np.float64)
    reduction = quadratic_forms(projected, mean_moment)
    variance = np.einsum("nk,nk->n", projected, z) + noise
    left, rows, gains = eligible.copy(), [], []
    for _ in range(min(n, int(left.sum()))):
        gain = reduction / variance
        best = int(np.argmax(np.where(left, gain * familiarity, -1.0)))
        rows.append(best)
        gains.append(float(gain[best]))
        left[best] = False
        direction = projected[best].copy()
        share = z @ direction / variance[best]
        moment = mean_moment @ direction
        reduction += share * (share * float(direction @ moment) - 2 * (projected @ moment))
        variance -= share**2 * variance[best]
        projected -= np.outer(share, direction)
    return np.array(rows, dtype=np.int64), np.array(gains)


def _directions(learned: Learned, user: UserPosterior) -> tuple[Numbers, Numbers]:
    """Return the gradients of the expected ratings, and the variances apart from the user's.

    The gradient in the user's factors and bias is z = [q, 1] times the slope of the likelihood at
    the expected score. The variance is that of the noise and of the item's uncertainty. Shapes
    (items, k + 1) and (items,), in units of the ratings.
    """
    z = with_ones(learned.item_factors).astype(np.float64)
    scores = user.scores(learned.item_table)
    noise = learned.parameters.rating_variance(scores, slice(None), user.variance)
    if learned.has_intervals:
        noise += score_variance_from_items(learned.parameters, user)
    return learned.likelihood.slope(scores)[:, None] * z, noise
