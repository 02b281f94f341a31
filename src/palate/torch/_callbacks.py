"""The callbacks of a fit: the events, and callbacks that watch a column of the history."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from palate.errors import SettingError
from palate.torch._refusals import refuses_others
from palate.torch._training_loop import StopFit
from palate.torch._validation import as_list

# Events of every batch, which the native kernel does not have.
_BATCH_EVENTS = ("after_backward", "after_batch")
_EVENTS = ("before_fit", "before_epoch", *_BATCH_EVENTS, "after_epoch", "after_fit")
# Columns that are better if they are lower, apart from those with "loss" or "error" in the name.
_ERRORS = {"mse", "rmse", "mae", "msle"}


class Callback:
    """Code that runs at certain events of a fit: override the methods that you need.

    Each method receives the learner. Its attributes describe the progress of the fit: ``epoch``
    (from 0), ``step`` (number of completed steps), ``steps`` (their total), ``last_loss`` (of the
    last batch, a float) and ``history`` (a row for each completed epoch). Raise `StopFit` to end
    the fit.

    A fit with a callback that runs at every batch uses autograd, because the native kernel takes
    many steps at a time.
    """

    def before_fit(self, learn: Any) -> None:
        """Run before the first step."""

    def before_epoch(self, learn: Any) -> None:
        """Run before the first step of an epoch."""

    def after_backward(self, learn: Any) -> None:
        """Run between the computation of a batch's gradients and the step, to clip them, say."""

    def after_batch(self, learn: Any) -> None:
        """Run after a step."""

    def after_epoch(self, learn: Any) -> None:
        """Run after an epoch, with its row in ``learn.history``."""

    def after_fit(self, learn: Any) -> None:
        """Run at the end of a fit, even if it failed or was stopped."""


class TrackerCallback(Callback):
    """Keeps the best value of a column of the history.

    Parameters
    ----------
    monitor
        The column: ``valid_loss``, ``train_loss`` or a metric.
    comp
        Whether the first of two values is better: `numpy.less` or `numpy.greater`. By default a
        lower value is better for ``mse``, ``rmse``, ``mae``, ``msle`` and names with ``loss`` or
        ``error``, else a higher one.
    min_delta
        How much better a value must be to count.
    reset_on_fit
        Whether each fit starts anew, instead of comparing with the best value of earlier ones.
    """

    def __init__(
        self,
        monitor: str = "valid_loss",
        comp: Callable[[float, float], bool] | None = None,
        min_delta: float = 0.0,
        reset_on_fit: bool = True,
    ) -> None:
        if comp is None:
            lower = "loss" in monitor or "error" in monitor or monitor in _ERRORS
            comp = np.less if lower else np.greater
        self.monitor, self.comp, self.reset_on_fit = monitor, comp, reset_on_fit
        self.min_delta = -min_delta if comp is np.less else min_delta
        self.best: float | None = None
        self.new_best = False

    def before_fit(self, learn: Any) -> None:
        """Verify that the column will exist."""
        columns = ["train_loss"]
        if len(learn.dls.valid.ratings):
            columns += ["valid_loss", *learn.metrics]
        if self.monitor not in columns:
            raise SettingError(
                f"monitor is {self.monitor!r}, which is no column of this fit; the columns are "
                f"{', '.join(columns)}"
            )
        if self.reset_on_fit:
            self.best = None

    def after_epoch(self, learn: Any) -> None:
        """Compare the value with the best."""
        value = learn.history[-1][self.monitor]
        self.new_best = self.best is None or bool(self.comp(value - self.min_delta, self.best))
        if self.new_best:
            self.best = value


class EarlyStoppingCallback(TrackerCallback):
    """Ends the fit after `patience` epochs in which the value of `monitor` was not better.

    Parameters
    ----------
    monitor, comp, min_delta, reset_on_fit
        As of `TrackerCallback`.
    patience
        The number of epochs.
    """

    def __init__(
        self,
        monitor: str = "valid_loss",
        comp: Callable[[float, float], bool] | None = None,
        min_delta: float = 0.0,
        patience: int = 1,
        reset_on_fit: bool = True,
    ) -> None:
        super().__init__(monitor, comp, min_delta, reset_on_fit)
        self.patience, self.wait = patience, 0

    def before_fit(self, learn: Any) -> None:
        """Start to count."""
        self.wait = 0
        super().before_fit(learn)

    def after_epoch(self, learn: Any) -> None:
        """Count the epochs without improvement."""
        super().after_epoch(learn)
        self.wait = 0 if self.new_best else self.wait + 1
        if self.wait >= self.patience:
            _tell(learn, f"No improvement since epoch {learn.epoch - self.wait}: early stopping")
            raise StopFit


