"""Calibration: from the draw summary to parameters and users that are inferred from them."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import gram
from palate._native import Cancelled, CancelToken
from palate.data._ratings import Csr
from palate.inference._user_posterior import infer
from palate.learned._known_features import KnownFeatures
from palate.learned._likelihood import Gaussian
from palate.learned._main_effects import factor_table, main_effects, orthogonal_axes
from palate.learned._pair_features import PairFeatures
from palate.learned._parameters import Parameters
from palate.learned._rating_variances import RatingVariances
from palate.learned._user_prior import UserPrior
from palate.solvers.gibbs._draw_summary import Summary
from palate.solvers.gibbs._row_prior import Regression

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
    user_table
        The users' factors and biases; shape (users, k + 1).
    user_variances
        The relative variance of each user's ratings; shape (users,).
    complete
        Whether all rounds of the calibration were done.
    """

    parameters: Parameters
    user_table: NDArray[np.float32]
    user_variances: NDArray[np.float64]
    complete: bool


def calibrate(
    grouped: Csr,
    parameters: Parameters,
    noise_prior: tuple[float, float],
    *,
    known: NDArray[np.float32],
    user_table: NDArray[np.float32],
    threads: int,
    cancel: CancelToken,
) -> Calibrated:
    """Infer users from items, with the noise that fits them, in canonical form.

    A few axes replace all that was sampled, so that a rating lies further from its expectation
    than in the sampler. This noise is found by expectation and maximisation (Dempster, Laird and
    Rubin 1977) with everything else held fixed::

        1 / alpha = (2 rate + sum E w_ui (r_ui - prediction)^2) / (2 shape + ratings)

    where the expectation is over users and items, w_ui = 1 / (s_u s_i) (see `RatingVariances`), and
    (shape, rate) is the gamma prior of the sampler. Each round infers s_u once, and then moves from
    1 / s_u to alpha by how much their mean differs from that of their prior, 1
    (parameter expansion: Liu, Rubin and Wu, "Parameter expansion to accelerate EM: the PX-EM
    algorithm", Biometrika 1998, section 4). Users who are inferred anew are not exactly canonical:
    each round transforms everything to the canonical form of its users.

    Parameters
    ----------
    grouped, known
        The ratings that were sampled, grouped by user; the known features of these, shape (n, m).
    parameters
        Those of the draws; see `uncalibrated`.
    noise_prior
        The shape and the rate of the gamma prior, in units of the ratings.
    user_table
        The mean of the draws of the users; returned if the first round is cancelled.
    threads, cancel
        The number of threads; and what ends the calibration early, with the last complete round.
    """
    variances = parameters.variances
    assert variances is not None
    infer_users = partial(infer, known=known, threads=threads, cancel=cancel)
    counts = np.diff(grouped.starts)
    shape, rate = 2 * noise_prior[0] + len(grouped.partner), 2 * noise_prior[1]
    variance = np.ones(len(counts))
    try:
        for _ in range(_ROUNDS):
            inferred = infer_users(grouped, parameters, squares=True, variance=variance)
            alpha = shape / (rate + float(inferred.squares.sum()))
            squares = inferred.squares / variances.precisions(counts, variance)
            variance = variances.of_people(counts, squares, alpha)
            scale = float(variances.precisions(counts, variance).mean())
            variance *= scale
            parameters, user_table = _canonical(parameters, inferred.mean, (alpha * scale) ** -0.5)
        inferred, noise_sd = infer_users(grouped, parameters), parameters.likelihood.noise_sd
        variance = inferred.variance
        parameters, user_table = _canonical(parameters, inferred.mean, noise_sd)
        user_table = infer_users(grouped, parameters, variance=variance).mean
    except Cancelled:
        return Calibrated(parameters, user_table, variance, complete=False)
    return Calibrated(parameters, user_table, variance, complete=True)


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
    """

    features: PairFeatures
    known: KnownFeatures
    regression: Regression
    penalties: NDArray[np.float64]

    def prior(self, users: NDArray[np.float32], covariance: NDArray[np.float64]) -> UserPrior:
        """Return the prior of users, given their rows, shape (n, k + 1), and its covariance S.

        With the features F, F = 0 on average but for the constant, and the users X::

            B = (F'F + diag(penalty))^-1 F'X
            covariance of anyone = S + B' cov(F) B
        """
        coefficients = self.regression.mean(users, self.penalties)
        means = self.regression.means_of_rated(coefficients)
        explained = gram(means - means.mean(axis=0)) / len(means)
        return UserPrior(
            coefficients, covariance, self.features, self.known, covariance + explained
        )


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
    form = summary.form
    covariance = _bounded(summary, variance)
    return Parameters(
        item_table=form.items,
        likelihood=replace(likelihood, mu=likelihood.mu + form.mu),
        user_prior=users.prior(form.users, covariance),
        item_posterior=summary.item_posterior,
        variances=variances,
    )


def _bounded(summary: Summary, variance: float) -> NDArray[np.float64]:
    """Return the prior covariance of users, so that interactions vary no more than ratings do.

    The mean variance of the interaction of an item is tr((q q' + C) S). Of a few ratings the draws
    may say anything, and then it can be larger than that of the ratings.
    """
    covariance, items = summary.user_covariance.copy(), summary.form.items[:, :-1]
    of_factors = covariance[:-1, :-1]
    moment = gram(items) + summary.item_posterior.covariances.sum(np.ones(len(items)))
    interaction = float(np.sum(moment * of_factors)) / len(items)
    scale = np.ones(len(covariance))
    if interaction > variance:
        scale[:-1] = np.sqrt(variance / interaction)
    return covariance * np.outer(scale, scale)


def _canonical(
    parameters: Parameters, users: NDArray[np.float32], noise_sd: float
) -> tuple[Parameters, NDArray[np.float32]]:
    """Return the parameters and the users in the canonical form of the users.

    A user's row x becomes (x - m) J, where m is the mean of all and J transforms the factors to
    the new axes and adds to the bias what centring the items takes out.
    """
    items = parameters.item_table.astype(np.float64)
    likelihood, posterior = parameters.likelihood, parameters.item_posterior
    assert isinstance(likelihood, Gaussian)
    assert posterior is not None
    mu, (p, _, q, item_bias) = main_effects(users.astype(np.float64), items)
    new_users, new_items = orthogonal_axes(p, q, item_bias)
    # Since new users are orthogonal with a mean square of 1, p = new_users R, and so q R' are the
    # new items, for the products stay what they are.
    item_transform = (new_users.T @ p / len(p)).T
    user_transform = np.linalg.pinv(item_transform.T)
    item_mean = items[:, :-1].mean(axis=0)
    jacobian = np.block(
        [[user_transform, item_mean[:, None]], [np.zeros(user_transform.shape[1]), 1]]
    )
    prior, mean = parameters.user_prior, users.mean(axis=0, dtype=np.float64)
    coefficients = prior.coefficients.copy()
    coefficients[0] -= mean
    user_prior = replace(
        prior,
        coefficients=coefficients @ jacobian,
        covariance=jacobian.T @ prior.covariance @ jacobian,
        population_covariance=jacobian.T @ prior.of_anyone @ jacobian,
    )
    least = _MIN_RELATIVE_VARIANCE * noise_sd**2
    covariances = posterior.covariances.transformed(item_transform).at_least(least)
    canonical = replace(
        parameters,
        item_table=factor_table(new_items, item_bias),
        likelihood=replace(likelihood, mu=likelihood.mu + mu, noise_sd=noise_sd),
        user_prior=user_prior,
        item_posterior=replace(posterior, covariances=covariances.astype(np.float32)),
    )
    return canonical, ((users - mean) @ jacobian).astype(np.float32)
