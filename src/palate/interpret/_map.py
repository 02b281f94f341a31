"""Items on a plane: any two of axes, components, biases, counts and what else is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from palate.errors import SettingError
from palate.interpret._certainty import Numbers, Z, unknown
from palate.interpret._metadata import features

if TYPE_CHECKING:
    from palate.model._model import Model

# The chapter draws the principal components of so many items, those with most ratings.
_MOST_RATED = 1000


def item_map(model: Model, x: str, y: str) -> pl.DataFrame:
    """Return where items lie; see `Model.map`."""
    rows = np.flatnonzero(model.item_counts)
    rows = rows[np.argsort(-model.item_counts[rows], kind="stable")]
    columns: dict[str, Any] = {}
    for letter, name in (("x", x), ("y", y)):
        value, half = coordinate(model, name)
        value = np.asarray(value, dtype=np.float64)[rows]
        columns[letter] = value
        for end, sign in (("lower", -1), ("upper", 1)):
            columns[f"{letter}_{end}"] = (
                unknown(len(rows)) if half is None else value + sign * half[rows]
            )
    frame = model.item_frame(rows, **columns, ratings=model.item_counts[rows])
    return frame.filter(pl.col("x").is_finite() & pl.col("y").is_finite())


def coordinate(model: Model, name: str) -> tuple[Numbers, Numbers | None]:
    """Return a number for every item, and half the width of its 90% interval where there is one."""
    kind = re.fullmatch(r"(axis|component) (\d+)", name) if isinstance(name, str) else None
    if kind is not None:
        number = int(kind[2])
        if not 1 <= number <= model.factors:
            raise SettingError(f"there is no {name!r}; this model has {model.factors} axes")
        return (_axis if kind[1] == "axis" else _component)(model, number - 1)
    if name == "bias":
        sd = model.parameters.item_bias_sd
        bias = model.biases(order="bias")
        return _by_row(model, bias, "bias"), None if sd is None else Z * sd
    if name in ("ratings", "mean"):
        return (model.item_counts if name == "ratings" else model.item_means).astype(float), None
    numbers = {f.column: f.values for f in features(model.items) if f.value is None}
    if name in numbers:
        return numbers[name], None
    raise SettingError(
        f"there is no coordinate {name!r}; there are axis 1 to {model.factors}, component 1 to "
        f"{model.factors}, {', '.join(dict.fromkeys(['bias', 'ratings', 'mean', *numbers]))}"
    )


def _by_row(model: Model, frame: pl.DataFrame, column: str) -> Numbers:
    joined = model.items.select("id").join(frame, on="id", how="left", maintain_order="left")
    return joined[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _axis(model: Model, axis: int) -> tuple[Numbers, Numbers | None]:
    canonical = model.canonical
    position = canonical.places[:, axis]
    return position, None if canonical.sd is None else Z * canonical.sd[:, axis]


def _component(model: Model, component: int) -> tuple[Numbers, Numbers | None]:
    """Return a principal component of the 1,000 most rated items' factors, as the chapter does."""
    most = np.argsort(-model.item_counts, kind="stable")[:_MOST_RATED]
    factors = model.item_factors.astype(np.float64)
    middle = factors[most].mean(axis=0)
    _, _, directions = np.linalg.svd(factors[most] - middle, full_matrices=False)
    if component >= len(directions):
        raise SettingError(f"{len(most)} items have {len(directions)} components")
    direction = directions[component]
    position = (factors - middle) @ direction
    sign = np.sign(position[most][np.abs(position[most]).argmax()]) or 1.0
    covariance = model.parameters.item_covariance
    if covariance is None:
        return sign * position, None
    k = len(direction)
    if covariance.shape[1] > k or k == 1:
        variance = np.einsum("nij,i,j->n", covariance.reshape(-1, k, k), direction, direction)
    else:
        variance = covariance @ direction**2
    return sign * position, Z * np.sqrt(np.maximum(variance, 0))
