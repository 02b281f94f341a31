"""The map: all items in a plane as columns, expected ratings of all items, and groups of items."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from palate.analysis._group import describe_group
from palate.model._model import Model
from palate.model._profile import Profile
from palate.web import _requests as req
from palate.web._person_responses import Answer
from palate.web._responses import Id

# Numbers on the map are rounded to less than this fraction of their range: a tenth of a pixel.
_RESOLUTION = 1e-4 / 3
# NumPy rounds to no more.
_MAX_DECIMALS = 300
_Margins = Annotated[
    list[float] | None,
    Field(description="Half the widths of the 90% intervals; null if there are none."),
]


class MapColumns(BaseModel):
    """Items on the map, the most rated first: entry i of each column is of the same item."""

    id: list[Id]
    item: Annotated[list[str], Field(description="The titles.")]
    ratings: Annotated[list[int], Field(description="Numbers of training ratings.")]
    x: list[float]
    x_margin: _Margins
    y: list[float]
    y_margin: _Margins


class Map(BaseModel):
    """All items that have two coordinates, in columns."""

    x: Annotated[str, Field(description="The horizontal coordinate.")]
    y: Annotated[str, Field(description="The vertical coordinate.")]
    columns: MapColumns


class Predictions(Answer):
    """Expected ratings of all items with training ratings, in columns, the most rated first."""

    id: list[Id]
    prediction: list[float]


class GroupCategory(BaseModel):
    """A category that is more frequent in a group of items than in all."""

    column: str
    value: str
    share: float
    share_of_all: float


class GroupRange(BaseModel):
    """A number that is smaller or larger in a group of items: the quartiles, also of all items."""

    column: str
    lower: float
    upper: float
    lower_of_all: float
    upper_of_all: float


class GroupShift(BaseModel):
    """Where a group of items lies on an axis."""

    axis: int
    position: Annotated[
        float, Field(description="Mean position, in standard deviations of all items.")
    ]


class Group(Answer):
    """What the items of a group have in common, the clearest difference from all items first."""

    items: Annotated[int, Field(description="Number of items with training ratings.")]
    mean_bias: float | None
    categories: list[GroupCategory]
    ranges: list[GroupRange]
    shifts: list[GroupShift]


def map_columns(table: pl.DataFrame, x: str, y: str, ids: Mapping[Any, Id]) -> Map:
    """Return the table of `Model.map` in columns, rounded to what can be seen."""
    columns: dict[str, Any] = {}
    for name in ("x", "y"):
        values = table[name].to_numpy()
        decimals = _decimals(values)
        columns[name] = _rounded(values, decimals)
        upper = table[f"{name}_upper"]
        has_margin = upper.null_count() == 0 and len(upper) > 0
        margin = _rounded(upper.to_numpy() - values, decimals) if has_margin else None
        columns[f"{name}_margin"] = margin
    items = {"item": table["item"].to_list(), "ratings": table["ratings"].to_list()}
    return Map(
        x=x, y=y, columns=MapColumns(id=[ids[one] for one in table["id"]], **items, **columns)
    )


def predictions(model: Model, profile: Profile, ids: Mapping[Any, Id]) -> Predictions:
    """Return a person's expected rating of every item that has training ratings."""
    learned = model.learned
    rows = np.flatnonzero(learned.rated)
    rows = rows[np.argsort(-learned.item_counts[rows], kind="stable")]
    expected = learned.likelihood.rating(profile.posterior.scores(learned.item_table)[rows])
    return Predictions(
        id=[ids[one] for one in learned.items["id"][rows]],
        prediction=_rounded(expected, _decimals(expected)),
        skipped=list(profile.skipped),
    )


def group(model: Model, request: req.GroupRequest) -> Group:
    """Return what items have in common; those without training ratings do not count.

    Raises
    ------
    UnknownIdError
        If the model does not know an item, and it is not to be skipped.
    SettingError
        If the model has no ratings.
    """
    learned = model.learned
    learned.require_rating_model()
    found = learned.item_index.find(request.items, request.unknown)
    rows = np.unique(found.known)
    rows = rows[learned.rated[rows]]
    described = describe_group(learned, rows)
    bias = model.item_means.bias[rows]
    return Group(
        items=len(rows),
        mean_bias=float(bias.mean()) if len(rows) else None,
        categories=[GroupCategory(**one._asdict()) for one in described.categories],
        ranges=[GroupRange(**one._asdict()) for one in described.ranges],
        shifts=[GroupShift(**one._asdict()) for one in described.shifts],
        skipped=list(found.skipped),
    )


def _decimals(values: NDArray[np.floating[Any]]) -> int:
    """Return how many decimals show every difference that can be seen on the map."""
    extent = float(np.ptp(values)) if len(values) else 0.0
    if not 0 < extent < np.inf:
        return 6
    decimals = int(np.ceil(-np.log10(extent) - np.log10(_RESOLUTION)))
    return min(max(0, decimals), _MAX_DECIMALS)


def _rounded(values: NDArray[np.floating[Any]], decimals: int) -> list[float]:
    rounded: list[float] = np.round(values.astype(np.float64), decimals).tolist()
    return rounded
