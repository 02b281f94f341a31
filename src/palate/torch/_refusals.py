"""How what fastai has and palate.torch has not is refused: names, arguments and attributes."""

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from palate.errors import SettingError
from palate.torch._left_out import ARGUMENTS, ATTRIBUTES, NAMES, WITHOUT_EFFECT

_P = ParamSpec("_P")
_R = TypeVar("_R")
_UNKNOWN = ("see its documentation for those it has",)


class LeftOut:
    """A name of fastai that is left out: to call it or to derive from it raises SettingError."""

    def __init__(self, name: str, alternative: str) -> None:
        self.__module__ = "fastai"
        self._message = f"fastai's {name} is not in palate.torch; use {alternative}"

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise SettingError(self._message)

    __mro_entries__ = __call__  # of a class that is derived from it

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(self._message)

    def __repr__(self) -> str:
        return f"<{self._message}>"


LEFT_OUT = {name: LeftOut(name, alternative) for name, alternative in NAMES.items()}


def refuses_others(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return the function, which refuses arguments that it has not by SettingError.

    The message names the alternative to one of fastai's. Those whose values ask for what happens
    here, or change nothing here, are accepted.
    """
    own = inspect.signature(function).parameters
    name = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]

    @functools.wraps(function)
    def checked(*args: _P.args, **given: _P.kwargs) -> _R:
        others = [argument for argument in given if argument not in own]
        for argument in others:
            _require_same(name, argument, given.pop(argument))
        return function(*args, **given)

    return checked


def _require_same(function: str, argument: str, value: object) -> None:
    if argument in WITHOUT_EFFECT:
        return
    general = ARGUMENTS.get(argument, _UNKNOWN)
    alternative, *same = ARGUMENTS.get(f"{function}.{argument}", general)
    if not any(type(value) is type(one) and value == one for one in same):
        raise SettingError(f"{function} has no argument {argument}: {alternative}")


class NamesAlternatives:
    """Objects whose missing attributes, if they are fastai's, are refused with the alternative."""

    if not TYPE_CHECKING:  # which would take every attribute for there

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}{self._alternative(name)}"
            )

    def _alternative(self, name: str) -> str:
        for owner in type(self).__mro__:
            if name in ATTRIBUTES.get(owner.__name__, {}):
                return f": {ATTRIBUTES[owner.__name__][name]}"
        # fastai's learner passes on the attributes of its module.
        module = vars(self).get("model")
        return f": use learn.model.{name}" if hasattr(module, name) else ""
