"""The learner and its callbacks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from palate import _arguments
from palate.errors import DataError, SettingError
from palate.model._model import Model
from palate.solvers._interrupt import interruptible
from palate.solvers._one_cycle import OneCycle, schedule, sigmoid
from palate.solvers._progress import Progress
from palate.torch._backends import Schedule, select_backend
from palate.torch._data import CollabDataLoaders
from palate.torch._learner_file import SavedLearner, write_learner
from palate.torch._lr_find import LearningRates, lr_find
from palate.torch._modules import MSELossFlat, Ranged
from palate.torch._objective import Loss, Metric, Objective
from palate.torch._to_palate import to_palate
from palate.torch._training_loop import run_epochs
from palate.torch._validation import as_list, metrics_by_name, require_function

# Beta of a fit at a constant learning rate.
_BETA = 0.9


class Callback:
    """Code that runs at certain events of a fit: override the methods that you need.

    Each method receives the learner. Its attributes describe the progress of the fit: ``epoch``
    (from 0), ``step`` (number of completed steps), ``steps`` (their total), ``last_loss`` (of the
    last batch, a float) and ``history`` (a row for each completed epoch). Raise `StopFit` to end
    the fit.

    A fit with a callback that runs at every batch uses autograd, because the native kernel takes
    many steps at a time.
    """

    def before_fit(self, learn: "Learner") -> None:
        """Run before the first step."""

    def before_epoch(self, learn: "Learner") -> None:
        """Run before the first step of an epoch."""

    def after_backward(self, learn: "Learner") -> None:
        """Run between the computation of a batch's gradients and the step, to clip them, say."""

    def after_batch(self, learn: "Learner") -> None:
        """Run after a step."""

    def after_epoch(self, learn: "Learner") -> None:
        """Run after an epoch, with its row in ``learn.history``."""

    def after_fit(self, learn: "Learner") -> None:
        """Run at the end of a fit, even if it failed or was stopped."""


