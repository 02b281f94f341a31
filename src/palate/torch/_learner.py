"""The learner: a module, ratings, a loss, and the ways to bring them together."""

import copy
import functools
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from palate import _arguments
from palate.errors import DataError, SettingError, first_line
from palate.model._model import Model
from palate.solvers._interrupt import interruptible
from palate.solvers._one_cycle import OneCycle, RunningLoss, schedule, sigmoid
from palate.solvers._progress import Progress, reporter
from palate.torch._callbacks import Callback, StopFit
from palate.torch._data import CollabDataLoaders, get_emb_sz
from palate.torch._lr_find import LearningRates, lr_find
from palate.torch._modules import EmbeddingDotBias, EmbeddingNN, MSELossFlat, Range, Ranged
from palate.torch._to_palate import to_palate
from palate.torch._training import Autograd, Kernel, Schedule, Steps, why_no_kernel

Loss = Callable[[Tensor, Tensor], Tensor]
Metric = Callable[[Tensor, Tensor], Tensor | float]
# Beta where it does not change, as in `Learner.fit`.
_BETA = 0.9
# So many rows are predicted at a time.
_ROWS = 1 << 16


class Learner:
    """A module and the ratings that it learns from.

    Parameters
    ----------
    dls
        The ratings.
    model
        Any `torch.nn.Module` that takes rows (user, item) of positions, int64 of the shape
        (n, 2), and returns a prediction for each. It is moved to the device of `dls`.
    loss_func
        What is to become small: a function of predictions and ratings, by default
        `MSELossFlat()`. Ratings come in the shape of the predictions, where there is one for
        each.
    lr, wd
        The learning rate and the weight decay where a fit names none.
    metrics
        Functions of predictions and ratings, both of the shape (n,); each has a column in the
        table, measured on the ratings held back.
    cbs
        See `Callback`.
    mixed_precision
        Whether to compute in bfloat16 where that is precise enough (`torch.autocast`).
    native
        Whether fits are done by Palate's one-cycle kernel: by default where it can (a
        `DotProductBias` or what `collab_learner` makes, with `MSELossFlat` on the CPU), to the
        same result but for rounding. True refuses a fit where it can't; False is autograd.
    progress
        True prints the table of epochs as it grows; a function is called with each row.

    Attributes
    ----------
    dls, model, loss_func, lr, wd
        As given.
    metrics
        By the names of their columns.
    history
        A row for each epoch of all fits.

    Raises
    ------
    SettingError
        If the model is no module, a loss or a metric is a class and no function, or a callback is
        no instance of `Callback`.
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
            raise SettingError(
                f"the ratings come as a {type(dls).__name__}; make CollabDataLoaders of them first"
            )
        if not isinstance(model, nn.Module):
            raise SettingError(
                f"the model is {model!r}; give a module, such as DotProductBias(...)"
            )
        if isinstance(model, Ranged) and model.y_range is not None:
            sigmoid(dls.train.ratings, model.y_range)  # refuses ratings that it can't reach
        self.dls, self.model = dls, model.to(dls.device)
        self.loss_func: Loss = MSELossFlat() if loss_func is None else _function(loss_func)
        self.lr, self.wd = _arguments.finite("lr", lr), _arguments.finite("wd", wd)
        self.metrics = {name: _function(metric) for name, metric in _named(metrics)}
        self.callbacks = _callbacks(cbs)
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

        Every fit begins with a new Adam. Ctrl-C ends it after the step that is under way (by the
        kernel, after some thousands): KeyboardInterrupt is raised, and the module is as the last
        step has left it.

        Parameters
        ----------
        n_epoch
            How often every row is visited.
        lr_max
            The highest learning rate.
        wd
            The weight decay.
        cbs
            More callbacks, for this fit.
        native
            As for the learner, for this fit.

        Raises
        ------
        SettingError
            If a setting is out of range, or the loss is no finite number: the module is put back
            to where it was when the epoch began.
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
        """Train for `n_epoch` epochs at one learning rate; see `fit_one_cycle`."""
        recipe = self._recipe(n_epoch, lr, wd)
        same = np.ones(recipe.epochs * len(self.dls.train))
        self._fit(recipe, Schedule(recipe.lr_max * same, _BETA * same), cbs, native)

    def _recipe(self, n_epoch: int, lr: float | None, wd: float | None) -> OneCycle:
        """Return what the fit is to be, its settings checked."""
        lr, wd = (self.lr if lr is None else lr), (self.wd if wd is None else wd)
        return OneCycle(epochs=n_epoch, lr_max=lr, wd=wd, bs=self.dls.train.bs)

    def _fit(
        self,
        recipe: OneCycle,
        schedule: Schedule,
        cbs: Callback | Iterable[Callback],
        native: bool | None,
    ) -> None:
        own = self.callbacks
        self.callbacks = own + _callbacks(cbs)
        self.step, self.steps = 0, len(schedule.lr)
        try:
            with interruptible() as pressed:
                way = self._way(native)(self, schedule, recipe.wd)
                self._epochs(recipe, way, pressed)
        finally:
            self.callbacks = own

    def _way(self, native: bool | None) -> Callable[["Learner", Schedule, float], Steps]:
        native = self.native if native is None else native
        obstacle = why_no_kernel(self)
        if native and obstacle:
            raise SettingError(f"the native kernel can't do this fit: {obstacle}; use native=False")
        if native is False or obstacle:
            return Autograd
        _say_native()
        return Kernel

    def _epochs(self, recipe: OneCycle, way: Steps, pressed: Callable[[], bool]) -> None:
        report, running = reporter(self.progress), RunningLoss()
        try:
            self.call("before_fit")
            for self.epoch in range(recipe.epochs):
                start = time.perf_counter()
                self.call("before_epoch")
                self._one_epoch(way, running, pressed, recipe)
                self._record(running.mean, start)
                report(self.history[-1])
                self.call("after_epoch")
            if pressed():
                raise KeyboardInterrupt("after the last step; the fit is done")
        except StopFit:
            pass
        finally:
            self.call("after_fit")

    def _one_epoch(
        self, way: Steps, running: RunningLoss, pressed: Callable[[], bool], recipe: OneCycle
    ) -> None:
        """Visit every row once, unless Ctrl-C is pressed."""
        before = copy.deepcopy(self.model.state_dict())
        self.model.train()
        for losses in way.epoch(self.dls.train.order()):
            if not np.isfinite(losses).all():
                self.model.load_state_dict(before)
                self._refuse(losses, recipe)
            running.add(losses)
            self.step += len(losses)
            self.last_loss = losses[-1]
            self.call("after_batch")
            if pressed():
                way.write()
                raise KeyboardInterrupt(
                    f"in epoch {self.epoch}, after step {self.step:,} of {self.steps:,}; the "
                    "module is as that step left it"
                )
        way.write()
        if not all(bool(torch.isfinite(part).all()) for part in self.model.parameters()):
            self.model.load_state_dict(before)
            self._refuse([float("nan")], recipe)

    def _refuse(self, losses: list[float], recipe: OneCycle) -> None:
        at = int(np.argmin(np.isfinite(losses)))
        raise SettingError(
            f"the loss is {losses[at]} at step {min(self.step + at + 1, self.steps):,} of "
            f"{self.steps:,}, in epoch "
            f"{self.epoch}; try a lower learning rate than {recipe.lr_max:g}, or look for what is "
            "not finite in the module's start or the loss. The module is as it was when the epoch "
            "began"
        )

    def _record(self, train_loss: float, start: float) -> None:
        valid_loss, *metrics = self.validate() if len(self.dls.valid.ratings) else [None]
        self.history.append(
            {"epoch": self.epoch, "train_loss": train_loss, "valid_loss": valid_loss}
            | dict(zip(self.metrics, metrics, strict=False))
            | {"seconds": time.perf_counter() - start}
        )

    def call(self, turn: str) -> None:
        """Call every callback at this turn of the fit; see `Callback`."""
        for callback in self.callbacks:
            getattr(callback, turn)(self)

    def loss_of(self, x: Tensor, y: Tensor, model: nn.Module | None = None) -> Tensor:
        """Return the loss of one batch, of the learner's module or of another."""
        return self._loss(self._forward(x, model or self.model), y)

    def _forward(self, x: Tensor, model: nn.Module) -> Tensor:
        try:
            if self.mixed_precision:
                with torch.autocast(x.device.type, torch.bfloat16):
                    predictions = model(x).float()
            else:
                predictions = model(x)
        except IndexError as error:
            n_users, n_items = self.dls.sizes
            raise SettingError(
                f"{type(model).__name__} failed on rows of {n_users:,} users and {n_items:,} items "
                f"({first_line(error)}); was it made with as many, #na# counted?"
            ) from error
        if not isinstance(predictions, Tensor) or predictions.shape[:1] != x.shape[:1]:
            made = tuple(getattr(predictions, "shape", ())) or type(predictions).__name__
            raise SettingError(
                f"{type(model).__name__} makes {made} of {len(x)} rows; it must make a tensor with "
                "a row for each"
            )
        return predictions

    def _loss(self, predictions: Tensor, y: Tensor) -> Tensor:
        # (n, 1) beside (n,) would be taken for a table of all with all.
        if predictions.numel() == y.numel():
            y = y.reshape(predictions.shape)
        loss = self.loss_func(predictions, y)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            made = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
            raise SettingError(
                f"the loss makes {made} of a batch; it must make a tensor of one number, such as "
                "the mean"
            )
        return loss

    def validate(self) -> list[float]:
        """Return the loss on the ratings held back, then the metrics.

        Raises
        ------
        DataError
            If none are held back.
        """
        valid = self.dls.valid
        if len(valid.ratings) == 0:
            raise DataError("no ratings are held back; make the loaders with valid_pct=0.2")
        predictions = self.outputs(valid.x)
        with torch.no_grad():
            flat = predictions.reshape(-1), valid.y.reshape(-1)
            values = [self._loss(predictions, valid.y), *(m(*flat) for m in self.metrics.values())]
        return [float(value) for value in values]

    def outputs(self, x: Tensor) -> Tensor:
        """Return what the module makes of rows (user, item), in evaluation mode."""
        training = self.model.training
        self.model.eval()
        try:
            with torch.no_grad():
                parts = [self._forward(rows, self.model) for rows in torch.split(x, _ROWS)]
        finally:
            self.model.train(training)
        return torch.cat(parts)

    def predict(self, users: Sequence[Any], items: Sequence[Any]) -> NDArray[np.float32]:
        """Return the prediction for each user and the item beside it; shape (n,).

        Parameters
        ----------
        users, items
            Ids (for items, titles too); as many of one as of the other.

        Raises
        ------
        UnknownIdError
            If one of them is not in the vocabulary.
        SettingError
            If there are not as many, or the module makes not one number of each pair.
        """
        both = users, items
        lists = all(hasattr(some, "__len__") and not isinstance(some, str) for some in both)
        if not lists or len(users) != len(items):
            raise SettingError(
                "give a list of users and a list of items, as many of one as of both"
            )
        user, item = self.dls.classes.values()
        rows = [[user.o2i[u], item.o2i[i]] for u, i in zip(users, items, strict=True)]
        outputs = self.outputs(
            torch.tensor(rows, dtype=torch.int64, device=self.dls.device).reshape(-1, 2)
        )
        if outputs.numel() != len(rows):
            raise SettingError(
                f"{type(self.model).__name__} makes {tuple(outputs.shape)} numbers of {len(rows)} "
                "pairs; to predict a rating it must make one of each"
            )
        values: NDArray[np.float32] = outputs.reshape(-1).float().cpu().numpy()
        return values

    def lr_find(self) -> LearningRates:
        """Try learning rates from 1e-7 to 10, and leave the module as it was.

        See `LearningRates`.
        """
        return lr_find(self)

    def to_palate(self) -> Model:
        """Return a Palate model of what was learned, to save, read, draw and recommend from.

        Any module will do whose predictions are ``p_u . q_i + b_u + b_i``, or the sigmoid of that
        within a `y_range`: those of this wing, one written as in the chapter (tables named
        ``user_factors``, ``user_bias``, ``movie_factors`` or ``item_factors``, and so on), or one
        with a method ``tables()`` that returns the factors and the biases of users, then those
        of items, each with the row of ``#na#`` first. Where a user has rated an item more
        than once, the model keeps the mean.

        Raises
        ------
        SettingError
            If the module has no such tables, or something else goes into its predictions.
        """
        return to_palate(self)

    def export(self, path: str | Path) -> None:
        """Write the learner to one file: weights, vocabularies and ratings; see `load_learner`.

        A crash leaves the old file or the new one.

        Raises
        ------
        ModelFileError
            If it can't be written.
        """
        from palate.torch._export import export  # noqa: PLC0415  (export makes learners)

        export(self, Path(path))


