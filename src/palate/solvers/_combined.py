"""The default fit: how people rate, and what they pick."""

from dataclasses import dataclass, replace
from typing import Any

from palate._threads import thread_count
from palate.data._ratings import Ratings, require_ratings
from palate.model._model import Model
from palate.solvers._interrupt import interruptible
from palate.solvers._progress import Progress, reporter
from palate.solvers._protocol import Solver
from palate.solvers.choice._solver import Choice, learn_choice
from palate.solvers.gibbs._solver import Gibbs


@dataclass(frozen=True)
class Combined:
    """A solver of ratings with the choice model beside it; of events and counts, the latter alone.

    Attributes
    ----------
    rating
        The solver of ratings; None chooses `Gibbs` for ratings, and no such solver for others.
    seed
        The seed, where `rating` has none.
    """

    rating: Solver | None = None
    seed: int = 0

    name = "palate"
    title = "Palate"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the solver of ratings."""
        return {"seed": self.seed} if self.rating is None else self.rating.settings

    def fit(
        self,
        ratings: Ratings,
        valid: Ratings | None = None,
        *,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Model:
        """Return a model of both; see `palate.fit`.

        Ctrl-C during the fit of the choice model leaves the rating model, marked as interrupted.
        """
        solver = self.rating
        if solver is None:
            events = require_ratings(ratings).kind != "ratings"
            solver = Choice(self.seed) if events else Gibbs(seed=self.seed)
        model = solver.fit(ratings, valid, threads=threads, progress=progress)
        if model.fit.interrupted or model.learned.choice is not None:
            return model
        learned, seed = model.learned, solver.settings.get("seed", self.seed)
        try:
            with interruptible() as token:
                choice, _ = learn_choice(
                    ratings,
                    seed,
                    thread_count(threads),
                    token,
                    report=reporter(None),
                    rating_model=learned,
                )
        except KeyboardInterrupt:
            return Model(replace(learned, fit=replace(learned.fit, interrupted=True)))
        return Model(replace(learned, choice=choice))
