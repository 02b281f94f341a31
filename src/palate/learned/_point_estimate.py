"""Point estimates: parameters from two tables of factors and biases, without uncertainty."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from palate._native import score_pairs
from palate.data._ratings import Ratings
from palate.errors import SettingError
from palate.learned._likelihood import Gaussian, SigmoidGaussian, mean_squared_error
from palate.learned._main_effects import factor_table, main_effects
from palate.learned._parameters import Parameters
from palate.learned._user_prior import UserPrior

# Minimum noise_sd, as a fraction of the range of ratings, for ratings that are fitted exactly.
_MIN_NOISE = 1e-3


def point_estimate(
    ratings: Ratings,
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    likelihood: Gaussian | SigmoidGaussian,
) -> Parameters:
    """Return parameters from the factors and biases of users and items.

    The prior over users has the mean and the covariance of `users`. The noise_sd is the root mean
    squared error of the training ratings; that of `likelihood` is ignored.

    Parameters
    ----------
    ratings
        The training ratings.
    users, items
        The k factors, then the bias; shapes (users, k + 1) and (items, k + 1).
    likelihood
        The likelihood, with any noise_sd.
    """
    score = score_pairs(users, items, ratings.user, ratings.item)
    error = mean_squared_error(likelihood, score, ratings.rating) ** 0.5
    smallest = _MIN_NOISE * ((likelihood.high - likelihood.low) or 1.0)
    return Parameters(
        item_table=items,
        likelihood=replace(likelihood, noise_sd=max(smallest, error)),
        user_prior=UserPrior(
            users.mean(axis=0, dtype=np.float64)[None], np.cov(users.T, bias=True)
        ),
    )


def linear_point_estimate(
    ratings: Ratings, users: NDArray[np.float32], items: NDArray[np.float32]
) -> tuple[Parameters, NDArray[np.float32]]:
    """Return parameters whose expected rating is ``p_u . q_i + b_u + b_i``, and the users' table.

    Both tables are centred, so that biases are main effects.
    """
    low, high = float(ratings.rating.min()), float(ratings.rating.max())
    mu, (p, user_bias, q, item_bias) = main_effects(
        users.astype(np.float64), items.astype(np.float64)
    )
    users, items = factor_table(p, user_bias), factor_table(q, item_bias)
    return point_estimate(ratings, users, items, Gaussian(low, high, mu, noise_sd=1.0)), users


def validate_tables(
    ratings: Ratings, users: NDArray[np.float32], items: NDArray[np.float32]
) -> None:
    """Check factors and biases of users and items from another source.

    Raises
    ------
    SettingError
        If a table has the wrong shape or holds values that are not finite.
    """
    for name, table, rows in (
        ("users", users, ratings.users.height),
        ("items", items, ratings.items.height),
    ):
        if table.ndim != 2 or len(table) != rows or table.shape[1] < 2:
            raise SettingError(
                f"{name} has the shape {table.shape}; it needs {rows:,} rows of factors and a bias"
            )
        if not np.isfinite(table).all():
            raise SettingError(f"{name} holds values that are not finite")
    if users.shape[1] != items.shape[1]:
        raise SettingError(
            f"users have {users.shape[1]} columns and items {items.shape[1]}; give both the same "
            "number of factors"
        )
