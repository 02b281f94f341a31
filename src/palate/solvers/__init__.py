"""From ratings to a model: the solvers, their protocol and their registry."""

from palate.data._ratings import Ratings, require_ratings
from palate.errors import SettingError
from palate.model._model import Model
from palate.solvers._progress import Progress
from palate.solvers._protocol import Solver
from palate.solvers.gibbs._solver import Gibbs


def fit(
    ratings: Ratings,
    solver: Solver | None = None,
    *,
    valid: Ratings | None = None,
    threads: int | None = None,
    progress: Progress = None,
) -> Model:
    """Fit a model to `ratings`, by default with `Gibbs()`; see `Gibbs.fit`.

    Raises
    ------
    SettingError
        If `solver` is not a solver.
    DataError
        If there are no ratings to learn from.
    """
    return require_solver(Gibbs() if solver is None else solver).fit(
        require_ratings(ratings), valid, threads=threads, progress=progress
    )


def require_solver(given: Solver) -> Solver:
    """Return what was given, which must be a solver.

    Raises
    ------
    SettingError
        If it is not.
    """
    if isinstance(given, type) or not isinstance(given, Solver):
        raise SettingError(
            f"{given!r} is not a solver; give palate.Gibbs(), palate.OneCycle(), or an object of "
            "your own with a name and a method fit (see palate.Solver)"
        )
    return given