def collab_learner(
    dls: CollabDataLoaders,
    n_factors: int = 50,
    *,
    use_nn: bool = False,
    emb_szs: Sequence[tuple[int, int]] | None = None,
    layers: Sequence[int] | None = None,
    y_range: Range = None,
    loss_func: Loss | None = None,
    **settings: Any,
) -> Learner:
    """Return a learner with the module that is usual for ratings.

    Parameters
    ----------
    dls
        The ratings.
    n_factors
        How many factors a user and an item have, without `use_nn`.
    use_nn
        Whether it is a network (`EmbeddingNN`) instead of a dot product (`EmbeddingDotBias`).
    emb_szs
        With `use_nn`, how many users and items there are and how wide their embeddings, by default
        `get_emb_sz(dls)`.
    layers
        With `use_nn`, the widths of the hidden layers; by default none.
    y_range
        The range of the predictions, by default as in `palate.OneCycle`: 0 to 5.5 for ratings of
        1 to 5.
    loss_func, settings
        As of `Learner`.

    Raises
    ------
    SettingError
        If widths of a network are given without `use_nn`, or a setting is out of range.
    """
    if not use_nn and (emb_szs is not None or layers is not None):
        raise SettingError("emb_szs and layers are those of a network; add use_nn=True")
    link = sigmoid(dls.train.ratings, y_range)
    y_range = link.low, link.high
    if use_nn:
        sizes = get_emb_sz(dls) if emb_szs is None else emb_szs
        return Learner(dls, EmbeddingNN(sizes, layers or (), y_range), loss_func, **settings)
    return Learner(dls, EmbeddingDotBias(*dls.sizes, n_factors, y_range), loss_func, **settings)


def _several(given: Any) -> list[Any]:
    """Return a list of one or several."""
    return list(given) if isinstance(given, Iterable) else [given]


def _callbacks(given: Any) -> list[Callback]:
    callbacks = _several(given)
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise SettingError(f"{callback!r} is no callback; give an instance of a Callback")
    return callbacks


def _function(given: Any) -> Any:
    if isinstance(given, type) or not callable(given):
        raise SettingError(
            f"{given!r} is no function of predictions and ratings; of a class give an instance, "
            "such as nn.L1Loss()"
        )
    return given


def _named(metrics: Any) -> list[tuple[str, Any]]:
    """Return the metrics with the names of their columns, each another."""
    named: list[tuple[str, Any]] = []
    taken = ["epoch", "train_loss", "valid_loss", "seconds"]
    for metric in _several(metrics):
        inner = getattr(metric, "func", metric)  # of functools.partial
        name = getattr(inner, "__name__", type(inner).__name__)
        taken.append(name)
        named.append((name if taken.count(name) == 1 else f"{name} {taken.count(name)}", metric))
    return named


@functools.cache
def _say_native() -> None:
    """Say it once."""
    print("Trained by Palate's native kernel (native=False for autograd).", file=sys.stderr)
