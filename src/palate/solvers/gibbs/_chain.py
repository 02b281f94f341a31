"""The Gibbs chain: a sweep draws each side's prior, rows and variances, and the noise."""

import math
import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from palate import _random_streams
from palate._native import CancelToken, score_pairs
from palate.data._ratings import Csr, Ratings
from palate.learned._feature_effects import FeatureEffects
from palate.learned._known_features import KnownFeatures
from palate.learned._likelihood import Gaussian, mean_squared_error
from palate.learned._rating_variances import RatingVariances
from palate.solvers.gibbs._calibration import Calibrated, UserRegression, calibrate, uncalibrated
from palate.solvers.gibbs._convergence import CHECKS, Convergence
from palate.solvers.gibbs._detection import least_variance
from palate.solvers.gibbs._draw_summary import DrawSummary
from palate.solvers.gibbs._item_prior import item_prior
from palate.solvers.gibbs._known_features import known_values
from palate.solvers.gibbs._pair_features import pair_features
from palate.solvers.gibbs._random_stream import RandomStream
from palate.solvers.gibbs._row_prior import MatrixNormalWishart
from palate.solvers.gibbs._side import Side

# The gamma prior of the noise's precision, for ratings with a variance of 1.
_NOISE_SHAPE, _NOISE_RATE = 1.0, 1.0
# Draws of neighbouring sweeps are much alike: every second one goes into the summary.
THINNING = 2
# The part of the burn-in in which factors are searched; see `MatrixNormalWishart`. In the rest of
# it those that were found are kept, and others shrink.
_SEARCH, _MAX_SEARCH = 2 / 3, 50


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
    prior
        The prior of the prior of the rows.

    Raises
    ------
    Cancelled
        If it was cancelled.
    """

    def __init__(
        self,
        ratings: Ratings,
        valid: Ratings | None,
        *,
        factors: int,
        sweeps: int | None,
        burn_in: int,
        seed: int,
        threads: int,
        cancel: CancelToken,
        prior: MatrixNormalWishart | None = None,
    ) -> None:
        self._cancel = cancel
        self.ratings, self.valid = ratings, valid
        self.factors, self.burn_in, self.seed, self.threads = factors, burn_in, seed, threads
        self.mu = float(ratings.rating.mean(dtype=np.float64))
        self.sd = float(ratings.rating.std(dtype=np.float64)) or 1.0
        self.history: list[dict[str, Any]] = []
        self._searching = min(int(_SEARCH * burn_in), _MAX_SEARCH)
        self._by_user, self._by_item = ratings.by_user(), ratings.by_item()
        by_user, by_item = self._by_user, self._by_item
        self._features = pair_features(by_user, by_item, seed=seed, threads=threads, cancel=cancel)
        known_users, known_items = (
            known_values(table, np.diff(grouped.starts) > 0)
            for table, grouped in ((ratings.users, by_user), (ratings.items, by_item))
        )
        side = partial(Side, factors=factors, seed=seed, threads=threads, prior=prior)
        features = self._features
        self._users = side("user", self._standardised(by_user), features.users, known=known_users)
        self._items = side("item", self._standardised(by_item), features.items, known=known_items)
        self._effects = _EffectMoments(known_items.features, features.items.count)
        self._user_effects = _EffectMoments(known_users.features, features.users.count)
        self._known_users, self._known_items = known_users.values, known_items
        self._alpha = 1.0
        self._summary = DrawSummary(
            users=ratings.users.height,
            items=ratings.items.height,
            factors=factors,
            draws=CHECKS[0] if sweeps is None else len(range(burn_in, sweeps, THINNING)),
            seed=seed,
        )
        self._convergence = Convergence(ratings)
        self._item_variances = np.zeros(ratings.items.height)
        self._freedoms, self._noise_variance = np.zeros(2), 0.0
        self._penalties, self._item_penalties = (
            np.zeros_like(side.regression.penalties) for side in (self._users, self._items)
        )
        self._prediction_sums = np.zeros(0 if valid is None else len(valid))

    def _standardised(self, grouped: Csr) -> Csr:
        return grouped._replace(rating=((grouped.rating - self.mu) / self.sd).astype(np.float32))

    @property
    def _likelihood(self) -> Gaussian:
        low, high = float(self.ratings.rating.min()), float(self.ratings.rating.max())
        return Gaussian(low, high, self.mu, float(np.sqrt(self.sd**2 / self._alpha)))

    def sweep(self, number: int) -> dict[str, Any]:
        """Draw everything once and return the row for the history.

        Raises
        ------
        Cancelled
            If the sweep was cancelled; it is not counted then.
        """
        start = time.perf_counter()
        alpha, cancel, searching = self._alpha, self._cancel, number < self._searching
        self._users.update(number, self._items, alpha, cancel, searching=searching)
        total = self._items.update(number, self._users, alpha, cancel, searching=searching)
        self._update_noise(number, total)
        counted = number - self.burn_in
        if counted >= 0 and counted % THINNING == 0:
            self._add_draw()
        row = {
            "sweep": number,
            "noise_sd": self.sd / float(np.sqrt(self._alpha)),
            "train_rmse": self.sd * float(np.sqrt(total / len(self.ratings))),
            "valid_rmse": self._valid_rmse(counted + 1),
            "seconds": time.perf_counter() - start,
        }
        self.history.append(row)
        return row

    def _add_draw(self) -> None:
        users = self._users
        covariance = users.regression.residual_covariance(users.rows, users.prior.coefficients)
        self._summary.add(users.rows, self._items.rows, covariance)
        self._convergence.add(users.rows, self._items.rows)
        self._item_variances += 1 / self._items.variances.precisions
        self._freedoms += [side.variances.freedom for side in (users, self._items)]
        self._penalties += users.regression.penalties
        self._item_penalties += self._items.regression.penalties
        self._noise_variance += 1 / self._alpha
        self._effects.add(self._items, users)
        self._user_effects.add(users, self._items)

    def _update_noise(self, number: int, squares: float) -> None:
        """Draw the precision of the noise given the weighted sum of squared errors."""
        random = RandomStream(self.seed, _random_streams.sweep(number, "noise"))
        shape, rate = _NOISE_SHAPE + len(self.ratings) / 2, _NOISE_RATE + squares / 2
        self._alpha = random.gamma(shape) / rate

    def _valid_rmse(self, draws: int) -> float | None:
        """Return the error of the mean prediction over the draws after the burn-in."""
        if self.valid is None or draws < 1:
            return None
        self._prediction_sums += score_pairs(
            self._users.rows, self._items.rows, self.valid.user, self.valid.item
        )
        mean = (self.sd * self._prediction_sums / draws).astype(np.float32)
        return math.sqrt(mean_squared_error(self._likelihood, mean, self.valid.rating))

    @property
    def converged(self) -> bool:
        """Whether the draws are enough; see `Convergence`."""
        draws = self._convergence.draws
        return draws > 0 and self._convergence.reached(self._noise_variance / draws)

    def calibrated(self, cancel: CancelToken) -> Calibrated:
        """Return what the draws so far have taught, or the present one where none counts yet."""
        if not self._summary.draws:
            self._add_draw()
        draws = self._summary.draws
        least = least_variance(self._by_user, self._by_item, self._noise_variance / draws)
        summary = self._summary.result(self.sd, least, self.factors)
        prior = UserRegression(
            self._features.users,
            self._user_effects.features,
            self._users.regression,
            self._penalties / draws,
        )
        items = (self._item_variances / draws).astype(np.float32)
        variances = RatingVariances(items, *(self._freedoms / draws).tolist())
        parameters = uncalibrated(summary, prior, variances, self._likelihood, self.sd**2)
        calibrated = calibrate(
            self._by_user,
            replace(
                parameters,
                effects=self._effects.result(self.sd),
                user_effects=self._user_effects.result(self.sd),
            ),
            (_NOISE_SHAPE, _NOISE_RATE * self.sd**2),
            known=self._known_users,
            user_table=summary.form.users,
            threads=self.threads,
            cancel=cancel,
        )
        # Those of the known features come last.
        known, blocks = self._known_items, len(self._known_items.features.blocks)
        penalties = self._item_penalties[len(self._item_penalties) - blocks :] / draws
        rated = np.diff(self._by_item.starts) > 0
        of_items = item_prior(calibrated.parameters, known, penalties, rated)
        return calibrated._replace(parameters=replace(calibrated.parameters, item_prior=of_items))


class _EffectMoments:
    """The mean and the spread over draws of what known features of a side are worth.

    Parameters
    ----------
    features
        The features.
    first
        The row of the first one's coefficients in those of the side.
    """

    def __init__(self, features: KnownFeatures, first: int) -> None:
        self.features, self._first = features, first
        self._exclusive = features.exclusive
        self._centres = np.array([feature.centre for feature in features.features])
        self._sum, self._squares = np.zeros((2, len(features)))
        self._draws = 0

    def add(self, side: Side, other: Side) -> None:
        """Add a draw: effects on main effects, of which the mean of the other side is a part."""
        mean = np.append(other.rows[:, :-1].mean(axis=0, dtype=np.float64), 1)
        effects = side.prior.coefficients[self._first :] @ mean
        for categories in self._exclusive:
            # Only differences between them are known.
            effects[categories] -= self._centres[categories] @ effects[categories]
        self._sum += effects
        self._squares += effects**2
        self._draws += 1

    def result(self, scale: float) -> FeatureEffects:
        """Return the effects in units of `scale`."""
        mean = self._sum / self._draws
        variance = np.maximum(self._squares / self._draws - mean**2, 0)
        return FeatureEffects(self.features, scale * mean, scale * np.sqrt(variance))
