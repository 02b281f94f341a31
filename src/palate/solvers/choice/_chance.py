"""How probable a pick is: a conditional logit, fitted to the scores of a hold-out."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from palate.learned._choice import ConditionalLogit
from palate.solvers.choice._hold_out import HeldOutScores

# Maximum numbers of histories that the model is fitted to, and of their scores; but a hundred
# histories are needed.
_MAX_HISTORIES, _MAX_SCORES, _MIN_HISTORIES = 1000, 1 << 27, 100
# Relative scores are counted in bins of their logarithm, from the lowest.
_LOWEST, _WIDTH, _BINS = -10.0, 0.05, 480
# The offsets to try. Below the lowest, items without a score would be all but impossible; and with
# the highest, a score equal to the mean doubles what an item counts at a slope of 1.
_OFFSETS = (0.01, 0.03, 0.1, 0.3, 1.0)
# The prior of the slope is N(1, 1): picks in proportion to the scores.
_PRIOR_SLOPE = 1.0
_MAX_STEPS = 100
_TOLERANCE = 1e-8


def histories_needed(items: int) -> int:
    """Return the number of histories that the model is fitted to."""
    return max(_MIN_HISTORIES, min(_MAX_HISTORIES, _MAX_SCORES // items))


def fit_chance(parts: Iterable[HeldOutScores]) -> ConditionalLogit | None:
    """Return the model of the held-out entries; None if no one is among the ranked items.

    The slope and the offset have the highest posterior probability, given the numbers of ranked
    items and of held-out entries by history and bin of scores.
    """
    ranked, hits = _counted(parts)
    if not hits.any():
        return None
    relative = np.exp(_LOWEST + _WIDTH * (np.arange(_BINS) + 0.5))
    found = [
        (*_slope(ranked, hits, np.log(relative + offset)), -offset, offset) for offset in _OFFSETS
    ]
    _, slope, _, offset = max(found)
    return ConditionalLogit(slope, offset)


def _counted(parts: Iterable[HeldOutScores]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of ranked items and of held-out entries; shapes (histories, bins)."""
    ranked: list[NDArray[np.int64]] = []
    hits: list[NDArray[np.int64]] = []
    for scores, row, item in parts:
        is_ranked = scores != -np.inf
        with np.errstate(divide="ignore"):
            logs = np.log(_relative(scores))
        bins = np.clip((logs - _LOWEST) / _WIDTH, 0, _BINS - 1).astype(np.int64)
        cells = bins + _BINS * np.arange(len(scores))[:, None]
        for counts, chosen in (
            (ranked, cells[is_ranked]),
            (hits, cells[row, item][is_ranked[row, item]]),
        ):
            counts.append(np.bincount(chosen, minlength=cells.shape[0] * _BINS).reshape(-1, _BINS))
    return np.concatenate(ranked), np.concatenate(hits)


def _relative(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return max(s, 0) relative to each person's mean; 0 for minus infinity, which is left out."""
    relative = np.maximum(scores, 0)
    counted = np.count_nonzero(scores != -np.inf, axis=1)
    total = relative.sum(axis=1)
    relative *= np.where(total > 0, counted / np.maximum(total, np.finfo(np.float32).tiny), 0)[
        :, None
    ]
    return relative


def _slope(
    ranked: NDArray[np.int64], hits: NDArray[np.int64], x: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the log posterior, up to a constant, and the slope for it, by Newton steps.

    With P the probabilities of the bins in a history of h held-out entries, the derivative of the
    log likelihood is the sum of x over these less h E_P x, and the second one -h var_P x.
    """
    x = x - x.max()  # what all items have in common does not matter, and exp can't overflow
    picks, sum_x = hits.sum(axis=1), float((hits @ x).sum())
    slope = _PRIOR_SLOPE
    for _ in range(_MAX_STEPS):
        weights = ranked * np.exp(slope * x)
        total = np.maximum(weights.sum(axis=1), np.finfo(float).tiny)
        mean = weights @ x / total
        variance = weights @ x**2 / total - mean**2
        step = (sum_x - picks @ mean - (slope - _PRIOR_SLOPE)) / (picks @ variance + 1)
        step = max(step, -slope)  # it stays at least 0
        slope += float(np.clip(step, -1, 1))
        if abs(step) < _TOLERANCE:
            break
    total = np.maximum((ranked * np.exp(slope * x)).sum(axis=1), np.finfo(float).tiny)
    log_likelihood = slope * sum_x - picks @ np.log(total)
    return float(log_likelihood - (slope - _PRIOR_SLOPE) ** 2 / 2), slope
