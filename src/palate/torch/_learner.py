"""The learner and its callbacks."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from palate import _arguments
from palate.errors import SettingError
from palate.model._model import Model
from palate.solvers._interrupt import interruptible
from palate.solvers._one_cycle import OneCycle, schedule, sigmoid
from palate.solvers._progress import Progress
from palate.torch._backends import Schedule, select_backend
from palate.torch._callbacks import Callback, require_callbacks, runs_at_batches
from palate.torch._data import CollabDataLoaders
from palate.torch._learner_file import SavedLearner, load_weights, write_learner, write_weights
from palate.torch._lr_find import LearningRates, lr_find
from palate.torch._modules import MSELossFlat, Ranged, is_default_loss
from palate.torch._objective import Loss, Metric, Objective
from palate.torch._optimisers import Adam, OptFunc
from palate.torch._predictions import Predictions
from palate.torch._pyplot import axes_of
from palate.torch._recorder import Recorder
from palate.torch._refusals import NamesAlternatives, refuses_others
from palate.torch._summary import summary
from palate.torch._to_palate import to_palate
from palate.torch._training_loop import StopFit, run_epochs
from palate.torch._validation import (
    cycle_shape,
    last_rate,
    metrics_by_name,
    require_function,
    require_module,
    weight_decay,
)

# Beta of a fit at a constant learning rate.
_BETA = 0.9


class Learner(Predictions, NamesAlternatives):
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
    opt_func
        Returns an optimiser of PyTorch from groups of parameters and ``lr``: `Adam`, `SGD`, a
        class of `torch.optim`.
    lr, wd
        The learning rate and the weight decay of fits that do not specify them; by default 0.001
        and 0.01.
    wd_bn_bias
        Whether biases of layers and the parameters of normalisations decay too. (A table of user
        or item biases always does.)
    metrics
        Functions of predictions and ratings, such as `rmse` and `mae`. Each is a column of the
        history, computed on the held-out ratings. The ratings have the shape (n,), and so have
        the predictions, or else the shape that the module returns, such as (n, 5).
    path, model_dir
        The folder of the files of `export`, by default that of `dls`, and the folder in it of
        those of `save`.
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
    dls, model, loss_func, lr, wd, cbs
        As given, the callbacks in a list.
    metrics
        The metrics by the names of their columns.
    history
        A row for each epoch of all fits.
    recorder
        The course of the last fit; see `Recorder`.

    Raises
    ------
    SettingError
        If the model is not a module, a loss or a metric is a class instead of a function, or a
        callback is not an instance of `Callback`.
    DataError
        If a rating lies outside of the `y_range` of a module of `palate.torch`.
    """

    @refuses_others
    def __init__(
        self,
        dls: CollabDataLoaders,
        model: nn.Module,
        loss_func: Loss | None = None,
        opt_func: OptFunc = Adam,
        lr: float | slice = 1e-3,
        *,
        cbs: Callback | Iterable[Callback] | None = None,
        metrics: Metric | Iterable[Metric] | None = None,
        wd: float | None = None,
        wd_bn_bias: bool = False,
        path: str | Path | None = None,
        model_dir: str | Path = "models",
        mixed_precision: bool = False,
        native: bool | None = None,
        progress: Progress = True,
    ) -> None:
        if not isinstance(dls, CollabDataLoaders):
            raise SettingError(f"dls is a {type(dls).__name__}; create CollabDataLoaders first")
        require_module(model)
        if isinstance(model, Ranged) and model.y_range is not None:
            sigmoid(dls.train.ratings, model.y_range)  # raises if a rating is out of range
        self.dls, self.model = dls, model.to(dls.device)
        self.loss_func: Loss = MSELossFlat() if loss_func is None else require_function(loss_func)
        self.opt_func, self.wd_bn_bias = require_function(opt_func, a_class=True), wd_bn_bias
        self.lr, self.wd = _arguments.finite("lr", last_rate(lr)), weight_decay(wd)
        self.path, self.model_dir = dls.path if path is None else Path(path), Path(model_dir)
        self.metrics: dict[str, Metric] = metrics_by_name(metrics)
        self.cbs = require_callbacks(cbs)
        self.mixed_precision, self.native, self.progress = mixed_precision, native, progress
        self.history: list[dict[str, Any]] = []
        self.recorder = Recorder()
        self.epoch = self.step = self.steps = 0
        self.last_loss = float("nan")

    @refuses_others
    def fit_one_cycle(  # noqa: PLR0917  (fastai's order)
        self,
        n_epoch: int,
        lr_max: float | slice | None = None,
        div: float = 25.0,
        div_final: float = 1e5,
        pct_start: float = 0.25,
        wd: float | None = None,
        moms: tuple[float, float, float] | None = None,
        cbs: Callback | Iterable[Callback] | None = None,
        *,
        native: bool | None = None,
    ) -> None:
        """Train for `n_epoch` epochs on the one-cycle schedule; see `palate.OneCycle`.

        Every fit starts with a new optimiser. Ctrl-C ends it after the current step (with
        the native kernel, after up to a few thousand more): KeyboardInterrupt is raised, and the
        module is in its state after the last step.

        Parameters
        ----------
        n_epoch
            How many times every row is visited.
        lr_max
            The highest learning rate. A slice stands for its end: all parameters are one group.
        div, div_final
            The learning rate rises from ``lr_max / div`` and falls to ``lr_max / div_final``.
        pct_start
            The fraction of the steps in which it rises.
        wd
            The weight decay.
        moms
            Beta (the momentum) at the start, at the highest learning rate and at the end; by
            default (0.95, 0.85, 0.95).
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
        shape = cycle_shape(div, div_final, pct_start, moms)
        steps = schedule(recipe.epochs * len(self.dls.train), recipe.lr_max, **shape)
        self._fit(recipe, Schedule(*steps), cbs, native)

    @refuses_others
    def fit(
        self,
        n_epoch: int,
        lr: float | slice | None = None,
        wd: float | None = None,
        cbs: Callback | Iterable[Callback] | None = None,
        *,
        native: bool | None = None,
    ) -> None:
        """Train for `n_epoch` epochs at a constant learning rate; see `fit_one_cycle`."""
        recipe = self._recipe(n_epoch, lr, wd)
        ones = np.ones(recipe.epochs * len(self.dls.train))
        self._fit(recipe, Schedule(recipe.lr_max * ones, _BETA * ones), cbs, native)

    def _recipe(self, n_epoch: int, lr: float | slice | None, wd: float | None) -> OneCycle:
        """Return the validated settings of a fit."""
        lr, wd = (self.lr if lr is None else last_rate(lr)), (self.wd if wd is None else wd)
        return OneCycle(epochs=n_epoch, lr_max=lr, wd=wd, bs=self.dls.train.bs)

    def _fit(
        self,
        recipe: OneCycle,
        steps: Schedule,
        cbs: Callback | Iterable[Callback] | None,
        native: bool | None,
    ) -> None:
        if self.metrics or not is_default_loss(self.loss_func):
            self._rehearse()
        permanent = self.cbs
        self.cbs = permanent + require_callbacks(cbs)
        self.step, self.steps = 0, len(steps.lr)
        self.recorder.start(*steps, list(self.metrics))
        try:
            with interruptible() as token:
                backend = select_backend(
                    self._objective,
                    self.native if native is None else native,
                    schedule=steps,
                    batch_loss=self.loss_of,
                    **self._optimiser(recipe.wd),
                    after_backward=partial(self.call, "after_backward"),
                    batch_callbacks=any(map(runs_at_batches, self.cbs)),
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
            self.cbs = permanent

    def _optimiser(self, wd: float) -> dict[str, Any]:
        return {"wd": wd, "opt_func": self.opt_func, "wd_bn_bias": self.wd_bn_bias}

    @property
    def _objective(self) -> Objective:
        return Objective(self.model, self.dls, self.loss_func, self.mixed_precision)

    def call(self, event: str) -> None:
        """Call the method of every callback for this event of the fit; see `Callback`.

        If one of them ends the fit, the others have been called too.
        """
        stopped: StopFit | None = None
        for callback in self.cbs:
            try:
                getattr(callback, event)(self)
            except StopFit as stop:
                stopped = stop
        if stopped is not None:
            raise stopped

    def loss_of(self, x: Tensor, y: Tensor, model: nn.Module | None = None) -> Tensor:
        """Return the loss on one batch, of the learner's module or of another."""
        objective = self._objective if model is None else replace(self._objective, model=model)
        return objective.batch_loss(x, y)

    @refuses_others
    def lr_find(
        self,
        start_lr: float = 1e-7,
        end_lr: float = 10.0,
        num_it: int = 100,
        stop_div: bool = True,
        show_plot: bool = True,
    ) -> LearningRates:
        """Try rising learning rates on a copy of the module; see `LearningRates`.

        Parameters
        ----------
        start_lr, end_lr
            The first and the last learning rate.
        num_it
            The number of steps.
        stop_div
            Whether to end once the loss is four times the initial one.
        show_plot
            Whether to draw the loss; see `LearningRates.plot`.
        """
        ax = axes_of(None) if show_plot else None
        rates = start_lr, end_lr
        found = lr_find(self._objective, self._optimiser(self.wd), rates, num_it, stop_div)
        if show_plot:
            found.plot(ax=ax)
        return found

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

    @refuses_others
    def save(self, file: str | Path) -> Path:
        """Write the module's weights to the file; `load` reads them. No pickle.

        Parameters
        ----------
        file
            A name in the folder ``path / model_dir`` of the learner, without the ending
            ``.safetensors``.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        path = self._weights_path(file)
        write_weights(self.model, path)
        return path

    @refuses_others
    def load(self, file: str | Path) -> "Learner":
        """Copy the weights in the file to the module, and return the learner; see `save`.

        Raises
        ------
        ModelFileError
            If the file does not exist, is damaged or was not written by `save`.
        SettingError
            If the weights do not fit the module.
        """
        load_weights(self.model, self._weights_path(file))
        return self

    def _weights_path(self, file: str | Path) -> Path:
        name = str(file).removesuffix(".safetensors")
        return self.path / self.model_dir / f"{name}.safetensors"

    def freeze(self) -> None:
        """Raise SettingError: all parameters are one group, and fastai trains the last group."""
        raise SettingError(
            "there is nothing to freeze: all parameters are one group, and freeze leaves the last "
            "one; freeze a table with learn.model.user_factors.requires_grad_(False)"
        )

    def unfreeze(self) -> None:
        """Train all parameters again."""
        self.model.requires_grad_(True)

    def summary(self) -> None:
        """Print the parameters with their shapes, the optimiser, the loss and the callbacks."""
        print(summary(self.model, self.opt_func, self.loss_func, self.cbs))

    @refuses_others
    def export(self, fname: str | Path = "export.safetensors") -> None:
        """Write the learner to one file: weights, vocabularies and ratings; see `load_learner`.

        The file is replaced in one step: after a crash, the old or the new one is complete.

        Parameters
        ----------
        fname
            The file, in the folder `path` of the learner unless its path is absolute. No pickle.

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        saved = SavedLearner(self._objective, self.lr, self.wd, self.native, self.history)
        write_learner(saved, self.path / fname)