class SaveModelCallback(TrackerCallback):
    """Saves the module by `Learner.save` when it is the best so far, and loads it at the end.

    After Ctrl-C, or if the fit fails, nothing is loaded.

    Parameters
    ----------
    monitor, comp, min_delta, reset_on_fit
        As of `TrackerCallback`.
    fname
        The name of the file; see `Learner.save`.
    every_epoch
        Save every epoch instead (a number n: every n epochs), in files with the epoch after the
        name.
    at_end
        Save the module at the end too, instead of loading the best.
    """

    @refuses_others
    def __init__(  # noqa: PLR0917  (fastai's order)
        self,
        monitor: str = "valid_loss",
        comp: Callable[[float, float], bool] | None = None,
        min_delta: float = 0.0,
        fname: str = "model",
        every_epoch: bool | int = False,
        at_end: bool = False,
        *,
        reset_on_fit: bool = True,
    ) -> None:
        super().__init__(monitor, comp, min_delta, reset_on_fit)
        if every_epoch and at_end:
            raise SettingError("every_epoch and at_end can't both be set")
        self.fname, self.every_epoch, self.at_end = fname, int(every_epoch), at_end
        self.last_saved_path: Any = None
        self._complete = False  # whether the fit is between epochs

    def before_fit(self, learn: Any) -> None:
        """Forget the file of an earlier fit."""
        super().before_fit(learn)
        self._complete = False
        if self.best is None:
            self.last_saved_path = None

    def before_epoch(self, learn: Any) -> None:
        """Note that an epoch has begun."""
        self._complete = False

    def after_epoch(self, learn: Any) -> None:
        """Save the module if it is the best."""
        self._complete = True
        super().after_epoch(learn)
        if self.every_epoch:
            if learn.epoch % self.every_epoch == 0:
                self.last_saved_path = learn.save(f"{self.fname}_{learn.epoch}")
        elif self.new_best:
            column = f"{self.monitor} value: {self.best}"
            _tell(learn, f"Better model found at epoch {learn.epoch} with {column}.")
            self.last_saved_path = learn.save(self.fname)

    def after_fit(self, learn: Any) -> None:
        """Load the best module."""
        if not self._complete:
            return
        if self.at_end:
            self.last_saved_path = learn.save(self.fname)
        elif not self.every_epoch and self.last_saved_path is not None:
            learn.load(self.fname)


def require_callbacks(cbs: Any) -> list[Callback]:
    """Return callbacks as a list.

    Raises
    ------
    SettingError
        If one is not an instance of `Callback`, or is written for fastai: its methods do not take
        the learner, or are for events that do not exist here.
    """
    callbacks = as_list(cbs)
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise SettingError(
                f"{callback!r} is not an instance of Callback; instantiate a class, which inherits "
                "palate.torch.Callback"
            )
        _require_events(callback)
    return callbacks


def _require_events(callback: Callback) -> None:
    name = type(callback).__name__
    for event in _EVENTS:
        try:
            inspect.signature(getattr(callback, event)).bind(callback)
        except TypeError as error:
            raise SettingError(
                f"{name}.{event} does not take the learner; unlike in fastai, each method of a "
                f"callback receives it: def {event}(self, learn)"
            ) from error
    unknown = [
        method
        for method in dir(callback)
        if method.startswith(("before_", "after_"))
        and method not in _EVENTS
        and callable(getattr(callback, method))
    ]
    if unknown:
        raise SettingError(
            f"{name} has the method {unknown[0]}, which is no event of a fit here; the events are "
            f"{', '.join(_EVENTS)}"
        )


def runs_at_batches(callback: Callback) -> bool:
    """Return whether a callback overrides a method for an event of every batch."""
    return any(
        getattr(type(callback), name) is not getattr(Callback, name) for name in _BATCH_EVENTS
    )


def _tell(learn: Any, sentence: str) -> None:
    """Print a sentence below the history, if that is printed."""
    if learn.progress is True:
        print(sentence)
