"""The two ways to take the steps of a fit: by autograd, whatever the module; or by the kernel."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from palate import _native
from palate._threads import thread_count
from palate.errors import SettingError
from palate.solvers._one_cycle import losses
from palate.torch._callbacks import wants_batches
from palate.torch._modules import DotProductBias, EmbeddingDotBias, is_usual
from palate.torch._tables import tables

if TYPE_CHECKING:
    from palate.torch._learner import Learner

_BETA2, _EPSILON = 0.99, 1e-5
_TABLES = 4
_KNOWN = (DotProductBias, EmbeddingDotBias)
# What subtracts a mean: its scale and its shift are not drawn towards zero.
_NORMALISATIONS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


class Schedule(NamedTuple):
    """The learning rate and beta of each step; shapes (steps,)."""

    lr: NDArray[np.float64]
    beta: NDArray[np.float64]


class Steps(Protocol):
    """A way to train."""

    def epoch(self, order: Tensor) -> Iterator[list[float]]:
        """Take a step for each batch of rows of `order`; give the losses of one or a few steps."""

    def write(self) -> None:
        """See that the module is as it should be after the last step."""


class Autograd:
    """Adam with decoupled weight decay on any module: the steps of `palate.OneCycle`.

    As in fastai, the biases of layers and what belongs to normalisations do not decay. (A table
    of the biases of users or of items is no such bias.)
    """

    def __init__(self, learn: "Learner", schedule: Schedule, wd: float) -> None:
        if any(getattr(module, "sparse", False) for module in learn.model.modules()):
            raise SettingError("Adam moves every row; make embeddings without sparse=True")
        self._learn = learn
        self._betas = [(beta, _BETA2) for beta in schedule.beta.tolist()]
        self._lr = schedule.lr.tolist()
        self._step = 0
        self._adam = torch.optim.AdamW(
            _groups(learn.model, wd), lr=self._lr[0], eps=_EPSILON, fused=True
        )

    def epoch(self, order: Tensor) -> Iterator[list[float]]:
        """Take the steps one by one."""
        for x, y in self._learn.dls.train.batches(order):
            loss = self._learn.loss_of(x, y)
            if not loss.requires_grad:
                raise SettingError("the loss does not depend on the parameters of the module")
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._learn.call("after_backward")
            for group in self._adam.param_groups:
                group["lr"], group["betas"] = self._lr[self._step], self._betas[self._step]
            self._adam.step()
            self._step += 1
            yield [loss.item()]

    def write(self) -> None:
        """Do nothing: every step has changed the module itself."""


def _groups(model: nn.Module, wd: float) -> list[dict[str, Any]]:
    groups: dict[float, dict[nn.Parameter, None]] = {wd: {}, 0.0: {}}
    seen: set[nn.Parameter] = set()  # a parameter of two names takes one step
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            spared = name == "bias" or isinstance(module, _NORMALISATIONS)
            if parameter.requires_grad and parameter not in seen:
                groups[0.0 if spared else wd][parameter] = None
                seen.add(parameter)
    if not seen:
        raise SettingError(f"{type(model).__name__} has no parameters to train")
    return [
        {"params": list(parameters), "weight_decay": decay}
        for decay, parameters in groups.items()
        if parameters
    ]


class Kernel:
    """The one-cycle kernel, on the module's own tables."""

    def __init__(self, learn: "Learner", schedule: Schedule, wd: float) -> None:
        ratings = learn.dls.train.ratings
        self._tables = tables(learn.model)
        assert self._tables.y_range is not None
        users, items = self._tables.arrays()
        self._written = users, items
        self._bs, self._threads = learn.dls.train.bs, thread_count(None)
        self._kernel = _native.OneCycle(
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
        """Take many steps at a time."""
        now = self._tables.arrays()
        if not all(map(partial(np.array_equal, equal_nan=True), now, self._written)):
            raise SettingError(
                "a callback has changed the module, which the native kernel does not see; use "
                "native=False"
            )
        factors = self._tables.user_factors.shape[1]
        return losses(self._kernel, order.numpy(), self._bs, factors, self._threads)

    def write(self) -> None:
        """Copy the tables into the module."""
        self._written = self._kernel.tables()
        self._tables.set(*self._written)


def why_no_kernel(learn: "Learner") -> str | None:
    """Say what keeps the kernel from doing a fit; None where nothing does."""
    model = learn.model
    if not isinstance(model, DotProductBias | EmbeddingDotBias) or type(model) not in _KNOWN:
        own = f"{type(model).__module__}.{type(model).__qualname__}"
        return f"it trains the DotProductBias and EmbeddingDotBias of palate.torch, not {own}"
    parts = list(model.parameters())
    single = all(part.device.type == "cpu" and part.dtype == torch.float32 for part in parts)
    sizes = model.arguments()["n_users"], model.arguments()["n_movies"]
    obstacles = {
        f"it needs tables of {learn.dls.sizes} users and items": sizes != learn.dls.sizes,
        "it needs a y_range": model.y_range is None,
        "it knows no loss but MSELossFlat()": not is_usual(learn.loss_func),
        "it works on the CPU and in single precision": learn.mixed_precision or not single,
        "it moves every table, and some are frozen": not all(part.requires_grad for part in parts),
        "it knows nothing of what was changed in this module": _is_changed(model, parts),
        "it takes many steps at a time, and a callback wants each": any(
            map(wants_batches, learn.callbacks)
        ),
    }
    return next((why for why, applies in obstacles.items() if applies), None)


def _is_changed(model: nn.Module, parts: list[nn.Parameter]) -> bool:
    """Return whether a module has hooks, tied tables or other things of its own."""
    modules = list(model.modules())
    hooked = any(
        value
        for thing in (*modules, *parts)
        for name, value in vars(thing).items()
        if "hooks" in name
    ) or any(part._backward_hooks for part in parts)
    options = any(
        embedding.padding_idx is not None or embedding.max_norm is not None
        for embedding in modules
        if isinstance(embedding, nn.Embedding)
    )
    return hooked or options or len(parts) != _TABLES or "forward" in vars(model)
