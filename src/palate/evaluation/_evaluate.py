"""Fitting solvers and baselines on a part of the ratings, and asking them for the rest."""

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
from palate.evaluation._baselines import BASELINES, top_rows
from palate.inference._link import Linear
from palate.model._profiles import Profiles
from palate.solvers import SOLVERS, Solver

_N = 10
# A held-out rating is relevant from three quarters of the scale on: from 4, on a scale of 1 to 5.
_RELEVANT = 0.75
_LEAK = (
    "the future leaks: a rating is predicted from others that were given later, so these figures "
    "are kinder than use will be; split by time to see it as it will be"
)
_LEAK_OF_OTHERS = (
    "the future leaks: each user's last ratings are predicted from ratings that others gave "
    "later; split by time to see it as it will be"
)
FIGURES = (
    *("rmse", "rmse_warm", "rmse_cold", "mae", "mae_warm", "mae_cold"),
    *("coverage_50", "width_50", "coverage_90", "width_90"),
    *("ndcg_10", "recall_10", "catalogue_coverage", "fit_seconds"),
)

Split = tuple[Ratings, Ratings]


@dataclass(frozen=True)
class Evaluation:
    """What solvers and baselines were worth on ratings that were held back from them.

    Attributes
    ----------
    split
        How the ratings were split.
    warning
        What the split lets leak; None if nothing.
    relevant
        From which rating on a held-out item counts as relevant to its user.
    cold
        Of each fold: how many of its held-out ratings are cold, of a user or an item without a
        training rating. All others are warm.
    results
        For each solver and baseline its name; each of the figures (see `evaluate`), the mean over
        folds, with its standard error over folds as ``rmse_se`` and so on; and the list folds,
        with the figures of each. What does not apply is None.
    """

    split: str
    warning: str | None
    relevant: float
    cold: list[int]
    results: list[dict[str, Any]]

    def frame(self) -> pl.DataFrame:
        """Return the results as a table: name, and each figure with its standard error."""
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
    """Fit `solvers`, and three baselines, on a part of the ratings, and ask them for the rest.

    The figures, whose definitions are in ``palate/evaluation/_metrics.py``: rmse and mae, also of
    the warm and the cold part; coverage and width of the intervals that should hold 50% and 90%
    of the ratings; ndcg_10, recall_10 and catalogue_coverage of lists of ten out of all items
    with a training rating but those that the user has rated in training; and fit_seconds.
    The baselines: the global mean, damped means of users and items, and for lists the number of
    ratings.

    Parameters
    ----------
    ratings
        The ratings.
    solvers
        One or several; by default ``Gibbs()`` and ``OneCycle()``.
    folds
        How many random folds, each held back once; or "official", for u1 to u5 of MovieLens 100k.
    split
        Instead of folds, one split: "random" or "time" (the latest ratings), which hold back
        `share` of all, or "leave-last-1" (or another number: the last ratings of each user).
    share
        The share that is held back by "random" and "time"; 0.2 unless given.
    seed
        Of random folds.
    threads
        How many threads to use; by default as many as this process may.
    progress
        True prints what is fitted next; a function is called with it.

    Raises
    ------
    SettingError
        If there is no such split, or a part of it would be empty.
    KeyboardInterrupt
        If Ctrl-C was pressed.
    DataError
        If there are no ratings, or the split needs timestamps that are not there.
    """
    if not isinstance(ratings, Ratings) or len(ratings) == 0:
        raise DataError("there are no ratings to evaluate on; read some with palate.read_ratings")
    parts, how, warning = _parts(ratings, folds, split, share, seed)
    relevant = float(ratings.rating.min() + _RELEVANT * np.ptp(ratings.rating))
    say = progress if callable(progress) else print if progress else lambda _: None
    by_name: dict[str, list[dict[str, Any]]] = {}
    cold = []
    for number, (train, valid) in enumerate(parts, start=1):
        test = _Test(train, valid, relevant, thread_count(threads))
        cold.append(int(test.cold.sum()))
        for name, solver in _named(solvers).items():
            say(f"fold {number} of {len(parts)}: {name}")
            by_name.setdefault(name, []).append(test.solver(solver))
        for baseline in BASELINES:
            by_name.setdefault(baseline.name, []).append(test.baseline(baseline))
    results = [{"name": name, **_over_folds(rows)} for name, rows in by_name.items()]
    return Evaluation(how, warning, relevant, cold, results)


def _named(solvers: Solver | Iterable[Solver] | None) -> dict[str, Solver]:
    if solvers is None:
        solvers = [solver() for solver in SOLVERS.values()]
    named: dict[str, Solver] = {}
    if isinstance(solvers, str) or not isinstance(solvers, Iterable):
        solvers = (solvers,)
    for solver in solvers:
        if not isinstance(solver, tuple(SOLVERS.values())):
            raise SettingError(f"{solver!r} is no solver; give palate.Gibbs() or palate.OneCycle()")
        alike = sum(name.split(" ")[0] == solver.name for name in named)
        named[f"{solver.name} ({alike + 1})" if alike else solver.name] = solver
    return named


