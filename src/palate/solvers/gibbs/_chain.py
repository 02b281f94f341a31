"""The Gibbs chain: a sweep draws each side's prior, rows and variances, and the noise."""

import math
import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate.data._ratings import Ratings
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
from palate.solvers.gibbs._people import People
from palate.solvers.gibbs._random_stream import RandomStream
from palate.solvers.gibbs._row_block import Partners, RowBlock, RowDraw
from palate.solvers.gibbs._row_prior import MatrixNormalWishart, RowPrior
from palate.solvers.gibbs._side import Side
from palate.solvers.gibbs._user_block import (
    Both,
    Deviations,
    DrawPrecisions,
    DrawUsers,
    PairScores,
    StartRows,
    SumRatings,
    TakeFeatures,
)

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
    people
        The users, and the ratings to learn from; these are standardised to mean 0 and variance 1.
    valid
        Held-out ratings, or None.
    factors, sweeps, burn_in, seed
        As of `Gibbs`.
    prior
        The prior of the prior of the rows.

    Raises
    ------
    Cancelled
        If it was cancelled.
    """

    # Beside `history`; valid ratings are not for chains that go on later.
    STATE = (
        *("_users", "_items", "_item_rows", "_alpha"),
        *("_summary", "_convergence", "_effects", "_user_effects"),
        *("_item_variances", "_freedoms", "_noise_variance", "_penalties", "_item_penalties"),
    )

    def __init__(
        self,
        people: People,
        valid: Ratings | None,
        *,
        factors: int,
        sweeps: int | None,
        burn_in: int,
        seed: int,
        prior: MatrixNormalWishart | None = None,
    ) -> None:
        self._people, self.valid, self.burn_in, self.seed = people, valid, burn_in, seed
        self.factors = factors
        self.history: list[dict[str, Any]] = []
        self._searching = min(int(_SEARCH * burn_in), _MAX_SEARCH)
        self.totals = totals = people.total(SumRatings())
        self.mu = totals.sum / totals.ratings
        self.sd = math.sqrt(people.total(Deviations(self.mu)) / totals.ratings) or 1.0
        people.standardise(self.mu, self.sd)
        features = pair_features(people, totals, seed=seed)
        self._features, known, counts = features.users, people.known, totals.item_counts
        self._known_items = known_items = known_values(people.items, counts > 0)
        self._item_rows = RowBlock("item", 0, counts, seed)
        side = partial(Side, seed=seed, prior=prior)
        start = people.total(TakeFeatures(features.users)), people.total(StartRows(factors))
        self._users = side("user", start, [1, features.users.count - 2, *known.blocks])
        gram = self._item_rows.take_features(features.items, known_items.values)
        start = gram, self._item_rows.start(factors)
        blocks = [1, features.items.shape[1] - 2, *known_items.features.blocks]
        self._items = side("item", start, blocks)
        self._effects = _EffectMoments(known_items.features, features.items.shape[1])
        self._user_effects = _EffectMoments(known, features.users.count)
        self._alpha = 1.0
        draws = CHECKS[0] if sweeps is None else len(range(burn_in, sweeps, THINNING))
        self._summary = DrawSummary(people, totals.users, factors, draws, seed)
        self._convergence = Convergence(people, totals.ratings)
        self._item_variances = np.zeros(len(counts))
        self._freedoms, self._noise_variance = np.zeros(2), 0.0
        self._penalties, self._item_penalties = (
            np.zeros_like(side.regression.penalties) for side in (self._users, self._items)
        )
        self._prediction_sums = np.zeros(0 if valid is None else len(valid))

    @property
    def _likelihood(self) -> Gaussian:
        low, high = self.totals.span
        return Gaussian(low, high, self.mu, float(np.sqrt(self.sd**2 / self._alpha)))

    @property
    def _user_mean(self) -> NDArray[np.float64]:
        """The mean row of the users; shape (factors + 1,)."""
        return self._users.sums.total / self.totals.users

    def sweep(self, number: int) -> dict[str, Any]:
        """Draw everything once and return the row for the history.

        Raises
        ------
        Cancelled
            If the sweep was cancelled; it is not counted then.
        """
        start = time.perf_counter()
        searching = number < self._searching
        self._draw_users(number, searching=searching)
        total = self._draw_items(number, searching=searching)
        self._draw_noise(number, total)
        counted = number - self.burn_in
        if counted >= 0 and counted % THINNING == 0:
            self._add_draw()
        row = {
            "sweep": number,
            "noise_sd": self.sd / float(np.sqrt(self._alpha)),
            "train_rmse": self.sd * float(np.sqrt(total / self.totals.ratings)),
            "valid_rmse": self._valid_rmse(counted + 1),
            "seconds": time.perf_counter() - start,
        }
        self.history.append(row)
        return row

    def _draw_users(self, number: int, *, searching: bool) -> None:
        users, items = self._users, self._item_rows
        prior = users.draw_prior(number, searching=searching)
        draw = RowDraw(number, prior, self._alpha, self.seed)
        found = self._people.total(DrawUsers(draw, Partners(items.rows, items.precisions)))
        users.draw_freedom(number, found)

    def _draw_items(self, number: int, *, searching: bool) -> float:
        """Draw the precisions of the users, and the items.

        Returns the sum of w e^2 over all ratings, with their errors e.
        """
        items, rows = self._items, self._item_rows
        prior = items.draw_prior(number, searching=searching)
        draw = RowDraw(number, prior, self._alpha, self.seed)
        precisions = DrawPrecisions(number, self._users.freedom)
        self._users.sums, drawn, squares = self._people.draw_items(precisions, draw, rows)
        freedom = items.draw_freedom(number, rows.accept(drawn, squares))
        rows.draw_precisions(number, freedom)
        items.sums = rows.sums()
        return float(rows.squares @ rows.precisions) / self._alpha

    def _draw_noise(self, number: int, squares: float) -> None:
        """Draw the precision of the noise given the weighted sum of squared errors."""
        random = RandomStream(self.seed, _random_streams.sweep(number, "noise"))
        shape, rate = _NOISE_SHAPE + self.totals.ratings / 2, _NOISE_RATE + squares / 2
        self._alpha = random.gamma(shape) / rate

    def _add_draw(self) -> None:
        users, items, rows = self._users, self._items, self._item_rows.rows
        step = self._summary.step(self._user_mean, rows)
        sums, scores = self._people.total(Both(step, self._convergence.scores(rows)))
        self._summary.add(sums, self._user_mean, rows, users.residual_covariance())
        self._convergence.add(scores)
        self._item_variances += 1 / self._item_rows.precisions
        self._freedoms += [users.freedom, items.freedom]
        self._penalties += users.regression.penalties
        self._item_penalties += items.regression.penalties
        self._noise_variance += 1 / self._alpha
        item_mean = rows.mean(axis=0, dtype=np.float64)
        self._effects.add(items.prior, self._user_mean)
        self._user_effects.add(users.prior, item_mean)

    def _valid_rmse(self, draws: int) -> float | None:
        """Return the error of the mean prediction over the draws after the burn-in."""
        if self.valid is None or draws < 1:
            return None
        pairs = PairScores(self._item_rows.rows, self.valid.user, self.valid.item)
        self._prediction_sums += self._people.total(pairs)
        mean = (self.sd * self._prediction_sums / draws).astype(np.float32)
        return math.sqrt(mean_squared_error(self._likelihood, mean, self.valid.rating))

    @property
    def converged(self) -> bool:
        """Whether the draws are enough; see `Convergence`."""
        draws = self._convergence.draws
        return draws > 0 and self._convergence.reached(self._noise_variance / draws)

    def calibrated(self) -> Calibrated:
        """Return what the draws so far have taught, or the present one where none counts yet."""
        if not self._summary.draws:
            self._add_draw()
        draws = self._summary.draws
        least = least_variance(self.totals, self._noise_variance / draws)
        summary = self._summary.result(self.sd, least, self.factors)
        items = (self._item_variances / draws).astype(np.float32)
        variances = RatingVariances(items, *(self._freedoms / draws).tolist())
        prior = UserRegression(
            *(self._features, self._people.known, self._users.regression),
            *(self._penalties / draws, variances.of_anyone),
        )
        parameters = uncalibrated(summary, prior, variances, self._likelihood, self.sd**2)
        calibrated = calibrate(
            self._people,
            self.totals,
            replace(
                parameters,
                effects=self._effects.result(self.sd),
                user_effects=self._user_effects.result(self.sd),
            ),
            (_NOISE_SHAPE, _NOISE_RATE * self.sd**2),
        )
        # Those of the known features come last.
        known, blocks = self._known_items, len(self._known_items.features.blocks)
        penalties = self._item_penalties[len(self._item_penalties) - blocks :] / draws
        rated = self.totals.item_counts > 0
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

    STATE = ("_sum", "_squares", "_draws")

    def __init__(self, features: KnownFeatures, first: int) -> None:
        self.features, self._first = features, first
        self._exclusive = features.exclusive
        self._centres = np.array([feature.centre for feature in features.features])
        self._sum, self._squares = np.zeros((2, len(features)))
        self._draws = 0

    def add(self, prior: RowPrior, other_mean: NDArray[np.float64]) -> None:
        """Add a draw: effects on main effects, of which the mean of the other side is a part."""
        effects = prior.coefficients[self._first :] @ np.append(other_mean[:-1], 1)
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
