"""A Palate model from a bilinear module."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from palate import _native
from palate.data._duplicates import without_duplicates
from palate.data._ratings import Ratings
from palate.errors import SettingError
from palate.inference._link import Linear, Link, Sigmoid
from palate.model._model import Fit, Model
from palate.solvers._canonical import centred, table
from palate.solvers._one_cycle import point_estimate
from palate.torch._modules import Range
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
    link = _link(ratings, found.y_range)
    _require_bilinear(objective, users, items, link)
    if isinstance(link, Linear) or not found.item_bias.any():
        users, items, link = _extract_biases(users, items, link)
    settings = {"module": type(module).__name__, "y_range": found.y_range, "bs": dls.bs}
    fit = Fit("torch", settings, ratings.source, list(history))
    return Model.trained(ratings, point_estimate(ratings, users, items, link), users, fit)


def _link(ratings: Ratings, y_range: Range) -> Link:
    if y_range is not None:
        return Sigmoid(*y_range)
    return Linear(float(ratings.rating.min()), float(ratings.rating.max()), mu=0.0)


def _extract_biases(
    users: NDArray[np.float32], items: NDArray[np.float32], link: Link
) -> tuple[NDArray[np.float32], NDArray[np.float32], Link]:
    """Return tables with the same scores whose biases are main effects; see `centred`.

    This gives a module without biases interpretable ones, and brings a module without a sigmoid
    into the form of Palate's linear models.
    """
    mu, (p, user_bias, q, item_bias) = centred(users.astype(np.float64), items.astype(np.float64))
    if isinstance(link, Linear):
        link = replace(link, mu=mu)
    else:
        user_bias = user_bias + mu
    return table(p, user_bias), table(q, item_bias), link


def _require_bilinear(
    objective: Objective, users: NDArray[np.float32], items: NDArray[np.float32], link: Link
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
    expected = link.level(_native.score_pairs(users, items, user, item))
    same_length = len(outputs) == len(expected)
    difference = np.abs(outputs - expected).max() if same_length else np.inf
    if not difference <= _TOLERANCE * max(1.0, link.high - link.low):
        raise SettingError(
            f"the predictions of {name} are not those of its tables (they differ by up to "
            f"{difference:.2g}). If it ends in a sigmoid, its attribute y_range must give the "
            "range; if another term depends on the user alone or the item alone, add it to the "
            "bias in a method tables(); otherwise the module is not bilinear"
        )
