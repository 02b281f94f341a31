"""From a bilinear learner to a Palate model."""

from dataclasses import replace
from typing import TYPE_CHECKING

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
from palate.torch._tables import tables

if TYPE_CHECKING:
    from palate.torch._learner import Learner

# So many pairs tell whether a module is what its tables say, to within this share of the range.
_PAIRS, _TOLERANCE = 1000, 1e-3


def to_palate(learn: "Learner") -> Model:
    """Return a Palate model of what was learned; see `Learner.to_palate`."""
    found = tables(learn.model)
    users, items = (np.ascontiguousarray(table[1:]) for table in found.arrays())
    ratings = without_duplicates(learn.dls.train.ratings, "mean")
    link = _link(ratings, found.y_range)
    _check(learn, users, items, link)
    if isinstance(link, Linear) or not found.item_bias.any():
        users, items, link = _with_main_effects(users, items, link)
    settings = {"module": type(learn.model).__name__, "y_range": found.y_range, "bs": learn.dls.bs}
    fit = Fit("torch", settings, ratings.source, list(learn.history))
    return Model.trained(ratings, point_estimate(ratings, users, items, link), users, fit)


def _link(ratings: Ratings, y_range: Range) -> Link:
    if y_range is not None:
        return Sigmoid(*y_range)
    return Linear(float(ratings.rating.min()), float(ratings.rating.max()), mu=0.0)


def _with_main_effects(
    users: NDArray[np.float32], items: NDArray[np.float32], link: Link
) -> tuple[NDArray[np.float32], NDArray[np.float32], Link]:
    """Return tables of the same scores, with biases that are main effects; see `centred`.

    So a model without biases of its own has some to read, and one without a sigmoid is in the form
    that linear models have in Palate.
    """
    mu, (p, user_bias, q, item_bias) = centred(users.astype(np.float64), items.astype(np.float64))
    if isinstance(link, Linear):
        link = replace(link, mu=mu)
    else:
        user_bias = user_bias + mu
    return table(p, user_bias), table(q, item_bias), link


def _check(
    learn: "Learner", users: NDArray[np.float32], items: NDArray[np.float32], link: Link
) -> None:
    """See that the module predicts what its tables say."""
    if len(users) + 1 != learn.dls.sizes[0] or len(items) + 1 != learn.dls.sizes[1]:
        raise SettingError(
            f"{type(learn.model).__name__} has tables of {len(users) + 1:,} users and "
            f"{len(items) + 1:,} items; the vocabularies have {learn.dls.sizes[0]:,} and "
            f"{learn.dls.sizes[1]:,}"
        )
    rng = np.random.default_rng(0)
    user, item = (rng.integers(0, len(t), _PAIRS, dtype=np.int32) for t in (users, items))
    x = torch.from_numpy(np.stack([user, item], axis=1).astype(np.int64) + 1)
    outputs = learn.outputs(x.to(learn.dls.device)).reshape(-1).float().cpu().numpy()
    level = link.level(_native.score_pairs(users, items, user, item))
    distance = np.abs(outputs - level).max() if len(outputs) == len(level) else np.inf
    if not distance <= _TOLERANCE * max(1.0, link.high - link.low):
        raise SettingError(
            f"{type(learn.model).__name__} does not predict what its tables say (they differ by up "
            f"to {distance:.2g}). If it ends in a sigmoid, its attribute y_range must say of what "
            "range; if a term of the user alone or of the item alone goes into it, add that to the "
            "bias in a method tables(); otherwise it is not bilinear"
        )
