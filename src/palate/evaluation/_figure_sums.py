"""Sums over people, from which the figures of contenders are computed: those of parts add up.

On one machine `palate.evaluation._measure` computes the same figures from all people at once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Csr
from palate.evaluation import _metric_formulas as formulas
from palate.evaluation._measure import FIGURES

Floats = NDArray[np.float64]
# For each name an array; those of disjoint groups of people are added.
Sums = dict[str, NDArray[Any]]
Cosines = Callable[[NDArray[np.int64], NDArray[np.int64]], Floats]
_SHARES = (50, 90)
_METRICS = {"ndcg_10": formulas.ndcg, "recall_10": formulas.recall}


class HeldOut(NamedTuple):
    """What is held out of some people, and their histories.

    Attributes
    ----------
    histories
        What is known of each person.
    user, cold
        Of each held-out rating: the row of its user in `histories`, and whether it is cold; shape
        (n,).
    relevant
        The rows of users and of items of the relevant pairs.
    genres
        See `formulas.genre_divergence`; None where there are none.
    cosines
        See `formulas.diversities`; None where they are not known.
    """

    histories: Csr
    user: NDArray[np.int32]
    cold: NDArray[np.bool_]
    relevant: tuple[NDArray[np.int32], NDArray[np.int32]]
    genres: Floats | None
    cosines: Cosines | None

    @property
    def people(self) -> int:
        """The number of people."""
        return len(self.histories.starts) - 1


class Answers(NamedTuple):
    """What a contender says of these people.

    Attributes
    ----------
    name
        Its name.
    error
        The error of each expected rating; shape (n,). None if it expects none.
    top
        The best items for each person, -1 for none; shape (people, 10). None if it makes no lists.
    unclipped, sd
        The errors of the expectations before they are clipped to the scale, and the standard
        deviations of the ratings; shape (n,). None if it has no intervals.
    """

    name: str
    error: NDArray[Any] | None
    top: NDArray[np.int32] | None
    unclipped: NDArray[Any] | None = None
    sd: Floats | None = None


def sums_of(answers: list[Answers], held_out: HeldOut, items: int) -> Sums:
    """Return the sums over some people.

    Parameters
    ----------
    answers
        What each contender says.
    held_out
        What is held out of the people.
    items
        The number of items.

    Returns
    -------
    Sums
        ``errors``, of warm and cold ratings: their number, and the sums of absolute and squared
        errors; ``intervals``, of 50% and 90%: the number of ratings, of those inside, and the sum
        of the widths; ``lists``, the number of people with lists; ``listed``, how many lists each
        item is in; ``diversity`` and ``genre_divergence``: of how many lists, and the sum; and for
        each figure that is compared the moments that `Figures.error` explains.
    """
    number = len(answers)
    sums: Sums = {
        "errors": np.zeros((number, 2, 3)),
        "intervals": np.zeros((number, len(_SHARES), 3)),
        "lists": np.zeros(number, dtype=np.int64),
        "listed": np.zeros((number, items), dtype=np.int32),
        "diversity": np.zeros((number, 2)),
        "genre_divergence": np.zeros((number, 2)),
    }
    squares = np.zeros((number, held_out.people))
    metrics = {figure: np.zeros((number, held_out.people)) for figure in _METRICS}
    relevant = np.bincount(held_out.relevant[0], minlength=held_out.people) > 0
    for row, answer in enumerate(answers):
        if answer.error is not None:
            square = np.square(answer.error, dtype=np.float64)
            squares[row] = np.bincount(held_out.user, square, minlength=held_out.people)
            sums["errors"][row] = _error_sums(answer.error, held_out.cold)
        if answer.sd is not None and answer.unclipped is not None:
            sums["intervals"][row] = _interval_sums(answer.unclipped, answer.sd)
        if answer.top is not None:
            sums["lists"][row] = held_out.people
            sums["listed"][row] = np.bincount(answer.top[answer.top >= 0], minlength=items)
            for figure, values in _of_lists(answer.top, held_out, items).items():
                known = values[np.isfinite(values)]
                sums[figure][row] = len(known), known.sum()
            judged = formulas.Judged.of(answer.top, *held_out.relevant)
            for figure, metric in _METRICS.items():
                metrics[figure][row] = metric(judged)
    rated = np.bincount(held_out.user, minlength=held_out.people)
    sums["rmse"] = _moments(squares, rated, rated > 0)
    for figure, values in metrics.items():
        sums[figure] = _moments(values, relevant, relevant)
    return sums


def _error_sums(error: NDArray[Any], cold: NDArray[np.bool_]) -> Floats:
    parts = (error[~cold].astype(np.float64), error[cold].astype(np.float64))
    return np.array([(len(part), np.abs(part).sum(), np.square(part).sum()) for part in parts])


def _interval_sums(error: NDArray[Any], sd: Floats) -> Floats:
    found = [formulas.interval(error, sd, share / 100) for share in _SHARES] if len(sd) else []
    return np.array([(1, *figures) for figures in found] or np.zeros((2, 3))) * len(sd)


def _of_lists(top: NDArray[np.int32], held_out: HeldOut, items: int) -> dict[str, Floats]:
    """Return the figures of each list that need no held-out ratings."""
    figures = {}
    if held_out.cosines is not None:
        figures["diversity"] = formulas.diversities(top, items, held_out.cosines)
    if held_out.genres is not None:
        figures["genre_divergence"] = formulas.genre_divergences(
            top, held_out.histories, held_out.genres
        )
    return figures


def _moments(values: Floats, sizes: NDArray[Any], known: NDArray[np.bool_]) -> Floats:
    """Return the second moments of the values of each person, of the size, and of 1."""
    vectors = np.vstack([values, sizes, np.ones(len(sizes))])[:, known]
    moments: Floats = vectors @ vectors.T
    return moments


class Figures:
    """The figures of contenders.

    Parameters
    ----------
    names
        The contenders, in the order of the sums.
    sums
        The sums over all people.
    eligible
        The number of items that can be in lists.
    """

    def __init__(self, names: list[str], sums: Sums, eligible: int) -> None:
        self.names, self._sums, self._eligible = names, sums, eligible

    @property
    def cold(self) -> int:
        """The number of cold held-out ratings."""
        return int(self._sums["errors"][:, 1, 0].max(initial=0))

    @property
    def people(self) -> dict[str, int]:
        """See `people_compared`."""
        people = {name: int(self._sums[name][-1, -1]) for name in ("rmse", *_METRICS)}
        return {name: number for name, number in people.items() if number}

    def of(self, name: str, fit_seconds: float | None) -> dict[str, Any]:
        """Return the figures of a contender."""
        row, sums = self.names.index(name), self._sums
        figures = dict.fromkeys(FIGURES) | {"fit_seconds": fit_seconds}
        warm, cold = sums["errors"][row]
        for part, (n, absolute, square) in {"": warm + cold, "_warm": warm, "_cold": cold}.items():
            if n:
                figures |= {f"rmse{part}": float(np.sqrt(square / n)), f"mae{part}": absolute / n}
        for share, (n, inside, width) in zip(_SHARES, sums["intervals"][row], strict=True):
            if n:
                figures |= {f"coverage_{share}": inside / n, f"width_{share}": width / n}
        if sums["lists"][row]:
            if self._eligible:
                listed = np.count_nonzero(sums["listed"][row])
                figures["catalogue_coverage"] = listed / self._eligible
            for figure in _METRICS:
                total, people = sums[figure][[row, -1], -1]
                figures[figure] = total / people if people else None
        for figure in ("diversity", "genre_divergence"):
            n, total = sums[figure][row]
            figures[figure] = total / n if n else None
        return {name: None if value is None else float(value) for name, value in figures.items()}

    def error(self, figure: str, name: str, best: str) -> float | None:
        """Return the standard error of a difference, as `Evaluation` defines it.

        The influence of a person with the vector w on a figure is c'w: for nDCG, a mean of x over
        K people, ``(x - mean) / K``; for the RMSE over N ratings, with the sum s of the squared
        errors of n ratings, ``(s - n MSE) / (2 RMSE N)``. So the sum of squared differences of
        influences is that of ``(c - d)' M (c - d)`` with the second moments M of the vectors.
        """
        moments = self._sums[figure]
        people = moments[-1, -1]
        difference = self._influence(figure, name) - self._influence(figure, best)
        if people <= 1:
            return None
        squares = max(float(difference @ moments @ difference), 0.0)
        return float(np.sqrt(people / (people - 1) * squares))

    def _influence(self, figure: str, name: str) -> Floats:
        """Return the coefficients of the influence in the vector of a person."""
        row, moments = self.names.index(name), self._sums[figure]
        total, size = moments[[row, -2], -1]
        coefficients = np.zeros(len(moments))
        coefficients[row], coefficients[-2] = 1, -total / size
        if figure == "rmse":
            size *= 2 * np.sqrt(total / size) or 1.0
        coefficients /= size
        return coefficients
