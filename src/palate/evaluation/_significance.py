"""Which contender is best, and whether the others are behind it by more than chance."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._words import capitalized, counted
from palate.evaluation._baselines import BASELINES
from palate.evaluation._measure import FIGURES, Measured
from palate.evaluation._titles import contender_title, is_plural

# Each figure that is compared, with the sign that makes less of it better.
COMPARED = {"rmse": 1.0, "ndcg_10": -1.0, "recall_10": -1.0}
# The standard error over fewer people is itself too uncertain to tell what is better.
MIN_PEOPLE = 10
_BASELINES = {baseline.name for baseline in BASELINES}
Title = Callable[[str], str]


def results_of(contenders: dict[str, list[Measured]]) -> list[dict[str, Any]]:
    """Return the results of `Evaluation` from the figures of each contender on each part."""

    def error(figure: str, name: str, best: str) -> float | None:
        return standard_error(*(_influence(contenders[one], figure) for one in (name, best)))

    figures = {name: [part.figures for part in parts] for name, parts in contenders.items()}
    return results_from(figures, error)


def results_from(
    figures: dict[str, list[dict[str, Any]]], error_of: Callable[[str, str, str], float | None]
) -> list[dict[str, Any]]:
    """Return the results of `Evaluation`.

    Parameters
    ----------
    figures
        The figures of each contender on each part, by its name.
    error_of
        Returns the standard error of a difference, given the figure and the names of the two.
    """
    results = [{"name": name, **_over_folds(parts)} for name, parts in figures.items()]
    for figure, sign in COMPARED.items():
        shown = [row for row in results if row[figure] is not None]
        best = min(shown, key=lambda row: sign * row[figure], default=None)
        for row in results:
            behind = error = None
            if best is not None and row[figure] is not None:
                behind = abs(row[figure] - best[figure])
                error = error_of(figure, row["name"], best["name"])
            row |= {f"{figure}_behind": behind, f"{figure}_behind_se": error}
    for row in results:
        row["folds"] = figures[row["name"]]
    return results


def people_compared(contenders: dict[str, list[Measured]]) -> dict[str, int]:
    """Return for each figure that is compared the number of users that it is a mean over."""
    people: dict[str, int] = {}
    for parts in contenders.values():
        for figure in {figure for part in parts for figure in part.influences}:
            known = int(np.isfinite(_influence(parts, figure)).sum())
            people[figure] = max(known, people.get(figure, 0))
    return people


def sentence(
    results: list[dict[str, Any]], people: dict[str, int], title: Title = contender_title
) -> str:
    """Return what wins, by nDCG@10 and by RMSE, and whether by more than chance.

    Of fewer than 10 people (see `people_compared`) it says only that they are too few. `title`
    returns the title, within a sentence, of what has a name.
    """
    most, rankable = max(people.values(), default=0), people.get("ndcg_10", 0)
    if not most:
        return "No held-out rating is relevant, so nothing is compared."
    if most < MIN_PEOPLE:
        known = counted(most, "person has", "people have")
        return (
            f"There is too little to compare: {known} anything held out, and at least "
            f"{MIN_PEOPLE} are needed to tell what is better."
        )
    lists = _verdict(results, "ndcg_10", ("has", "have"), "the best lists (nDCG@10 {:.3f})", title)
    if 0 < rankable < MIN_PEOPLE:
        known = counted(rankable, "person has", "people have")
        lists = f"lists are not compared, since only {known} anything relevant held out"
    rated = _verdict(results, "rmse", ("predicts", "predict"), "ratings best (RMSE {:.3f})", title)
    said = "; ".join(clause for clause in (lists, rated) if clause)
    return f"{capitalized(said)}."


def where_baselines_win(results: list[dict[str, Any]], people: dict[str, int]) -> str:
    """Return sentences on the figures in which a baseline is best and no solver is close to it.

    It is empty if there are none, or too few people to tell.
    """
    said = []
    for figure, verb, what in (
        ("ndcg_10", ("has", "have"), "better lists than"),
        ("rmse", ("predicts", "predict"), "ratings better than"),
    ):
        behind, error = f"{figure}_behind", f"{figure}_behind_se"
        known = [row for row in results if row[figure] is not None]
        solvers = [row for row in known if row["name"] not in _BASELINES]
        best = [row for row in known if row["name"] in _BASELINES and row[behind] == 0]
        if not solvers or not best or people.get(figure, 0) < MIN_PEOPLE:
            continue
        if all(row[error] is not None and row[behind] > 2 * row[error] for row in solvers):
            title = contender_title(best[0]["name"])
            others = "every solver" if len(solvers) > 1 else contender_title(solvers[0]["name"])
            said.append(f" {capitalized(title)} {verb[is_plural(title)]} {what} {others} here.")
    return "".join(said)


def _over_folds(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean and the standard error of each figure."""
    figures: dict[str, Any] = {}
    for name in FIGURES:
        known = np.array([row[name] for row in rows if row[name] is not None])
        several = len(known) > 1
        figures[name] = float(known.mean()) if len(known) else None
        figures[f"{name}_se"] = float(known.std(ddof=1) / len(known) ** 0.5) if several else None
    return figures


def _influence(parts: list[Measured], figure: str) -> NDArray[np.float64]:
    """Return the influence of each user on the mean of a figure over the folds; shape (users,)."""
    folds = np.stack([part.influences[figure] for part in parts if figure in part.influences])
    absent = np.isnan(folds).all(axis=0)
    return np.where(absent, np.nan, np.nansum(folds, axis=0) / len(folds))


def standard_error(ours: NDArray[np.float64], best: NDArray[np.float64]) -> float | None:
    """Return the paired standard error of a difference over users; see `Evaluation`."""
    difference = (ours - best)[np.isfinite(ours)]
    users = len(difference)
    return float(np.sqrt(users / (users - 1) * np.square(difference).sum())) if users > 1 else None


def _verdict(
    results: list[dict[str, Any]], figure: str, verb: tuple[str, str], what: str, title: Title
) -> str | None:
    """Return a clause that says what has the best figure, and which others may be as good."""
    behind, error = f"{figure}_behind", f"{figure}_behind_se"
    ranked = sorted((row for row in results if row[figure] is not None), key=lambda r: r[behind])
    best = [row for row in ranked if row[behind] == 0]  # several, if they are of one model
    if not best:
        return None
    plural = len(best) > 1 or is_plural(title(best[0]["name"]))
    clause = f"{_listed(best, title)} {verb[plural]} {what.format(best[0][figure])}"
    others = ranked[len(best) :]
    close = [row for row in others if row[error] is None or row[behind] <= 2 * row[error]]
    if close:
        return f"{clause}, with no difference beyond chance from {_listed(close, title)}"
    if not others:
        return clause
    second = others[0]
    margin = f"{second[behind]:.3f} \N{PLUS-MINUS SIGN} {2 * second[error]:.3f}"
    return f"{clause}, ahead of {title(second['name'])} by {margin} (2 standard errors)"


def _listed(rows: list[dict[str, Any]], title: Title) -> str:
    *first, last = (title(row["name"]) for row in rows)
    return f"{', '.join(first)} and {last}" if first else last
