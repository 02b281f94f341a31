"""Portraits: position on each axis, generosity, predictability and surprises of a person."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate._words import Pronouns, decimals_of_points
from palate.analysis._axes import AxisNames
from palate.analysis._intervals import Z, chi_square, spread_interval
from palate.analysis._portrait_words import (
    Place,
    Taste,
    generosity_in_words,
    predictability_in_words,
    tastes_in_words,
)
from palate.analysis._residuals import Residuals
from palate.inference._user_posterior import UserPosterior, effective_parameters
from palate.learned._learned import Learned
from palate.learned._likelihood import evaluate_scalar

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Portrait:
    """A person compared with the other users.

    A percentile is the percentage of the known users with a lower value. In a model without users
    it comes from a normal distribution: N(0, 1) for a position, and the prior for the bias.

    Attributes
    ----------
    axes
        A row for each axis: axis, name, leans_to (the items at the nearer end, in words), position
        (in standard deviations of users), lower, upper (its 90% interval), percentile, and
        percentile_lower and percentile_upper (those of the bounds).
    generosity
        bias (how much higher than the average user the person rates an item of bias 0), lower and
        upper (its 90% interval), all in units of the ratings; percentile, percentile_lower and
        percentile_upper.
    predictability
        residual_sd (the standard deviation of the person's ratings about their expectation), lower
        and upper (its 90% interval), and noise_sd (that of the person in the middle of all), in
        units of the ratings; None if there are too few ratings.
    surprises
        The most surprising ratings, given the items: id, item, rating, expected (given all other
        ratings of the person; a first-order approximation) and surprise (the
        difference divided by its standard deviation).
    sentence
        A summary in words.
    """

    axes: pl.DataFrame
    generosity: dict[str, float]
    predictability: dict[str, float] | None
    surprises: pl.DataFrame
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def portrait(
    learned: Learned, user: UserPosterior, axis_names: AxisNames, n: int, pronouns: Pronouns
) -> Portrait:
    """Return the portrait of a person; see `Profile.describe`."""
    _arguments.integer("n", n, 1)
    axes, generosity = _axes(learned, user, axis_names), _generosity(learned, user)
    history = Residuals(learned, user)
    predictability = _predictability(history)
    decimals = decimals_of_points(learned.likelihood.low, learned.likelihood.high)
    return Portrait(
        axes=axes,
        generosity=generosity,
        predictability=predictability,
        surprises=_surprises(learned, user, history, n),
        sentence=" ".join(
            [
                *tastes_in_words(_tastes(learned, axes, axis_names), pronouns, len(user.rated)),
                *generosity_in_words(_place(generosity, "bias"), pronouns, decimals),
                *predictability_in_words(predictability, pronouns, decimals),
            ]
        ),
    )


def _tastes(learned: Learned, axes: pl.DataFrame, axis_names: AxisNames) -> list[Taste]:
    """Return where a person stands on the axes in view."""
    rows = axes.head(axis_names.in_view).iter_rows(named=True)
    ends, share = axis_names.leanings, learned.canonical_axes.share
    return [
        Taste(_place(row, "position"), float(share[axis]), ends[axis])
        for axis, row in enumerate(rows)
    ]


def _place(standing: dict[str, Any], value: str) -> Place:
    return Place(standing[value], *(standing[name] for name in Place._fields[1:]))


def _axes(learned: Learned, user: UserPosterior, axis_names: AxisNames) -> pl.DataFrame:
    canonical = learned.canonical_axes
    position = canonical.position(user.mean)
    covariance = user.covariance[:-1, :-1].astype(np.float64)
    transform = canonical.user_transform
    # Axes that explain nothing have no variance, and single precision may make it negative.
    sd = np.sqrt(np.maximum(np.diag(transform.T @ covariance @ transform), 0))
    leans_to = [ends[int(x > 0)] for ends, x in zip(axis_names.leanings, position, strict=True)]
    columns: dict[str, list[float]] = {}
    for axis, population in enumerate(_axis_populations(learned)):
        for name, value in _standing(position[axis], sd[axis], population).items():
            columns.setdefault(name, []).append(value)
    return axis_names.table.select("axis", "name").with_columns(
        pl.Series("leans_to", leans_to),
        *(pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items()),
    )


def _axis_populations(learned: Learned) -> list[Numbers | NormalDist]:
    """Return the positions of the known users on each axis; without users, their distribution."""
    if learned.user_table is not None and len(learned.user_table):
        return list(learned.canonical_axes.user_positions(learned.user_table).T)
    # On canonical axes users have mean 0 and variance 1.
    return [NormalDist()] * learned.factors


def _standing(value: float, sd: float, population: Numbers | NormalDist) -> dict[str, float]:
    values = {"position": value, "lower": value - Z * sd, "upper": value + Z * sd}
    names = ("percentile", "percentile_lower", "percentile_upper")
    percentiles = [_percentile(bound, population) for bound in values.values()]
    return values | dict(zip(names, percentiles, strict=True))


def _percentile(value: float, population: Numbers | NormalDist) -> float:
    if isinstance(population, NormalDist):
        return 100 * population.cdf(value)
    return 100 * float(np.mean(population < value))


def _generosity(learned: Learned, user: UserPosterior) -> dict[str, float]:
    """Return how much higher than the average user a person rates an item of bias 0."""
    bias, sd = float(user.mean[-1]), float(np.sqrt(user.covariance[-1, -1]))
    standing = _standing(bias, sd, _bias_population(learned))
    unclipped = learned.likelihood.unclipped
    average = evaluate_scalar(unclipped, float(learned.canonical_axes.average[-1]))
    in_ratings = {
        name: evaluate_scalar(unclipped, standing.pop(bound)) - average
        for name, bound in (("bias", "position"), ("lower", "lower"), ("upper", "upper"))
    }
    return in_ratings | standing


def _bias_population(learned: Learned) -> Numbers | NormalDist:
    """Return the biases of the known users; without users, their prior."""
    if learned.user_table is not None and len(learned.user_table):
        return learned.user_table[:, -1].astype(np.float64)
    prior = learned.parameters.user_prior
    # A prior may have no variance: where all users have the same bias, for instance.
    sd = max(float(np.sqrt(prior.of_anyone[-1, -1])), np.finfo(float).tiny)
    return NormalDist(prior.mean[-1], sd)


# Minimum numbers of ratings and of residual degrees of freedom for an estimate of the variance.
_MIN_FREEDOM = 3


def _predictability(history: Residuals) -> dict[str, float] | None:
    """Return the standard deviation of a person's ratings about their expectation.

    In a Gibbs model it is that of the person's `RatingVariances`; what determines the person's
    tastes says nothing of it. In a point estimate the variance
    is the sum of squared residuals divided by the residual degrees of freedom, m minus the sum of
    the leverages; the interval is that of chi-square with these degrees of freedom.
    """
    learned, user, errors = history.learned, history.user, history.errors
    noise_sd, variances = learned.likelihood.noise_sd, learned.parameters.variances
    if len(errors) < _MIN_FREEDOM:
        return None
    if variances is not None:
        spread = noise_sd * math.sqrt(user.variance)
        precision = learned.parameters.user_prior.precision
        of_tastes = effective_parameters(
            user.covariance[None], np.array([user.variance]), precision
        )
        freedom = variances.freedom + np.maximum(len(errors) - of_tastes, 0)
        lower, upper = (bound[0] for bound in spread_interval(np.array([spread]), freedom))
    else:
        freedom = np.array(np.sum(1 - history.leverage))
        if freedom < _MIN_FREEDOM:
            return None
        squares = float(errors @ errors)
        spread = math.sqrt(squares / freedom)
        lower, upper = (np.sqrt(squares / chi_square(freedom, z)) for z in (Z, -Z))
    return {
        "residual_sd": spread,
        "lower": float(lower),
        "upper": float(upper),
        "noise_sd": learned.parameters.typical_noise_sd,
    }


def _surprises(learned: Learned, user: UserPosterior, history: Residuals, n: int) -> pl.DataFrame:
    """Return the ratings with the largest studentised residuals."""
    order = np.argsort(-np.abs(history.surprise), kind="stable")[:n]
    return learned.item_frame(
        user.rated[order].astype(np.int64),
        rating=user.rating[order],
        expected=history.expected[order],
        surprise=history.surprise[order],
    )
