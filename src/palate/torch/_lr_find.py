"""A learning-rate range test."""

import copy
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import torch

from palate.errors import SettingError
from palate.torch._backends import AutogradBackend, Schedule
from palate.torch._objective import Objective

_MIN_LR, _MAX_LR, _STEPS, _BETA = 1e-7, 10.0, 100, 0.9
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
    frame
        A row for each step: lr, loss, and gain, which is the loss of the initial module minus the
        loss, on the same batch. Batches differ in difficulty by much more than a step changes the
        loss; the gain removes this difference.
    """

    suggestion: float
    frame: pl.DataFrame = field(repr=False)


def lr_find(objective: Objective, wd: float) -> LearningRates:
    """Try learning rates on a copy of the module; see `Learner.lr_find`."""
    trial = replace(objective, model=copy.deepcopy(objective.model).train())
    initial = replace(objective, model=copy.deepcopy(trial.model))
    with torch.random.fork_rng():
        frame = _range_test(trial, initial, wd)
    best = int(frame["gain"].fill_nan(None).arg_max() or 0)
    if not frame["gain"][best] > 0:
        raise SettingError(
            f"the initial loss was {frame['loss'][0]:g} and no learning rate lowered it; check the "
            "initial parameters and the loss function for values that are not finite"
        )
    return LearningRates(float(frame["lr"][best]) / 10, frame)


def _range_test(trial: Objective, initial: Objective, wd: float) -> pl.DataFrame:
    lr = np.geomspace(_MIN_LR, _MAX_LR, _STEPS)
    schedule = Schedule(lr, np.full(_STEPS, _BETA))
    train = trial.dls.train
    backend = AutogradBackend(trial.model, train, trial.batch_loss, schedule=schedule, wd=wd)
    rows: list[dict[str, float]] = []
    while True:
        order = train.order()
        for (loss,), (x, y) in zip(backend.epoch(order), train.batches(order), strict=True):
            with torch.no_grad():
                initial_loss = float(initial.batch_loss(x, y))
            rows.append({"lr": lr[len(rows)], "loss": loss, "gain": initial_loss - loss})
            if len(rows) == _STEPS or not loss <= _MAX_LOSS_RATIO * initial_loss:
                return pl.DataFrame(rows)
