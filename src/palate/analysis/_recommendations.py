"""Tables of predictions and of recommendations for one person."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate._words import Pronouns
from palate.analysis._choice_reasons import choice_reason
from palate.analysis._contributions import Contributions
from palate.analysis._eligible_items import eligible_items
from palate.analysis._explanation import reason
from palate.analysis._item_columns import (
    Rows,
    counts_and_status,
    expected_ratings,
    scores_and_chances,
)
from palate.analysis._item_table import ItemTable
from palate.analysis._list_options import ListOptions
from palate.analysis._variety import Variety
from palate.data._ratings import Csr
from palate.inference._lists import ListScores, Ranking, list_scores
from palate.inference._prediction_interval import score_variance
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned
from palate.learned._lookup import Unknown


def predictions(learned: Learned, user: UserPosterior, items: Any, unknown: Unknown) -> ItemTable:
    """Return the expected ratings of one user; see `Profile.predict`."""
    found = learned.item_index.find(items, unknown)
    rows = found.known
    # All items are scored, so that a prediction has the same bits whatever the other items are.
    scores = user.scores(learned.item_table)[rows]
    frame = learned.item_frame(
        rows,
        **expected_ratings(learned, user, rows, scores),
        **counts_and_status(learned, rows),
    )
    return ItemTable.of(frame, found.skipped)


def recommendations(
    learned: Learned,
    history: Csr,
    user: UserPosterior | None,
    options: ListOptions,
    pronouns: Pronouns,
) -> ItemTable:
    """Return the best items for one person; see `Profile.recommend`."""
    by, quantile = options.ranking(learned), options.quantile()
    eligible, skipped = eligible_items(
        learned,
        candidates=options.candidates,
        exclude=options.exclude,
        where=options.where,
        unknown=options.unknown,
    )
    if not options.seen:
        eligible[history.partner] = False
    choices = np.flatnonzero(eligible)
    # Items are ranked by score, since clipped expected ratings have many ties.
    found = _scores(learned, history, user, by)
    scores = found.scores[0]
    key = scores if quantile is None else score_quantiles(learned, user, scores, quantile)
    variety = Variety(learned, options.diversity, options.calibrate)
    ranked = _best(choices, key, variety.candidates(options.n))
    rows = ranked[variety.choose(history, ranked, key[ranked], options.n)]
    columns: dict[str, Any] = {}
    if user is not None:
        rating_scores = scores if by == "rating" else user.scores(learned.item_table)
        columns = expected_ratings(learned, user, rows, rating_scores[rows])
    frame = learned.item_frame(
        rows,
        **scores_and_chances(learned, scores[rows], _chances(learned, history, rows, found.choice)),
        **columns,
        **counts_and_status(learned, rows),
    )
    if quantile is not None:
        at_least = learned.likelihood.rating(key[rows].astype(np.float32))
        frame = frame.with_columns(at_least=at_least)
    if options.explain:
        why = reasons(learned, history, user, rows, by, pronouns=pronouns)
        frame = frame.with_columns(pl.Series("reason", why, dtype=pl.String))
    frame.insert_column(0, pl.Series("rank", np.arange(1, len(rows) + 1)))
    return ItemTable.of(frame, skipped)


def _best(rows: Rows, keys: NDArray[np.floating[Any]], n: int) -> Rows:
    """Return those `n` of some rows whose keys are highest, the best first.

    Of equal ones the first come first. To sort all of 10,000 rows would take longer than the rest.
    """
    found = -keys[rows]
    if n < len(rows):
        among = np.flatnonzero(found <= np.partition(found, n - 1)[n - 1])
        rows, found = rows[among], found[among]
    return rows[np.argsort(found, kind="stable")[:n]]


def _scores(learned: Learned, history: Csr, user: UserPosterior | None, by: Ranking) -> ListScores:
    """Return the scores of every item for one person."""
    if by == "rating" and user is not None:
        return ListScores(user.scores(learned.item_table)[None, :], None)
    table = None if user is None else user.mean[None, :]
    return list_scores(learned, history, table, by, threads=1)


def _chances(
    learned: Learned, history: Csr, rows: Rows, choice: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """Return the chances of the items at `rows` for one person; None by rating."""
    if choice is None:
        return None
    chances: NDArray[np.float32] = learned.require_choice().chances(
        rows[None, :], choice, history, threads=1
    )[0]
    return chances


def score_quantiles(
    learned: Learned, user: UserPosterior | None, scores: NDArray[np.float32], quantile: float
) -> NDArray[np.float64]:
    """Return a standard normal quantile of the posterior of each score; shape (items,)."""
    assert user is not None
    sd = np.sqrt(score_variance(learned.parameters, user))
    return scores.astype(np.float64) + quantile * sd


def reasons(
    learned: Learned,
    history: Csr,
    user: UserPosterior | None,
    rows: Rows,
    by: Ranking,
    *,
    pronouns: Pronouns,
) -> list[str]:
    """Return in words why each of the items at `rows` is in the list of a person."""
    if by == "rating" and user is not None:
        contributions = Contributions(learned, user)
        return [reason(contributions, int(row), pronouns) for row in rows]
    return [choice_reason(learned, history, int(row), pronouns) for row in rows]


def favourites(learned: Learned, history: Csr, n: int) -> pl.DataFrame:
    """Return the items with the highest ratings or counts; see `Profile.favourites`."""
    order = np.argsort(-history.rating, kind="stable")[: _arguments.integer("n", n, 1)]
    rows = history.partner[order].astype(np.int64)
    return learned.item_frame(rows, rating=history.rating[order])
