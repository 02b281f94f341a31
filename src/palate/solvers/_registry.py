"""The solvers by name."""

from collections.abc import Mapping
from typing import Any

from palate.errors import SettingError
from palate.solvers._one_cycle import OneCycle
from palate.solvers.choice._solver import Choice
from palate.solvers.gibbs._solver import Gibbs

# The default solver of ratings first.
SOLVERS: dict[str, type[Gibbs] | type[OneCycle] | type[Choice]] = {
    solver.name: solver for solver in (Gibbs, OneCycle, Choice)
}


def solver_by_name(name: str, settings: Mapping[str, Any]) -> Gibbs | OneCycle | Choice:
    """Return the solver with this name and these settings.

    Raises
    ------
    SettingError
        If Palate has no solver of that name. A saved model of another solver, for instance, can't
        be fitted again.
    """
    if name not in SOLVERS:
        raise SettingError(f"there is no solver {name!r}; choose one of {', '.join(SOLVERS)}")
    return SOLVERS[name](**settings)


def solver_title(name: str) -> str:
    """Return the title of a solver; for an unknown one, its name."""
    return SOLVERS[name].title if name in SOLVERS else name


def solver_description(name: str) -> str:
    """Return a description of a solver for general readers."""
    unknown = "The model was fitted to the ratings above."
    return SOLVERS[name].description if name in SOLVERS else unknown
