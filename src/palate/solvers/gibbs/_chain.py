"""The Gibbs chain: a sweep draws each side's prior and rows, and the noise."""

import math
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._native import CancelToken, sample_rows, score_pairs
from palate.data._ratings import Csr, Ratings
from palate.learned._likelihood import Gaussian, mean_squared_error
from palate.solvers.gibbs._calibration import Calibrated, calibrate, uncalibrated
from palate.solvers.gibbs._draw_summary import DrawSummary
from palate.solvers.gibbs._hyperprior import NormalWishart, RandomStream

_START_SD = 0.1
# The gamma prior of the noise's precision, for ratings with a variance of 1.
_NOISE_SHAPE, _NOISE_RATE = 1.0, 1.0
# Draws of neighbouring sweeps are much alike: every second one goes into the summary.
_THINNING = 2


class _Side(NamedTuple):
    """Standardised ratings grouped by row, and the rows, those with most ratings first."""

    starts: NDArray[np.int64]
    partner: NDArray[np.int32]
    rating: NDArray[np.float32]
    order: NDArray[np.int32]


class Chain:
    """The state of the sampler, and the summary of its draws.

    Parameters
    ----------
    ratings
        The ratings to learn from; they are standardised to mean 0 and variance 1.
    valid
        Held-out ratings, or None.
    factors, sweeps, burn_in, seed, threads
        As of `Gibbs`.
    cancel
        Cancels a sweep that is running.
    """

    def __init__(
        self,
        ratings: Ratings,
        valid: Ratings | None,
        *,
        factors: int,
        sweeps: int,
        burn_in: int,
        seed: int,
        threads: int,
        cancel: CancelToken,
    ) -> None:
        self._cancel = cancel
        self.ratings, self.valid = ratings, valid
        self.factors, self.burn_in, self.seed, self.threads = factors, burn_in, seed, threads
        self.mu = float(ratings.rating.mean(dtype=np.float64))
        self.sd = float(ratings.rating.std(dtype=np.float64)) or 1.0
        self.history: list[dict[str, Any]] = []
        self._hyperprior = NormalWishart()
        self._ratings_by_user = ratings.by_user()
        self._by_user = self._side(self._ratings_by_user)
        self._by_item = self._side(ratings.by_item())
        self._users = self._start(_random_streams.USER_TABLE, ratings.users.height)
        self._items = self._start(_random_streams.ITEM_TABLE, ratings.items.height)
        self._alpha = 1.0
        self._summary = DrawSummary(
            users=ratings.users.height,
            items=ratings.items.height,
            factors=factors,
            draws=len(range(burn_in, sweeps, _THINNING)),
            seed=seed,
        )
        self._prediction_sums = np.zeros(0 if valid is None else len(valid))

    def _side(self, grouped: Csr) -> _Side:
        standardised = ((grouped.rating - self.mu) / self.sd).astype(np.float32)
        longest_first = np.argsort(-np.diff(grouped.starts), kind="stable").astype(np.int32)
        return _Side(grouped.starts, grouped.partner, standardised, longest_first)

    def _start(self, stream: int, rows: int) -> NDArray[np.float32]:
        normal = _random_streams.normals(self.seed, stream, rows, self.factors + 1)
        return normal * np.float32(_START_SD)

    @property
    def _likelihood(self) -> Gaussian:
        low, high = float(self.ratings.rating.min()), float(self.ratings.rating.max())
        return Gaussian(low, high, self.mu, float(np.sqrt(self.sd**2 / self._alpha)))

    def sweep(self, number: int) -> dict[str, Any]:
        """Draw everything once and return the row for the history.

        Raises
        ------
        Cancelled
            If the sweep was cancelled; the chain is as it was before.
        """
        start = time.perf_counter()
        users, _ = self._update_side(number, "user", self._by_user, self._users, self._items)
        items, squares = self._update_side(number, "item", self._by_item, self._items, users)
        self._users, self._items = users, items
        total = float(squares.sum())
        self._update_noise(number, total)
        counted = number - self.burn_in
        if counted >= 0 and counted % _THINNING == 0:
            self._summary.add(self._users, self._items)
        row = {
            "sweep": number,
            "noise_sd": self.sd / float(np.sqrt(self._alpha)),
            "train_rmse": self.sd * float(np.sqrt(total / len(self.ratings))),
            "valid_rmse": self._valid_rmse(counted + 1),
            "seconds": time.perf_counter() - start,
        }
        self.history.append(row)
        return row

    def _update_side(
        self,
        number: int,
        side: str,
        ratings: _Side,
        rows: NDArray[np.float32],
        partners: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Draw a side's prior given its rows, and its rows given the prior and the other side.

        Returns the rows, and the sum of squared residuals of each item.
        """
        random = RandomStream(self.seed, _random_streams.sweep(number, f"{side} prior"))
        prior = self._hyperprior.draw(rows, random)
        return sample_rows(
            ratings.starts,
            ratings.partner,
            ratings.rating,
            ratings.order,
            partners,
            prior.precision,
            prior.precision @ prior.mean,
            self._alpha,
            0.0,
            self.seed,
            _random_streams.sweep(number, f"{side} rows"),
            self.threads,
            want_squares=side == "item",
            cancel=self._cancel,
        )

    def _update_noise(self, number: int, squares: float) -> None:
        """Draw the precision of the noise given the sum of squared residuals."""
        random = RandomStream(self.seed, _random_streams.sweep(number, "noise"))
        shape, rate = _NOISE_SHAPE + len(self.ratings) / 2, _NOISE_RATE + squares / 2
        self._alpha = random.gamma(shape) / rate

    def _valid_rmse(self, draws: int) -> float | None:
        """Return the error of the mean prediction over the draws after the burn-in."""
        if self.valid is None or draws < 1:
            return None
        self._prediction_sums += score_pairs(
            self._users, self._items, self.valid.user, self.valid.item
        )
        mean = (self.sd * self._prediction_sums / draws).astype(np.float32)
        return math.sqrt(mean_squared_error(self._likelihood, mean, self.valid.rating))

    def calibrated(self, cancel: CancelToken) -> Calibrated:
        """Return what the draws so far have taught, or the present one where none counts yet."""
        if not self._summary.draws:
            self._summary.add(self._users, self._items)
        form, item_posterior = self._summary.result(self.sd)
        return calibrate(
            self._ratings_by_user,
            np.diff(self._by_item.starts),
            uncalibrated(form, item_posterior, self._likelihood),
            (_NOISE_SHAPE, _NOISE_RATE * self.sd**2),
            user_table=form.users,
            threads=self.threads,
            cancel=cancel,
        )
