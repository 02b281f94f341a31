"""The two backends of a fit: autograd for any module, the native kernel for bilinear ones."""

import functools
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from palate._native import OneCycle as OneCycleKernel
from palate._threads import thread_count
from palate.errors import SettingError
from palate.solvers._one_cycle import losses
from palate.torch._data import Loader
from palate.torch._modules import DotProductBias, EmbeddingDotBias, is_default_loss
from palate.torch._objective import Loss, Objective
from palate.torch._optimisers import Adam, OptFunc, create_optimiser, set_step
from palate.torch._tables import tables

# On a GPU the losses of so many steps are read at a time: each reading waits for it.
_LOSSES = 256
# Number of parameters of the modules that the native kernel trains.
_N_TABLES = 4
_SUPPORTED = (DotProductBias, EmbeddingDotBias)


class Schedule(NamedTuple):
    """The learning rate and beta of each step; shapes (steps,)."""

    lr: NDArray[np.float64]
    beta: NDArray[np.float64]


class Backend(Protocol):
    """Takes the optimiser's steps."""

    def epoch(self, order: Tensor) -> Iterator[list[float]]:
        """Take a step for each batch of rows of `order`; yield the losses of one or more steps."""

    def synchronise(self) -> None:
        """Ensure that the module's parameters are those after the last step."""


class AutogradBackend:
    """An optimiser on any module: by default `palate.torch.Adam`, the steps of `palate.OneCycle`.

    Parameters
    ----------
    model
        The module to train.
    train
        The training ratings.
    batch_loss
        Returns the loss of `model` on a batch.
    schedule, wd
        The settings of each step, and the weight decay.
    opt_func, wd_bn_bias
        As of `Learner`.
    after_backward
        Called with the gradients of a batch, before the step.
    losses_at_a_time
        After how many steps their losses are read, which waits for the device.
    """

    def __init__(
        self,
        model: nn.Module,
        train: Loader,
        batch_loss: Loss,
        *,
        schedule: Schedule,
        wd: float,
        opt_func: OptFunc = Adam,
        wd_bn_bias: bool = False,
        after_backward: Callable[[], None] = lambda: None,
        losses_at_a_time: int = 1,
    ) -> None:
        if any(getattr(module, "sparse", False) for module in model.modules()):
            raise SettingError(
                "the optimiser updates every row of a table; create embeddings without sparse=True"
            )
        self._train, self._batch_loss, self._after_backward = train, batch_loss, after_backward
        self._losses_at_a_time = losses_at_a_time
        self._steps = zip(schedule.lr.tolist(), schedule.beta.tolist(), strict=True)
        self._optimiser = create_optimiser(
            opt_func, model, lr=float(schedule.lr[0]), wd=wd, wd_bn_bias=wd_bn_bias
        )

    def epoch(self, order: Tensor) -> Iterator[list[float]]:
        """Take the steps one by one."""
        losses = list[Tensor]()
        for x, y in self._train.batches(order):
            loss = self._batch_loss(x, y)
            if not loss.requires_grad:
                raise SettingError("the loss does not depend on the parameters of the module")
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._after_backward()
            set_step(self._optimiser, *next(self._steps))
            self._optimiser.step()
            losses.append(loss.detach())
            if len(losses) == self._losses_at_a_time:
                yield torch.stack(losses).tolist()
                losses.clear()
        if losses:
            yield torch.stack(losses).tolist()

    def synchronise(self) -> None:
        """Do nothing: every step updates the module itself."""


class NativeBackend:
    """The native one-cycle kernel on the tables of a supported module; see `unsupported_reason`."""

    def __init__(self, model: nn.Module, train: Loader, *, schedule: Schedule, wd: float) -> None:
        ratings = train.ratings
        self._tables = tables(model)
        assert self._tables.y_range is not None
        users, items = self._tables.arrays()
        self._synchronised = users, items
        self._bs, self._threads = train.bs, thread_count(None)
        self._kernel = OneCycleKernel(
            ratings.user + 1,
            ratings.item + 1,
            ratings.rating,
            users,
            items,
            schedule.lr,
            schedule.beta,
            wd,
            *self._tables.y_range,
        )

    def epoch(self, order: Tensor) -> Iterator[list[float]]:
        """Take many steps per call of the kernel."""
        current = self._tables.arrays()
        equal = functools.partial(np.array_equal, equal_nan=True)
        if not all(map(equal, current, self._synchronised)):
            raise SettingError(
                "a callback has changed the parameters of the module, which the native kernel does "
                "not support; use native=False"
            )
        factors = self._tables.user_factors.shape[1]
        return losses(self._kernel, order.numpy(), self._bs, factors, self._threads)

    def synchronise(self) -> None:
        """Copy the kernel's tables into the module."""
        self._synchronised = self._kernel.tables()
        self._tables.set(*self._synchronised)


