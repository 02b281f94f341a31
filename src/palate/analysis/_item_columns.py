"""What is known of the items of a list or of predictions, as columns of a table."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._feature_effects import has_known_features
from palate.inference._prediction_interval import score_variance
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned

Rows = NDArray[np.integer[Any]]
# An item with fewer training ratings or events than this has the second status, without any the
# first.
_MIN_KNOWN = 5
_STATUSES = ("prior-only", "rarely rated", "known")
_BY_FEATURES, _ADDED = "features only", "added"
_STATUSES_OF_EVENTS = ("never picked", "rarely picked", "known")


def scores_and_chances(
    learned: Learned, scores: NDArray[np.float32], chances: NDArray[np.float32] | None
) -> dict[str, Any]:
    """Return the columns score, which items are ranked by, and chance."""
    if chances is None:
        return {"score": learned.likelihood.unclipped(scores)}
    return {"score": scores, "chance": pl.Series(chances, nan_to_null=True)}


def expected_ratings(
    learned: Learned, user: UserPosterior, rows: Rows, scores: NDArray[np.float32]
) -> dict[str, Any]:
    """Return the columns prediction and sd of one person."""
    sd: Any = pl.Series([None] * len(rows), dtype=pl.Float32)
    if learned.has_intervals:
        variance = score_variance(learned.parameters, user, rows)
        noise = learned.parameters.rating_variance(scores, rows, user.variance)
        sd = np.sqrt(variance + noise).astype(np.float32)
    return {"prediction": learned.likelihood.rating(scores), "sd": sd}


def counts_and_status(learned: Learned, rows: Rows) -> dict[str, Any]:
    """Return the columns ratings and status: how well each item is known; see `Profile.predict`."""
    counts = learned.item_counts[rows]
    names = np.array(_STATUSES if learned.has_ratings else _STATUSES_OF_EVENTS)
    found = names[np.where(counts == 0, 0, np.where(counts < _MIN_KNOWN, 1, 2))]
    if learned.has_ratings:
        added = rows >= learned.items.height - learned.added_items
        found = np.where(added & (counts > 0), _ADDED, found)
        unrated = np.flatnonzero(counts == 0)
        by_features = unrated[has_known_features(learned, rows[unrated])]
        found = found.astype(object)
        found[by_features] = _BY_FEATURES
    return {"ratings": counts, "status": pl.Series(found.tolist(), dtype=pl.String)}
