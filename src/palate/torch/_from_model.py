"""From a Palate model to a learner."""

import numpy as np
import torch

from palate.inference._link import Sigmoid
from palate.model._model import Model
from palate.torch._data import CollabDataLoaders
from palate.torch._learner import Learner
from palate.torch._modules import DotProductBias
from palate.torch._tables import tables


def from_model(model: Model, bs: int = 64, device: torch.device | str | None = None) -> Learner:
    """Return a learner with the factors and biases of a Palate model, and its ratings.

    Its module is a `DotProductBias` that predicts what the model expects (where the model cuts
    ratings off at the ends of their scale, the module does not). The row of ``#na#`` is the
    mean of all users or items. What a model by Gibbs knows of its certainty has no place in it.

    Parameters
    ----------
    model
        Any model that was saved with its users.
    bs, device
        As of `CollabDataLoaders.from_ratings`. None of the ratings are held back.

    Raises
    ------
    UnknownIdError
        If the model was saved without users.
    """
    ratings, users = model.known()
    items, link = model.item_table, model.link
    none = ratings.take(np.zeros(0, dtype=np.int64))
    dls = CollabDataLoaders.from_ratings(ratings, valid=none, bs=bs, device=device)
    y_range = (link.low, link.high) if isinstance(link, Sigmoid) else None
    module = DotProductBias(*dls.sizes, model.factors, y_range)
    users, items = (np.vstack([table.mean(axis=0), table]) for table in (users, items))
    users[:, -1] += link.mu
    tables(module).set(users, items)
    return Learner(dls, module)
