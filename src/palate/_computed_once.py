"""Properties that are computed once, however many threads ask for them at the same time."""

from collections.abc import Callable
from functools import cached_property
from threading import Lock, RLock
from typing import Any, Generic, Self, TypeVar, overload
from weakref import WeakKeyDictionary

Value = TypeVar("Value")


class computed_once(cached_property[Value], Generic[Value]):  # noqa: N801  (a decorator)
    """A `functools.cached_property` under a lock, which Python's own lacks since version 3.12.

    The locks are kept here, one for each object: an object with a lock could not be pickled.
    """

    def __init__(self, function: Callable[[Any], Value]) -> None:
        super().__init__(function)
        self._locks = WeakKeyDictionary[Any, RLock]()
        self._choosing = Lock()

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Value: ...
    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        with self._choosing:
            computing = self._locks.setdefault(instance, RLock())
        with computing:
            values, name = vars(instance), str(self.attrname)
            if name not in values:
                values[name] = self.func(instance)
            return values[name]
