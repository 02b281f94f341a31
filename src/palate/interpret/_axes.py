"""The axes of taste: what lies at their ends, what they go along with, and what to call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from palate import _arguments
from palate.interpret._certainty import Z, enough, nearer_end, unknown
from palate.interpret._metadata import Feature, features

if TYPE_CHECKING:
    from palate.model._model import Model

# A category needs so many items, and so many without it, for a difference to mean anything.
_FEWEST_ITEMS = 5
# An association is clear if its interval stays further than this from none.
_CLEAR = 0.2
# A name speaks for an axis only if it speaks for so large a share of the items.
_COMMON = 0.05
# An axis that explains less than this share of the variance is a detail.
MAJOR = 0.02
_BETWEEN = " <-> "
# What to call the end opposite to a category, if no other category is there.
_OTHERS = "other kinds"
# The column of our own that every model has.
RATINGS = "number of ratings"


class Association(NamedTuple):
    """How the positions of items on an axis go along with something that is known of them.

    Attributes
    ----------
    column, value
        The column, and the category in it (None for a number).
    association
        The correlation, or for a category that of two groups of equal size that differ as much.
    lower, upper
        Its 90% interval.
    items
        How many items have the number, or are of the category.
    """

    column: str
    value: str | None
    association: float
    lower: float
    upper: float
    items: int


def axes(model: Model, exemplars: int) -> pl.DataFrame:
    """Return a row for each axis; see `Model.axes`."""
    _arguments.integer("exemplars", exemplars, 1)
    canonical = model.canonical
    known = _known(model)
    told = [*features(model.items), _ratings(model)]
    rows = []
    for axis, share in enumerate(canonical.share):
        along = _along(told, model, axis, known)
        low, high = (_exemplars(model, axis, known, exemplars, sign) for sign in (-1, 1))
        name = _name(along, int(known.sum()))
        rows.append(
            {
                "axis": axis + 1,
                "share": float(share),
                "name": name,
                "low": low,
                "high": high,
                "along": [link._asdict() for _, link in along],
            }
        )
    return pl.DataFrame(rows, schema=_schema(model))


def ends(axes: pl.DataFrame) -> list[tuple[str, str]]:
    """Return what to call the low and the high end of each axis: by its name, or by exemplars."""
    named = []
    for row in axes.iter_rows(named=True):
        low, _, high = (row["name"] or "").partition(_BETWEEN)
        named.append((low or _side(row["low"]), high or _side(row["high"])))
    return named


def _side(exemplars: list[dict[str, Any]]) -> str:
    return f"the side of {exemplars[0]['item']}" if exemplars else "neither side"


def _schema(model: Model) -> dict[str, Any]:
    exemplar = pl.Struct(
        {
            "id": model.items["id"].dtype,
            "item": pl.String,
            "position": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "ratings": pl.Int64,
        }
    )
    numbers = dict.fromkeys(("association", "lower", "upper"), pl.Float64)
    link = pl.Struct({"column": pl.String, "value": pl.String, **numbers, "items": pl.Int64})
    return {
        **{"axis": pl.Int64, "share": pl.Float64, "name": pl.String},
        **{"low": pl.List(exemplar), "high": pl.List(exemplar), "along": pl.List(link)},
    }


def _known(model: Model) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which items have enough ratings to stand for something."""
    return model.item_counts >= enough(model.item_counts)


def _ratings(model: Model) -> Feature:
    """Return how many ratings items have, as a feature: by its logarithm, for it is so uneven."""
    return Feature(RATINGS, None, np.log(np.maximum(model.item_counts, 1)))


def _exemplars(model: Model, axis: int, known: Any, n: int, sign: int) -> list[dict[str, Any]]:
    """Return the items furthest towards one end, as far as the model is sure of it."""
    canonical = model.canonical
    position = canonical.places[:, axis]
    half = np.zeros(len(position)) if canonical.sd is None else Z * canonical.sd[:, axis]
    lower, upper = position - half, position + half
    surely = sign * nearer_end(lower, upper)
    rows = np.flatnonzero(known)
    rows = rows[np.lexsort((-sign * position[rows], -surely[rows]))][:n]
    rows = rows[sign * position[rows] > 0]
    sure = canonical.sd is not None
    return model.item_frame(
        rows,
        position=position[rows],
        lower=lower[rows] if sure else unknown(len(rows)),
        upper=upper[rows] if sure else unknown(len(rows)),
        ratings=model.item_counts[rows],
    ).to_dicts()


def _along(
    told: list[Feature], model: Model, axis: int, known: Any
) -> list[tuple[Feature, Association]]:
    """Return what the axis goes along with, the surest first."""
    position = model.canonical.items[:, axis]
    found = []
    for feature in told:
        said = known & np.isfinite(feature.values)
        link = _association(feature, position[said], feature.values[said])
        if link is not None:
            found.append((feature, link))
    return sorted(found, key=lambda pair: (-abs(_surely(pair[1])), -abs(pair[1].association)))


def _association(feature: Feature, position: Any, values: Any) -> Association | None:
    n = len(values)
    if n <= 2 * _FEWEST_ITEMS or np.ptp(values) == 0 or np.ptp(position) == 0:
        return None
    if feature.value is None:
        values = values / np.abs(values).max()
        r = float(np.clip(np.corrcoef(position, values)[0, 1], -1 + 1e-9, 1 - 1e-9))
        half = Z / np.sqrt(n - 3)
        lower, upper = (float(np.tanh(np.arctanh(r) + sign * half)) for sign in (-1, 1))
        return Association(feature.column, None, r, lower, upper, n)
    ones = values == 1
    n1, n0 = int(ones.sum()), int((~ones).sum())
    if min(n1, n0) < _FEWEST_ITEMS:
        return None
    within = (n1 * position[ones].var() + n0 * position[~ones].var()) / n
    d = (position[ones].mean() - position[~ones].mean()) / np.sqrt(within or 1.0)
    half = Z * np.sqrt(1 / n1 + 1 / n0 + d**2 / (2 * n))
    r, low, high = (float(x / np.hypot(x, 2)) for x in (d, d - half, d + half))
    return Association(feature.column, feature.value, r, low, high, n1)


def _surely(link: Association) -> float:
    return float(nearer_end(np.array(link.lower), np.array(link.upper)))


def _name(along: list[tuple[Feature, Association]], known: int) -> str | None:
    """Return a name such as "Romance, older <-> Horror, newer"; None where nothing is clear.

    The surest category at either end, if it is not a rare one, and the surest of the numbers.
    """
    clear = [(feature, link) for feature, link in along if abs(_surely(link)) >= _CLEAR]
    common = [link for _, link in clear if link.value and link.items >= _COMMON * known]
    low = [_as_word(link) for link in common if link.association < 0][:1]
    high = [_as_word(link) for link in common if link.association > 0][:1]
    for feature, link in [pair for pair in clear if pair[1].value is None][:1]:
        less, more = _words(feature)
        low.append(less if link.association > 0 else more)
        high.append(more if link.association > 0 else less)
    if not low and not high:
        return None
    return f"{', '.join(low) or _OTHERS}{_BETWEEN}{', '.join(high) or _OTHERS}"


def _as_word(link: Association) -> str:
    return str(link.value).replace(_BETWEEN, " ")


def _words(feature: Feature) -> tuple[str, str]:
    """Return what to call items with less of a number and with more of it."""
    if feature.column == RATINGS:
        return "rarely rated", "often rated"
    if feature.is_date:
        return "older", "newer"
    return f"low {feature.column}", f"high {feature.column}"
