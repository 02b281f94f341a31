"""The protocol of solvers, which `palate.fit` and `palate.evaluate` accept."""

from typing import Any, Protocol, runtime_checkable

from palate.data._ratings import Ratings
from palate.model._model import Model
from palate.solvers._progress import Progress


@runtime_checkable
class Solver(Protocol):
    """An object that fits models to ratings. Any object with these members is a solver.

    Attributes
    ----------
    name
        A short name: it identifies the solver in evaluations and in saved models.
    settings
        The settings by name, with values that JSON can hold.
    """

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> dict[str, Any]: ...

    def fit(
        self,
        ratings: Ratings,
        valid: Ratings | None = None,
        *,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Model:
        """Return a model fitted to `ratings`; see `Gibbs.fit` for the parameters.

        `Model.from_factors` returns a model with given factors and biases.
        """
