"""The titles of solvers and baselines in sentences and tables."""

from palate.evaluation._baselines import BASELINES, DampedMeans
from palate.evaluation._item_neighbours import ItemNeighbours
from palate.solvers._combined import Combined
from palate.solvers._registry import solver_title

_TITLES = {Combined.name: Combined.title} | {one.name: one.title for one in BASELINES}
_PLURAL = {DampedMeans.name, ItemNeighbours.name}


def contender_title(name: str) -> str:
    """Return the title, within a sentence, of what has this name in an `Evaluation`.

    The number of one of several solvers of a name, as in "gibbs (2)", is kept.
    """
    name, space, number = name.partition(" ")
    return f"{_TITLES.get(name) or solver_title(name)}{space}{number}"


def is_plural(name: str) -> bool:
    """Return whether the title of what has this name is plural."""
    return name in _PLURAL
