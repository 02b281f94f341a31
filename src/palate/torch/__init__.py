"""PyTorch modules and a learner with the interface of a book's chapter (the extra ``torch``).

The book is Howard and Gugger 2020, "Deep Learning for Coders with fastai and PyTorch", and the
chapter is chapter 8, on collaborative filtering. Its code runs here unchanged.

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
    from fastcore.foundation import L
    from fastcore.meta import delegates
    from matplotlib import pyplot as plt
    from torch import nn, tensor

    from palate.torch._callbacks import (
        Callback,
        EarlyStoppingCallback,
        SaveModelCallback,
        TrackerCallback,
    )
    from palate.torch._chapter import URLs, pca, set_seed, untar_data
    from palate.torch._collab_learner import collab_learner
    from palate.torch._data import CollabDataLoaders, get_emb_sz
    from palate.torch._from_model import from_model
    from palate.torch._learner import Learner
    from palate.torch._load_learner import load_learner
    from palate.torch._metrics import CrossEntropyLossFlat, accuracy, error_rate, mae, mse, rmse
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
    from palate.torch._optimisers import SGD, Adam
    from palate.torch._refusals import LEFT_OUT
    from palate.torch._training_loop import StopFit
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in {"torch", "pandas", "fastcore", "matplotlib"}:
        raise
    message = f"palate.torch requires {error.name}: pip install 'palate[torch]'"
    raise MissingExtraError(message) from error

__all__ = [
    "SGD",
    "Adam",
    "Callback",
    "CollabDataLoaders",
    "CollabNN",
    "CrossEntropyLossFlat",
    "DotProduct",
    "DotProductBias",
    "EarlyStoppingCallback",
    "Embedding",
    "EmbeddingDotBias",
    "EmbeddingNN",
    "L",
    "Learner",
    "MSELossFlat",
    "Module",
    "SaveModelCallback",
    "StopFit",
    "TrackerCallback",
    "URLs",
    "accuracy",
    "collab_learner",
    "delegates",
    "error_rate",
    "from_model",
    "get_emb_sz",
    "load_learner",
    "mae",
    "mse",
    "nn",
    "np",
    "one_hot",
    "pd",
    "plt",
    "rmse",
    "set_seed",
    "sigmoid_range",
    "tensor",
    "torch",
    "untar_data",
]

torch.Tensor.pca = pca  # type: ignore[attr-defined]  # as in fastai

# Names of fastai that are left out: to use one is refused, with the alternative.
globals().update(LEFT_OUT)
__all__.extend(LEFT_OUT)
