"""Likelihoods: how a rating depends on the score of a user and an item."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class WorkingResponse(NamedTuple):
    """Ratings as responses of a linear model with Gaussian noise; shapes (n,).

    Attributes
    ----------
    response
        The score plus Gaussian noise.
    weight
        The precision of each response, as a multiple of `Likelihood.precision`.
    """

    response: Floats
    weight: Floats


class Likelihood(Protocol):
    """The distribution of a rating given its score ``p_u . q_i + b_u + b_i``.

    Attributes
    ----------
    name
        Identifies the likelihood in a saved model.
    linear
        Whether the expected rating before clipping is ``mu + score``. If so, posteriors of users
        are exact, and the parts of a score are in units of the ratings.
    low, high
        The range of expected ratings.
    mu
        The expected rating at score 0 if `linear`; else 0.
    noise_sd
        The standard deviation of a rating about its expectation, in units of the ratings.
    """

    name: ClassVar[str]
    linear: ClassVar[bool]

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def mu(self) -> float: ...
    @property
    def noise_sd(self) -> float: ...
    @property
    def precision(self) -> float:
        """The precision 1 / noise_sd^2 of a rating."""

    def rating(self, score: Floats) -> Floats:
        """Return the expected rating at each score, clipped to the range."""

    def unclipped(self, score: Floats) -> Floats:
        """Return the expected rating at each score, not clipped to the range."""

    def slope(self, score: Floats) -> Floats:
        """Return the derivative of `unclipped` at each score."""

    def variance(self, score: Floats) -> NDArray[np.float64]:
        """Return the variance of a rating about its expectation at each score."""

    def working_response(self, score: Floats, rating: Floats) -> WorkingResponse:
        """Return the linear Gaussian model that agrees with this one at the scores.

        With the expected rating f, ``f(s) + f'(s) (x - s) = r`` gives the response
        ``x = s + (r - f(s)) / f'(s)`` with the weight ``f'(s)^2``.
        """


class _GaussianNoise:
    """The part of a likelihood that depends on nothing but a noise_sd for all scores."""

    noise_sd: float

    @property
    def precision(self) -> float:
        """The precision 1 / noise_sd^2 of a rating."""
        return self.noise_sd**-2

    def variance(self, score: Floats) -> NDArray[np.float64]:
        """Return noise_sd^2 at each score."""
        return np.full(len(score), self.noise_sd**2)


@dataclass(frozen=True)
class Gaussian(_GaussianNoise):
    """A rating is N(mu + score, noise_sd^2); expectations are clipped to the observed range."""

    low: float
    high: float
    mu: float
    noise_sd: float

    name: ClassVar[str] = "gaussian"
    linear: ClassVar[bool] = True

    def rating(self, score: Floats) -> Floats:
        """Return the expected rating at each score, clipped to the range."""
        return np.clip(self.unclipped(score), self.low, self.high)

    def unclipped(self, score: Floats) -> Floats:
        """Return the expected rating at each score, not clipped to the range."""
        return (self.mu + score).astype(np.float32, copy=False)

    def slope(self, score: Floats) -> Floats:
        """Return 1 at each score."""
        return np.ones_like(score)

    def working_response(self, score: Floats, rating: Floats) -> WorkingResponse:
        """Return ``rating - mu`` with weight 1: the model is linear."""
        return WorkingResponse(rating - np.float32(self.mu), np.ones_like(rating))


# Minimum slope of the sigmoid in working responses, as a fraction of its range.
_MIN_SLOPE = 1e-4


@dataclass(frozen=True)
class SigmoidGaussian(_GaussianNoise):
    """A rating is N(low + (high - low) / (1 + exp(-score)), noise_sd^2)."""

    low: float
    high: float
    noise_sd: float

    name: ClassVar[str] = "sigmoid"
    linear: ClassVar[bool] = False
    mu: ClassVar[float] = 0.0

    def rating(self, score: Floats) -> Floats:
        """Return the expected rating at each score."""
        rating = self.low + (self.high - self.low) * self._sigmoid(score)
        return rating.astype(np.float32, copy=False)

    def unclipped(self, score: Floats) -> Floats:
        """Return the expected rating at each score; the sigmoid never leaves the range."""
        return self.rating(score)

    def slope(self, score: Floats) -> Floats:
        """Return the derivative of the expected rating at each score."""
        sigmoid = self._sigmoid(score)
        slope = (self.high - self.low) * sigmoid * (1 - sigmoid)
        return slope.astype(np.float32, copy=False)

    def working_response(self, score: Floats, rating: Floats) -> WorkingResponse:
        """Return the linear Gaussian model that agrees with this one at the scores."""
        slope = np.maximum(self.slope(score), np.float32(_MIN_SLOPE * (self.high - self.low)))
        response = (score + (rating - self.rating(score)) / slope).astype(np.float32)
        return WorkingResponse(response, np.square(slope))

    def _sigmoid(self, score: Floats) -> Floats:
        with np.errstate(over="ignore"):  # 1 / infinity = 0 is the right limit
            sigmoid = 1 / (1 + np.exp(-score))
        return sigmoid.astype(np.float32, copy=False)


# The likelihoods that a saved model can have, by name.
LIKELIHOODS: dict[str, type[Gaussian] | type[SigmoidGaussian]] = {
    likelihood.name: likelihood for likelihood in (Gaussian, SigmoidGaussian)
}


def evaluate_scalar(function: Callable[[Floats], Floats], score: float) -> float:
    """Return the value of a method such as `Likelihood.rating` at a single score."""
    return float(function(np.array([score], dtype=np.float32))[0])


def mean_squared_error(likelihood: Likelihood, score: Floats, rating: Floats) -> float:
    """Return the mean squared difference between ratings and their expectations."""
    error = likelihood.rating(score) - rating
    return float(np.mean(np.square(error, dtype=np.float64)))
