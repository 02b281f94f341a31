"""Floor 3: from ratings to a model."""

from palate.data._ratings import Ratings
from palate.model._model import Model
from palate.solvers._one_cycle import OneCycle
from palate.solvers._progress import Progress


def fit(
    ratings: Ratings,
    solver: OneCycle | None = None,
    *,
    valid: Ratings | None = None,
    threads: int | None = None,
    progress: Progress = None,
) -> Model:
    """Fit a model to `ratings`, by default with `OneCycle()`; see `OneCycle.fit`."""
    return (solver or OneCycle()).fit(ratings, valid, threads=threads, progress=progress)