def select_backend(
    objective: Objective,
    native: bool | None,
    *,
    schedule: Schedule,
    wd: float,
    batch_loss: Loss,
    opt_func: OptFunc,
    wd_bn_bias: bool,
    after_backward: Callable[[], None],
    batch_callbacks: bool,
) -> Backend:
    """Return the backend for a fit.

    Parameters
    ----------
    objective
        What to fit.
    native
        True requires the native kernel, False autograd; None takes the kernel if it supports the
        fit.
    schedule, wd, batch_loss, opt_func, wd_bn_bias, after_backward
        As for `AutogradBackend`.
    batch_callbacks
        Whether a callback must run at every batch, which the kernel does not support.

    Raises
    ------
    SettingError
        If `native` is True and the kernel does not support the fit.
    """
    model, train = objective.model, objective.dls.train
    reason = unsupported_reason(objective)
    if reason is None and batch_callbacks:
        reason = "a callback must run at every batch"
    if reason is None and opt_func is not Adam:
        reason = "the optimiser must be Adam"
    if native and reason is not None:
        raise SettingError(
            f"the native kernel does not support this fit: {reason}; use native=False"
        )
    if native is False or reason is not None:
        return AutogradBackend(
            model,
            train,
            batch_loss,
            schedule=schedule,
            wd=wd,
            opt_func=opt_func,
            wd_bn_bias=wd_bn_bias,
            after_backward=after_backward,
            losses_at_a_time=1 if batch_callbacks else _losses_at_a_time(train.x.device),
        )
    _announce_native()
    return NativeBackend(model, train, schedule=schedule, wd=wd)


def _losses_at_a_time(device: torch.device) -> int:
    return 1 if device.type == "cpu" else _LOSSES


@functools.cache
def _announce_native() -> None:
    """Print a notice, once per process."""
    print("Training with Palate's native kernel (native=False for autograd).", file=sys.stderr)


def unsupported_reason(objective: Objective) -> str | None:
    """Return why the native kernel cannot minimise `objective`, or None if it can."""
    model = objective.model
    if not isinstance(model, DotProductBias | EmbeddingDotBias) or type(model) not in _SUPPORTED:
        name = f"{type(model).__module__}.{type(model).__qualname__}"
        return f"it trains palate.torch's DotProductBias and EmbeddingDotBias, not {name}"
    parameters = list(model.parameters())
    single = all(p.device.type == "cpu" and p.dtype == torch.float32 for p in parameters)
    found = tables(model)
    sizes = len(found.user_factors), len(found.item_factors)
    expected = objective.dls.sizes
    reasons = {
        f"the module must have tables of {expected} users and items, not {sizes}": sizes
        != expected,
        "the module must have a y_range": model.y_range is None,
        "the loss must be MSELossFlat()": not is_default_loss(objective.loss_func),
        "it runs on the CPU in single precision": objective.mixed_precision or not single,
        "some parameters are frozen": not all(p.requires_grad for p in parameters),
        "the module has been modified (hooks, tied or additional parameters, embedding options or "
        "its own forward)": _is_modified(model, parameters),
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _is_modified(model: nn.Module, parameters: list[nn.Parameter]) -> bool:
    """Return whether an instance of a supported module differs from its class's behaviour."""
    modules = list(model.modules())
    hooked = any(
        value
        for owner in (*modules, *parameters)
        for name, value in vars(owner).items()
        if "hooks" in name
    ) or any(parameter._backward_hooks for parameter in parameters)
    options = any(
        embedding.padding_idx is not None or embedding.max_norm is not None
        for embedding in modules
        if isinstance(embedding, nn.Embedding)
    )
    return hooked or options or len(parameters) != _N_TABLES or "forward" in vars(model)
