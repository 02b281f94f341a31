"""How probable a pick is: a curve from the scores of a hold-out."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.learned._choice import ChanceCurve
from palate.solvers.choice._hold_out import HeldOutScores

# Maximum numbers of histories that the curve is fitted to, and of their scores; but a hundred
# histories are needed.
_MAX_HISTORIES, _MAX_SCORES, _MIN_HISTORIES = 1000, 1 << 27, 100
# Scores are counted in bins of their logarithm, from the lowest.
_LOWEST, _WIDTH, _BINS = -24.0, 0.1, 320
# The curve is level below this quantile of the scores of held-out entries.
_FLOOR = 0.02
# Before any history is known, the slope in the score per entry of the history is N(1, 1), and that
# in the number of entries N(0, 1): they exist where all histories have one length, and there the
# chances for others are those of the same score per entry.
_PRIOR = np.array([0.0, 1.0, 0.0])
_PRIOR_PRECISION = np.array([0.0, 1.0, 1.0])
_MAX_STEPS = 100
_TOLERANCE = 1e-8


def histories_needed(items: int) -> int:
    """Return the number of histories that the curve is fitted to."""
    return max(_MIN_HISTORIES, min(_MAX_HISTORIES, _MAX_SCORES // items))


def fit_chance_curve(parts: Iterable[HeldOutScores]) -> ChanceCurve | None:
    """Return the curve; None if no held-out entry is among the ranked items.

    The number of times that an item is among the h held-out entries of a history of n others is
    Poisson distributed with the mean h times the chance. This is a log-linear model (McCullagh and
    Nelder, "Generalized linear models", 1989, section 6.2), fitted by Newton steps to the numbers
    of items by history and bin of scores.
    """
    ranked, hits, sizes = _counted(parts)
    held_out = hits.sum(axis=1)
    hits = hits[:, 1:]  # the others are not ranked
    if not hits.any():
        return None
    floor = int(np.searchsorted(np.cumsum(hits.sum(axis=0)), _FLOOR * hits.sum()))
    log_score = np.asarray(_LOWEST + _WIDTH * (np.arange(_BINS) + 0.5))
    log_score[:floor] = log_score[floor]
    level, slope, history_slope = _poisson(
        hits, ranked * held_out[:, None], log_score, np.log(sizes)
    )
    return ChanceCurve(level, slope, history_slope, float(np.exp(log_score[floor])))


def _counted(
    parts: Iterable[HeldOutScores],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return, by history and bin, the numbers of items and of held-out entries; and the sizes.

    The held-out entries have one more bin, the first, for those that are not ranked.
    """
    ranked, hits, sizes = [], [], []
    for scores, size, row, item in parts:
        bins = _bin(scores)
        ranked.append(_by_history(np.repeat(np.arange(len(bins)), bins.shape[1]), bins, len(bins)))
        hits.append(_by_history(row, bins[row, item], len(bins)))
        sizes.append(size)
    return np.concatenate(ranked)[:, 1:], np.concatenate(hits), np.concatenate(sizes)


def _by_history(
    row: NDArray[np.integer[Any]], bins: NDArray[np.int64], histories: int
) -> NDArray[np.int64]:
    """Return the number of entries in each bin of each history."""
    cells = row * (_BINS + 1) + bins.ravel()
    counts: NDArray[np.int64] = np.bincount(cells, minlength=histories * (_BINS + 1))
    return counts.reshape(histories, -1)


def _bin(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the bin of each score, from 1; 0 for items that are not ranked."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(scores, 0))
    bins = np.clip((logs - _LOWEST) / _WIDTH, 0, _BINS - 1).astype(np.int64) + 1
    bins[scores == -np.inf] = 0
    return bins


def _poisson(
    hits: NDArray[np.int64],
    exposure: NDArray[np.int64],
    log_score: NDArray[np.float64],
    log_size: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return the level and the slopes of the log of the rate of hits by exposure."""
    rows, bins = np.nonzero(exposure)
    y, n = hits[rows, bins], exposure[rows, bins]
    per_entry = log_score[bins] - log_size[rows]
    x = np.stack([np.ones(len(rows)), per_entry, log_size[rows]], axis=1)
    centre = (n @ x) / n.sum()
    centre[0] = 0
    x -= centre
    beta = np.array([np.log(y.sum() / n.sum()), 0.0, 0.0])
    for _ in range(_MAX_STEPS):
        mean = n * np.exp(x @ beta)
        gradient = x.T @ (y - mean) - _PRIOR_PRECISION * (beta - _PRIOR)
        step = np.linalg.solve((x.T * mean) @ x + np.diag(_PRIOR_PRECISION), gradient)
        beta += np.clip(step, -1, 1)
        if np.abs(step).max() < _TOLERANCE:
            break
    return float(beta[0] - centre @ beta), float(beta[1]), float(beta[2] - beta[1])
