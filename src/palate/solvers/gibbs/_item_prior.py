"""The prior over items that are added after the fit, from the items of the fit."""

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import products
from palate.learned._item_prior import ItemPrior
from palate.learned._parameters import Parameters
from palate.solvers.gibbs._known_features import KnownValues
from palate.solvers.gibbs._row_prior import Regression


def item_prior(
    parameters: Parameters,
    known: KnownValues,
    penalties: NDArray[np.float64],
    rated: NDArray[np.bool_],
) -> ItemPrior:
    """Return the prior of an item of which no more is known than its features.

    With the features F and the means X of the items with ratings, and the mean C of their posterior
    covariances::

        B = (F'F + diag(penalty))^-1 F'X
        covariance = cov(X - F B) + C

    Parameters
    ----------
    parameters
        What was learned.
    known
        The known features of all items.
    penalties
        That of each block of features, the mean of the draws.
    rated
        Which items have ratings; shape (items,).
    """
    ones = np.ones((len(rated), 1), dtype=np.float32)
    features, rows = np.hstack([ones, known.values])[rated], np.flatnonzero(rated)
    gram = products(features, features)
    regression = Regression(gram, known.features.blocks)
    table, posterior = parameters.item_table[rows], parameters.item_posterior
    assert posterior is not None
    onto = products(features, table)
    all_penalties = np.append(regression.penalties[0], penalties)
    coefficients = regression.mean(onto, all_penalties)
    covariance = regression.residual_covariance(gram, onto, products(table, table), coefficients)
    covariance[:-1, :-1] += posterior.covariances.take(rows).sum(np.ones(len(rows))) / len(rows)
    covariance[-1, -1] += float(np.mean(posterior.bias_sd[rows].astype(np.float64) ** 2))
    return ItemPrior(coefficients, covariance, known.features)