class Learner:
    """A module and the ratings that it is fitted to.

    Parameters
    ----------
    dls
        The ratings.
    model
        Any `torch.nn.Module` that takes rows (user, item) of positions, int64 of the shape
        (n, 2), and returns a prediction for each. It is moved to the device of `dls`.
    loss_func
        The function of predictions and ratings to minimise; by default `MSELossFlat()`. If there
        is one prediction for each rating, the ratings have the shape of the predictions.
    lr, wd
        The learning rate and the weight decay of fits that do not specify them.
    metrics
        Functions of predictions and ratings, both of the shape (n,). Each is a column of the
        history, computed on the held-out ratings.
    cbs
        Callbacks; see `Callback`.
    mixed_precision
        Whether to compute in bfloat16 where that is accurate enough (`torch.autocast`).
    native
        Whether fits use Palate's native one-cycle kernel, which gives the same result as autograd
        up to rounding. By default it is used if it supports the fit (a `DotProductBias` or the
        dot product of `collab_learner`, with `MSELossFlat` on the CPU). True raises an error if
        it does not; False always uses autograd.
    progress
        True prints the history as it grows; a function is called with each row.

    Attributes
    ----------
    dls, model, loss_func, lr, wd
        As given.
    metrics
        The metrics by the names of their columns.
    history
        A row for each epoch of all fits.

    Raises
    ------
    SettingError
        If the model is not a module, a loss or a metric is a class instead of a function, or a
        callback is not an instance of `Callback`.
    DataError
        If a rating lies outside of the `y_range` of a module of `palate.torch`.
    """

    def __init__(
        self,
        dls: CollabDataLoaders,
        model: nn.Module,
        loss_func: Loss | None = None,
        *,
        lr: float = 1e-3,
        wd: float = 0.01,
        metrics: Metric | Iterable[Metric] = (),
        cbs: Callback | Iterable[Callback] = (),
        mixed_precision: bool = False,
        native: bool | None = None,
        progress: Progress = True,
    ) -> None:
        if not isinstance(dls, CollabDataLoaders):
            raise SettingError(f"dls is a {type(dls).__name__}; create CollabDataLoaders first")
        if not isinstance(model, nn.Module):
            raise SettingError(
                f"model is {model!r}; it must be a module, such as DotProductBias(...)"
            )
        if isinstance(model, Ranged) and model.y_range is not None:
            sigmoid(dls.train.ratings, model.y_range)  # raises if a rating is out of range
        self.dls, self.model = dls, model.to(dls.device)
        self.loss_func: Loss = MSELossFlat() if loss_func is None else require_function(loss_func)
        self.lr, self.wd = _arguments.finite("lr", lr), _arguments.finite("wd", wd)
        self.metrics: dict[str, Metric] = metrics_by_name(metrics)
        self.callbacks = _require_callbacks(cbs)
        self.mixed_precision, self.native, self.progress = mixed_precision, native, progress
        self.history: list[dict[str, Any]] = []
        self.epoch = self.step = self.steps = 0
        self.last_loss = float("nan")

    def fit_one_cycle(
        self,
        n_epoch: int,
        lr_max: float | None = None,
        *,
        wd: float | None = None,
        cbs: Callback | Iterable[Callback] = (),
        native: bool | None = None,
    ) -> None:
        """Train for `n_epoch` epochs on the one-cycle schedule; see `palate.OneCycle`.

        Every fit starts with a new Adam optimiser. Ctrl-C ends it after the current step (with
        the native kernel, after up to a few thousand more): KeyboardInterrupt is raised, and the
        module is in its state after the last step.

        Parameters
        ----------
        n_epoch
            How many times every row is visited.
        lr_max
            The highest learning rate.
        wd
            The weight decay.
        cbs
            Additional callbacks, for this fit.
        native
            As for the learner, for this fit.

        Raises
        ------
        SettingError
            If a setting is out of range, or the loss is not finite: the module is then restored
            to its state at the start of the epoch.
        """
        recipe = self._recipe(n_epoch, lr_max, wd)
        steps = recipe.epochs * len(self.dls.train)
        self._fit(recipe, Schedule(*schedule(steps, recipe.lr_max)), cbs, native)

    def fit(
        self,
        n_epoch: int,
        lr: float | None = None,
        *,
        wd: float | None = None,
        cbs: Callback | Iterable[Callback] = (),
        native: bool | None = None,
    ) -> None:
        """Train for `n_epoch` epochs at a constant learning rate; see `fit_one_cycle`."""
        recipe = self._recipe(n_epoch, lr, wd)
        ones = np.ones(recipe.epochs * len(self.dls.train))
        self._fit(recipe, Schedule(recipe.lr_max * ones, _BETA * ones), cbs, native)

    def _recipe(self, n_epoch: int, lr: float | None, wd: float | None) -> OneCycle:
        """Return the validated settings of a fit."""
        lr, wd = (self.lr if lr is None else lr), (self.wd if wd is None else wd)
        return OneCycle(epochs=n_epoch, lr_max=lr, wd=wd, bs=self.dls.train.bs)

    def _fit(
        self,
        recipe: OneCycle,
        steps: Schedule,
        cbs: Callback | Iterable[Callback],
        native: bool | None,
    ) -> None:
        permanent = self.callbacks
        self.callbacks = permanent + _require_callbacks(cbs)
        self.step, self.steps = 0, len(steps.lr)
        try:
            with interruptible() as token:
                backend = select_backend(
                    self._objective,
                    self.native if native is None else native,
                    schedule=steps,
                    wd=recipe.wd,
                    batch_loss=self.loss_of,
                    after_backward=partial(self.call, "after_backward"),
                    batch_callbacks=any(map(_runs_at_batches, self.callbacks)),
                )
                run_epochs(
                    self,
                    backend,
                    epochs=recipe.epochs,
                    lr_max=recipe.lr_max,
                    progress=self.progress,
                    cancel=token,
                )
        finally:
            self.callbacks = permanent

    @property
    def _objective(self) -> Objective:
        return Objective(self.model, self.dls, self.loss_func, self.mixed_precision)

    def call(self, event: str) -> None:
        """Call the method of every callback for this event of the fit; see `Callback`."""
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def loss_of(self, x: Tensor, y: Tensor, model: nn.Module | None = None) -> Tensor:
        """Return the loss on one batch, of the learner's module or of another."""
        objective = self._objective if model is None else replace(self._objective, model=model)
        return objective.batch_loss(x, y)

    def validate(self) -> list[float]:
        """Return the loss on the held-out ratings, then the metrics.

        Raises
        ------
        DataError
            If no ratings are held out.
        """
        valid = self.dls.valid
        if len(valid.ratings) == 0:
            raise DataError("no ratings are held out; create the loaders with valid_pct=0.2")
        objective = self._objective
        predictions = objective.outputs(valid.x)
        with torch.no_grad():
            loss = objective.loss(predictions, valid.y)
            flat = predictions.reshape(-1), valid.y.reshape(-1)
            values = [loss, *(metric(*flat) for metric in self.metrics.values())]
        return [float(value) for value in values]

    def outputs(self, x: Tensor) -> Tensor:
        """Return the module's output for rows (user, item), in evaluation mode."""
        return self._objective.outputs(x)

    def predict(self, users: Sequence[Any], items: Sequence[Any]) -> NDArray[np.float32]:
        """Return the prediction for each pair of a user and an item; shape (n,).

        Parameters
        ----------
        users, items
            Ids of the pairs (for items, titles too); two lists of the same length.

        Raises
        ------
        UnknownIdError
            If one of them is not in the vocabulary.
        SettingError
            If the lengths differ, or the module does not return one number for each pair.
        """
        both = users, items
        lists = all(hasattr(some, "__len__") and not isinstance(some, str) for some in both)
        if not lists or len(users) != len(items):
            raise SettingError("users and items must be two lists of the same length")
        user, item = self.dls.classes.values()
        pairs = [[user.o2i[u], item.o2i[i]] for u, i in zip(users, items, strict=True)]
        x = torch.tensor(pairs, dtype=torch.int64, device=self.dls.device).reshape(-1, 2)
        outputs = self.outputs(x)
        if outputs.numel() != len(pairs):
            raise SettingError(
                f"{type(self.model).__name__} returned a tensor of shape {tuple(outputs.shape)} "
                f"for {len(pairs)} pairs; a rating is one number for each"
            )
        values: NDArray[np.float32] = outputs.reshape(-1).float().cpu().numpy()
        return values

    def lr_find(self) -> LearningRates:
        """Try learning rates from 1e-7 to 10 on a copy of the module; see `LearningRates`."""
        return lr_find(self._objective, self.wd)

    def to_palate(self) -> Model:
        """Return a Palate model of the fitted module, to save, explain, plot and recommend with.

        It requires a module whose predictions are ``p_u . q_i + b_u + b_i``, or the sigmoid of
        that within a `y_range`: a bilinear module of `palate.torch`; one with tables named as in
        the chapter (``user_factors``, ``user_bias``, ``movie_factors`` or ``item_factors``, and
        so on); or one with a method ``tables()`` that returns the factors and the biases of users,
        then those of items, each with the row of ``#na#`` first. If a user has rated an item more
        than once, the model keeps the mean.

        Raises
        ------
        SettingError
            If the module has no such tables, or its predictions depend on anything else.
        """
        return to_palate(self._objective, self.history)

    def export(self, path: str | Path) -> None:
        """Write the learner to one file: weights, vocabularies and ratings; see `load_learner`.

        The file is replaced in one step: after a crash, the old or the new one is complete.

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        saved = SavedLearner(self._objective, self.lr, self.wd, self.native, self.history)
        write_learner(saved, Path(path))


def _require_callbacks(cbs: Any) -> list[Callback]:
    callbacks = as_list(cbs)
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise SettingError(f"{callback!r} is not an instance of Callback; instantiate a class")
    return callbacks


def _runs_at_batches(callback: Callback) -> bool:
    """Return whether a callback overrides a method for an event of every batch."""
    return any(
        getattr(type(callback), name) is not getattr(Callback, name)
        for name in ("after_backward", "after_batch")
    )
