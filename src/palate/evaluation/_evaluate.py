"""Evaluation: solvers and baselines are fitted to training ratings, measured on held-out ones."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate._threads import thread_count
from palate.data import splits
from palate.data._ratings import Ratings
from palate.errors import DataError, SettingError
from palate.evaluation import _metrics
from palate.evaluation._baselines import BASELINES, Baseline, top_items
from palate.inference._user_posteriors import UserPosteriors
from palate.solvers import require_solver
from palate.solvers._protocol import Solver
from palate.solvers._registry import SOLVERS, solver_title

_N = 10
# A held-out rating is relevant if it is in the top quarter of the scale: 4 or more of 1 to 5.
_RELEVANT = 0.75
_LEAK = (
    "training ratings can be later than held-out ones, so these figures are more favourable than "
    "in use; split by time to measure what to expect in use"
)
_LEAK_FROM_OTHERS = (
    "training ratings of other users can be later than a user's held-out ones; split by time to "
    "measure what to expect in use"
)
FIGURES = (
    *("rmse", "rmse_warm", "rmse_cold", "mae", "mae_warm", "mae_cold"),
    *("coverage_50", "width_50", "coverage_90", "width_90"),
    *("ndcg_10", "recall_10", "catalogue_coverage", "fit_seconds"),
)

Split = tuple[Ratings, Ratings]


@dataclass(frozen=True)
class Evaluation:
    """How well solvers and baselines predict held-out ratings.

    Attributes
    ----------
    split
        How the ratings were split.
    warning
        Why this split is more favourable than use, since training ratings can be later than
        held-out ones; None for a split by time.
    relevant
        The lowest held-out rating that makes an item relevant to its user.
    cold
        For each fold, the number of cold held-out ratings: those of a user or an item without a
        training rating. All others are warm.
    results
        For each solver and baseline its name; the mean of each figure over the folds (see
        `evaluate`), with its standard error as ``rmse_se`` and so on; and folds, a list with the
        figures of each fold. Figures that do not apply are None.
    """

    split: str
    warning: str | None
    relevant: float
    cold: list[int]
    results: list[dict[str, Any]]

    def frame(self) -> pl.DataFrame:
        """Return the results as a table: the name, and each figure with its standard error."""
        rows = [{k: v for k, v in row.items() if k != "folds"} for row in self.results]
        return pl.DataFrame(rows, infer_schema_length=None)


def evaluate(
    ratings: Ratings,
    solvers: Solver | Iterable[Solver] | None = None,
    *,
    folds: int | str = 5,
    split: str | None = None,
    share: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[str], None] | bool | None = None,
) -> Evaluation:
    """Measure solvers and three baselines on held-out ratings.

    The figures (see ``palate/evaluation/_metrics.py``) are rmse and mae, also of the warm and the
    cold ratings; coverage and width of 50% and 90% intervals; ndcg_10, recall_10 and
    catalogue_coverage of the ten highest scores among the items that others, but not the user, have
    rated in training; and fit_seconds. The baselines are the global mean, damped means of users
    and items, and popularity (for lists only).

    Parameters
    ----------
    ratings, solvers
        The ratings, and one or several solvers (see `Solver`); by default all of Palate's.
    folds
        The number of random folds; or "official", for u1 to u5 of MovieLens 100k.
    split
        Instead of folds, one split: "random" or "time" (the latest ratings), which hold out
        `share`, or "leave-last-1" (or another number: the last ratings of each user).
    share
        The fraction that "random" and "time" hold out; by default 0.2.
    seed, threads
        The seed of random splits; the number of threads, by default all that this process may use.
    progress
        True prints each solver before it is fitted; a function is called with that line.

    Raises
    ------
    SettingError
        If the split does not exist or would have an empty part, or an object is not a solver.
    DataError
        If there are no ratings, or they lack the timestamps that the split needs.
    KeyboardInterrupt
        If Ctrl-C was pressed.
    """
    if not isinstance(ratings, Ratings) or len(ratings) == 0:
        raise DataError("there are no ratings to evaluate on; read some with palate.read_ratings")
    contenders = _by_name(solvers)
    parts, description, warning = _splits(ratings, folds, split, share, seed)
    report = progress if callable(progress) else print if progress else _ignore
    tests = [_Test(train, valid, ratings, thread_count(threads)) for train, valid in parts]
    figures: dict[str, list[dict[str, Any]]] = {}
    for number, test in enumerate(tests, start=1):
        for name, solver in contenders.items():
            report(f"fold {number} of {len(tests)}: {name}")
            figures.setdefault(name, []).append(test.solver(solver))
        for baseline in BASELINES:
            figures.setdefault(baseline.name, []).append(test.baseline(baseline))
    results = [{"name": name, **_over_folds(rows)} for name, rows in figures.items()]
    cold = [int(test.cold.sum()) for test in tests]
    return Evaluation(description, warning, _relevant_from(ratings), cold, results)


def contender_title(name: str) -> str:
    """Return the title of a solver or baseline by its name in an `Evaluation`."""
    baselines = {baseline.name: baseline.title for baseline in BASELINES}
    return baselines.get(name) or solver_title(name)


def _ignore(message: str) -> None:
    pass


def _relevant_from(ratings: Ratings) -> float:
    return float(ratings.rating.min() + _RELEVANT * np.ptp(ratings.rating))


def _by_name(solvers: Solver | Iterable[Solver] | None) -> dict[str, Solver]:
    """Return the solvers by name; if several have the same name, the later ones are numbered."""
    if solvers is None:
        solvers = [solver() for solver in SOLVERS.values()]
    if isinstance(solvers, str) or not isinstance(solvers, Iterable):
        solvers = (solvers,)
    named: dict[str, Solver] = {}
    for solver in solvers:
        name = require_solver(solver).name
        same = sum(other.name == name for other in named.values())
        named[f"{name} ({same + 1})" if same else name] = solver
    return named


def _splits(
    ratings: Ratings, folds: int | str, split: str | None, share: float | None, seed: int
) -> tuple[Sequence[Split], str, str | None]:
    """Return the splits, their description, and the warning of `Evaluation`."""
    if share is not None and split not in {"time", "random"}:
        raise SettingError("share applies only to the splits random and time; leave it out")
    share = 0.2 if share is None else _arguments.fraction("share", share)
    if split == "time":
        return [splits.at_time(ratings, share)], f"the latest {share:.0%} of the ratings", None
    if split == "random":
        parts = [splits.random(ratings, share, seed=seed)]
        return parts, f"a random {share:.0%} of the ratings", _LEAK
    if split is not None:
        kind, _, number = str(split).rpartition("-")
        if kind != "leave-last" or not number.isdecimal():
            raise SettingError(
                f"there is no split {split!r}; choose random, time or leave-last-1 (or -2, ...)"
            )
        parts = [splits.leave_last(ratings, int(number))]
        return parts, f"the last {number} of each user's ratings", _LEAK_FROM_OTHERS
    if folds == "official":
        parts = [splits.official(ratings, fold) for fold in range(1, 6)]
        return parts, "the official folds u1 to u5", _LEAK
    if isinstance(folds, str):
        raise SettingError(f'folds is {folds!r}; give a number, or "official"')
    return splits.folds(ratings, folds, seed=seed), f"{folds} random folds", _LEAK


class _Test:
    """One split, and the figures of solvers and baselines on it."""

    def __init__(self, train: Ratings, valid: Ratings, ratings: Ratings, threads: int) -> None:
        self.train, self.valid, self.threads = train, valid, threads
        self.eligible = np.bincount(train.item, minlength=train.items.height) > 0
        active = np.bincount(train.user, minlength=train.users.height) > 0
        self.cold = ~(self.eligible[valid.item] & active[valid.user])
        liked = valid.rating >= _relevant_from(ratings)
        self.relevant = valid.user[liked], valid.item[liked]

    def solver(self, solver: Solver) -> dict[str, Any]:
        """Return the figures of a solver."""
        start = time.perf_counter()
        model = solver.fit(self.train, threads=self.threads)
        seconds = time.perf_counter() - start
        if model.fit.interrupted:  # an incomplete fit must not be taken for a complete one
            raise KeyboardInterrupt
        users = model.user_posteriors
        scores = users.scores(self.valid.user, self.valid.item)
        top, _ = users.top_items(_N, self.eligible, threads=self.threads)
        likelihood = model.learned.likelihood
        return self._figures(
            **self._errors(likelihood.rating(scores) - self.valid.rating),
            **self._intervals(users, likelihood.unclipped(scores)),
            **self._lists(top),
            fit_seconds=seconds,
        )

    def baseline(self, baseline: type[Baseline]) -> dict[str, Any]:
        """Return the figures of a baseline."""
        start = time.perf_counter()
        fitted = baseline(self.train)
        figures: dict[str, Any] = {"fit_seconds": time.perf_counter() - start}
        predicted = fitted.predict(self.valid.user, self.valid.item)
        if predicted is not None:
            figures |= self._errors(predicted - self.valid.rating)
        if fitted.item_scores is not None:
            top = top_items(fitted.item_scores, self.train, self.eligible, _N, self.threads)
            figures |= self._lists(top)
        return self._figures(**figures)

    def _figures(self, **known: Any) -> dict[str, Any]:
        return {name: known.get(name) for name in FIGURES}

    def _errors(self, error: NDArray[Any]) -> dict[str, Any]:
        parts = {"": error, "_warm": error[~self.cold], "_cold": error[self.cold]}
        figures: dict[str, Any] = {}
        for part, errors in parts.items():
            figures |= {f"rmse{part}": _metrics.rmse(errors), f"mae{part}": _metrics.mae(errors)}
        return figures

    def _intervals(self, users: UserPosteriors, expected: NDArray[np.float32]) -> dict[str, Any]:
        parameters = users.parameters
        if parameters.item_posterior is None or not parameters.likelihood.linear:
            return {}
        error = expected - self.valid.rating
        sd = users.rating_sd(self.valid.user, self.valid.item)
        figures: dict[str, Any] = {}
        for percent in (50, 90):
            coverage, width = _metrics.interval(error, sd, percent / 100)
            figures |= {f"coverage_{percent}": coverage, f"width_{percent}": width}
        return figures

    def _lists(self, top: NDArray[np.int32]) -> dict[str, Any]:
        ndcg, recall = _metrics.ranking(top, *self.relevant)
        covered = _metrics.catalogue_coverage(top, int(self.eligible.sum()))
        return {"ndcg_10": ndcg, "recall_10": recall, "catalogue_coverage": covered}


def _over_folds(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean and the standard error of each figure, and the figures of each fold."""
    figures: dict[str, Any] = {}
    for name in FIGURES:
        known = np.array([row[name] for row in rows if row[name] is not None])
        several = len(known) > 1
        figures[name] = float(known.mean()) if len(known) else None
        figures[f"{name}_se"] = float(known.std(ddof=1) / len(known) ** 0.5) if several else None
    return figures | {"folds": rows}
