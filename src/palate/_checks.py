"""Checks of arguments that several floors share."""

from typing import Any

from palate.errors import SettingError

_SEEDS = 1 << 64


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


def seed(value: Any) -> int:
    """Return `value`, a seed: a whole number from 0 to 2^64 - 1."""
    return whole("seed", value, 0, _SEEDS - 1)


def share(value: Any) -> float:
    """Return `value`, a share of the ratings: a number between 0 and 1, neither included."""
    if not (isinstance(value, int | float) and 0 < value < 1):
        raise SettingError(f"share is {value!r}; it must lie between 0 and 1, such as 0.2")
    return float(value)
