"""The solvers by name."""

from collections.abc import Mapping
from typing import Any

from palate.errors import SettingError
from palate.solvers._one_cycle import OneCycle
from palate.solvers.gibbs._solver import Gibbs

# The default solver first.
SOLVERS: dict[str, type[Gibbs] | type[OneCycle]] = {
    solver.name: solver for solver in (Gibbs, OneCycle)
}


def solver_by_name(name: str, settings: Mapping[str, Any]) -> Gibbs | OneCycle:
    """Return a solver with some settings.

    Raises
    ------
    SettingError
        If there is no solver of that name: a model of a solver of your own, for instance, cannot
        be fitted again from its file.
    """
    if name not in SOLVERS:
        raise SettingError(f"there is no solver {name!r}; there are {', '.join(SOLVERS)}")
    return SOLVERS[name](**settings)


def solver_title(name: str) -> str:
    """Return the title of a solver; for an unknown one, its name."""
    return SOLVERS[name].title if name in SOLVERS else name


def solver_description(name: str) -> str:
    """Return how a solver works, for readers who are not specialists."""
    unknown = "The model was fitted to the ratings above."
    return SOLVERS[name].description if name in SOLVERS else unknown
