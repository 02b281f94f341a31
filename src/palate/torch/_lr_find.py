"""A learning-rate range test."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from palate import _arguments
from palate.errors import SettingError
from palate.torch._backends import AutogradBackend, Schedule
from palate.torch._objective import Objective
from palate.torch._pyplot import axes_of
from palate.torch._recorder import running_means

_BETA = 0.9
# The test ends when the loss exceeds the initial module's loss by this factor.
_MAX_LOSS_RATIO = 4.0


@dataclass(frozen=True)
class LearningRates:
    """The loss as the learning rate rises from step to step.

    Attributes
    ----------
    suggestion
        A learning rate to use: a tenth of the rate with the largest gain (Howard and Gugger 2020,
        "Deep Learning for Coders with fastai and PyTorch", chapter 5; the test itself is by Smith,
        "Cyclical learning rates for training neural networks", WACV 2017, section 3.3).
    valley
        The learning rate that fastai suggests: the middle of the longest run of steps in which
        the running mean of the loss falls.
    frame
        A row for each step: lr, loss, and gain, which is the loss of the initial module minus the
        loss, on the same batch. Batches differ in difficulty by much more than a step changes the
        loss; the gain removes this difference.
    """

    suggestion: float
    valley: float
    frame: pl.DataFrame = field(repr=False)

    def plot(self, skip_end: int = 5, ax: Any = None) -> Any:
        """Draw the running mean of the loss by learning rate, with a point at the valley.

        Parameters
        ----------
        skip_end
            How many of the last steps to leave out.
        ax
            The matplotlib axes; by default the current ones.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax = axes_of(ax)
        shown = max(1, len(self.frame) - skip_end)
        lr, smooth = self.frame["lr"].to_numpy(), running_means(self.frame["loss"].to_list())
        ax.plot(lr[:shown], smooth[:shown])
        at = int(np.argmin(np.abs(lr - self.valley)))
        ax.plot(lr[at], smooth[at], "o", label="valley")
        ax.set(xscale="log", xlabel="Learning Rate", ylabel="Loss")
        ax.legend()
        return ax


def lr_find(
    objective: Objective,
    optimiser: Mapping[str, Any],
    rates: tuple[float, float],
    num_it: int,
    stop_div: bool,
) -> LearningRates:
    """Try learning rates on a copy of the module; see `Learner.lr_find`."""
    start_lr, end_lr = map(_arguments.finite, ("start_lr", "end_lr"), rates)
    if not 0 < start_lr < end_lr:
        raise SettingError(
            f"start_lr is {start_lr:g} and end_lr is {end_lr:g}; they must be above 0 and rise"
        )
    lr = np.geomspace(start_lr, end_lr, _arguments.count("num_it", num_it))
    trial = replace(objective, model=copy.deepcopy(objective.model).train())
    initial = replace(objective, model=copy.deepcopy(trial.model))
    with torch.random.fork_rng():
        frame = _range_test(trial, initial, lr, optimiser, stop_div)
    best = int(frame["gain"].fill_nan(None).arg_max() or 0)
    if not frame["gain"][best] > 0:
        raise SettingError(
            f"the initial loss was {frame['loss'][0]:g} and no learning rate lowered it; check the "
            "initial parameters and the loss function for values that are not finite"
        )
    return LearningRates(float(frame["lr"][best]) / 10, _valley(frame, num_it), frame)


def _valley(frame: pl.DataFrame, num_it: int) -> float:
    """Return fastai's suggestion; the first tenth of the steps and the last five do not count."""
    inner = slice(num_it // 10, max(num_it // 10 + 1, len(frame) - 5))
    lr, losses = frame["lr"].to_list()[inner], running_means(frame["loss"].to_list())[inner]
    if not lr:  # it diverged at once
        return float(frame["lr"][0])
    runs = [1] * len(losses)  # length of the longest falling sequence that ends at each step
    for i, loss in enumerate(losses):
        runs[i] += max((runs[j] for j in range(i) if loss < losses[j]), default=0)
    end = int(np.argmax(runs))
    start = max(0, end - runs[end])
    third = (end - start) / 3
    return float(lr[start + int(third) + int(third / 2)])


def _range_test(
    trial: Objective,
    initial: Objective,
    lr: NDArray[np.float64],
    optimiser: Mapping[str, Any],
    stop_div: bool,
) -> pl.DataFrame:
    schedule = Schedule(lr, np.full(len(lr), _BETA))
    train = trial.dls.train
    backend = AutogradBackend(trial.model, train, trial.batch_loss, schedule=schedule, **optimiser)
    rows: list[dict[str, float]] = []
    while True:
        order = train.order()
        for (loss,), (x, y) in zip(backend.epoch(order), train.batches(order), strict=True):
            with torch.no_grad():
                initial_loss = float(initial.batch_loss(x, y))
            rows.append({"lr": lr[len(rows)], "loss": loss, "gain": initial_loss - loss})
            diverged = not loss <= _MAX_LOSS_RATIO * initial_loss
            if len(rows) == len(lr) or (diverged and stop_div):
                return pl.DataFrame(rows)
