"""Calibration: from the draw summary to parameters and users that are inferred from them."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import gram
from palate._native import Cancelled, CancelToken
from palate.data._ratings import Csr
from palate.inference._user_posterior import infer
from palate.learned._item_posterior import ItemPosterior
from palate.learned._likelihood import Gaussian
from palate.learned._main_effects import factor_table, main_effects, orthogonal_axes
from palate.learned._parameters import Parameters
from palate.learned._user_prior import UserPrior
from palate.solvers.gibbs._draw_summary import BilinearForm

# Each round brings the noise and the canonical form nearer by a factor of five or more.
_ROUNDS = 8


class Calibrated(NamedTuple):
    """What was learned.

    Attributes
    ----------
    parameters
        The parameters.
    user_table
        The users' factors and biases; shape (users, k + 1).
    complete
        Whether all rounds of the calibration were done.
    """

    parameters: Parameters
    user_table: NDArray[np.float32]
    complete: bool


def calibrate(
    grouped: Csr,
    item_counts: NDArray[np.int64],
    parameters: Parameters,
    noise_prior: tuple[float, float],
    *,
    user_table: NDArray[np.float32],
    threads: int,
    cancel: CancelToken,
) -> Calibrated:
    """Infer users from items, with the noise that fits them, in canonical form.

    A few axes replace all that was sampled, so that a rating lies further from its expectation
    than in the sampler. This noise is found by expectation and maximisation (Dempster, Laird and
    Rubin 1977) with everything else held fixed::

        1 / alpha = (2 rate + sum E (r_ui - prediction)^2) / (2 shape + ratings)

    where the expectation is over the posteriors of users and items, and (shape, rate) is the gamma
    prior of the sampler. The prior of a user has the covariance of the canonical user rows. Users
    who are inferred anew are not exactly canonical: each round transforms everything to the
    canonical form of its users.

    Parameters
    ----------
    grouped
        The ratings that were sampled, grouped by user.
    item_counts
        The number of ratings of each item.
    parameters
        Those of the draws; see `uncalibrated`.
    noise_prior
        The shape and the rate of the gamma prior, in units of the ratings.
    user_table
        The mean of the draws of the users; returned if the first round is cancelled.
    threads
        The number of threads.
    cancel
        Ends the calibration early, with the result of the last complete round.
    """
    assert parameters.item_posterior is not None
    # What the variances of item biases add to the expected sum of squared residuals.
    item_bias_squares = float(item_counts @ parameters.item_posterior.bias_sd.astype(float) ** 2)
    shape, rate = noise_prior
    try:
        for _ in range(_ROUNDS):
            inferred = infer(grouped, parameters, threads, squares=True, cancel=cancel)
            squares = float(inferred.squares.sum() + item_bias_squares)
            noise_variance = (2 * rate + squares) / (2 * shape + len(grouped.partner))
            noise_sd = float(np.sqrt(noise_variance))
            parameters, user_table = _canonical(parameters, inferred.mean, noise_sd)
        user_table = infer(grouped, parameters, threads, cancel=cancel).mean
    except Cancelled:
        return Calibrated(parameters, user_table, complete=False)
    return Calibrated(parameters, user_table, complete=True)


def uncalibrated(
    form: BilinearForm, item_posterior: ItemPosterior, likelihood: Gaussian
) -> Parameters:
    """Return the mean of the draws as parameters; the users' second moments are their prior.

    Parameters
    ----------
    form, item_posterior
        The mean of the draws, and the uncertainty of the items.
    likelihood
        The range of the ratings, their mean, and the noise of the sampler.
    """
    users = form.users
    return Parameters(
        item_table=form.items,
        likelihood=replace(likelihood, mu=likelihood.mu + form.mu),
        user_prior=UserPrior(np.zeros(users.shape[1]), gram(users) / len(users)),
        item_posterior=item_posterior,
    )


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
    new_users, new_items = orthogonal_axes(p, q)
    # Since new users are orthogonal with a mean square of 1, p = new_users R, and so q R' are the
    # new items, for the products stay what they are.
    item_transform = (new_users.T @ p / len(p)).T
    user_transform = np.linalg.pinv(item_transform.T)
    item_mean = items[:, :-1].mean(axis=0)
    jacobian = np.block(
        [[user_transform, item_mean[:, None]], [np.zeros(user_transform.shape[1]), 1]]
    )
    prior, mean = parameters.user_prior, users.mean(axis=0, dtype=np.float64)
    user_prior = UserPrior(
        (prior.mean - mean) @ jacobian,
        jacobian.T @ prior.covariance @ jacobian,
    )
    covariances = posterior.covariances.transformed(item_transform).astype(np.float32)
    canonical = Parameters(
        item_table=factor_table(new_items, item_bias),
        likelihood=replace(likelihood, mu=likelihood.mu + mu, noise_sd=noise_sd),
        user_prior=user_prior,
        item_posterior=replace(posterior, covariances=covariances),
    )
    return canonical, ((users - mean) @ jacobian).astype(np.float32)
