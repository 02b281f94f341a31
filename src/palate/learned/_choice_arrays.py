"""The choice model as arrays and as a record, for the file format."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import KINDS
from palate.learned._choice import (
    ChoiceModel,
    ConditionalLogit,
    DenseWeights,
    HistoryWeighting,
    LowRankWeights,
)

Arrays = Mapping[str, NDArray[Any]]


def choice_arrays(choice: ChoiceModel) -> dict[str, NDArray[Any]]:
    """Return the arrays of a choice model by name."""
    arrays: dict[str, NDArray[Any]] = {
        "popularity": choice.popularity,
        "discount": choice.discount,
    }
    return arrays | choice.weights._asdict()


def choice_record(choice: ChoiceModel) -> dict[str, Any]:
    """Return what else a choice model consists of, as values that JSON can hold."""
    return {
        "weighting": asdict(choice.weighting),
        "rating_power": choice.rating_power,
        "settings": dict(choice.settings),
        "chance": None if choice.chance is None else asdict(choice.chance),
    }


def choice_from(arrays: Arrays, record: Mapping[str, Any], items: int) -> ChoiceModel:
    """Return the choice model with these arrays and this record.

    Raises
    ------
    LookupError, TypeError, ValueError
        If they do not belong to a choice model of this number of items.
    """
    weighting = HistoryWeighting(**record["weighting"])
    numbers = (weighting.mean, weighting.sd, weighting.strength, record["rating_power"])
    valid = weighting.sd > 0 and weighting.strength >= 0 and record["rating_power"] >= 0
    if weighting.kind not in KINDS or not all(np.isfinite(numbers)) or not valid:
        raise ValueError(f"there is no weighting {weighting}")
    for name, dtype in {**_WEIGHTS, "popularity": np.float32, "discount": np.float32}.items():
        array = arrays.get(name)
        if array is not None and (array.dtype != dtype or not np.isfinite(array).all()):
            raise ValueError(f"{name} does not hold finite numbers of the type {dtype.__name__}")
    if arrays["popularity"].shape != (items,) or arrays["discount"].shape != (items,):
        raise ValueError(f"popularity and discount must have an entry for each of {items} items")
    if arrays["popularity"].min() < 0 or arrays["popularity"].max() <= 0:
        raise ValueError("popularity must be positive, or 0 for items that nobody has")
    return ChoiceModel(
        weighting=weighting,
        weights=_weights(arrays, items),
        popularity=arrays["popularity"],
        discount=arrays["discount"],
        rating_power=float(record["rating_power"]),
        settings=dict(record["settings"]),
        chance=_chance(record["chance"]),
    )


def _chance(record: Mapping[str, float] | None) -> ConditionalLogit | None:
    if record is None:
        return None
    chance = ConditionalLogit(**record)
    valid = np.isfinite([chance.slope, chance.offset]).all()
    if not (valid and chance.slope >= 0 and chance.offset > 0):
        raise ValueError(f"there is no {chance}")
    return chance


_WEIGHTS = {
    "matrix": np.float32,
    "left": np.float32,
    "right": np.float32,
    "starts": np.int64,
    "neighbours": np.int32,
    "values": np.float32,
}


def _weights(arrays: Arrays, items: int) -> DenseWeights | LowRankWeights:
    if "matrix" in arrays:
        if arrays["matrix"].shape != (items, items):
            raise ValueError(f"matrix has the shape {arrays['matrix'].shape}")
        return DenseWeights(arrays["matrix"])
    weights = LowRankWeights(**{name: arrays[name] for name in LowRankWeights._fields})
    starts, neighbours = weights.starts, weights.neighbours
    valid = (
        weights.left.ndim == 2
        and starts.ndim == neighbours.ndim == weights.values.ndim == 1
        and weights.left.shape == weights.right.shape
        and len(weights.left) == items == len(starts) - 1
        and starts[0] == 0
        and starts[-1] == len(neighbours) == len(weights.values)
        and bool(np.all(np.diff(starts) >= 0))
        and _ascend(starts, neighbours)
        and (not len(neighbours) or (neighbours.min() >= 0 and neighbours.max() < items))
    )
    if not valid:
        raise ValueError("the neighbour lists do not fit the items")
    return weights


def _ascend(starts: NDArray[np.int64], neighbours: NDArray[np.int32]) -> bool:
    """Return whether the neighbours of each item are in ascending order."""
    ascending = np.diff(neighbours) > 0
    inside = starts[(starts > 0) & (starts < len(neighbours))]
    ascending[inside - 1] = True  # from the last neighbour of one item to the first of the next
    return bool(ascending.all())
