"""What was learned, without some of the users: what the model holds of them is left out."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import DataError
from palate.learned._choice import ChoiceModel, DenseWeights, LowRankWeights
from palate.learned._feature_effects import FeatureEffects
from palate.learned._item_posterior import ItemPosterior
from palate.learned._learned import Learned
from palate.learned._parameters import Parameters

Mask = NDArray[np.bool_]


def without_users(learned: Learned, gone: Mask) -> Learned:
    """Return the data without the users of a mask; see `Model.forget`.

    What can be counted (the numbers and the means of ratings) is counted anew. What was learned
    stays, but for the items that nobody else has rated, and the names of categories and the extreme
    numbers that nobody else has.

    Raises
    ------
    UnknownIdError
        If the model was saved without users.
    DataError
        If no ratings are left, or no items that the model was fitted to.
    """
    old = learned.require_users()
    kept = old.of_users(~gone).require_any()
    items = ~old.rated_only_by(gone)
    added = np.arange(len(items)) >= len(items) - learned.added_items
    recent = np.arange(len(old)) >= len(old) - learned.added_ratings
    ratings = kept.of_items(items)
    counts, means = ratings.item_means()
    parameters = learned.rating_parameters
    if parameters is not None:
        parameters = _parameters_of(parameters, items, ratings.items, ratings.users)
    table, variances = learned.user_table, learned.user_variances
    return replace(
        learned,
        items=ratings.items,
        rating_parameters=parameters,
        item_counts=counts,
        item_means=means,
        ratings=ratings,
        user_table=None if table is None else table[~gone],
        user_variances=None if variances is None else variances[~gone],
        choice=None if learned.choice is None else _choice_of(learned.choice, items),
        added_items=int(np.count_nonzero(added & items)),
        added_ratings=int(np.count_nonzero(recent & ~gone[old.user])),
    )


def _parameters_of(
    parameters: Parameters, kept: Mask, items: pl.DataFrame, users: pl.DataFrame
) -> Parameters:
    """Return the parameters of the kept items, which are `items`; `users` are those that stay."""
    posterior, variances = parameters.item_posterior, parameters.variances
    prior, item_prior = parameters.user_prior, parameters.item_prior
    if posterior is not None:
        covariances = posterior.covariances.take(np.flatnonzero(kept))
        posterior = ItemPosterior(posterior.bias_sd[kept], covariances)
    if variances is not None:
        variances = replace(variances, items=variances.items[kept])
    if prior.features is not None:
        features = replace(prior.features, loadings=prior.features.loadings[kept])
        prior = replace(prior, features=features, known=prior.known.known_in(users))
    if item_prior is not None:
        item_prior = replace(item_prior, known=item_prior.known.known_in(items))
    return replace(
        parameters,
        item_table=parameters.item_table[kept],
        user_prior=prior,
        item_posterior=posterior,
        variances=variances,
        effects=_known_in(parameters.effects, items),
        user_effects=_known_in(parameters.user_effects, users),
        item_prior=item_prior,
    )


def _known_in(effects: FeatureEffects | None, table: pl.DataFrame) -> FeatureEffects | None:
    return None if effects is None else replace(effects, features=effects.features.known_in(table))


def _choice_of(choice: ChoiceModel, kept: Mask) -> ChoiceModel:
    """Return the choice model of the kept items.

    Raises
    ------
    DataError
        If all of them were added after the fit, or were picked by nobody before it.
    """
    popularity = choice.popularity[kept]
    if not popularity.any():
        raise DataError(
            "no item is left that the model was fitted to; fit a new model to ratings without "
            "these users instead"
        )
    weights: DenseWeights | LowRankWeights = choice.weights
    if isinstance(weights, DenseWeights):
        weights = DenseWeights(np.ascontiguousarray(weights.matrix[np.ix_(kept, kept)]))
    else:
        sparse = weights.sparse.take(np.flatnonzero(kept))
        sparse = sparse.without(~kept[sparse.partner])
        row = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        weights = LowRankWeights(
            weights.left[kept],
            weights.right[kept],
            sparse.starts,
            row[sparse.partner],
            sparse.rating,
        )
    return replace(choice, weights=weights, popularity=popularity, discount=choice.discount[kept])
