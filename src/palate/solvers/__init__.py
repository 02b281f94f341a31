"""Floor 3: from ratings to a model."""

from palate.data._ratings import Ratings, require_ratings
from palate.model._model import Model
from palate.solvers._gibbs import Gibbs
from palate.solvers._one_cycle import OneCycle
from palate.solvers._progress import Progress

Solver = Gibbs | OneCycle
# The default first.
SOLVERS: dict[str, type[Solver]] = {solver.name: solver for solver in (Gibbs, OneCycle)}


def fit(
    ratings: Ratings,
    solver: Solver | None = None,
    *,
    valid: Ratings | None = None,
    threads: int | None = None,
    progress: Progress = None,
) -> Model:
    """Fit a model to `ratings`, by default with `Gibbs()`; see `Gibbs.fit`."""
    return (solver or Gibbs()).fit(
        require_ratings(ratings), valid, threads=threads, progress=progress
    )
