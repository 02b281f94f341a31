"""The features of items that the items table knows, as blocks of columns of a regression."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._item_features import Feature, features

# Maximum number of columns; the features of most items are kept.
_MAX_COLUMNS = 1000


class KnownFeatures(NamedTuple):
    """Features of the rows of a side.

    Attributes
    ----------
    features
        Each feature, in the order of the columns.
    values
        Numbers are standardised, those of items without ratings within the range of the others;
        categories are 1 or 0, less their mean; unknown values are 0, the mean. Shape (rows,
        columns).
    blocks
        The number of columns from each column of the table: each has a penalty of its own.
    """

    features: list[Feature]
    values: NDArray[np.float32]
    blocks: list[int]


def known_features(items: pl.DataFrame, rated: NDArray[np.bool_]) -> KnownFeatures:
    """Return the features in an items table.

    Parameters
    ----------
    items
        The items table of the ratings.
    rated
        Which items have ratings: means and standard deviations are theirs; shape (items,).
    """
    found = [feature for feature in features(items) if _spread(feature.values[rated]) > 0]
    if len(found) > _MAX_COLUMNS:
        found = sorted(found, key=_frequency, reverse=True)[:_MAX_COLUMNS]
        found.sort(key=lambda feature: items.columns.index(feature.column))
    columns = [_standardised(feature, rated) for feature in found]
    names = [feature.column for feature in found]
    blocks = [names.count(name) for name in dict.fromkeys(names)]
    values = np.stack(columns, axis=1) if columns else np.zeros((items.height, 0))
    return KnownFeatures(found, values.astype(np.float32), blocks)


def _spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of the known values, relative to the largest; 0 without any."""
    largest = np.nanmax(np.abs(values), initial=0)
    return float(np.nanstd(values / largest)) if largest > 0 else 0.0


def _frequency(feature: Feature) -> float:
    """Return how many items a category has; numbers, which are few, come first."""
    return np.inf if feature.value is None else float(np.nansum(feature.values))


def _standardised(feature: Feature, rated: NDArray[np.bool_]) -> NDArray[np.float64]:
    known = feature.values[rated]
    values = np.clip(feature.values, np.nanmin(known), np.nanmax(known))
    if feature.value is None:
        # Relative to the largest, no number is too large or too small.
        largest = np.nanmax(np.abs(known))
        values, known = values / largest, known / largest
        values, known = values / _spread(known), known / _spread(known)
    return np.nan_to_num(values - np.nanmean(known))
