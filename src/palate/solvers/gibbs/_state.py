"""The state of a chain as arrays: to write it down, and to go on from there.

Classes with a state name its attributes in ``STATE``: arrays, numbers, tuples and dictionaries of
arrays, and objects that have a state themselves.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def state_of(owner: Any) -> Arrays:
    """Return the state of an object."""
    arrays = Arrays()
    for name in owner.STATE:
        value = getattr(owner, name)
        if hasattr(value, "STATE"):
            parts = state_of(value)
        elif isinstance(value, dict):
            parts = {str(key): part for key, part in value.items()}
        elif isinstance(value, tuple):
            parts = {str(place): np.asarray(part) for place, part in enumerate(value)}
        else:
            arrays[name] = np.asarray(value)
            continue
        arrays |= {f"{name}.{key}": part for key, part in parts.items()}
    return arrays


def restore(owner: Any, arrays: Arrays) -> None:
    """Set the state of an object to what `state_of` has returned."""
    for name in owner.STATE:
        value = getattr(owner, name)
        start = f"{name}."
        parts = {key.removeprefix(start): a for key, a in arrays.items() if key.startswith(start)}
        if hasattr(value, "STATE"):
            restore(value, parts)
        elif isinstance(value, dict):
            setattr(owner, name, {int(key): part for key, part in parts.items()})
        elif isinstance(value, tuple):
            setattr(owner, name, type(value)(*(parts[str(n)] for n in range(len(parts)))))
        elif isinstance(value, float | int):
            setattr(owner, name, type(value)(arrays[name]))
        else:
            setattr(owner, name, arrays[name])
