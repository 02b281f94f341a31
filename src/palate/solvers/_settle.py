"""From what a sampler's draws say of the items to a model whose users are inferred from them."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Ratings
from palate.inference._infer import Parameters, UserPrior, infer
from palate.inference._link import Linear
from palate.solvers._canonical import Posterior, axes, centred, table, turned_covariance

# Each round brings the noise and the canonical form nearer by a factor of five or more.
_ROUNDS = 8


class Settled(NamedTuple):
    """What was learned, and the users' rows, shape (users, k + 1)."""

    parameters: Parameters
    user_table: NDArray[np.float32]


def settle(
    ratings: Ratings,
    posterior: Posterior,
    link: Linear,
    noise_variance: float,
    prior_of_noise: tuple[float, float],
    *,
    threads: int,
) -> Settled:
    """Infer users from items, with the noise that fits them, in canonical form.

    A few axes stand for all that was sampled, so that a rating lies further from its expectation
    than in the sampler. That noise is found by expectation and maximisation (Dempster, Laird and
    Rubin 1977) with everything else as it is::

        1 / alpha = (2 rate + sum E (r_ui - prediction)^2) / (2 shape + ratings)

    over what is unknown of users and items, with the gamma prior (shape, rate) of the sampler.
    The prior of a user has the covariance of the canonical user rows. Users who are inferred anew
    are no longer quite canonical: each round turns everything to the form that they make.

    Parameters
    ----------
    ratings
        The ratings that were sampled.
    posterior
        What the draws say of the items, and the mean of the draws.
    link
        The range of the ratings, and their mean.
    noise_variance
        The sampler's, to begin with.
    prior_of_noise
        The shape and the rate of the gamma prior, in units of the ratings.
    threads
        How many threads to use.
    """
    form = posterior.form
    users = form.users.astype(np.float64)
    parameters = Parameters(
        item_table=form.items,
        link=replace(link, mu=link.mu + form.mu),
        prior=UserPrior(np.zeros(users.shape[1]), users.T @ users / len(users)),
        noise_sd=float(np.sqrt(noise_variance)),
        item_bias_sd=posterior.bias_sd,
        item_covariance=posterior.covariance,
    )
    shape, rate = prior_of_noise
    of_biases = np.sum(posterior.bias_sd.astype(np.float64)[ratings.item] ** 2)
    csr = ratings.by_user()
    for _ in range(_ROUNDS):
        inferred = infer(csr, parameters, threads, squares=True)
        squares = float(inferred.squares.sum() + of_biases)
        noise_variance = (2 * rate + squares) / (2 * shape + len(ratings))
        parameters = replace(parameters, noise_sd=float(np.sqrt(noise_variance)))
        parameters = _turned(parameters, inferred.mean)
    return Settled(parameters, infer(csr, parameters, threads).mean)


def _turned(parameters: Parameters, users: NDArray[np.float32]) -> Parameters:
    """Return the parameters in the canonical form of the users as they were inferred.

    A user's row x becomes (x - m) J, where m is the mean of all and J turns the factors to the
    new axes and adds to the bias what centring the items takes out.
    """
    items = parameters.item_table.astype(np.float64)
    link, covariance = parameters.link, parameters.item_covariance
    assert isinstance(link, Linear)
    assert covariance is not None
    mu, (p, _, q, item_bias) = centred(users.astype(np.float64), items)
    new_users, new_items = axes(p, q)
    # Since new users are orthogonal with a mean square of 1, p = new_users R, and so q R' are the
    # new items, for the products stay what they are.
    turn_items = (new_users.T @ p / len(p)).T
    turn_users = np.linalg.pinv(turn_items.T)
    mean = items[:, :-1].mean(axis=0)
    jacobian = np.block([[turn_users, mean[:, None]], [np.zeros(turn_users.shape[1]), 1]])
    prior = UserPrior(
        (parameters.prior.mean - users.mean(axis=0, dtype=np.float64)) @ jacobian,
        jacobian.T @ parameters.prior.covariance @ jacobian,
    )
    return replace(
        parameters,
        item_table=table(new_items, item_bias),
        link=replace(link, mu=link.mu + mu),
        prior=prior,
        item_covariance=turned_covariance(covariance, turn_items).astype(np.float32),
    )
