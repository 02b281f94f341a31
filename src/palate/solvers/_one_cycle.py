"""The solver `OneCycle`: the recipe of the fastai book, Adam on a one-cycle schedule."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate import _arguments, _random_streams
from palate._native import CancelToken, permutation, score_pairs
from palate._native import OneCycle as OneCycleKernel
from palate._threads import thread_count
from palate.data._ratings import Ratings
from palate.errors import DataError, SettingError
from palate.learned._learned import FitRecord, Learned
from palate.learned._likelihood import SigmoidGaussian, mean_squared_error
from palate.learned._point_estimate import point_estimate
from palate.model._model import Model
from palate.solvers._interrupt import interruptible
from palate.solvers._log import log_fit, notes_on
from palate.solvers._progress import Progress, Report, reporter
from palate.solvers._validation import explain_memory_error, validate_ratings

_START_SD = 0.01
_SMOOTHING = 0.98
# The size of a call of the kernel: Ctrl-C takes effect between calls, in a fraction of a second.
_FLOATS_PER_CALL = 10_000_000


@dataclass(frozen=True)
class OneCycle:
    """Matrix factorisation with biases, trained by Adam on a one-cycle schedule.

    The predicted rating of user u and item i is::

        low + (high - low) * sigmoid(p_u . q_i + b_u + b_i)

    and the loss of a batch is its mean squared error. Factors and biases start as normal numbers
    with a standard deviation of 0.01. Each step t of Adam with decoupled weight decay (Loshchilov
    and Hutter 2019, algorithm 2) updates every row of both tables::

        p *= 1 - lr_t wd
        m  = beta_t m + (1 - beta_t) g
        v  = 0.99 v + 0.01 g^2
        p -= lr_t / (1 - beta_t^t) * m / (sqrt(v / (1 - 0.99^t)) + 1e-5)

    The learning rate rises by a cosine from ``lr_max / 25`` to ``lr_max`` over the first quarter
    of the steps and falls to ``lr_max / 1e5``; beta falls from 0.95 to 0.85 and rises again
    (Smith 2018, "A disciplined approach to neural network hyper-parameters"; Howard and Gugger
    2020, "Deep Learning for Coders with fastai and PyTorch", chapter 8). Rows are shuffled
    without replacement every epoch, and the last short batch is left out.

    Parameters
    ----------
    factors
        The number of factors of users and items.
    epochs
        The number of passes over the ratings.
    lr_max
        The highest learning rate.
    wd
        The weight decay.
    bs
        The batch size; at most the number of ratings.
    y_range
        The lower and upper end of the sigmoid. The default extends the range of the ratings by a
        quarter of its length below and an eighth above: 0 to 5.5 for ratings of 1 to 5.
    seed
        The seed of the initial tables and of the order of the ratings. The same seed gives the same
        model at any number of threads.

    Raises
    ------
    SettingError
        If a setting is outside its range.
    """

    factors: int = 50
    epochs: int = 5
    lr_max: float = 5e-3
    wd: float = 0.1
    bs: int = 64
    y_range: tuple[float, float] | None = None
    seed: int = 0

    name = "one-cycle"
    title = "one-cycle training"
    description = (
        "The solver goes through all ratings several times and corrects the model after every "
        "small batch, at first in small steps, then in larger ones, and in ever smaller ones at "
        "the end. This is the recipe of the fastai book. train_loss is the error on the training "
        "ratings; valid_loss is the error on held-out ratings, if there were any."
    )

    def __post_init__(self) -> None:
        _arguments.set_frozen(
            self,
            factors=_arguments.count("factors", self.factors),
            epochs=_arguments.count("epochs", self.epochs),
            bs=_arguments.count("bs", self.bs),
            seed=_arguments.seed(self.seed),
            lr_max=_arguments.finite("lr_max", self.lr_max),
            wd=_arguments.finite("wd", self.wd),
        )
        if self.lr_max <= 0:
            raise SettingError(f"lr_max is {self.lr_max}; it must be above 0, such as 5e-3")
        if self.wd < 0 or self.lr_max * self.wd >= 1:
            raise SettingError(
                f"wd is {self.wd}; it must be at least 0 and below 1 / lr_max (lr_max is "
                f"{self.lr_max:g}), such as 0.1"
            )
        if self.y_range is not None:
            _arguments.set_frozen(self, y_range=_arguments.interval("y_range", self.y_range))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name."""
        return asdict(self)

    def fit(
        self,
        ratings: Ratings,
        valid: Ratings | None = None,
        *,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Model:
        """Return a model trained on `ratings`.

        Parameters
        ----------
        ratings
            The ratings to learn from.
        valid
            Held-out ratings of the same users and items; their loss is reported after each epoch.
        threads
            Maximum number of threads; by default as many as this process may use. Each thread has
            at least 256 ratings of a batch, so batches of 64 are computed by one thread.
        progress
            True prints a table with a row for each epoch; a function is called with each row:
            epoch, train_loss, valid_loss, seconds.

        Returns
        -------
        Model
            Ctrl-C ends the fit within a second, also in a thread other than the main one; the model
            is then as trained so far, with ``model.fit.interrupted`` set. A second Ctrl-C raises
            KeyboardInterrupt.

        Raises
        ------
        DataError
            If there are no ratings, some lie outside `y_range`, or `valid` is empty or has other
            users or items.
        SettingError
            If the training diverged, or needs more memory than is available.
        """
        validate_ratings(ratings, valid)
        likelihood = sigmoid(ratings, self.y_range)
        y_range = likelihood.low, likelihood.high
        solver = replace(self, y_range=y_range, bs=min(self.bs, len(ratings)))
        purpose = f"{self.factors:,} factors and {self.epochs:,} epochs"
        report, start = reporter(progress), time.perf_counter()
        with interruptible() as token:
            with explain_memory_error(purpose, ratings):
                run = _Training(solver, ratings, valid, likelihood, thread_count(threads))
            complete = run.train(report, token)
        users, items = run.kernel.tables()
        if not (np.isfinite(users).all() and np.isfinite(items).all()):
            raise SettingError(f"the fit diverged; try a lower lr_max than {self.lr_max}")
        settings = solver.settings | {"y_range": list(y_range)}
        fit = FitRecord(self.name, settings, ratings.source, run.history, interrupted=not complete)
        parameters = point_estimate(ratings, users, items, likelihood)
        log_fit(self.name, ratings, start, notes_on(fit, valid))
        return Model(Learned.of_fit(ratings, parameters, users, fit))


def sigmoid(ratings: Ratings, y_range: tuple[float, float] | None) -> SigmoidGaussian:
    """Return the likelihood for ratings, by default with the range described in `OneCycle`.

    Its noise_sd is 1, since the noise is unknown before the fit.

    Raises
    ------
    DataError
        If some ratings lie outside `y_range`.
    """
    low, high = float(ratings.rating.min()), float(ratings.rating.max())
    if y_range is None:
        span = high - low or 1.0
        return SigmoidGaussian(low - span / 4, high + span / 8, noise_sd=1.0)
    bounds = np.array(y_range, dtype=np.float32)  # in the precision of the ratings
    if low < bounds[0] or high > bounds[1]:
        raise DataError(
            f"the ratings go from {low:g} to {high:g}, which y_range={y_range} can't "
            "reach; widen it, or leave it out"
        )
    return SigmoidGaussian(*y_range, noise_sd=1.0)


def schedule(
    steps: int,
    lr_max: float,
    *,
    div: float = 25.0,
    div_final: float = 1e5,
    pct_start: float = 0.25,
    moms: tuple[float, float, float] = (0.95, 0.85, 0.95),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the learning rate and beta of each step; shapes (steps,).

    Step t (from 1) has the values at the fraction (t - 1) / steps of the schedule. The first
    `pct_start` of it is the warm-up, from ``lr_max / div`` to `lr_max`; the rest falls to
    ``lr_max / div_final``. Beta is `moms` at the start, at the end of the warm-up and at the end.
    """
    share = np.arange(steps) / steps
    up, down = share / pct_start, (share - pct_start) / (1 - pct_start)
    warm = share < pct_start
    lr = np.where(
        warm, _cosine(lr_max / div, lr_max, up), _cosine(lr_max, lr_max / div_final, down)
    )
    beta = np.where(warm, _cosine(*moms[:2], up), _cosine(*moms[1:], down))
    return lr, beta


def _cosine(start: float, end: float, share: NDArray[np.float64]) -> NDArray[np.float64]:
    return start + (end - start) * (1 - np.cos(np.pi * share)) / 2


class RunningLoss:
    """The debiased exponential moving average of the losses of batches, as in the book's table."""

    def __init__(self) -> None:
        self._sum, self.batches = 0.0, 0

    def add(self, losses: list[float]) -> None:
        """Add the losses of the next batches."""
        for loss in losses:
            self._sum = _SMOOTHING * self._sum + (1 - _SMOOTHING) * loss
        self.batches += len(losses)

    @property
    def mean(self) -> float:
        """The current value."""
        return self._sum / (1 - _SMOOTHING**self.batches)


def losses(
    kernel: OneCycleKernel, order: NDArray[np.int64], bs: int, factors: int, threads: int
) -> Iterator[list[float]]:
    """Train on the ratings in `order` by batches; yield the losses of some batches at a time."""
    whole = len(order) // bs * bs
    chunk = max(1, _FLOATS_PER_CALL // (factors * bs)) * bs
    for first in range(0, whole, chunk):
        yield kernel.run(order[first : min(first + chunk, whole)], bs, threads).tolist()


class _Training:
    """The state of a fit."""

    def __init__(
        self,
        solver: OneCycle,
        ratings: Ratings,
        valid: Ratings | None,
        likelihood: SigmoidGaussian,
        threads: int,
    ) -> None:
        self.solver, self.ratings, self.valid = solver, ratings, valid
        self.likelihood = likelihood
        self.threads = threads
        self.history: list[dict[str, Any]] = []
        self._loss = RunningLoss()
        self._steps = len(ratings) // solver.bs * solver.epochs
        self.kernel = OneCycleKernel(
            ratings.user,
            ratings.item,
            ratings.rating,
            self._table(_random_streams.USER_TABLE, ratings.users.height),
            self._table(_random_streams.ITEM_TABLE, ratings.items.height),
            *schedule(self._steps, solver.lr_max),
            solver.wd,
            likelihood.low,
            likelihood.high,
        )

    def _table(self, stream: int, rows: int) -> NDArray[np.float32]:
        normal = _random_streams.normals(self.solver.seed, stream, rows, self.solver.factors + 1)
        return normal * np.float32(_START_SD)

    def train(self, report: Report, cancel: CancelToken) -> bool:
        """Train for all epochs, or until interrupted; return whether all were complete."""
        for number in range(self.solver.epochs):
            start = time.perf_counter()
            if not self._visit_all(_random_streams.epoch_order(number), cancel):
                return False
            row = {
                "epoch": number,
                "train_loss": self._loss.mean,
                "valid_loss": self._valid_loss(),
                "seconds": time.perf_counter() - start,
            }
            self.history.append(row)
            report(row)
        return True

    def _visit_all(self, stream: int, cancel: CancelToken) -> bool:
        """Train for an epoch, unless interrupted; return whether it was complete."""
        order = permutation(self.solver.seed, stream, len(self.ratings))
        size = self.solver.bs, self.solver.factors
        for values in losses(self.kernel, order, *size, self.threads):
            self._loss.add(values)
            if cancel.cancelled and not self._is_last_step():
                return False
        return True

    def _is_last_step(self) -> bool:
        return self._loss.batches == self._steps

    def _valid_loss(self) -> float | None:
        if self.valid is None:
            return None
        users, items = self.kernel.tables()
        score = score_pairs(users, items, self.valid.user, self.valid.item)
        return mean_squared_error(self.likelihood, score, self.valid.rating)
