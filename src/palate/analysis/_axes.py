"""The axes of taste: exemplars at their ends, associations with item features, and names."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate._computed_once import computed_once
from palate.analysis._intervals import Z, bound_nearest_zero, default_min_ratings, null_column
from palate.data._features import Feature, features
from palate.learned._learned import Learned

# Minimum number of items with a category, and without it, for an association.
_MIN_ITEMS = 5
# An association is clear if its interval is further than this from zero.
_CLEAR = 0.2
# An axis can be named after a category that at least this fraction of the items has.
_COMMON = 0.05
# An axis that explains less than this fraction of the variance is minor.
MIN_MAJOR_SHARE = 0.02
_BETWEEN = " <-> "
# The name of the end opposite to a category, if no category names it.
_OTHERS = "other kinds"
# An end without exemplars.
_NAMELESS = "items without a common name"
# The name of the feature that every model has.
_RATINGS = "number of ratings"


class Association(NamedTuple):
    """The association between the positions of items on an axis and a feature of the items.

    Attributes
    ----------
    column, value
        The column, and the category in it (None for a number).
    association
        The correlation; for a category, that of two groups of equal size with the same
        standardised difference.
    lower, upper
        The 90% interval of the association.
    items
        The number of items with the number, or with the category.
    """

    column: str
    value: str | None
    association: float
    lower: float
    upper: float
    items: int


class End(NamedTuple):
    """What the items at one end of an axis have in common, as far as that is clear.

    Attributes
    ----------
    category
        A category, such as "Drama".
    number
        Words for a high or a low number, such as "older".
    """

    category: str | None
    number: str | None

    def __str__(self) -> str:
        return ", ".join(word for word in self if word) or _OTHERS

    def in_words(self, other: "End", exemplars: list[dict[str, Any]]) -> str:
        """Return what somebody leans to, such as "older Drama"; `other` is the other end."""
        if self.number is not None:
            if self.number.startswith(("low ", "high ")):
                return f"{self.category or 'items'} with {self.number}"
            return f"{self.number} {self.category or 'items'}"
        if self.category is not None:
            return self.category
        if other.category is not None:
            return f"kinds other than {other.category}"
        return f"items such as {exemplars[0]['item']}" if exemplars else _NAMELESS


class AxisNames:
    """Names of the axes and of their ends, computed once."""

    def __init__(self, learned: Learned) -> None:
        self._learned = learned

    @computed_once
    def _rows_and_ends(self) -> tuple[list[dict[str, Any]], list[tuple[End, End]]]:
        return _rows_and_ends(self._learned, 1)

    @computed_once
    def table(self) -> pl.DataFrame:
        """The axes with one exemplar at each end; see `Model.axes`."""
        return pl.DataFrame(self._rows_and_ends[0], schema=_schema(self._learned))

    @computed_once
    def leanings(self) -> list[tuple[str, str]]:
        """What somebody at the low and at the high end of each axis leans to, in words."""
        return [
            (low.in_words(high, row["low"]), high.in_words(low, row["high"]))
            for row, (low, high) in zip(*self._rows_and_ends, strict=True)
        ]

    @computed_once
    def ends(self) -> list[tuple[str, str]]:
        """The name of the low and of the high end of each axis; an exemplar if there is none."""
        ends = []
        for row in self.table.iter_rows(named=True):
            low, _, high = (row["name"] or "").partition(_BETWEEN)
            ends.append((low or _exemplar_side(row["low"]), high or _exemplar_side(row["high"])))
        return ends


def _exemplar_side(exemplars: list[dict[str, Any]]) -> str:
    return f"the side of {exemplars[0]['item']}" if exemplars else _NAMELESS


def axes(learned: Learned, exemplars: int) -> pl.DataFrame:
    """Return a row for each axis; see `Model.axes`."""
    _arguments.integer("exemplars", exemplars, 1)
    return pl.DataFrame(_rows_and_ends(learned, exemplars)[0], schema=_schema(learned))


def _rows_and_ends(
    learned: Learned, exemplars: int
) -> tuple[list[dict[str, Any]], list[tuple[End, End]]]:
    """Return a row for each axis, and what is clear of its low and of its high end."""
    eligible = learned.item_counts >= default_min_ratings(learned.item_counts)
    known_features = [*features(learned.items), _ratings_feature(learned)]
    rows, ends = [], []
    for axis, share in enumerate(learned.canonical_axes.share):
        associations = _associations(known_features, learned, axis, eligible)
        ends.append(_ends(associations, int(eligible.sum())))
        rows.append(
            {
                "axis": axis + 1,
                "share": float(share),
                "name": _name(*ends[-1]),
                "low": _exemplars(learned, axis, eligible, exemplars, -1),
                "high": _exemplars(learned, axis, eligible, exemplars, 1),
                "along": [association._asdict() for _, association in associations],
            }
        )
    return rows, ends


def _schema(learned: Learned) -> dict[str, Any]:
    exemplar = pl.Struct(
        {
            "id": learned.items["id"].dtype,
            "item": pl.String,
            "position": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "ratings": pl.Int64,
        }
    )
    numbers = dict.fromkeys(("association", "lower", "upper"), pl.Float64)
    association = pl.Struct({"column": pl.String, "value": pl.String, **numbers, "items": pl.Int64})
    return {
        **{"axis": pl.Int64, "share": pl.Float64, "name": pl.String},
        **{"low": pl.List(exemplar), "high": pl.List(exemplar), "along": pl.List(association)},
    }


def _ratings_feature(learned: Learned) -> Feature:
    """Return the logarithm of the number of ratings, which is very skewed, as a feature."""
    return Feature(_RATINGS, None, np.log(np.maximum(learned.item_counts, 1)))


def _exemplars(
    learned: Learned, axis: int, eligible: NDArray[np.bool_], n: int, sign: int
) -> list[dict[str, Any]]:
    """Return the exemplars of the low (`sign` -1) or high (1) end, in the cautious order."""
    canonical = learned.canonical_axes
    position = canonical.centred_items[:, axis]
    half = np.zeros(len(position)) if canonical.sd is None else Z * canonical.sd[:, axis]
    lower, upper = position - half, position + half
    bound = sign * bound_nearest_zero(lower, upper)
    rows = np.flatnonzero(eligible)
    rows = rows[np.lexsort((-sign * position[rows], -bound[rows]))][:n]
    rows = rows[sign * position[rows] > 0]
    has_intervals = canonical.sd is not None
    return learned.item_frame(
        rows,
        position=position[rows],
        lower=lower[rows] if has_intervals else null_column(len(rows)),
        upper=upper[rows] if has_intervals else null_column(len(rows)),
        ratings=learned.item_counts[rows],
    ).to_dicts()


def _associations(
    known_features: list[Feature], learned: Learned, axis: int, eligible: NDArray[np.bool_]
) -> list[tuple[Feature, Association]]:
    """Return the associations of an axis in the cautious order."""
    position = learned.canonical_axes.items[:, axis]
    found = []
    for feature in known_features:
        has_value = eligible & np.isfinite(feature.values)
        association = _association(feature, position[has_value], feature.values[has_value])
        if association is not None:
            found.append((feature, association))
    return sorted(found, key=lambda pair: (-abs(_bound(pair[1])), -abs(pair[1].association)))


def _association(feature: Feature, position: Any, values: Any) -> Association | None:
    n = len(values)
    if n <= 2 * _MIN_ITEMS or np.ptp(values) == 0 or np.ptp(position) == 0:
        return None
    if feature.value is None:
        values = values / np.abs(values).max()
        r = float(np.clip(np.corrcoef(position, values)[0, 1], -1 + 1e-9, 1 - 1e-9))
        half = Z / np.sqrt(n - 3)
        lower, upper = (float(np.tanh(np.arctanh(r) + sign * half)) for sign in (-1, 1))
        return Association(feature.column, None, r, lower, upper, n)
    ones = values == 1
    n1, n0 = int(ones.sum()), int((~ones).sum())
    if min(n1, n0) < _MIN_ITEMS:
        return None
    within = (n1 * position[ones].var() + n0 * position[~ones].var()) / n
    d = (position[ones].mean() - position[~ones].mean()) / np.sqrt(within or 1.0)
    half = Z * np.sqrt(1 / n1 + 1 / n0 + d**2 / (2 * n))
    r, low, high = (float(x / np.hypot(x, 2)) for x in (d, d - half, d + half))
    return Association(feature.column, feature.value, r, low, high, n1)


def _bound(association: Association) -> float:
    lower, upper = np.array(association.lower), np.array(association.upper)
    return float(bound_nearest_zero(lower, upper))


def _name(low: End, high: End) -> str | None:
    """Return a name such as "Romance, older <-> Horror, newer"; None if neither end has one."""
    return f"{low}{_BETWEEN}{high}" if any(low) or any(high) else None


def _ends(associations: list[tuple[Feature, Association]], items: int) -> tuple[End, End]:
    """Return what is clear of the low and of the high end of an axis.

    That is the first common category at each end, and the first numeric feature, in the cautious
    order.
    """
    clear = [pair for pair in associations if abs(_bound(pair[1])) >= _CLEAR]
    common = [found for _, found in clear if found.value and found.items >= _COMMON * items]
    low = next((_category_word(found) for found in common if found.association < 0), None)
    high = next((_category_word(found) for found in common if found.association > 0), None)
    for feature, found in clear:
        if found.value is None:
            less, more = _number_words(feature)[:: 1 if found.association > 0 else -1]
            return End(low, less), End(high, more)
    return End(low, None), End(high, None)


def _category_word(association: Association) -> str:
    return str(association.value).replace(_BETWEEN, " ")


def _number_words(feature: Feature) -> tuple[str, str]:
    """Return words for items with low and with high values of a numeric feature."""
    if feature.column == _RATINGS:
        return "rarely rated", "often rated"
    if feature.is_date:
        return "older", "newer"
    return f"low {feature.column}", f"high {feature.column}"
