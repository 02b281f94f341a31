"""The settings of the choice model, chosen by a hold-out."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._native import Cancelled, CancelToken
from palate.learned._choice import (
    ConditionalLogit,
    DenseWeights,
    HistoryWeighting,
    LowRankWeights,
)
from palate.learned._learned import Learned
from palate.solvers._progress import Report
from palate.solvers.choice._chance import fit_chance, histories_needed
from palate.solvers.choice._exact import ExactGraph
from palate.solvers.choice._hold_out import Candidate, HoldOut, Tilt
from palate.solvers.choice._low_rank import LowRankGraph
from palate.solvers.choice._people import People

# Up to this number of items the precision is inverted.
_MAX_EXACT = 10_000
_STRENGTHS = (0.0, 1 / 3, 2 / 3, 1.0)
_RIDGES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
_POWERS = (0.0, 1 / 8, 1 / 4, 1 / 2)
_EXPONENTS = np.array([0, 1 / 8, 1 / 4], dtype=np.float32)


class Settings(NamedTuple):
    """What the fit chooses.

    Attributes
    ----------
    strength
        How much ratings matter in a history; see `HistoryWeighting`.
    ridge
        lambda.
    exponent
        The discount of an item of popularity D is D^-exponent.
    """

    strength: float
    ridge: float
    exponent: float


class Search:
    """The search for the settings with the best lists on a hold-out.

    One setting after another moves along its grid while that improves the mean nDCG.
    """

    def __init__(
        self, people: People, seed: int, threads: int, cancel: CancelToken, *, report: Report
    ) -> None:
        self._people, self._seed, self._threads = people, seed, threads
        self._cancel, self._report = cancel, report
        self._exact = people.items <= _MAX_EXACT
        held_out = people.hold_out(seed, virtual=self._exact)
        self._hold_out = HoldOut(held_out, people.weight_sums(), threads, virtual=self._exact)
        self._fitted_to = people if self._exact else people.without(held_out)
        self._graph: tuple[float, ExactGraph | LowRankGraph] | None = None
        self._chosen: tuple[Settings, Candidate] | None = None
        self._tried: dict[tuple[float, float], tuple[float, float]] = {}
        self.history: list[dict[str, Any]] = []

    def graph(self, strength: float) -> ExactGraph | LowRankGraph:
        """Return the co-occurrences that are measured, with this strength of ratings."""
        if self._graph is None or self._graph[0] != strength:
            self._graph = None  # the memory of one is enough
            self._graph = strength, self._graph_of(self._fitted_to, strength)
        return self._graph[1]

    def final(
        self, settings: Settings
    ) -> tuple[DenseWeights | LowRankWeights, NDArray[np.float32]]:
        """Return B and the popularities of a model of all ratings."""
        if self._exact:
            candidate = self._candidate(settings)
            self._chosen = None  # its P is overwritten
            return candidate.precision.weights(), candidate.popularity
        self._graph = self._chosen = None  # the memory of one is enough
        graph = self._graph_of(self._people, settings.strength)
        return graph.precision(settings.ridge).weights(), graph.popularity

    def _graph_of(self, people: People, strength: float) -> ExactGraph | LowRankGraph:
        histories = people.histories(self.weighting(strength))
        if self._exact:
            return ExactGraph(histories, self._threads, self._cancel)
        return LowRankGraph(histories, self._threads, self._cancel, self._seed)

    def weighting(self, strength: float) -> HistoryWeighting:
        """Return the weighting of histories in which ratings have this strength."""
        return self._people.weighting(strength)

    def best(self) -> Settings:
        """Return the best settings."""
        weighted = self.weighting(1.0).strength > 0
        strength, ridge = (2 / 3 if weighted else 0.0), 8.0
        if len(self._hold_out) == 0:
            return Settings(strength, ridge, float(_EXPONENTS[1]))
        ridge = self._climb(_RIDGES, ridge, lambda value: self._ndcg(strength, value))
        if weighted:
            best_ridge = ridge
            strength = self._climb(
                _STRENGTHS, strength, lambda value: self._ndcg(value, best_ridge)
            )
            best_strength = strength
            ridge = self._climb(_RIDGES, ridge, lambda value: self._ndcg(best_strength, value))
        return Settings(strength, ridge, self._tried[strength, ridge][1])

    def _candidate(self, settings: Settings) -> Candidate:
        """Return the model that is measured, with these settings, which is kept for the next."""
        if self._chosen is None or self._chosen[0] != settings:
            exponents = np.array([settings.exponent], dtype=np.float32)
            self._chosen = settings, self._to_try(settings.strength, settings.ridge, exponents)
        return self._chosen[1]

    def _to_try(self, strength: float, ridge: float, exponents: NDArray[np.float32]) -> Candidate:
        graph = self.graph(strength)
        return Candidate(
            graph.precision(ridge), self.weighting(strength), graph.popularity, exponents
        )

    def rating_power(self, settings: Settings, rating: Learned) -> float:
        """Return the power of the probability of a high rating with the best lists.

        Without the uncertainty of the items what they learned from held-out ratings can't be taken
        out: then it is 0.
        """
        if len(self._hold_out) == 0 or not rating.has_intervals:
            return 0.0
        known = self._people.known(self._hold_out.users, rating)
        means = self._mean_ndcg(self._candidate(settings), Tilt(rating, known, _POWERS))
        return _POWERS[int(np.argmax(means))]

    def chance(self, settings: Settings) -> ConditionalLogit | None:
        """Return how probable a pick is, given its score; None where nothing is held out."""
        if len(self._hold_out) == 0:
            return None
        self._raise_if_cancelled()
        most = histories_needed(self._people.items)
        return fit_chance(self._hold_out.scores(self._candidate(settings), most))

    def _mean_ndcg(self, candidate: Candidate, tilt: Tilt | None = None) -> NDArray[np.float64]:
        """Return the mean nDCG with each exponent; Ctrl-C ends the search."""
        self._raise_if_cancelled()
        means: NDArray[np.float64] = self._hold_out.ndcg(candidate, tilt).mean(axis=0)
        return means

    def _raise_if_cancelled(self) -> None:
        if self._cancel.cancelled:
            raise Cancelled

    def _climb(
        self, grid: tuple[float, ...], start: float, ndcg: Callable[[float], float]
    ) -> float:
        """Return the best value near `start`: steps are taken while they improve."""
        best = grid.index(start)
        for step in (1, -1):
            while 0 <= best + step < len(grid) and ndcg(grid[best + step]) > ndcg(grid[best]):
                best += step
        return grid[best]

    def _ndcg(self, strength: float, ridge: float) -> float:
        """Return the mean nDCG with the best exponent."""
        if (strength, ridge) not in self._tried:
            start = time.perf_counter()
            means = self._mean_ndcg(self._to_try(strength, ridge, _EXPONENTS))
            best = int(means.argmax())
            self._tried[strength, ridge] = float(means[best]), float(_EXPONENTS[best])
            row = {
                "step": len(self.history),
                "strength": strength,
                "ridge": ridge,
                "exponent": float(_EXPONENTS[best]),
                "ndcg_10": float(means[best]),
                "seconds": time.perf_counter() - start,
            }
            self.history.append(row)
            self._report(row)
        return self._tried[strength, ridge][0]
