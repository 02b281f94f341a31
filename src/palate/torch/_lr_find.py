"""Which learning rate to begin with."""

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from palate.errors import SettingError
from palate.torch._training import Autograd, Schedule

if TYPE_CHECKING:
    from palate.torch._learner import Learner

_LOWEST, _HIGHEST, _STEPS, _BETA = 1e-7, 10.0, 100, 0.9
# The loss is beyond hope at so many times what it was at first.
_BEYOND_HOPE = 4.0


@dataclass(frozen=True)
class LearningRates:
    """The loss as the learning rate rises from step to step.

    Attributes
    ----------
    suggestion
        A rate to begin with: a tenth of that where the gain was largest (Howard and Gugger 2020,
        "Deep Learning for Coders with fastai and PyTorch", chapter 5; the test itself is of Smith,
        "Cyclical learning rates for training neural networks", WACV 2017, section 3.3).
    frame
        A row for each step: lr, loss, and gain, by how much the loss was lower than that of the
        module as it was at first, on the same batch. What one batch is harder than another is
        much more than a step can change; in the gain it is not seen.
    """

    suggestion: float
    frame: pl.DataFrame = field(repr=False)


def lr_find(learn: "Learner") -> LearningRates:
    """Try learning rates on a copy of the module; see `Learner.lr_find`."""
    trial = copy.copy(learn)
    trial.model, trial.callbacks = copy.deepcopy(learn.model).train(), []
    with torch.random.fork_rng():
        frame = _tried(trial, copy.deepcopy(trial.model))
    best = int(frame["gain"].fill_nan(None).arg_max() or 0)
    if not frame["gain"][best] > 0:
        raise SettingError(
            f"the loss was {frame['loss'][0]:g} at first and never became lower; look for what is "
            "not finite in the module's start or the loss"
        )
    return LearningRates(float(frame["lr"][best]) / 10, frame)


def _tried(learn: "Learner", first: torch.nn.Module) -> pl.DataFrame:
    lr = np.geomspace(_LOWEST, _HIGHEST, _STEPS)
    way = Autograd(learn, Schedule(lr, np.full(_STEPS, _BETA)), learn.wd)
    rows: list[dict[str, float]] = []
    while True:
        order = learn.dls.train.order()
        batches = learn.dls.train.batches(order)
        for (loss,), (x, y) in zip(way.epoch(order), batches, strict=True):
            with torch.no_grad():
                before = float(learn.loss_of(x, y, first))
            rows.append({"lr": lr[len(rows)], "loss": loss, "gain": before - loss})
            if len(rows) == _STEPS or not loss <= _BEYOND_HOPE * before:
                return pl.DataFrame(rows)
