"""The training loop: epochs of steps, with callbacks, checks and a history."""

import copy
import time
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

import numpy as np
import torch
from torch import nn

from palate._native import CancelToken
from palate.errors import SettingError
from palate.solvers._progress import Progress, reporter
from palate.torch._backends import Backend
from palate.torch._data import CollabDataLoaders
from palate.torch._recorder import Recorder


class StopFit(Exception):  # noqa: N818  (a request, not an error)
    """Raised by a callback to end the fit; what was learned so far is kept."""


class TrainingState(Protocol):
    """The part of a learner that the training loop reads and updates; see `Learner`."""

    dls: CollabDataLoaders
    model: nn.Module
    history: list[dict[str, Any]]
    recorder: Recorder
    epoch: int
    step: int
    steps: int
    last_loss: float

    @property
    def metrics(self) -> Mapping[str, object]:
        """The metrics by the names of their columns."""

    def call(self, event: str) -> None:
        """Call every callback's method for this event."""

    def validate(self) -> list[float]:
        """Return the loss on the held-out ratings, then the metrics."""


def run_epochs(
    learn: TrainingState,
    backend: Backend,
    *,
    epochs: int,
    lr_max: float,
    progress: Progress,
    cancel: CancelToken,
) -> None:
    """Train for `epochs` epochs; update `learn` and call its callbacks.

    Parameters
    ----------
    learn
        The learner.
    backend
        Takes the steps.
    epochs
        How many times every row is visited.
    lr_max
        The highest learning rate, for the message if the loss diverges.
    progress
        As of `Learner`.
    cancel
        Cancelled by Ctrl-C.

    Raises
    ------
    SettingError
        If the loss or a parameter is not finite: the module is restored to its state at the start
        of the epoch.
    KeyboardInterrupt
        If Ctrl-C was pressed: the module is in its state after the last step.
    """
    report = reporter(progress)
    try:
        learn.call("before_fit")
        for learn.epoch in range(epochs):
            start = time.perf_counter()
            learn.call("before_epoch")
            _run_epoch(learn, backend, lr_max, cancel)
            learn.history.append(_history_row(learn, start))
            learn.recorder.end_epoch(learn.history[-1])
            report(learn.history[-1])
            learn.call("after_epoch")
        if cancel.cancelled:
            raise KeyboardInterrupt("after the last step; the fit is complete")
    except StopFit:
        pass
    finally:
        learn.call("after_fit")


def _run_epoch(learn: TrainingState, backend: Backend, lr_max: float, cancel: CancelToken) -> None:
    """Visit every row once, unless interrupted."""
    initial = copy.deepcopy(learn.model.state_dict())
    learn.model.train()
    for losses in backend.epoch(learn.dls.train.order()):
        if not np.isfinite(losses).all():
            learn.model.load_state_dict(initial)
            _raise_diverged(learn, losses, lr_max)
        learn.recorder.add(losses)
        learn.step += len(losses)
        learn.last_loss = losses[-1]
        learn.call("after_batch")
        if cancel.cancelled:
            backend.synchronise()
            raise KeyboardInterrupt(
                f"in epoch {learn.epoch}, after step {learn.step:,} of {learn.steps:,}; the "
                "module is in its state after that step"
            )
    backend.synchronise()
    if not all(bool(torch.isfinite(p).all()) for p in learn.model.parameters()):
        learn.model.load_state_dict(initial)
        _raise_diverged(learn, [float("nan")], lr_max)


def _raise_diverged(learn: TrainingState, losses: list[float], lr_max: float) -> NoReturn:
    first = int(np.argmin(np.isfinite(losses)))
    step = min(learn.step + first + 1, learn.steps)
    raise SettingError(
        f"the loss is {losses[first]} at step {step:,} of {learn.steps:,}, in epoch {learn.epoch}; "
        f"use a learning rate below {lr_max:g}, or check the initial parameters and the loss "
        "function for values that are not finite. The module was restored to its state at the "
        "start of the epoch"
    )


def _history_row(learn: TrainingState, start: float) -> dict[str, Any]:
    valid_loss, *metrics = learn.validate() if len(learn.dls.valid.ratings) else [None]
    return (
        {"epoch": learn.epoch, "train_loss": learn.recorder.train_loss, "valid_loss": valid_loss}
        | dict(zip(learn.metrics, metrics, strict=False))
        | {"seconds": time.perf_counter() - start}
    )
