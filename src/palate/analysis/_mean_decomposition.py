"""The decomposition of mean ratings: why a bias differs from a mean rating."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._native import score_pairs
from palate.analysis._intervals import Z
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned
from palate.learned._likelihood import evaluate_scalar

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class MeanDecomposition:
    """The mean ratings of items or users: mu + bias + partners_bias + interaction + residual.

    Attributes
    ----------
    mu
        The expected rating of an item of bias 0 by the average user.
    bias
        Shape (rows,), like all other attributes.
    lower, upper
        The 90% interval of the bias; None if it is unknown.
    partners_bias, interaction, residual
        Means over the ratings of an item or user; None in a model without users. The partners of
        an item are its raters, those of a user the rated items.
    """

    mu: float
    bias: Numbers
    lower: Numbers | None
    upper: Numbers | None
    partners_bias: Numbers | None
    interaction: Numbers | None
    residual: Numbers | None


def decompose_item_means(learned: Learned) -> MeanDecomposition:
    """Return the decomposition of the mean rating of each item."""
    average = float(learned.canonical_axes.average[-1])
    posterior = learned.parameters.item_posterior
    sd = None if posterior is None else posterior.bias_sd.astype(np.float64)
    return _decompose(learned, "item", average + learned.item_biases, sd)


def decompose_user_means(learned: Learned, users: UserPosteriors) -> MeanDecomposition:
    """Return the decomposition of the mean rating of each known user."""
    return _decompose(learned, "user", users.table[:, -1], users.bias_sd())


def user_biases_in_ratings(learned: Learned) -> Numbers:
    """Return the bias of each known user in units of the ratings; shape (users,)."""
    return _above_mu(learned, learned.require_user_table()[:, -1])


def _mu(learned: Learned) -> float:
    """Return the expected rating of an item of bias 0 by the average user."""
    average = float(learned.canonical_axes.average[-1])
    return evaluate_scalar(learned.likelihood.unclipped, average)


def _above_mu(learned: Learned, score: NDArray[np.floating[Any]]) -> Numbers:
    unclipped = learned.likelihood.unclipped(score.astype(np.float32))
    above: Numbers = unclipped.astype(np.float64) - _mu(learned)
    return above


def _decompose(
    learned: Learned, side: str, own: NDArray[np.floating[Any]], sd: Numbers | None
) -> MeanDecomposition:
    """Decompose the mean ratings of one side.

    With the unclipped expected rating f, the average user's bias c, and E the mean over the
    ratings of a row::

        mean - mu = [f(own) - mu] + E[f(b_u + b_i) - f(own)]
                    + E[f(b_u + b_i + p_u . q_i) - f(b_u + b_i)] + E[r - f(b_u + b_i + p_u . q_i)]

    where mu = f(c), and own is c + b_i for an item and b_u for a user. With a linear likelihood
    these are the bias, the mean bias of the partners, and the mean of p_u . q_i.
    """
    mu, bias = _mu(learned), _above_mu(learned, own)
    lower = None if sd is None else _above_mu(learned, own - Z * sd)
    upper = None if sd is None else _above_mu(learned, own + Z * sd)
    means: tuple[Numbers | None, ...] = (None, None, None)
    if learned.ratings is not None:
        means = _means_over_ratings(learned, side, mu + bias)
    return MeanDecomposition(mu, bias, lower, upper, *means)


def _means_over_ratings(
    learned: Learned, side: str, own: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return the means of the partners' biases, of the interaction, and of the residual."""
    ratings, table = learned.require_users(), learned.require_user_table()
    unclipped = learned.likelihood.unclipped
    row = ratings.item if side == "item" else ratings.user
    additive = unclipped(table[ratings.user, -1] + learned.item_biases[ratings.item])
    score = score_pairs(table, learned.item_table, ratings.user, ratings.item)
    expected = unclipped(score)
    counts = np.maximum(np.bincount(row, minlength=len(own)), 1)

    def mean(values: NDArray[np.floating[Any]]) -> Numbers:
        return np.bincount(row, weights=values, minlength=len(own)) / counts

    partners_bias = additive.astype(np.float64) - own[row]
    interaction = expected.astype(np.float64) - additive
    residual = ratings.rating.astype(np.float64) - expected
    return mean(partners_bias), mean(interaction), mean(residual)
