"""A Palate model from a bilinear module."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from palate._native import score_pairs
from palate.data._duplicates import without_duplicates
from palate.errors import SettingError
from palate.learned._likelihood import SigmoidGaussian
from palate.learned._main_effects import factor_table, main_effects
from palate.model._model import Model
from palate.torch._objective import Objective
from palate.torch._tables import tables

# Number of random pairs on which the module is compared with its tables, and the largest
# difference allowed, as a fraction of the rating range.
_N_PAIRS, _TOLERANCE = 1000, 1e-3


def to_palate(objective: Objective, history: list[dict[str, Any]]) -> Model:
    """Return a Palate model of the fitted module; see `Learner.to_palate`."""
    module, dls = objective.model, objective.dls
    found = tables(module)
    users, items = (np.ascontiguousarray(rows[1:]) for rows in found.arrays())
    ratings = without_duplicates(dls.train.ratings, "mean")
    likelihood = None if found.y_range is None else SigmoidGaussian(*found.y_range, noise_sd=1.0)
    _require_bilinear(objective, users, items, likelihood)
    if not found.item_bias.any():
        users, items = _extract_biases(users, items)
    return Model.from_factors(
        ratings,
        users,
        items,
        solver="torch",
        settings={"module": type(module).__name__, "y_range": found.y_range, "bs": dls.bs},
        y_range=found.y_range,
        history=history,
    )


def _extract_biases(
    users: NDArray[np.float32], items: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return tables with the same scores whose item biases are main effects."""
    mu, (p, user_bias, q, item_bias) = main_effects(
        users.astype(np.float64), items.astype(np.float64)
    )
    return factor_table(p, user_bias + mu), factor_table(q, item_bias)


def _require_bilinear(
    objective: Objective,
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    likelihood: SigmoidGaussian | None,
) -> None:
    """Raise SettingError unless the module's predictions are those of its tables."""
    name, (n_users, n_items) = type(objective.model).__name__, objective.dls.sizes
    if (len(users) + 1, len(items) + 1) != (n_users, n_items):
        raise SettingError(
            f"{name} has tables of {len(users) + 1:,} users and {len(items) + 1:,} items; the "
            f"vocabularies have {n_users:,} and {n_items:,}"
        )
    rng = np.random.default_rng(0)
    user, item = (rng.integers(0, len(t), _N_PAIRS, dtype=np.int32) for t in (users, items))
    x = torch.from_numpy(np.stack([user, item], axis=1).astype(np.int64) + 1)
    outputs = objective.outputs(x.to(objective.dls.device)).reshape(-1).float().cpu().numpy()
    expected = score_pairs(users, items, user, item)
    scale = float(np.ptp(objective.dls.train.ratings.rating))
    if likelihood is not None:
        expected, scale = likelihood.rating(expected), likelihood.high - likelihood.low
    same_length = len(outputs) == len(expected)
    difference = np.abs(outputs - expected).max() if same_length else np.inf
    if not difference <= _TOLERANCE * max(1.0, scale):
        raise SettingError(
            f"the predictions of {name} are not those of its tables (they differ by up to "
            f"{difference:.2g}). If it ends in a sigmoid, its attribute y_range must give the "
            "range; if another term depends on the user alone or the item alone, add it to the "
            "bias in a method tables(); otherwise the module is not bilinear"
        )
