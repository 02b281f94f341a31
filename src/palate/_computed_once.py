"""Properties that are computed once, however many threads ask for them at the same time."""

from collections.abc import Callable
from functools import cached_property
from threading import RLock
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class computed_once(cached_property[Value], Generic[Value]):  # noqa: N801  (a decorator)
    """A `functools.cached_property` under a lock, which Python's own lacks since version 3.12.

    One lock serves all objects of a class: it can't be kept with an object that is pickled.
    """

    def __init__(self, function: Callable[[Any], Value]) -> None:
        super().__init__(function)
        self._computing = RLock()

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Value: ...
    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        with self._computing:
            return super().__get__(instance, owner)
