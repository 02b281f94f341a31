"""What was learned, with items that are added after the fit."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.learned._choice import ChoiceModel, DenseWeights, LowRankWeights
from palate.learned._item_posterior import ItemCovariances, ItemPosterior
from palate.learned._learned import Learned
from palate.learned._parameters import Parameters


def with_added_items(learned: Learned, items: pl.DataFrame) -> Learned:
    """Return the data with further items, which nobody has rated: each is its prior mean.

    Parameters
    ----------
    learned
        The data of a Gibbs model.
    items
        The new items: the columns ``id``, ``item`` and any others.
    """
    columns = [column for column in learned.items.columns if column in items.columns]
    table = pl.concat([learned.items, items.select(columns)], how="diagonal_relaxed")
    added = table[learned.items.height :]
    parameters = learned.parameters
    assert parameters.item_prior is not None
    means = parameters.item_prior.means(added)
    covariance = parameters.item_prior.covariance
    covariances = np.broadcast_to(covariance, (len(means), *covariance.shape))
    extended = replace(
        learned,
        items=table,
        rating_parameters=_padded(parameters, len(means)),
        item_counts=np.pad(learned.item_counts, (0, len(means))),
        item_means=np.pad(learned.item_means, (0, len(means)), constant_values=np.nan),
        choice=None if learned.choice is None else _with_unknown(learned.choice, len(means)),
        added_items=learned.added_items + len(means),
    )
    rows = np.arange(learned.items.height, table.height)
    return with_items(extended, rows, means, covariances, np.ones(len(means)))


def with_items(
    learned: Learned,
    rows: NDArray[np.integer[Any]],
    means: NDArray[np.float64],
    covariances: NDArray[np.float64],
    variances: NDArray[np.float64],
) -> Learned:
    """Return the data with other posteriors of the items at `rows`.

    Parameters
    ----------
    learned
        The data of a Gibbs model.
    rows
        The rows of n items.
    means, covariances
        Of their factors and biases; shapes (n, k + 1) and (n, k + 1, k + 1).
    variances
        The relative variances of their ratings; shape (n,).
    """
    parameters = learned.parameters
    posterior, relative = parameters.item_posterior, parameters.variances
    assert posterior is not None
    assert relative is not None
    item_table, bias_sd = parameters.item_table.copy(), posterior.bias_sd.copy()
    values, items = posterior.covariances.values.copy(), relative.items.copy()
    item_table[rows] = means
    bias_sd[rows] = np.sqrt(covariances[:, -1, -1])
    of_factors = covariances[:, :-1, :-1]
    if posterior.covariances.full:
        values[rows] = of_factors.reshape(len(rows), -1)
    else:
        values[rows] = np.diagonal(of_factors, axis1=1, axis2=2)
    items[rows] = variances
    changed = replace(
        parameters,
        item_table=item_table,
        item_posterior=ItemPosterior(bias_sd, ItemCovariances(values, learned.factors)),
        variances=replace(relative, items=items),
    )
    return replace(learned, rating_parameters=changed)


def _padded(parameters: Parameters, n: int) -> Parameters:
    """Return the parameters with `n` more items, of which nothing is known yet."""
    posterior, variances = parameters.item_posterior, parameters.variances
    prior = parameters.user_prior
    assert posterior is not None
    assert variances is not None
    assert prior.features is not None
    covariances = posterior.covariances
    return replace(
        parameters,
        item_table=_with_rows(parameters.item_table, n),
        item_posterior=ItemPosterior(
            np.pad(posterior.bias_sd, (0, n)),
            ItemCovariances(_with_rows(covariances.values, n), covariances.factors),
        ),
        variances=replace(variances, items=np.pad(variances.items, (0, n), constant_values=1)),
        # That somebody has rated a new item says nothing yet.
        user_prior=replace(
            prior,
            features=replace(prior.features, loadings=_with_rows(prior.features.loadings, n)),
        ),
    )


def _with_unknown(choice: ChoiceModel, n: int) -> ChoiceModel:
    """Return the choice model with `n` more items: what they are picked with is not known."""
    weights: DenseWeights | LowRankWeights = choice.weights
    if isinstance(weights, DenseWeights):
        weights = DenseWeights(np.pad(weights.matrix, ((0, n), (0, n))))
    else:
        weights = weights._replace(
            left=_with_rows(weights.left, n),
            right=_with_rows(weights.right, n),
            starts=np.pad(weights.starts, (0, n), mode="edge"),
        )
    return replace(
        choice,
        weights=weights,
        popularity=np.pad(choice.popularity, (0, n)),
        discount=np.pad(choice.discount, (0, n), constant_values=1),
    )


def _with_rows(table: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    return np.pad(table, ((0, n), (0, 0)))
