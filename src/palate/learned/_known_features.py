"""Features of items or people from the columns of a table, as columns of a regression."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._features import feature_values
from palate.errors import DataError, SettingError

# In place of the name of a category that no row of the table has any more; no category is empty.
FORGOTTEN = ""


class KnownFeature(NamedTuple):
    """A feature, and how it is standardised.

    Attributes
    ----------
    column, value, separator
        As of `palate.data._features.Feature`.
    lowest, highest
        The range of the rows with ratings; others count as the nearest of these.
    centre, scale
        What is subtracted, and then what the difference is divided by.
    """

    column: str
    value: str | None
    separator: str | None
    lowest: float
    highest: float
    centre: float
    scale: float

    def known_in(self, values: NDArray[np.float64]) -> "KnownFeature":
        """Return the feature as `KnownFeatures.known_in` does, for rows with these values."""
        known = values[np.isfinite(values)]
        if self.value is not None:
            # A flag is named like its column, which stays.
            gone = self.value != self.column and not known.any()
            return self._replace(value=FORGOTTEN) if gone else self
        if not len(known):
            return self
        lowest, highest = np.clip([known.min(), known.max()], self.lowest, self.highest)
        return self._replace(lowest=float(lowest), highest=float(highest))

    def standardised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the feature in units of its scale; unknown values are 0, the mean."""
        clipped = np.clip(values, self.lowest, self.highest)
        return np.nan_to_num((clipped - self.centre) / self.scale)


@dataclass(frozen=True)
class KnownFeatures:
    """The features of the rows of a side that a table knows.

    Attributes
    ----------
    features
        Those of one column of the table are neighbours.
    """

    features: tuple[KnownFeature, ...] = ()

    def __len__(self) -> int:
        return len(self.features)

    @property
    def columns(self) -> list[str]:
        """The columns of the table that are used."""
        return list(dict.fromkeys(feature.column for feature in self.features))

    @property
    def names(self) -> list[tuple[str, str | None]]:
        """The column and the category of each feature; None for a number."""
        return [(feature.column, feature.value) for feature in self.features]

    @property
    def blocks(self) -> list[int]:
        """The number of features of each column."""
        return [len(features) for _, features in self._by_column()]

    @property
    def exclusive(self) -> list[slice]:
        """The features of each column of which every row has exactly one category."""
        found, first = [], 0
        for _, features in self._by_column():
            last = first + len(features)
            # Each row has one or more: these are the mean numbers of rows with each.
            number = sum(feature.centre for feature in features)
            if len(features) > 1 and math.isclose(number, 1, rel_tol=1e-9):
                found.append(slice(first, last))
            first = last
        return found

    def _by_column(self) -> Iterable[tuple[str, list[KnownFeature]]]:
        for column, features in groupby(self.features, key=lambda feature: feature.column):
            yield column, list(features)

    def of(self, table: pl.DataFrame) -> NDArray[np.float32]:
        """Return the features of the rows of a table, 0 where it lacks a column; shape (rows, m).

        Raises
        ------
        DataError
            If a column holds something else than in the fit.
        """
        values = np.zeros((table.height, len(self)), dtype=np.float32)
        first = 0
        for column, features in self._by_column():
            last = first + len(features)
            if column in table.columns:
                names = [feature.value for feature in features]
                found = feature_values(table[column], names, features[0].separator)
                standardised = [f.standardised(x) for f, x in zip(features, found, strict=True)]
                values[:, first:last] = np.stack(standardised, axis=1)
            first = last
        return values

    def known_in(self, table: pl.DataFrame) -> "KnownFeatures":
        """Return the features without what only other rows than those of a table have.

        Categories that no row has are left without their names, and the ranges of numbers end at
        those of the rows. All features mean what they did.
        """
        renamed: list[KnownFeature] = []
        for column, features in self._by_column():
            names = [feature.value for feature in features]
            if column in table.columns:
                values = feature_values(table[column], names, features[0].separator)
                renamed += [f.known_in(v) for f, v in zip(features, values, strict=True)]
            else:
                renamed += features
        return KnownFeatures(tuple(renamed))

    def of_person(self, given: Mapping[str, Any] | None) -> NDArray[np.float32] | None:
        """Return the features of one person, shape (1, m), or None if none are given.

        Raises
        ------
        SettingError
            If the model does not know a column.
        DataError
            If a value is of another type than in the fit.
        """
        if not given:
            return None
        if not isinstance(given, Mapping):
            raise SettingError(f'features is {given!r}; give a dictionary, such as {{"age": 24}}')
        if unknown := [column for column in given if column not in self.columns]:
            known = ", ".join(self.columns) or "no features of people"
            raise SettingError(
                f"the model does not know {unknown[0]!r} of people; it knows {known}"
            )
        try:
            table = pl.DataFrame({column: [value] for column, value in given.items()}, strict=False)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise DataError(f"these features can't be read: {given!r}") from error
        return self.of(table)
