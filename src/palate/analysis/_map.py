"""Two coordinates of items: axes, components, biases, numbers of ratings or features."""

import re
from typing import Any

import numpy as np
import polars as pl

from palate._words import counted
from palate.analysis._intervals import Numbers, Z, null_column
from palate.analysis._mean_decomposition import MeanDecomposition
from palate.errors import SettingError
from palate.learned._learned import Learned

# The principal components are those of this number of the most rated items, as in the book.
_MOST_RATED = 1000


def item_map(learned: Learned, biases: MeanDecomposition, x: str, y: str) -> pl.DataFrame:
    """Return two coordinates of each item; see `Model.map`."""
    rows = np.flatnonzero(learned.item_counts)
    rows = rows[np.argsort(-learned.item_counts[rows], kind="stable")]
    columns: dict[str, Any] = {}
    for letter, name in (("x", x), ("y", y)):
        values, half_width = coordinate(learned, biases, name)
        values = np.asarray(values, dtype=np.float64)[rows]
        columns[letter] = values
        for bound, sign in (("lower", -1), ("upper", 1)):
            columns[f"{letter}_{bound}"] = (
                null_column(len(rows)) if half_width is None else values + sign * half_width[rows]
            )
    frame = learned.item_frame(rows, **columns, ratings=learned.item_counts[rows])
    return frame.filter(pl.col("x").is_finite() & pl.col("y").is_finite())


def coordinate(
    learned: Learned, biases: MeanDecomposition, name: str
) -> tuple[Numbers, Numbers | None]:
    """Return a coordinate of each item, and half the width of its 90% interval, if it has one."""
    kind = re.fullmatch(r"(axis|component) (\d+)", name) if isinstance(name, str) else None
    if kind is not None:
        number = int(kind[2])
        if not 1 <= number <= learned.factors:
            raise SettingError(
                f"there is no {name!r}; this model has {counted(learned.factors, 'axis', 'axes')}"
            )
        return (_axis if kind[1] == "axis" else _component)(learned, number - 1)
    if name == "bias":
        posterior = learned.parameters.item_posterior
        half_width = None if posterior is None else Z * posterior.bias_sd
        return np.where(learned.rated, biases.bias, np.nan), half_width
    if name in ("ratings", "mean"):
        values = learned.item_counts if name == "ratings" else learned.item_means
        return values.astype(float), None
    numbers = {f.column: f.values for f in learned.item_features if f.value is None}
    if name in numbers:
        return numbers[name], None
    names = dict.fromkeys(["bias", "ratings", "mean", *numbers])
    raise SettingError(
        f"there is no coordinate {name!r}; choose one of axis 1 to {learned.factors}, component 1 "
        f"to {learned.factors}, {', '.join(names)}"
    )


def _axis(learned: Learned, axis: int) -> tuple[Numbers, Numbers | None]:
    axes = learned.canonical_axes
    return axes.centred_items[:, axis], None if axes.sd is None else Z * axes.sd[:, axis]


def _component(learned: Learned, component: int) -> tuple[Numbers, Numbers | None]:
    """Return a principal component of the factors of the most rated items."""
    most_rated = np.argsort(-learned.item_counts, kind="stable")[:_MOST_RATED]
    factors = learned.item_factors.astype(np.float64)
    mean = factors[most_rated].mean(axis=0)
    _, _, directions = np.linalg.svd(factors[most_rated] - mean, full_matrices=False)
    if component >= len(directions):
        raise SettingError(f"{len(most_rated)} items have {len(directions)} components")
    direction = directions[component]
    position = (factors - mean) @ direction
    sign = np.sign(position[most_rated][np.abs(position[most_rated]).argmax()]) or 1.0
    posterior = learned.parameters.item_posterior
    if posterior is None:
        return sign * position, None
    variance = posterior.covariances.along(direction)
    return sign * position, Z * np.sqrt(np.maximum(variance, 0))
