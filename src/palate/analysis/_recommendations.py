"""Tables of predictions and of recommendations."""

from collections.abc import Iterable
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.analysis._choice_reasons import choice_reason
from palate.analysis._contributions import Contributions
from palate.analysis._explanation import reason
from palate.analysis._variety import varied
from palate.data._ratings import Csr
from palate.errors import SettingError
from palate.inference._lists import By, list_scores, question, top_items
from palate.inference._prediction_interval import score_variance
from palate.inference._user_posterior import UserPosterior
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned

Rows = NDArray[np.integer[Any]]
# An item with fewer training ratings than this has the status "rarely rated".
_MIN_KNOWN = 5


def predictions(learned: Learned, user: UserPosterior, items: Any) -> pl.DataFrame:
    """Return the expected ratings of one user; see `Profile.predict`."""
    rows = learned.item_index.rows(items)
    # All items are scored, so that a prediction has the same bits whatever the other items are.
    return _predictions(learned, user, rows, user.scores(learned.item_table)[rows])


class ListOptions(NamedTuple):
    """What a list should hold; see `Profile.recommend`."""

    candidates: Any
    exclude: Iterable[Any]
    seen: bool
    by: By | None
    cautious: float | None
    diversity: float
    calibrate: str | None
    explain: bool


def recommendations(
    learned: Learned, history: Csr, user: UserPosterior | None, n: int, options: ListOptions
) -> pl.DataFrame:
    """Return the best items for one person; see `Profile.recommend`."""
    _arguments.integer("n", n, 1)
    cautious, by = options.cautious, options.by
    if cautious is not None:
        if by not in {None, "rating"}:
            raise SettingError(f'cautious ranks by expected ratings; leave out by="{by}"')
        by = "rating"
    by = question(learned, by)
    eligible = learned.eligible_items(options.candidates, options.exclude)
    if not options.seen:
        eligible[history.partner] = False
    choices = np.flatnonzero(eligible)
    # Items are ranked by score, since clipped expected ratings have many ties.
    scores = _scores(learned, history, user, by)
    key = scores if cautious is None else _cautious(learned, user, scores, cautious)
    ranked = choices[np.argsort(-key[choices], kind="stable")]
    rows = varied(
        learned,
        history,
        ranked,
        key[ranked],
        n,
        diversity=options.diversity,
        calibrate=options.calibrate,
    )
    frame = _known_about(learned, user, rows)
    if by != "rating":
        frame.insert_column(2, pl.Series("score", scores[rows]))
    if cautious is not None:
        at_least = learned.likelihood.rating(key[rows].astype(np.float32))
        frame = frame.with_columns(at_least=at_least)
    if options.explain:
        reasons = _reasons(learned, history, user, rows, by)
        frame = frame.with_columns(pl.Series("reason", reasons, dtype=pl.String))
    return frame


def _scores(
    learned: Learned, history: Csr, user: UserPosterior | None, by: By
) -> NDArray[np.float32]:
    if by == "rating" and user is not None:
        return user.scores(learned.item_table)
    table = None if user is None else user.mean[None, :]
    scores: NDArray[np.float32] = list_scores(learned, history, table, by, threads=1)[0]
    return scores


def _cautious(
    learned: Learned, user: UserPosterior | None, scores: NDArray[np.float32], cautious: float
) -> NDArray[np.float64]:
    """Return the quantile of the posterior of each score."""
    assert user is not None
    sd = np.sqrt(score_variance(learned.parameters, user))
    return scores.astype(np.float64) + _quantile(cautious) * sd


def _reasons(
    learned: Learned, history: Csr, user: UserPosterior | None, rows: Rows, by: By
) -> list[str]:
    if by == "rating" and user is not None:
        contributions = Contributions(learned, user)
        return [reason(contributions, int(row)) for row in rows]
    return [choice_reason(learned, history, int(row)) for row in rows]


def _known_about(learned: Learned, user: UserPosterior | None, rows: Rows) -> pl.DataFrame:
    """Return the predictions for the items at `rows`; without a rating model, what is known."""
    if user is not None:
        return _predictions(learned, user, rows, user.scores(learned.item_table)[rows])
    counts = learned.item_counts[rows]
    return learned.item_frame(rows, ratings=counts, status=_status(counts))


def recommendations_for_all(
    learned: Learned,
    histories: Csr,
    users: UserPosteriors | None,
    user_ids: pl.Series,
    n: int,
    *,
    candidates: Any,
    exclude: Iterable[Any],
    seen: bool,
    by: By | None,
    threads: int | None,
) -> pl.DataFrame:
    """Return the best items for each person; see `Profiles.recommend`."""
    by = question(learned, by)
    eligible = learned.eligible_items(candidates, exclude)
    rows, scores = top_items(
        learned, histories, users, n, eligible, by=by, seen=seen, threads=threads
    )
    found = rows >= 0
    user_rows = np.repeat(np.arange(len(rows), dtype=np.int32), found.sum(axis=1))
    columns: dict[str, Any] = {} if by == "rating" else {"score": scores[found]}
    if users is not None:
        own = scores[found] if by == "rating" else users.scores(user_rows, rows[found])
        columns["prediction"] = learned.likelihood.rating(own)
    counts = learned.item_counts[rows[found]]
    frame = learned.item_frame(rows[found], **columns, ratings=counts, status=_status(counts))
    return frame.insert_column(0, user_ids.gather(user_rows).alias("user"))


def favourites(learned: Learned, history: Csr, n: int) -> pl.DataFrame:
    """Return the items with the highest ratings or counts; see `Profile.favourites`."""
    order = np.argsort(-history.rating, kind="stable")[: _arguments.integer("n", n, 1)]
    rows = history.partner[order].astype(np.int64)
    return learned.item_frame(rows, rating=history.rating[order])


def _predictions(
    learned: Learned, user: UserPosterior, rows: Rows, scores: NDArray[np.float32]
) -> pl.DataFrame:
    counts = learned.item_counts[rows]
    sd: Any = pl.Series([None] * len(rows), dtype=pl.Float32)
    if learned.has_intervals:
        variance = score_variance(learned.parameters, user, rows)
        sd = np.sqrt(variance + learned.likelihood.variance(scores)).astype(np.float32)
    return learned.item_frame(
        rows,
        prediction=learned.likelihood.rating(scores),
        sd=sd,
        ratings=counts,
        status=_status(counts),
    )


def _status(counts: NDArray[np.int64]) -> pl.Series:
    """Return "known", "rarely rated" (1 to 4 ratings) or "prior-only" (none) for each item."""
    names = np.array(["prior-only", "rarely rated", "known"])
    return pl.Series(names[np.where(counts == 0, 0, np.where(counts < _MIN_KNOWN, 1, 2))])


def _quantile(cautious: Any) -> float:
    probability = _arguments.finite("cautious", cautious)
    if not 0 < probability <= 0.5:
        raise SettingError(
            f"cautious is {cautious}; it must be above 0 and at most 0.5, such as 0.1"
        )
    return NormalDist().inv_cdf(probability)
