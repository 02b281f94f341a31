"""The figures of solvers and baselines on one part."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.analysis._genres import genre_shares
from palate.data._ratings import Csr, Ratings
from palate.evaluation import _metric_formulas as formulas
from palate.evaluation._baselines import Baseline
from palate.evaluation._held_out_parts import Part
from palate.evaluation._relevance import relevant_pairs
from palate.inference._lists import By
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned
from palate.solvers._protocol import Solver

# The length of lists.
N = 10
FIGURES = (
    *("rmse", "rmse_warm", "rmse_cold", "mae", "mae_warm", "mae_cold"),
    *("coverage_50", "width_50", "coverage_90", "width_90"),
    *("ndcg_10", "recall_10", "catalogue_coverage", "diversity", "genre_divergence"),
    "fit_seconds",
)
Floats = NDArray[np.float64]
# The figures of predictions, and the influence of each user on the RMSE.
Errors = tuple[dict[str, Any], Floats]


@dataclass(frozen=True, eq=False)
class Measured:
    """The figures of one contender on one part.

    Attributes
    ----------
    name
        The name of the contender.
    figures
        Each of `FIGURES`; None if it does not apply.
    influences
        For each figure that is compared, the influence of each user on it: what the user's own
        figures add to it, to first order, beside its mean; shape (users,). It sums to 0, and is
        NaN for a user who has no part in the figure.
    """

    name: str
    figures: dict[str, Any]
    influences: dict[str, Floats]


class Test:
    """One part, on which solvers and baselines are measured.

    Parameters
    ----------
    part
        The part.
    ratings
        Ratings whose scale decides what is relevant.
    threads
        The number of threads.
    predictable
        Which of the held-out ratings are predicted, by default all; shape (n,). Lists are judged by
        the others, too.
    """

    def __init__(
        self,
        part: Part,
        ratings: Ratings,
        threads: int,
        predictable: NDArray[np.bool_] | None = None,
    ) -> None:
        self.part, self.threads = part, threads
        self.train, self.given, self.valid = part.train, part.given, part.valid
        self.predicted = part.valid if predictable is None else part.valid.take(predictable)
        self.eligible = np.bincount(self.train.item, minlength=self.train.items.height) > 0
        active = np.bincount(self.given.user, minlength=self.given.users.height) > 0
        self.cold = ~(self.eligible[self.predicted.item] & active[self.predicted.user])
        self.lowest_relevant = ratings.lowest_relevant
        self.relevant = relevant_pairs(ratings, self.valid)
        self.genres = genre_shares(self.train.items)

    @cached_property
    def histories(self) -> Csr:
        """The given ratings, grouped by user."""
        return self.given.by_user()

    def solver(self, name: str, solver: Solver) -> Iterator[Measured]:
        """Yield the figures of what a solver fits: an entry for each way to make lists with it."""
        start = time.perf_counter()
        model = solver.fit(self.train, threads=self.threads)
        seconds = time.perf_counter() - start
        if model.fit.interrupted:  # an incomplete fit must not be taken for a complete one
            raise KeyboardInterrupt
        profiles = model.profiles(self.given if self.part.outside else None)
        predicted = None
        if model.learned.has_ratings:
            predicted = self.predictions(profiles.posteriors, self.predicted.item)
        for entry, by in entries_of(name, model.learned):
            top = profiles.top_items(N, eligible=self.eligible, by=by, threads=self.threads)
            yield self.measured(entry, predicted if by != "choice" else None, top, seconds)

    def baseline(self, baseline: type[Baseline]) -> Measured:
        """Return the figures of a baseline."""
        start = time.perf_counter()
        fitted = baseline.of(self.train)
        seconds = time.perf_counter() - start
        predicted = fitted.predict(self.given, self.predicted.user, self.predicted.item)
        errors = None if predicted is None else self._errors(predicted - self.predicted.rating)
        top = fitted.top_items(self.given, self.eligible, N, self.threads)
        return self.measured(baseline.name, errors, top, seconds)

    def measured(
        self,
        name: str,
        predicted: Errors | None,
        top: NDArray[np.int32] | None,
        seconds: float | None = None,
    ) -> Measured:
        """Return the figures of the predictions and the lists of a contender."""
        figures: dict[str, Any] = {"fit_seconds": seconds}
        influences: dict[str, Floats] = {}
        if predicted is not None:
            figures |= predicted[0]
            influences["rmse"] = predicted[1]
        if top is not None:
            figures |= self._lists(top, influences)
        return Measured(name, {figure: figures.get(figure) for figure in FIGURES}, influences)

    def predictions(self, users: UserPosteriors, item: NDArray[np.int32]) -> Errors:
        """Return the figures of the ratings that a model expects, and the influences on the RMSE.

        `users` are the posteriors of the people who are tested, and `item` has the row in the model
        of the item of each rating that is predicted.
        """
        valid, likelihood = self.predicted, users.parameters.likelihood
        scores = users.scores(valid.user, item)
        figures, influence = self._errors(likelihood.rating(scores) - valid.rating)
        if users.parameters.item_posterior is not None and likelihood.linear:
            error = likelihood.unclipped(scores) - valid.rating
            sd = users.rating_sd(valid.user, item)
            for percent in (50, 90):
                coverage, width = formulas.interval(error, sd, percent / 100)
                figures |= {f"coverage_{percent}": coverage, f"width_{percent}": width}
        return figures, influence

    def _errors(self, error: NDArray[Any]) -> Errors:
        parts = {"": error, "_warm": error[~self.cold], "_cold": error[self.cold]}
        figures: dict[str, Any] = {}
        for part, errors in parts.items():
            figures |= {
                f"rmse{part}": formulas.rmse(errors),
                f"mae{part}": formulas.mae(errors),
            }
        return figures, rmse_influence(error, self.predicted.user, self.valid.users.height)

    def _lists(self, top: NDArray[np.int32], influences: dict[str, Floats]) -> dict[str, Any]:
        figures: dict[str, Any] = {
            "catalogue_coverage": formulas.catalogue_coverage(top, int(self.eligible.sum())),
            "diversity": formulas.diversity(top, self.train),
        }
        if self.genres is not None:
            figures["genre_divergence"] = formulas.genre_divergence(
                top, self.histories, self.genres
            )
        judged = formulas.Judged.of(top, *self.relevant)
        for figure, metric in (
            ("ndcg_10", formulas.ndcg),
            ("recall_10", formulas.recall),
        ):
            values = metric(judged)
            known = int(np.isfinite(values).sum())
            if known:
                figures[figure] = mean = float(np.nanmean(values))
                influences[figure] = (values - mean) / known
        return figures


def entries_of(name: str, learned: Learned) -> list[tuple[str, By]]:
    """Return the name of each entry that a model has, and the question by which it makes lists."""
    if learned.choice is None:
        return [(name, "rating")]
    if not learned.has_ratings:
        return [(name, "choice")]
    return [(name, "both"), ("choice", "choice"), (learned.fit.solver, "rating")]


def rmse_influence(error: NDArray[Any], user: NDArray[np.int32], users: int) -> Floats:
    """Return the influence of each user on the RMSE, as described in `Measured`; shape (users,).

    By the derivative of the root, it is the sum over the user's ratings of
    (e^2 - rmse^2) / (2 rmse n), where n is the number of all ratings.
    """
    squares = np.square(error, dtype=np.float64)
    mean = squares.mean()
    scale = 2 * np.sqrt(mean) * len(error) or 1.0
    sums = np.bincount(user, weights=(squares - mean) / scale, minlength=users)
    return np.where(np.bincount(user, minlength=users) > 0, sums, np.nan)
