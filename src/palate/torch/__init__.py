"""Floor 4, an optional wing: the code of the book's chapter, on PyTorch (the extra ``torch``).

>>> from palate.torch import *
>>> dls = CollabDataLoaders.from_ratings(palate.movielens("100k"))
>>> n_users, n_movies = len(dls.classes["user"]), len(dls.classes["title"])
>>> learn = Learner(dls, DotProductBias(n_users, n_movies, 50), loss_func=MSELossFlat())
>>> learn.fit_one_cycle(5, 5e-3, wd=0.1)
>>> learn.to_palate().recommend(10)
"""

from palate.errors import MissingExtraError

try:
    import numpy as np
    import pandas as pd
    import torch
    from torch import nn, tensor

    from palate.torch._callbacks import Callback, StopFit
    from palate.torch._data import CollabDataLoaders, get_emb_sz
    from palate.torch._export import load_learner
    from palate.torch._from_model import from_model
    from palate.torch._learner import Learner, collab_learner
    from palate.torch._modules import (
        CollabNN,
        DotProduct,
        DotProductBias,
        Embedding,
        EmbeddingDotBias,
        EmbeddingNN,
        Module,
        MSELossFlat,
        one_hot,
        sigmoid_range,
    )
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in {"torch", "pandas"}:
        raise
    message = "the book's code on PyTorch needs an extra: pip install 'palate[torch]'"
    raise MissingExtraError(message) from error

__all__ = [
    "Callback",
    "CollabDataLoaders",
    "CollabNN",
    "DotProduct",
    "DotProductBias",
    "Embedding",
    "EmbeddingDotBias",
    "EmbeddingNN",
    "Learner",
    "MSELossFlat",
    "Module",
    "StopFit",
    "collab_learner",
    "from_model",
    "get_emb_sz",
    "load_learner",
    "nn",
    "np",
    "one_hot",
    "pd",
    "sigmoid_range",
    "tensor",
    "torch",
]
