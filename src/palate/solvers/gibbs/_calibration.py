"""Calibration: from the draw summary to parameters and users that are inferred from them."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import gram
from palate._native import Cancelled
from palate.inference._user_posterior import infer
from palate.learned._known_features import KnownFeatures
from palate.learned._likelihood import Gaussian
from palate.learned._main_effects import (
    effects_of_rows,
    factor_table,
    mean_score,
    orthogonal_axes,
)
from palate.learned._pair_features import PairFeatures
from palate.learned._parameters import Parameters
from palate.learned._rating_variances import RatingVariances
from palate.learned._user_prior import UserPrior
from palate.solvers.gibbs._draw_summary import Summary
from palate.solvers.gibbs._people import People
from palate.solvers.gibbs._row_prior import Regression
from palate.solvers.gibbs._user_block import Totals, UserBlock

# Each round brings the noise, the variances and the canonical form nearer by a factor of three or
# more.
_ROUNDS = 8
# The smallest variance of an item's factor, relative to that of the noise: of an axis along which
# nothing varies.
_MIN_RELATIVE_VARIANCE = 1e-12


class Calibrated(NamedTuple):
    """What was learned.

    Attributes
    ----------
    parameters
        The parameters.
    complete
        Whether all rounds of the calibration were done.
    """

    parameters: Parameters
    complete: bool


class UserMoments(NamedTuple):
    """Sums over users: of their expected w e^2, of their precisions 1 / s_u, of rows X, and X'X."""

    squares: float
    precisions: float
    total: NDArray[np.float64]
    products: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class InferUsers:
    """Infer the users from their ratings and the items.

    Attributes
    ----------
    parameters
        The items, the noise and the prior.
    """

    reads, changes = ("ratings", "known"), ("table", "variance")

    parameters: Parameters

    def __call__(self, block: UserBlock) -> UserMoments:
        """Return the sums over the users of a block."""
        inferred = infer(
            block.ratings,
            self.parameters,
            block.runtime.threads,
            known=block.known,
            squares=True,
            cancel=block.runtime.cancel,
        )
        block.table, block.variance = inferred.mean, inferred.variance
        variances = self.parameters.variances
        assert variances is not None
        precisions = variances.precisions(inferred.freedom, inferred.variance)
        return UserMoments(
            float(precisions @ inferred.errors + inferred.uncertainty.sum()),
            float(precisions.sum()),
            inferred.mean.sum(axis=0, dtype=np.float64),
            gram(inferred.mean),
        )


@dataclass(frozen=True, eq=False)
class Turn:
    """Turn the rows x of users to (x - m) J."""

    reads, changes = ("table",), ("table",)

    mean: NDArray[np.float64]
    jacobian: NDArray[np.float64]

    def __call__(self, block: UserBlock) -> None:
        """Change a block."""
        block.table = ((block.table - self.mean) @ self.jacobian).astype(np.float32)


def calibrate(
    people: People, totals: Totals, parameters: Parameters, noise_prior: tuple[float, float]
) -> Calibrated:
    """Infer users from items, with the noise that fits them, in canonical form.

    A few axes replace all that was sampled, so that a rating lies further from its expectation
    than in the sampler. This noise is found by expectation and maximisation (Dempster, Laird and
    Rubin 1977) with everything else held fixed::

        1 / alpha = (2 rate + sum E w_ui (r_ui - prediction)^2) / (2 shape + ratings)

    where the expectation is over users and items, w_ui = 1 / (s_u s_i) (see `RatingVariances`), and
    (shape, rate) is the gamma prior of the sampler. Each round infers users with their s_u, and
    moves from 1 / s_u to alpha by how much their mean differs from that of their prior, 1
    (parameter expansion: Liu, Rubin and Wu, "Parameter expansion to accelerate EM: the PX-EM
    algorithm", Biometrika 1998, section 4). Users who are inferred anew are not exactly canonical:
    each round transforms everything to the canonical form of its users.

    Parameters
    ----------
    people
        The users, with the mean of their draws in `table`. They are left with what was inferred of
        them; of a cancelled round, they keep that of the round before.
    totals
        Those of their ratings.
    parameters
        Those of the draws; see `uncalibrated`.
    noise_prior
        The shape and the rate of the gamma prior, in units of the ratings.
    """
    shape, rate = 2 * noise_prior[0] + totals.ratings, 2 * noise_prior[1]
    try:
        for _ in range(_ROUNDS):
            sums = people.total(InferUsers(parameters))
            alpha = shape / (rate + sums.squares)
            canonical, turn = _canonical(parameters, totals.users, sums)
            noise_sd = (alpha * sums.precisions / totals.users) ** -0.5
            parameters = _with_noise(canonical, noise_sd)
            people.change(turn)
        people.total(InferUsers(parameters))
    except Cancelled:
        return Calibrated(parameters, complete=False)
    return Calibrated(parameters, complete=True)


