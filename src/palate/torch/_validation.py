"""Validation of a learner's arguments."""

from collections.abc import Iterable
from typing import Any

from torch import nn

from palate import _arguments
from palate.errors import SettingError

# Betas of a one-cycle schedule, and the weight decay of any fit, by default.
_MOMS, _WD = (0.95, 0.85, 0.95), 0.01
_RESERVED_COLUMNS = ("epoch", "train_loss", "valid_loss", "seconds")


def as_list(value: Any) -> list[Any]:
    """Return the elements of an iterable, or a list of the one value; none of None."""
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) else [value]


def require_module(model: Any) -> nn.Module:
    """Return `model`, a module.

    Raises
    ------
    SettingError
        If it is anything else.
    """
    if not isinstance(model, nn.Module):
        raise SettingError(f"model is {model!r}; it must be a module, such as DotProductBias(...)")
    return model


def require_function(value: Any, *, a_class: bool = False) -> Any:
    """Return `value`, a loss function, a metric or, if it may be a class, an `opt_func`.

    Raises
    ------
    SettingError
        If it is a class where it may not be one, or cannot be called.
    """
    if a_class and not callable(value):
        raise SettingError(f"opt_func is {value!r}; it must be Adam, SGD or as torch.optim.SGD")
    if not a_class and (isinstance(value, type) or not callable(value)):
        raise SettingError(
            f"{value!r} is not a function of predictions and ratings; instantiate a class, as in "
            "nn.L1Loss()"
        )
    return value


def cycle_shape(div: float, div_final: float, pct_start: float, moms: Any) -> dict[str, Any]:
    """Return the validated settings of a one-cycle schedule; see `Learner.fit_one_cycle`."""
    shape = {"div": div, "div_final": div_final, "pct_start": pct_start}
    for name, value in shape.items():
        high = 1 if name == "pct_start" else float("inf")
        if not 0 < _arguments.finite(name, value) < high:
            below = " and below 1" if name == "pct_start" else ""
            raise SettingError(f"{name} is {value}; it must be above 0{below}")
    betas = tuple(
        _arguments.finite("moms", beta) for beta in as_list(_MOMS if moms is None else moms)
    )
    if len(betas) != 3 or not all(0 <= beta < 1 for beta in betas):
        raise SettingError(f"moms is {moms}; it must be three numbers from 0 to below 1")
    return shape | {"moms": betas}


def last_rate(lr: float | slice) -> float:
    """Return a learning rate: of a slice its end, as in fastai for parameters in one group."""
    if isinstance(lr, slice):
        if lr.stop is None:
            raise SettingError(f"the learning rate is {lr}; it must have an end, as slice(5e-3)")
        return float(lr.stop)
    return lr


def weight_decay(wd: float | None) -> float:
    """Return the weight decay of fits that do not specify it."""
    return _WD if wd is None else _arguments.finite("wd", wd)


def metrics_by_name(metrics: Any) -> dict[str, Any]:
    """Return the metrics by unique column names: the second "mae" is "mae 2"."""
    by_name: dict[str, Any] = {}
    used = list(_RESERVED_COLUMNS)
    for metric in as_list(metrics):
        function = getattr(metric, "func", metric)  # of functools.partial
        name = getattr(function, "__name__", type(function).__name__)
        used.append(name)
        column = name if used.count(name) == 1 else f"{name} {used.count(name)}"
        by_name[column] = require_function(metric)
    return by_name
