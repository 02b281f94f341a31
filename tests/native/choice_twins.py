"""The kernels of the choice model once more in plain NumPy, in double precision."""

import numpy as np


def csr(matrix, drop=0.0):
    """Return starts, columns and values of the entries other than `drop`."""
    rows, columns = np.nonzero(matrix != drop)
    starts = np.searchsorted(rows, np.arange(len(matrix) + 1)).astype(np.int64)
    return starts, columns.astype(np.int32), matrix[rows, columns].astype(np.float32)


def co_occurrences(matrix, weight):
    x = matrix.astype(np.float64)
    return x.T @ (weight.astype(np.float64)[:, None] * x)


def largest_co_occurrences(matrix, weight, scale, most):
    """Return for each item the others with the largest scaled co-occurrences, and these."""
    scaled = co_occurrences(matrix, weight) * scale.astype(np.float64)[:, None] * scale
    np.fill_diagonal(scaled, 0)
    lists = []
    for row in scaled:
        best = np.argsort(-row, kind="stable")[:most]
        items = np.sort(best[row[best] > 0])
        lists.append((items, row[items]))
    return lists


def best_items(scores, seen, allowed, n):
    rows = np.full((len(scores), n), -1)
    best = np.full((len(scores), n), -np.inf)
    for u, score in enumerate(scores):
        left = np.setdiff1d(np.flatnonzero(allowed), seen[u])
        found = left[np.argsort(-score[left], kind="stable")][:n]
        rows[u, : len(found)], best[u, : len(found)] = found, score[found]
    return rows, best


def ndcg(score, candidate, relevant, n):
    """Return the nDCG of one list; equal scores are in the order of rows."""
    left = np.flatnonzero(candidate)
    top = left[np.argsort(-score[left], kind="stable")][:n]
    gains = 1 / np.log2(np.arange(2, n + 2))
    found = (gains[: len(top)] * np.isin(top, np.flatnonzero(relevant))).sum()
    return found / gains[: min(n, int(relevant.sum()))].sum() if relevant.any() else 0.0


def refitted_ndcg(matrix, weight, user, kept, kept_weight, relevant, ridge, exponent, n):
    """Fit the model again with another row of one user, and return the nDCG and the scores.

    `matrix` has NaN where there is no entry; `kept` is the new row, and `relevant` a mask.
    """
    x, w = np.nan_to_num(matrix.astype(np.float64)), weight.astype(np.float64)
    x[user], w[user] = np.nan_to_num(kept), kept_weight
    precision = np.linalg.inv(x.T @ (w[:, None] * x) + np.diag(ridge))
    b = -precision / np.diag(precision)
    np.fill_diagonal(b, 0)
    others = np.delete(x, user, axis=0), np.delete(w, user)
    popularity = (others[1][:, None] * others[0] ** 2).sum(axis=0)
    # A held-out item's popularity is that of the others; so is a candidate's that the user lacks.
    score = x[user] @ b * np.where(popularity > 0, popularity, 1) ** -exponent
    candidate = (popularity > 0) & np.isnan(kept)
    return ndcg(score, candidate, relevant, n), np.where(candidate, score, -np.inf)


def weighed_by_logistic(scores, ratings, slope, shift, power):
    z = slope * ratings.astype(np.float64) + shift
    return scores * (1 / (1 + np.exp(-z))) ** power


def logit_probabilities(scores, seen, ranked, slope, offset):
    """Return the probability of each item that can be picked, 0 for others; (users, items)."""
    found = np.zeros(scores.shape)
    for u, score in enumerate(scores.astype(np.float64)):
        left = np.setdiff1d(np.flatnonzero(ranked & (score != -np.inf)), seen[u])
        positive = np.maximum(score[left], 0)
        if not len(left):
            continue
        mean = positive.mean()
        weight = (positive / mean + offset if mean > 0 else positive + offset) ** slope
        found[u, left] = weight / weight.sum()
    return found
