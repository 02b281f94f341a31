"""A learner with a standard module."""

from collections.abc import Sequence
from typing import Any

from palate.errors import SettingError
from palate.solvers._one_cycle import sigmoid
from palate.torch._data import CollabDataLoaders, get_emb_sz
from palate.torch._learner import Learner
from palate.torch._modules import EmbeddingDotBias, EmbeddingNN, Range
from palate.torch._objective import Loss


def collab_learner(
    dls: CollabDataLoaders,
    n_factors: int = 50,
    *,
    use_nn: bool = False,
    emb_szs: Sequence[tuple[int, int]] | None = None,
    layers: Sequence[int] | None = None,
    y_range: Range = None,
    loss_func: Loss | None = None,
    **settings: Any,
) -> Learner:
    """Return a learner with a dot product or a network for ratings.

    Parameters
    ----------
    dls
        The ratings.
    n_factors
        The number of factors of a user or an item, without `use_nn`.
    use_nn
        Whether the module is a network (`EmbeddingNN`) instead of a dot product
        (`EmbeddingDotBias`).
    emb_szs
        With `use_nn`, the number of users and of items, each with the width of its embedding; by
        default `get_emb_sz(dls)`.
    layers
        With `use_nn`, the widths of the hidden layers; by default none.
    y_range
        The range of the predictions, by default as in `palate.OneCycle`: 0 to 5.5 for ratings of
        1 to 5.
    loss_func, settings
        As of `Learner`.

    Raises
    ------
    SettingError
        If `emb_szs` or `layers` is given without `use_nn`, or a setting is out of range.
    """
    if not use_nn and (emb_szs is not None or layers is not None):
        raise SettingError("emb_szs and layers belong to a network; add use_nn=True")
    likelihood = sigmoid(dls.train.ratings, y_range)
    y_range = likelihood.low, likelihood.high
    if use_nn:
        sizes = get_emb_sz(dls) if emb_szs is None else emb_szs
        return Learner(dls, EmbeddingNN(sizes, layers or (), y_range), loss_func, **settings)
    return Learner(dls, EmbeddingDotBias(*dls.sizes, n_factors, y_range), loss_func, **settings)
