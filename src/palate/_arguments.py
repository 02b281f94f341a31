"""Validation of arguments, shared by all floors: each returns the value or raises SettingError."""

import math
from collections.abc import Sequence
from typing import Any

from palate.errors import SettingError, first_line

_SEEDS = 1 << 64
_LARGEST_INDEX = (1 << 31) - 1
_ENDPOINTS = 2


def integer(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """Return `value`, an integer from `minimum` to `maximum`.

    Raises
    ------
    SettingError
        If it is not one.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise SettingError(f"{name} is {value!r}; it must be an integer")
    if value < minimum:
        raise SettingError(f"{name} is {value}; it must be at least {minimum}")
    if maximum is not None and value > maximum:
        raise SettingError(f"{name} is {value}; it must be at most {maximum}")
    return int(value)


def count(name: str, value: Any, minimum: int = 1) -> int:
    """Return `value`, an integer from `minimum` to the largest 32-bit index."""
    return integer(name, value, minimum, _LARGEST_INDEX)


def finite(name: str, value: Any, must: str = "be finite") -> float:
    """Return `value`, a finite number; `must` says what it must be, beside a number.

    Raises
    ------
    SettingError
        If it is not one.
    """
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise SettingError(f"{name} is {value!r}; it must be a number")
    try:
        real = float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise SettingError(
            f"{name} cannot be converted to a number: {first_line(error)}"
        ) from error
    if not math.isfinite(real):
        raise SettingError(f"{name} is {value}; it must {must}")
    return real


def interval(name: str, value: Any) -> tuple[float, float]:
    """Return `value`, a pair of finite numbers of which the first is lower."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != _ENDPOINTS:
        raise SettingError(f"{name} is {value!r}; give a pair (lower, upper)")
    lower, upper = (finite(name, endpoint) for endpoint in value)
    if not lower < upper:
        raise SettingError(f"{name} is {value}; the lower bound must be below the upper bound")
    return lower, upper


def seed(value: Any) -> int:
    """Return `value`, a random seed: an integer from 0 to 2^64 - 1."""
    return integer("seed", value, 0, _SEEDS - 1)


def fraction(name: str, value: Any) -> float:
    """Return `value`, a number strictly between 0 and 1."""
    must = "lie between 0 and 1, such as 0.2"
    number = finite(name, value, must)
    if not 0 < number < 1:
        raise SettingError(f"{name} is {value}; it must {must}")
    return number


def set_frozen(instance: object, **fields: Any) -> None:
    """Set fields of a frozen dataclass to their validated values."""
    for name, value in fields.items():
        object.__setattr__(instance, name, value)