def _parts(
    ratings: Ratings, folds: int | str, split: str | None, share: float | None, seed: int
) -> tuple[Sequence[Split], str, str | None]:
    """Return the splits, what they are, and what they let leak."""
    if share is not None and split not in {"time", "random"}:
        raise SettingError("share is how much the splits time and random hold back; name one")
    share = 0.2 if share is None else _arguments.fraction("share", share)
    if split == "time":
        held_back = f"the latest {share:.0%} of the ratings held back"
        return [splits.at_time(ratings, share)], held_back, None
    if split == "random":
        held_back = f"a random {share:.0%} of the ratings held back"
        return [splits.random(ratings, share, seed=seed)], held_back, _LEAK
    if split is not None:
        kind, _, number = str(split).rpartition("-")
        if kind != "leave-last" or not number.isdecimal():
            raise SettingError(
                f"there is no split {split!r}; there are random, time and leave-last-1 (or -2, ...)"
            )
        held_back = f"the last {number} of each user's ratings held back"
        return [splits.leave_last(ratings, int(number))], held_back, _LEAK_OF_OTHERS
    if folds == "official":
        official = [splits.official(ratings, fold) for fold in range(1, 6)]
        return official, "the official folds u1 to u5", _LEAK
    if isinstance(folds, str):
        raise SettingError(f'folds is {folds!r}; give a number, or "official"')
    return splits.folds(ratings, folds, seed=seed), f"{folds} random folds", _LEAK


class _Test:
    """One split, and what every contender is asked on it."""

    def __init__(self, train: Ratings, valid: Ratings, relevant: float, threads: int) -> None:
        self.train, self.valid, self.threads = train, valid, threads
        rated = np.bincount(train.item, minlength=train.items.height) > 0
        active = np.bincount(train.user, minlength=train.users.height) > 0
        self.allowed = rated
        self.cold = ~(rated[valid.item] & active[valid.user])
        liked = valid.rating >= relevant
        self.relevant = valid.user[liked], valid.item[liked]

    def solver(self, solver: Solver) -> dict[str, Any]:
        """Return the figures of a solver."""
        start = time.perf_counter()
        model = solver.fit(self.train, threads=self.threads)
        seconds = time.perf_counter() - start
        if model.fit.interrupted:  # a part of a fit would be taken for the whole
            raise KeyboardInterrupt
        profiles = model.profiles()
        score = profiles.score_rows(self.valid.user, self.valid.item)
        top, _ = profiles.top_rows(_N, self.allowed, threads=self.threads)
        return self._figures(
            **self._errors(model.link.rating(score) - self.valid.rating),
            **self._intervals(profiles, score),
            **self._lists(top),
            fit_seconds=seconds,
        )

    def baseline(self, baseline: Any) -> dict[str, Any]:
        """Return the figures of a baseline."""
        start = time.perf_counter()
        fitted = baseline(self.train)
        figures = {"fit_seconds": time.perf_counter() - start}
        if fitted.predict is not None:
            error = fitted.predict(self.valid.user, self.valid.item) - self.valid.rating
            figures |= self._errors(error)
        if fitted.items is not None:
            top = top_rows(fitted.items, self.train, self.allowed, _N, self.threads)
            figures |= self._lists(top)
        return self._figures(**figures)

    def _figures(self, **known: Any) -> dict[str, Any]:
        return {name: known.get(name) for name in FIGURES}

    def _errors(self, error: NDArray[Any]) -> dict[str, Any]:
        parts = {"": error, "_warm": error[~self.cold], "_cold": error[self.cold]}
        figures: dict[str, Any] = {}
        for part, some in parts.items():
            figures |= {f"rmse{part}": _metrics.rmse(some), f"mae{part}": _metrics.mae(some)}
        return figures

    def _intervals(self, profiles: Profiles, score: NDArray[np.float32]) -> dict[str, Any]:
        link = profiles.model.link
        if not isinstance(link, Linear) or profiles.model.parameters.item_bias_sd is None:
            return {}
        error = link.mu + score - self.valid.rating
        sd = profiles.sd_rows(self.valid.user, self.valid.item)
        figures: dict[str, Any] = {}
        for percent in (50, 90):
            coverage, width = _metrics.interval(error, sd, percent / 100)
            figures |= {f"coverage_{percent}": coverage, f"width_{percent}": width}
        return figures

    def _lists(self, top: NDArray[np.int32]) -> dict[str, Any]:
        ndcg, recall = _metrics.ranking(top, *self.relevant)
        covered = _metrics.catalogue_coverage(top, int(self.allowed.sum()))
        return {"ndcg_10": ndcg, "recall_10": recall, "catalogue_coverage": covered}


def _over_folds(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean and the standard error of each figure, and the folds themselves."""
    figures: dict[str, Any] = {}
    for name in FIGURES:
        known = np.array([row[name] for row in rows if row[name] is not None])
        several = len(known) > 1
        figures[name] = float(known.mean()) if len(known) else None
        figures[f"{name}_se"] = float(known.std(ddof=1) / len(known) ** 0.5) if several else None
    return figures | {"folds": rows}
