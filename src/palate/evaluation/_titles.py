"""The titles of solvers and baselines in sentences and tables."""

from collections.abc import Iterable

from palate.evaluation._baselines import BASELINES, DampedMeans
from palate.evaluation._item_neighbours import ItemNeighbours
from palate.solvers._combined import Combined
from palate.solvers._registry import solver_title

_TITLES = {Combined.name: Combined.title} | {one.name: one.title for one in BASELINES}
_PLURAL = {DampedMeans.title, ItemNeighbours.title}


def contender_title(name: str) -> str:
    """Return the title, within a sentence, of what has this name in an `Evaluation`.

    The number of one of several solvers of a name, as in "gibbs (2)", is kept.
    """
    name, space, number = name.partition(" ")
    return f"{_TITLES.get(name) or solver_title(name)}{space}{number}"


def model_title(name: str) -> str:
    """Return the title, within a sentence, of the model that has this name in a `Comparison`."""
    return f"model {name}"


def is_plural(title: str) -> bool:
    """Return whether a title is plural."""
    return title in _PLURAL


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names, where the second and later ones of a name are numbered."""
    named: dict[str, None] = {}
    for name in names:
        own, number = name, 1
        while own in named:
            number += 1
            own = f"{name} ({number})"
        named[own] = None
    return list(named)
