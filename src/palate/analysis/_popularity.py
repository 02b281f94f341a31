"""Popularity beyond taste: how much an item is picked, apart from how it is liked."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._biases import item_biases
from palate.analysis._intervals import Z, bound_nearest_zero, default_min_ratings, validate_order
from palate.analysis._matching_items import matching_items
from palate.analysis._mean_decomposition import MeanDecomposition
from palate.learned._learned import Learned

Order = Literal["beyond_taste", "cautious"]
_ORDERS = ("beyond_taste", "cautious")
OFTEN, RARELY = "picked often, liked little", "picked rarely, well liked"


def item_popularity(
    learned: Learned,
    decomposition: MeanDecomposition,
    order: Order | None,
    min_ratings: int | None,
    where: Mapping[str, Any] | None,
) -> pl.DataFrame:
    """Return a row for each item; see `Model.popularity`."""
    validate_order(order, _ORDERS, has_intervals=learned.has_intervals)
    matching = learned.items["id"].filter(matching_items(learned.items, where))
    least = default_min_ratings(learned.item_counts) if min_ratings is None else min_ratings
    frame = item_biases(learned, decomposition, "bias", least, None)
    frame = _with_excess(frame.select("id", "item", "ratings", "bias", "lower", "upper"))
    frame = frame.filter(pl.col("id").is_in(matching.implode()))
    key = np.log(frame["beyond_taste"].to_numpy())
    if learned.has_intervals and order != "beyond_taste":
        bounds = (np.log(frame[f"beyond_taste_{end}"].to_numpy()) for end in ("lower", "upper"))
        key = bound_nearest_zero(*bounds)
    return frame[np.lexsort((-frame["beyond_taste"].to_numpy(), -key))]


def contrasts(table: pl.DataFrame, n: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return up to `n` rows of each contrast of `item_popularity`: often and rarely picked.

    The most extreme come first.
    """
    often, rarely = (table.filter(contrast=contrast) for contrast in (OFTEN, RARELY))
    return often.head(n), rarely.reverse().head(n)


def _with_excess(frame: pl.DataFrame) -> pl.DataFrame:
    """Add beyond_taste, its interval and the contrast; see `Model.popularity`."""
    log_count, bias = np.log(frame["ratings"].to_numpy()), frame["bias"].to_numpy()
    centred = bias - bias.mean() if len(bias) else bias
    slope = float(centred @ log_count / (centred @ centred)) if centred.any() else 0.0
    excess = log_count - log_count.mean() - slope * centred if len(bias) else bias
    frame = frame.with_columns(
        beyond_taste=np.exp(excess), **_interval(frame, excess, slope)
    ).with_columns(
        rank_by_ratings=pl.col("ratings").rank("min", descending=True),
        rank_by_bias=pl.col("bias").rank("min", descending=True),
    )
    # A point estimate has no bounds; then the numbers themselves decide.
    above = pl.coalesce("beyond_taste_lower", "beyond_taste") > 1
    below = pl.coalesce("beyond_taste_upper", "beyond_taste") < 1
    liked, disliked = pl.coalesce("lower", "bias") > 0, pl.coalesce("upper", "bias") < 0
    often, rarely = pl.when(above & disliked), pl.when(below & liked)
    return frame.with_columns(
        contrast=pl.coalesce(often.then(pl.lit(OFTEN)), rarely.then(pl.lit(RARELY)))
    )


def _interval(
    frame: pl.DataFrame, excess: NDArray[np.float64], slope: float
) -> dict[str, pl.Series]:
    sd = (frame["upper"] - frame["lower"]) / (2 * Z)
    margin = Z * (1 / frame["ratings"] + (slope * sd) ** 2).sqrt()
    middle = pl.Series(excess)
    return {
        "beyond_taste_lower": (middle - margin).exp(),
        "beyond_taste_upper": (middle + margin).exp(),
    }
