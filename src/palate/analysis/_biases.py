"""Tables of biases of items and users, with the decomposition of their mean ratings."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate._words import LEAST_SHOWN
from palate.analysis._intervals import (
    bound_nearest_zero,
    default_min_ratings,
    null_column,
    spread_interval,
    validate_order,
)
from palate.analysis._matching_items import matching_items
from palate.analysis._mean_decomposition import MeanDecomposition, Numbers
from palate.errors import SettingError
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned

Order = Literal["bias", "cautious", "gap", "spread"]
_ORDERS = ("bias", "cautious", "gap", "spread")


def item_biases(
    learned: Learned,
    decomposition: MeanDecomposition,
    order: Order | None,
    min_ratings: int | None,
    where: Mapping[str, Any] | None,
) -> pl.DataFrame:
    """Return a row for each item; see `Model.biases`."""
    counts = learned.item_counts
    rated = _with_min_ratings(counts, order, min_ratings)
    rows = np.flatnonzero(rated & matching_items(learned.items, where))
    frame = learned.item_frame(rows, ratings=counts[rows], mean=learned.item_means[rows])
    frame = _with_decomposition(frame, decomposition, rows, "raters")
    frame = _with_spread(learned, frame, _item_spread(learned, rows))
    return _sorted(frame, order, has_intervals=learned.has_intervals)


def user_biases(
    learned: Learned,
    decomposition: MeanDecomposition,
    posteriors: UserPosteriors,
    order: Order | None,
    min_ratings: int | None,
) -> pl.DataFrame:
    """Return a row for each known user; see `Model.user_biases`."""
    ratings = learned.require_users()
    counts, means = ratings.user_means()
    rows = np.flatnonzero(_with_min_ratings(counts, order, min_ratings))
    frame = pl.DataFrame(
        {"user": ratings.users["id"].gather(rows), "ratings": counts[rows]}
    ).with_columns(mean=means[rows])
    frame = _with_decomposition(frame, decomposition, rows, "items")
    frame = _with_spread(learned, frame, _user_spread(posteriors, counts, rows))
    return _sorted(frame, order, has_intervals=True)


def _with_min_ratings(
    counts: NDArray[np.int64], order: Order | None, min_ratings: int | None
) -> NDArray[np.bool_]:
    if min_ratings is None:
        min_ratings = default_min_ratings(counts) if order == "gap" else 1
    eligible: NDArray[np.bool_] = counts >= _arguments.integer("min_ratings", min_ratings, 1)
    return eligible


def _with_decomposition(
    frame: pl.DataFrame,
    decomposition: MeanDecomposition,
    rows: NDArray[np.integer[Any]],
    partners: str,
) -> pl.DataFrame:
    """Add the decomposition at `rows`, both ranks, the gap and the reason for it."""

    def at_rows(values: Numbers | None) -> Any:
        return null_column(len(rows)) if values is None else values[rows]

    frame = frame.with_columns(
        pl.Series("mu", np.full(len(rows), decomposition.mu)),
        pl.Series("bias", at_rows(decomposition.bias)),
        pl.Series("lower", at_rows(decomposition.lower)),
        pl.Series("upper", at_rows(decomposition.upper)),
        pl.Series(f"{partners}_bias", at_rows(decomposition.partners_bias)),
        pl.Series(f"{partners}_interaction", at_rows(decomposition.interaction)),
        pl.Series("residual", at_rows(decomposition.residual)),
        rank_by_mean=pl.col("mean").rank("min", descending=True),
    ).with_columns(rank_by_bias=pl.col("bias").rank("min", descending=True))
    frame = frame.with_columns(
        gap=pl.col("rank_by_mean").cast(pl.Int64) - pl.col("rank_by_bias").cast(pl.Int64)
    )
    return frame.with_columns(pl.Series("reason", _reasons(frame, partners), dtype=pl.String))


def _item_spread(
    learned: Learned, rows: NDArray[np.integer[Any]]
) -> tuple[Numbers, Numbers] | None:
    """Return the relative variances of the ratings of items, and their degrees of freedom."""
    variances = learned.parameters.variances
    if variances is None:
        return None
    return variances.items[rows], learned.item_counts[rows] + variances.item_freedom


def _user_spread(
    posteriors: UserPosteriors, counts: NDArray[np.int64], rows: NDArray[np.integer[Any]]
) -> tuple[Numbers, Numbers] | None:
    variances = posteriors.parameters.variances
    if variances is None:
        return None
    # What determines the user's factors says nothing of their spread.
    own = np.maximum(counts - posteriors.effective_parameters(), 0)
    return posteriors.variances[rows], own[rows] + variances.freedom


def _with_spread(
    learned: Learned, frame: pl.DataFrame, variances: tuple[Numbers, Numbers] | None
) -> pl.DataFrame:
    """Add the standard deviation of the ratings about their expectations, and its interval."""
    columns: list[Any] = [null_column(frame.height)] * 3
    if variances is not None:
        relative, freedom = variances
        spread = learned.likelihood.noise_sd * np.sqrt(relative.astype(np.float64))
        columns = [spread, *spread_interval(spread, freedom)]
    names = ("spread", "spread_lower", "spread_upper")
    return frame.with_columns(
        pl.Series(name, values) for name, values in zip(names, columns, strict=True)
    )


def _sorted(frame: pl.DataFrame, order: Order | None, *, has_intervals: bool) -> pl.DataFrame:
    validate_order(order, _ORDERS, has_intervals=has_intervals)
    bias = frame["bias"].to_numpy()
    key = bias
    if order == "gap":
        key = np.abs(frame["gap"].to_numpy())
    elif order == "spread":
        if frame["spread_lower"].null_count():
            raise SettingError(
                "this model is a point estimate, in which all ratings have one variance; order by "
                "bias, or fit with Gibbs"
            )
        key = frame["spread_lower"].to_numpy()
    elif order == "cautious" or (order is None and has_intervals):
        key = bound_nearest_zero(frame["lower"].to_numpy(), frame["upper"].to_numpy())
    return frame[np.lexsort((-bias, -key))]


# A component above and below its median, in words.
_PHRASES = {
    "raters": {
        "raters_bias": ("raters more generous than most", "raters more severe than most"),
        "raters_interaction": ("chosen by those it suits", "suits its raters less than is usual"),
        "residual": (
            "rated higher than the model explains",
            "rated lower than the model explains",
        ),
    },
    "items": {
        "items_bias": ("picks better items than most", "picks worse items than most"),
        "items_interaction": ("picks what suits them", "picks less of what suits them"),
        "residual": (
            "rates higher than the model explains",
            "rates lower than the model explains",
        ),
    },
}
# A component is mentioned if it is at least this fraction of the sum of all deviations, and is not
# zero as it is printed.
_MIN_FRACTION = 0.25


def _reasons(frame: pl.DataFrame, partners: str) -> list[str | None]:
    """Return the main causes of the gap of each row, in words.

    The deviation of each component is taken from its median over the rows. The components that
    move the mean in the direction of the gap are mentioned, the largest first.
    """
    phrases = _PHRASES[partners]
    if frame.is_empty() or frame["residual"].null_count():
        return [None] * frame.height
    components = frame.select(*phrases).to_numpy()
    deviations = components - np.median(components, axis=0)
    totals, gaps = deviations.sum(axis=1), frame["gap"].to_numpy()
    sign = np.where(gaps == 0, np.sign(totals), -np.sign(gaps))[:, None]
    least = np.maximum(_MIN_FRACTION * np.abs(totals), LEAST_SHOWN)[:, None]
    order = np.argsort(-np.abs(deviations), axis=1, kind="stable")
    relevant = np.take_along_axis(deviations * sign >= least, order, axis=1)
    row, place = np.nonzero(relevant)
    component = order[row, place]
    words = list(phrases.values())
    # In flat lists: those of 100,000 rows would keep the garbage collector busy for a second.
    parts = [
        f"{words[k][0 if value > 0 else 1]} ({value:+.2f})"
        for k, value in zip(component.tolist(), deviations[row, component].tolist(), strict=True)
    ]
    ends = np.cumsum(np.count_nonzero(relevant, axis=1)).tolist()
    starts = [0, *ends[:-1]]
    return ["; ".join(parts[a:b]) or None for a, b in zip(starts, ends, strict=True)]
