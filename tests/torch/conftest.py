"""Fixtures: the chapter's table, loaders and learners with equal parameters."""

import copy

import numpy as np
import pandas as pd
import pytest

import palate


@pytest.fixture(scope="session")
def table(ml100k: palate.Ratings) -> pd.DataFrame:
    """Return the chapter's table: 100,000 rows, with titles."""
    return pd.DataFrame(
        {
            "user": ml100k.users["id"].to_numpy()[ml100k.user],
            "movie": ml100k.items["id"].to_numpy()[ml100k.item],
            "rating": ml100k.rating.astype(np.int64),
            "timestamp": ml100k.timestamp,
            "title": ml100k.items["item"].to_numpy()[ml100k.item],
        }
    )


@pytest.fixture(scope="session")
def dls(ml100k: palate.Ratings):
    from palate.torch import CollabDataLoaders

    return CollabDataLoaders.from_ratings(ml100k, seed=0, device="cpu")


@pytest.fixture(scope="session")
def large_batches(ml100k: palate.Ratings):
    """Return loaders with batches of 256, for fits that need not follow the book."""
    from palate.torch import CollabDataLoaders

    return CollabDataLoaders.from_ratings(ml100k, seed=0, bs=256, device="cpu")


@pytest.fixture
def tiny(small: palate.Ratings):
    """Return the ten ratings of `small`, eight of them for training, in batches of two."""
    from palate.torch import CollabDataLoaders

    return CollabDataLoaders.from_ratings(small, bs=2, seed=0, device="cpu")


@pytest.fixture
def pair(dls):
    """Return two learners with equal parameters, the first native and the second autograd."""
    from palate.torch import DotProductBias, Learner, torch

    torch.manual_seed(0)
    model = DotProductBias(*dls.sizes, 50)
    return [
        Learner(dls, copy.deepcopy(model), native=native, progress=False)
        for native in (True, False)
    ]
