"""Evaluation: solvers and baselines are fitted to training ratings, measured on held-out ones."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from palate._log import log
from palate._threads import thread_count
from palate._words import counted
from palate.data._ratings import Ratings
from palate.errors import DataError
from palate.evaluation import _significance
from palate.evaluation._baselines import BASELINES
from palate.evaluation._display import (
    BEHIND,
    FiguresTable,
    Shown,
    lists_table,
    ratings_table,
    relevance,
)
from palate.evaluation._held_out_parts import FOLDS, parts_of
from palate.evaluation._measure import Measured, Test
from palate.evaluation._titles import distinct
from palate.solvers import require_solver
from palate.solvers._combined import Combined
from palate.solvers._one_cycle import OneCycle
from palate.solvers._protocol import Solver


@dataclass(frozen=True, repr=False)
class Evaluation(Shown):
    """How well solvers and baselines predict held-out ratings, and make lists.

    It is printed as tables, in a notebook too.

    Attributes
    ----------
    split
        How the ratings were split.
    warning
        Why this split is more favourable than use, since training ratings can be later than
        held-out ones; None for a split by time, and for a test table without timestamps.
    relevant
        The lowest held-out rating that makes an item relevant to its user; None in a table whose
        ratings are all equal, where every held-out event is relevant.
    cold
        For each fold, the number of cold held-out ratings: those of a user or an item without a
        training rating. All others are warm.
    results
        For each solver and baseline its name; the mean of each figure over the folds (see
        `evaluate`), with its standard error over folds as ``rmse_se`` and so on;
        ``ndcg_10_behind``, ``recall_10_behind`` and ``rmse_behind``, the difference from the best
        (0 for the best), each with its standard error as ``rmse_behind_se``; and folds, a list with
        the figures of each fold. Figures that do not apply are None.
    sentence
        What has the best lists and what predicts ratings best; and by how much, or that the
        difference is within chance: at most two standard errors; and where a baseline is better
        than the solvers. Of fewer than 10 people, only that there is too little to compare.
    left_out
        How many ratings of a test table are left out, because they are training ratings, too.

    Notes
    -----
    The standard error of a difference is paired over the users, who are the same for both:
    sqrt(U / (U - 1) sum_u d_u^2). Here d_u is the difference of the two influences of user u, of
    U users in all. The influence on a mean over users, such as nDCG, is (x_u - mean) / U in a fold,
    so that with one fold this is the usual standard error of a paired difference. The influence on
    the RMSE is the sum over the user's n_u of n ratings of (e^2 - RMSE^2) / (2 RMSE n). Influences
    are averaged over the folds, as the figures are, before they are squared, since the folds of one
    user are not independent (Cameron and Miller, "A practitioner's guide to cluster-robust
    inference", Journal of Human Resources 2015, section II). How the figures would vary with other
    training ratings is left out.
    """

    split: str
    warning: str | None
    relevant: float | None
    cold: list[int]
    results: list[dict[str, Any]]
    sentence: str
    left_out: int = 0

    def frame(self) -> pl.DataFrame:
        """Return the results as a table: the name, and each figure with its standard error."""
        rows = [{k: v for k, v in row.items() if k != "folds"} for row in self.results]
        return pl.DataFrame(rows, infer_schema_length=None)

    def _parts(self) -> Iterator[str | FiguresTable]:
        rated = ratings_table(self.results)
        yield f"Held out: {self.split}. {relevance(self.relevant)}\n"
        yield lists_table(self.results)
        if rated is not None:
            yield rated
        yield f"{BEHIND}{'; other errors are over folds' if len(self.cold) > 1 else ''}."
        if {"palate", "choice"} <= {result["name"] for result in self.results}:
            yield (
                "Lists: palate ranks by both questions, choice by what people pick, and solvers of "
                "ratings by expected ratings."
            )
        if any(self.cold):
            what = "event" if rated is None else "rating"
            cold = counted(sum(self.cold), f"held-out {what}")
            yield f"cold: {cold} of a user or item without a training {what}"
        if self.warning:
            yield f"Note: {self.warning}"
        yield f"\n{self.sentence}"


def evaluate(
    ratings: Ratings,
    solvers: Solver | Iterable[Solver] | None = None,
    *,
    test: Ratings | None = None,
    folds: int | str = FOLDS,
    split: str | None = None,
    share: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[str], None] | bool | None = None,
) -> Evaluation:
    """Measure solvers and four baselines on held-out ratings.

    The figures (see ``evaluation/_metric_formulas.py``) are rmse and mae, also of the warm and the
    cold ratings; coverage and width of 50% and 90% intervals; and ndcg_10, recall_10,
    catalogue_coverage, diversity and, where the items have genres, genre_divergence of lists: the
    ten highest scores among all items that others, but not the user, have rated in training. The
    baselines are the global mean, damped means, and, for lists only, popularity and item
    neighbours. Where all ratings are equal, there are no figures of ratings.

    Parameters
    ----------
    ratings, solvers
        The ratings, and one or several solvers (see `Solver`); by default all of Palate's.
    test
        Instead of folds or a split, a table of held-out ratings, with any users and items; those
        that are among `ratings` too are left out.
    folds
        The number of random folds; or "official", for u1 to u5 of MovieLens 100k.
    split
        Instead of folds, one split: "random" or "time" (the latest ratings), which hold out
        `share`; "users", which leaves that share of the people (at most 10,000) out of the fit,
        and gives half of their ratings to the model and holds out the other half; or
        "leave-last-1" (or another number: the last ratings of each user).
    share
        The fraction that "random", "time" and "users" hold out; by default 0.2.
    seed, threads
        The seed of random splits; the number of threads, by default all that this process may use.
    progress
        True prints each solver before it is fitted; a function is called with that line.

    Raises
    ------
    SettingError
        If the split does not exist, has an empty part or is given with `test`, or an object is not
        a solver.
    DataError
        If there are no ratings, they lack the timestamps that the split needs, or `test` is of
        another kind, has ids of another type, or has training ratings alone.
    KeyboardInterrupt
        If Ctrl-C was pressed.
    """
    if not isinstance(ratings, Ratings) or len(ratings) == 0:
        raise DataError("there are no ratings to evaluate on; read some with palate.read_ratings")
    contenders = _by_name(default_contenders(ratings, seed) if solvers is None else solvers)
    parts, description, warning = parts_of(ratings, folds, split, share, seed, test=test)
    tests = [Test(part, ratings, thread_count(threads)) for part in parts]
    report = progress if callable(progress) else print if progress else _ignore
    return _evaluation(tests, description, warning, _measured(tests, contenders, report), test)


def _evaluation(
    tests: list[Test],
    split: str,
    warning: str | None,
    measured: dict[str, list[Measured]],
    given: Ratings | None,
) -> Evaluation:
    """Return the evaluation of what was measured; `given` is the test table, if there is one."""
    results, people = _significance.results_of(measured), _significance.people_compared(measured)
    sentence = _significance.sentence(results, people)
    sentence += _significance.where_baselines_win(results, people)
    log.info("evaluated %s on %s: %s", ", ".join(measured), split, sentence)
    cold, lowest = [int(test.cold.sum()) for test in tests], tests[0].lowest_relevant
    left_out = 0 if given is None else len(given) - len(tests[0].valid)
    return Evaluation(split, warning, lowest, cold, results, sentence, left_out)


def _ignore(message: str) -> None:
    pass


def _measured(
    tests: list[Test],
    solvers: dict[str, Solver],
    report: Callable[[str], None],
) -> dict[str, list[Measured]]:
    """Return by name the figures of each contender on each part."""
    rated = tests[0].valid.kind == "ratings"
    baselines = [baseline for baseline in BASELINES if rated or not baseline.needs_ratings]
    measured: dict[str, list[Measured]] = {}
    for number, test in enumerate(tests, start=1):
        for name, solver in solvers.items():
            report(f"fold {number} of {len(tests)}: {name}")
            for entry in test.solver(name, solver):
                measured.setdefault(entry.name, []).append(entry)
        for baseline in baselines:
            measured.setdefault(baseline.name, []).append(test.baseline(baseline))
        for name, parts in measured.items():
            log.debug("fold %d of %d: %s: %s", number, len(tests), name, parts[-1].figures)
    return measured


def default_contenders(ratings: Ratings, seed: int) -> list[Solver]:
    """Return the solvers that are evaluated by default: Palate's own, where they apply."""
    combined = Combined(seed=seed)
    return [combined, OneCycle(seed=seed)] if ratings.kind == "ratings" else [combined]


def _by_name(solvers: Solver | Iterable[Solver]) -> dict[str, Solver]:
    """Return the solvers by name; if several have the same name, the later ones are numbered."""
    if isinstance(solvers, str) or not isinstance(solvers, Iterable):
        solvers = (solvers,)
    given = [require_solver(solver) for solver in solvers]
    return dict(zip(distinct(solver.name for solver in given), given, strict=True))
