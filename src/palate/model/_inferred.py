"""What was learned, with users and added items inferred anew from the ratings."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._threads import thread_count
from palate.data._ratings import Ratings
from palate.inference._added_items import infer_items
from palate.inference._user_posterior import infer
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._extended import with_added_items, with_items
from palate.learned._learned import Learned
from palate.learned._lookup import rows_among

Rows = NDArray[np.integer[Any]]


def with_new_items(learned: Learned, new: Ratings) -> Learned:
    """Return the data with the items of new ratings that it lacks, where it can infer these.

    A point estimate has no prior of items, and what events are picked with only a fit can learn.
    """
    parameters = learned.rating_parameters
    if parameters is None or parameters.item_prior is None or new.items is learned.items:
        return learned
    unknown = rows_among(learned.items["id"], new.items["id"]).is_null()
    return with_added_items(learned, new.items.filter(unknown)) if unknown.any() else learned


def with_users_inferred(
    learned: Learned, table: NDArray[np.float32], variances: NDArray[np.float64], rows: Rows
) -> Learned:
    """Return the data with the users at `rows` inferred from their ratings, and others as given.

    Parameters
    ----------
    learned
        The data, with the ratings of all users.
    table, variances
        As of `Learned.user_table` and `Learned.user_variances`.
    rows
        The rows of some users.
    """
    table, variances = table.copy(), variances.copy()
    inferred = infer(
        learned.ratings_by_user.take(rows),
        learned.parameters,
        thread_count(None),
        known=learned.known_of(learned.require_users().users[rows]),
    )
    table[rows], variances[rows] = inferred.mean, inferred.variance
    own = None if learned.parameters.variances is None else variances
    return replace(learned, user_table=table, user_variances=own)


def with_items_inferred(learned: Learned, rows: Rows, users: Rows) -> Learned:
    """Return the data with those items at `rows` that were added after the fit inferred anew.

    They are inferred from all their ratings, given the users; then the users at `users` again.
    """
    rows = rows[rows >= learned.items.height - learned.added_items]
    if not len(rows):
        return learned
    prior, table = learned.parameters.item_prior, learned.require_user_table()
    assert prior is not None
    variances = learned.require_user_variances()
    posteriors = UserPosteriors(
        learned.parameters, table, learned.ratings_by_user, variances, learned.known_of_users
    )
    ratings = learned.ratings_by_item.take(rows)
    means = prior.means(learned.items[rows])
    changed = with_items(learned, rows, *infer_items(ratings, means, prior, posteriors))
    counts, item_means = learned.item_counts.copy(), learned.item_means.copy()
    counts[rows] = ratings.counts
    item_means[rows] = np.add.reduceat(ratings.rating, ratings.starts[:-1]) / counts[rows]
    changed = replace(changed, item_counts=counts, item_means=item_means)
    return with_users_inferred(changed, table, variances, users)
