"""The features that a table of items or users knows, with their values in a fit."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._features import Feature, features
from palate.learned._known_features import KnownFeature, KnownFeatures

# Maximum number of columns, and of elements; the features of most rows are kept.
MAX_COLUMNS = 1000
_MAX_ELEMENTS = 1 << 27


class KnownValues(NamedTuple):
    """The known features of the rows of a side.

    Attributes
    ----------
    features
        How they are made from the columns of the table.
    values
        Shape (rows, columns).
    """

    features: KnownFeatures
    values: NDArray[np.float32]


def known_values(table: pl.DataFrame, rated: NDArray[np.bool_]) -> KnownValues:
    """Return the features in a table of items or users, standardised.

    Numbers are standardised, those of rows without ratings within the range of the others.
    Categories are 1 or 0, less their mean. Unknown values are 0, the mean.

    Parameters
    ----------
    table
        The items or the users of the ratings.
    rated
        Which rows have ratings: means and standard deviations are theirs; shape (rows,).
    """
    found = [feature for feature in features(table) if _spread(feature.values[rated]) > 0]
    most = min(MAX_COLUMNS, _MAX_ELEMENTS // table.height)
    if len(found) > most:
        found = sorted(found, key=_frequency, reverse=True)[:most]
        found.sort(key=lambda feature: table.columns.index(feature.column))
    known = [_known(feature, feature.values[rated]) for feature in found]
    values = np.zeros((table.height, len(found)), dtype=np.float32)
    for column, (feature, raw) in enumerate(zip(known, found, strict=True)):
        values[:, column] = feature.standardised(raw.values)
    return KnownValues(KnownFeatures(tuple(known)), values)


def known_of_column(values: pl.Series, counts: pl.Series) -> list[KnownFeature]:
    """Return how the features of a column are standardised, from its distinct values.

    Parameters
    ----------
    values
        The distinct values; its name is that of the column.
    counts
        How many rows, all of them with ratings, have each.
    """
    found, weights = features(values.to_frame(), counts), counts.to_numpy()
    return [
        _known(feature, feature.values, weights)
        for feature in found
        if _spread(feature.values, weights) > 0
    ]


def _mean(values: NDArray[np.float64], weights: NDArray[Any] | None) -> float:
    """Return the mean of the known values."""
    if weights is None:
        return float(np.nanmean(values))
    known = np.isfinite(values)
    return float(np.average(values[known], weights=weights[known]))


def _spread(values: NDArray[np.float64], weights: NDArray[Any] | None = None) -> float:
    """Return the standard deviation of the known values, relative to the largest; 0 without any."""
    largest = np.nanmax(np.abs(values), initial=0)
    if largest == 0:
        return 0.0
    relative = values / largest
    if weights is None:
        return float(np.nanstd(relative))
    return float(np.sqrt(_mean(np.square(relative - _mean(relative, weights)), weights)))


def _frequency(feature: Feature) -> float:
    """Return how many rows have a category; numbers, which are few, come first."""
    return np.inf if feature.value is None else float(np.nansum(feature.values))


def _known(
    feature: Feature, rated: NDArray[np.float64], weights: NDArray[Any] | None = None
) -> KnownFeature:
    """Return how a feature is standardised, from its values in the rows with ratings."""
    # Relative to the largest, no number is too large or too small.
    largest = float(np.nanmax(np.abs(rated)))
    return KnownFeature(
        column=feature.column,
        value=feature.value,
        separator=feature.separator,
        lowest=float(np.nanmin(rated)),
        highest=float(np.nanmax(rated)),
        centre=largest * _mean(rated / largest, weights),
        scale=largest * _spread(rated, weights) if feature.value is None else 1.0,
    )
