"""Checks of arguments that several floors share."""

import math
from collections.abc import Sequence
from typing import Any

from palate.errors import SettingError, first_line

_SEEDS = 1 << 64
_COUNTABLE = (1 << 31) - 1
_ENDS = 2


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return `value`, a whole number from `least` to `most`.

    Raises
    ------
    SettingError
        If it is not.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise SettingError(f"{name} is {value!r}; it must be a whole number")
    if value < least:
        raise SettingError(f"{name} is {value}; it must be at least {least}")
    if most is not None and value > most:
        raise SettingError(f"{name} is {value}; it must be at most {most}")
    return int(value)


def count(name: str, value: Any, least: int = 1) -> int:
    """Return `value`, a whole number of things that an index can count, from `least` on."""
    return whole(name, value, least, _COUNTABLE)


def keep(owner: object, **settings: Any) -> None:
    """Put checked values in the place of those that a frozen dataclass was given."""
    for name, value in settings.items():
        object.__setattr__(owner, name, value)


def number(name: str, value: Any) -> float:
    """Return `value`, a finite number.

    Raises
    ------
    SettingError
        If it is not.
    """
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise SettingError(f"{name} is {value!r}; it must be a number")
    try:
        real = float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise SettingError(f"{name} is no number of ours: {first_line(error)}") from error
    if not math.isfinite(real):
        raise SettingError(f"{name} is {value}; it must be finite")
    return real


def interval(name: str, value: Any) -> tuple[float, float]:
    """Return `value`, a pair of finite numbers of which the first is lower."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != _ENDS:
        raise SettingError(f"{name} is {value!r}; give its lower and its upper end")
    low, high = (number(name, end) for end in value)
    if not low < high:
        raise SettingError(f"{name} is {value}; give its lower and its upper end")
    return low, high


def seed(value: Any) -> int:
    """Return `value`, a seed: a whole number from 0 to 2^64 - 1."""
    return whole("seed", value, 0, _SEEDS - 1)


def share(value: Any) -> float:
    """Return `value`, a share of the ratings: a number between 0 and 1, neither included."""
    part = number("share", value)
    if not 0 < part < 1:
        raise SettingError(f"share is {value}; it must lie between 0 and 1, such as 0.2")
    return part
