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
from palate.analysis._feature_effects import has_known_features
from palate.analysis._variety import Variety
from palate.data._ratings import Csr
from palate.errors import SettingError
from palate.inference._lists import By, Lists, list_scores, question, top_items
from palate.inference._prediction_interval import score_variance
from palate.inference._user_posterior import UserPosterior
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned

Rows = NDArray[np.integer[Any]]
# An item with fewer training ratings or events than this has the second status, without any the
# first.
_MIN_KNOWN = 5
_STATUSES = ("prior-only", "rarely rated", "known")
_BY_FEATURES, _ADDED = "features only", "added"
_STATUSES_OF_EVENTS = ("never picked", "rarely picked", "known")


def predictions(learned: Learned, user: UserPosterior, items: Any) -> pl.DataFrame:
    """Return the expected ratings of one user; see `Profile.predict`."""
    rows = learned.item_index.rows(items)
    # All items are scored, so that a prediction has the same bits whatever the other items are.
    scores = user.scores(learned.item_table)[rows]
    return learned.item_frame(rows, **_known_about(learned, user, rows, scores))


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
    scores, chances = _scores(learned, history, user, by)
    key = scores if cautious is None else _cautious(learned, user, scores, cautious)
    ranked = choices[np.argsort(-key[choices], kind="stable")]
    variety = Variety(learned, options.diversity, options.calibrate)
    rows = ranked[variety.choose(history, ranked, key[ranked], n)]
    rating_scores = None
    if user is not None:
        rating_scores = (scores if by == "rating" else user.scores(learned.item_table))[rows]
    frame = learned.item_frame(
        rows,
        rank=np.arange(1, len(rows) + 1),
        **_scores_and_chances(learned, scores[rows], None if chances is None else chances[rows]),
        **_known_about(learned, user, rows, rating_scores),
    ).select("rank", pl.exclude("rank"))
    if cautious is not None:
        at_least = learned.likelihood.rating(key[rows].astype(np.float32))
        frame = frame.with_columns(at_least=at_least)
    if options.explain:
        reasons = _reasons(learned, history, user, rows, by)
        frame = frame.with_columns(pl.Series("reason", reasons, dtype=pl.String))
    return frame


def _scores(
    learned: Learned, history: Csr, user: UserPosterior | None, by: By
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Return the score of every item, and the chance; None by rating."""
    if by == "rating" and user is not None:
        return user.scores(learned.item_table), None
    table = None if user is None else user.mean[None, :]
    scores = list_scores(learned, history, table, by, threads=1)
    assert scores.choice is not None
    return scores.scores[0], learned.require_choice().chances(scores.choice, history)[0]


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


def _scores_and_chances(
    learned: Learned, scores: NDArray[np.float32], chances: NDArray[np.float32] | None
) -> dict[str, Any]:
    """Return the columns score, which items are ranked by, and chance."""
    if chances is None:
        return {"score": learned.likelihood.unclipped(scores)}
    return {"score": scores, "chance": pl.Series(chances).fill_nan(None)}


def _known_about(
    learned: Learned,
    user: UserPosterior | None,
    rows: Rows,
    rating_scores: NDArray[np.float32] | None,
) -> dict[str, Any]:
    """Return what is known about the items at `rows`, as columns."""
    columns: dict[str, Any] = {}
    if user is not None and rating_scores is not None:
        columns = _expected_ratings(learned, user, rows, rating_scores)
    return columns | {"ratings": learned.item_counts[rows], "status": _status(learned, rows)}


def _expected_ratings(
    learned: Learned, user: UserPosterior, rows: Rows, scores: NDArray[np.float32]
) -> dict[str, Any]:
    sd: Any = pl.Series([None] * len(rows), dtype=pl.Float32)
    if learned.has_intervals:
        variance = score_variance(learned.parameters, user, rows)
        noise = learned.parameters.rating_variance(scores, rows, user.variance)
        sd = np.sqrt(variance + noise).astype(np.float32)
    return {"prediction": learned.likelihood.rating(scores), "sd": sd}


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
    diversity: float,
    calibrate: str | None,
    threads: int | None,
) -> pl.DataFrame:
    """Return the best items for each person; see `Profiles.recommend`."""
    by = question(learned, by)
    eligible = learned.eligible_items(candidates, exclude)
    variety = Variety(learned, diversity, calibrate)
    most = variety.candidates(_arguments.integer("n", n, 1))
    lists = top_items(
        learned, histories, users, most, eligible, by=by, seen=seen, chances=True, threads=threads
    )
    if most > n:
        lists = lists.at(_chosen(variety, histories, lists, n))
    found = lists.rows >= 0
    person, place = np.nonzero(found)
    items, score = lists.rows[found], lists.scores[found]
    rating_scores, predictions = None, {}
    if users is not None:
        rating_scores = score if by == "rating" else users.scores(person.astype(np.int32), items)
        predictions = {"prediction": learned.likelihood.rating(rating_scores)}
    frame = learned.item_frame(
        items,
        user=user_ids.gather(person),
        rank=place + 1,
        **_scores_and_chances(
            learned, score, None if lists.chances is None else lists.chances[found]
        ),
        **predictions,
        **_known_about(learned, None, items, None),
    )
    return frame.select("user", "rank", pl.exclude("user", "rank"))


def _chosen(variety: Variety, histories: Csr, lists: Lists, n: int) -> NDArray[np.intp]:
    """Return the places of the items that are chosen for each person; shape (people, n)."""
    rows, scores = lists.rows, lists.scores
    chosen = np.full((len(rows), min(n, rows.shape[1])), -1)  # where none is left, rows is -1
    for person, found in enumerate(rows >= 0):
        history = histories.take(np.array([person]))
        places = variety.choose(history, rows[person, found], scores[person, found], n)
        chosen[person, : len(places)] = places
    return chosen


def favourites(learned: Learned, history: Csr, n: int) -> pl.DataFrame:
    """Return the items with the highest ratings or counts; see `Profile.favourites`."""
    order = np.argsort(-history.rating, kind="stable")[: _arguments.integer("n", n, 1)]
    rows = history.partner[order].astype(np.int64)
    return learned.item_frame(rows, rating=history.rating[order])


def _status(learned: Learned, rows: Rows) -> pl.Series:
    """Return how well each item is known; see `Profile.predict`."""
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
    return pl.Series(found, dtype=pl.String)


def _quantile(cautious: Any) -> float:
    probability = _arguments.finite("cautious", cautious)
    if not 0 < probability <= 0.5:
        raise SettingError(
            f"cautious is {cautious}; it must be above 0 and at most 0.5, such as 0.1"
        )
    return NormalDist().inv_cdf(probability)
