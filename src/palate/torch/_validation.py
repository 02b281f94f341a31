"""Validation of a learner's arguments."""

from collections.abc import Iterable
from typing import Any

from palate.errors import SettingError

_RESERVED_COLUMNS = ("epoch", "train_loss", "valid_loss", "seconds")


def as_list(value: Any) -> list[Any]:
    """Return the elements of an iterable, or a list of the one value."""
    return list(value) if isinstance(value, Iterable) else [value]


def require_function(value: Any) -> Any:
    """Return `value`, a loss function or a metric.

    Raises
    ------
    SettingError
        If it is a class or cannot be called.
    """
    if isinstance(value, type) or not callable(value):
        raise SettingError(
            f"{value!r} is not a function of predictions and ratings; instantiate a class, as in "
            "nn.L1Loss()"
        )
    return value


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