class UserRegression(NamedTuple):
    """The regression of users on their features.

    Attributes
    ----------
    features
        How the features of a user are made.
    known
        The further features.
    regression
        Those of the users of the fit.
    penalties
        The mean of the draws.
    variance
        The mean of s_u over people (see `RatingVariances`).
    """

    features: PairFeatures
    known: KnownFeatures
    regression: Regression
    penalties: NDArray[np.float64]
    variance: float

    def prior(self, onto: NDArray[np.float64], covariance: NDArray[np.float64]) -> UserPrior:
        """Return the prior of users, given F'X for their rows X, and the covariance S for s_u = 1.

        With the features F, F = 0 on average but for the constant::

            B = (F'F + diag(penalty))^-1 F'X
            covariance of anyone = E s_u S + B' cov(F) B
        """
        coefficients = self.regression.mean(onto, self.penalties)
        anyone = self.variance * covariance + self.regression.explained_covariance(coefficients)
        return UserPrior(coefficients, covariance, self.features, self.known, anyone)


def uncalibrated(
    summary: Summary,
    users: UserRegression,
    variances: RatingVariances,
    likelihood: Gaussian,
    variance: float,
) -> Parameters:
    """Return the mean of the draws as parameters.

    Parameters
    ----------
    summary
        The summary of the draws.
    users
        The regression of users on their features.
    variances
        Those of the ratings.
    likelihood
        The range of the ratings, their mean, and the noise of the sampler.
    variance
        The variance of the ratings.
    """
    covariance = _bounded(summary, variance)
    return Parameters(
        item_table=summary.items,
        likelihood=replace(likelihood, mu=likelihood.mu + summary.mu),
        user_prior=users.prior(summary.onto_users, covariance),
        item_posterior=summary.item_posterior,
        variances=variances,
    )


def _bounded(summary: Summary, variance: float) -> NDArray[np.float64]:
    """Return the prior covariance of users, so that interactions vary no more than ratings do.

    The mean variance of the interaction of an item is tr((q q' + C) S). Of a few ratings the draws
    may say anything, and then it can be larger than that of the ratings.
    """
    covariance, items = summary.user_covariance.copy(), summary.items[:, :-1]
    of_factors = covariance[:-1, :-1]
    moment = gram(items) + summary.item_posterior.covariances.sum(np.ones(len(items)))
    interaction = float(np.sum(moment * of_factors)) / len(items)
    scale = np.ones(len(covariance))
    if interaction > variance:
        scale[:-1] = np.sqrt(variance / interaction)
    return covariance * np.outer(scale, scale)


def _canonical(parameters: Parameters, users: int, sums: UserMoments) -> tuple[Parameters, Turn]:
    """Return the parameters in the canonical form of the users, and what turns these to it.

    A user's row x becomes (x - m) J, where m is the mean of all and J transforms the factors to
    the new axes and adds to the bias what centring the items takes out.
    """
    items = parameters.item_table.astype(np.float64)
    likelihood, posterior = parameters.likelihood, parameters.item_posterior
    assert isinstance(likelihood, Gaussian)
    assert posterior is not None
    mean, item_mean = sums.total / users, items.mean(axis=0)
    q, item_bias = effects_of_rows(items, item_mean, mean)
    centred = sums.products[:-1, :-1] - users * np.outer(mean[:-1], mean[:-1])
    transform, new_items = orthogonal_axes(centred, users, q, item_bias)
    # Since new users are orthogonal with a mean square of 1, p = new_users R, and so q R' are the
    # new items, for the products stay what they are.
    item_transform = (transform.T @ centred / users).T
    user_transform = np.linalg.pinv(item_transform.T)
    jacobian = np.block(
        [[user_transform, item_mean[:-1, None]], [np.zeros(user_transform.shape[1]), 1]]
    )
    prior = parameters.user_prior
    coefficients = prior.coefficients.copy()
    coefficients[0] -= mean
    user_prior = replace(
        prior,
        coefficients=coefficients @ jacobian,
        covariance=jacobian.T @ prior.covariance @ jacobian,
        population_covariance=jacobian.T @ prior.of_anyone @ jacobian,
    )
    canonical = replace(
        parameters,
        item_table=factor_table(new_items, item_bias),
        likelihood=replace(likelihood, mu=likelihood.mu + mean_score(mean, item_mean)),
        user_prior=user_prior,
        item_posterior=replace(
            posterior, covariances=posterior.covariances.transformed(item_transform)
        ),
    )
    return canonical, Turn(mean, jacobian)


def _with_noise(parameters: Parameters, noise_sd: float) -> Parameters:
    """Return the parameters with this noise, and variances of factors that are not far below."""
    likelihood, posterior = parameters.likelihood, parameters.item_posterior
    assert isinstance(likelihood, Gaussian)
    assert posterior is not None
    covariances = posterior.covariances.at_least(_MIN_RELATIVE_VARIANCE * noise_sd**2)
    return replace(
        parameters,
        likelihood=replace(likelihood, noise_sd=noise_sd),
        item_posterior=replace(posterior, covariances=covariances.astype(np.float32)),
    )
