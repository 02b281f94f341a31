"""Solvers, which fit models to ratings."""

from palate.data._ratings import Ratings, require_ratings
from palate.errors import SettingError
from palate.model._model import Model
from palate.solvers._combined import Combined
from palate.solvers._progress import Progress
from palate.solvers._protocol import Solver


def fit(
    ratings: Ratings,
    solver: Solver | None = None,
    *,
    valid: Ratings | None = None,
    threads: int | None = None,
    progress: Progress = None,
) -> Model:
    """Return a model fitted to `ratings`: how people rate, and what they pick.

    How people rate is learned by `solver`, by default `Gibbs()`, and what they pick by `Choice()`.
    Of events and counts only the latter is learned. The ``fit`` of a solver learns one of both.

    Lists are made from both: the score of `Choice`, in whose histories high ratings count more,
    times the probability of a high rating to a power of 0, 1/8, 1/4 or 1/2. The power is chosen
    like the settings of `Choice`, by a hold-out from the training ratings. With the score s, the
    probability h and the power k, the argument ``balance=b`` of lists ranks by a weighted geometric
    mean instead: of s and ``s h^k`` with the weights ``1 - 2b`` and ``2b`` up to a half, and of
    ``s h^k`` and h with the weights ``2 - 2b`` and ``2b - 1`` from there. Items of which s is
    negative, since the history speaks against them, come last.

    Parameters
    ----------
    ratings
        The training ratings, events or counts.
    solver
        The solver: `Gibbs`, `OneCycle`, `Choice`, or another object with the members of `Solver`.
    valid, threads, progress
        See `Gibbs.fit`.

    Raises
    ------
    SettingError
        If `solver` is not a solver.
    DataError
        If there are no ratings, or `valid` is empty or has other users or items.
    """
    chosen = Combined() if solver is None else require_solver(solver)
    combined = chosen if isinstance(chosen, Combined) else Combined(chosen)
    return combined.fit(require_ratings(ratings), valid, threads=threads, progress=progress)


def require_solver(given: Solver) -> Solver:
    """Return the argument, which must be a solver.

    Raises
    ------
    SettingError
        If it is not a solver.
    """
    if isinstance(given, type) or not isinstance(given, Solver):
        raise SettingError(
            f"{given!r} is not a solver; give palate.Gibbs(), palate.OneCycle(), or another object "
            "with the members of palate.Solver"
        )
    return given
