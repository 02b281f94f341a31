"""A learner with a standard module."""

from collections.abc import Mapping, Sequence
from typing import Any

from palate.errors import SettingError
from palate.torch._data import CollabDataLoaders, get_emb_sz
from palate.torch._learner import Learner
from palate.torch._modules import EmbeddingDotBias, EmbeddingNN, Range, Ranged
from palate.torch._objective import Loss


def collab_learner(
    dls: CollabDataLoaders,
    n_factors: int = 50,
    use_nn: bool = False,
    emb_szs: Mapping[str, int] | None = None,
    layers: Sequence[int] | None = None,
    *,
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
        The number of factors of a user or an item; with `use_nn`, see `layers`.
    use_nn
        Whether the module is a network (`EmbeddingNN`) instead of a dot product
        (`EmbeddingDotBias`).
    emb_szs
        With `use_nn`, the widths of embeddings that differ from the rule of `get_emb_sz`, by the
        names of their columns.
    layers
        With `use_nn`, the widths of the hidden layers; by default one of the width `n_factors`.
    y_range
        The range of the predictions, such as (0, 5.5) for ratings from 1 to 5; None if unbounded.
    loss_func, settings
        As of `Learner`.

    Raises
    ------
    SettingError
        If `emb_szs` or `layers` is given without `use_nn`, or a setting is out of range.
    """
    if not use_nn and (emb_szs is not None or layers is not None):
        raise SettingError("emb_szs and layers belong to a network; add use_nn=True")
    model: Ranged
    if use_nn:
        widths = [n_factors] if layers is None else layers
        model = EmbeddingNN(get_emb_sz(dls, emb_szs), widths, y_range)
    else:
        model = EmbeddingDotBias.from_classes(n_factors, dls.classes, y_range=y_range)
    return Learner(dls, model, loss_func, **settings)
