"""Floor 3: from ratings to a model."""

from palate.data._ratings import Ratings
from palate.errors import DataError
from palate.model._model import Model
from palate.solvers._gibbs import Gibbs
from palate.solvers._one_cycle import OneCycle
from palate.solvers._progress import Progress

Solver = Gibbs | OneCycle


def fit(
    ratings: Ratings,
    solver: Solver | None = None,
    *,
    valid: Ratings | None = None,
    threads: int | None = None,
    progress: Progress = None,
) -> Model:
    """Fit a model to `ratings`, by default with `Gibbs()`; see `Gibbs.fit`."""
    if not isinstance(ratings, Ratings):
        raise DataError(
            f"these are no Ratings but a {type(ratings).__name__}; read them with "
            "palate.read_ratings"
        )
    return (solver or Gibbs()).fit(ratings, valid, threads=threads, progress=progress)
