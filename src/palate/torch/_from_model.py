"""A learner from a Palate model."""

import numpy as np
import torch

from palate.model._model import Model
from palate.torch._data import CollabDataLoaders
from palate.torch._learner import Learner
from palate.torch._modules import DotProductBias
from palate.torch._tables import tables


def from_model(model: Model, bs: int = 64, device: torch.device | str | None = None) -> Learner:
    """Return a learner with the factors, biases and ratings of a Palate model.

    Its module is a `DotProductBias` with the model's expected ratings as predictions, but without
    the model's clipping to the ends of the rating scale. The row of ``#na#`` is the mean of all
    users or items. The posterior of a Gibbs model is reduced to its mean.

    Parameters
    ----------
    model
        Any model that was saved with its users.
    bs, device
        As of `CollabDataLoaders.from_ratings`. No ratings are held out.

    Raises
    ------
    UnknownIdError
        If the model was saved without users.
    """
    ratings, users = model.learned.require_users(), model.learned.require_user_table()
    items, likelihood = model.learned.item_table, model.learned.likelihood
    empty = ratings.take(np.zeros(0, dtype=np.int64))
    dls = CollabDataLoaders.from_ratings(ratings, valid=empty, bs=bs, device=device)
    y_range = None if likelihood.linear else (likelihood.low, likelihood.high)
    module = DotProductBias(*dls.sizes, model.factors, y_range)
    users, items = (np.vstack([table.mean(axis=0), table]) for table in (users, items))
    users[:, -1] += likelihood.mu
    tables(module).set(users, items)
    return Learner(dls, module)
