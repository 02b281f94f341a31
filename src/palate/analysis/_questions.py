"""Questions: the items whose ratings would be most informative about a person."""

from typing import Any

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


def next_questions(
    learned: Learned, user: UserPosterior, n: int, exclude: Any, unknown: Unknown
) -> ItemTable:
    """Return the `n` items to ask a person about; see `Profile.next_questions`."""
    _arguments.integer("n", n, 1)
    eligible, skipped = eligible_items(learned, exclude=exclude, unknown=unknown)
    eligible[user.rated] = False
    z, noise = _directions(learned, user)
    rated = z[learned.rated]
    mean_moment = rated.T @ rated / max(1, len(rated))
    covariance = user.covariance.astype(np.float64)
    # People can only rate items that they know, so gains are weighted by the number of ratings.
    familiarity = learned.item_counts / max(1, learned.item_counts.max(initial=0))
    rows, gains = [], []
    for _ in range(min(n, int(eligible.sum()))):
        projected = z @ covariance
        variance = np.einsum("nk,nk->n", projected, z) + noise
        gain = quadratic_forms(projected, mean_moment) / variance
        best = int(np.argmax(np.where(eligible, gain * familiarity, -1.0)))
        rows.append(best)
        gains.append(float(gain[best]))
        eligible[best] = False
        covariance -= np.outer(projected[best], projected[best]) / variance[best]
    asked = np.array(rows, dtype=np.int64)
    frame = learned.item_frame(asked, gain=gains, ratings=learned.item_counts[asked])
    return ItemTable.of(frame, skipped)


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
