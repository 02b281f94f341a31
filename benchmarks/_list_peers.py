"""The peers of `lists.py`, each with settings to choose from by training data alone."""

import importlib.util
import itertools
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from _list_tables import Table, per_user
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import palate
from palate._threads import thread_count
from palate.evaluation._metric_formulas import Judged, ndcg, recall

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Near the best of some 50 settings at hidden training events of these tables.
_ALS_SETTINGS = (
    *((64, 50, 8), (128, 50, 8), (128, 80, 15)),
    *((128, 100, 40), (256, 80, 15), (256, 100, 40)),
)
Lists = NDArray[np.int32]
Scores = Callable[[NDArray[np.intp]], NDArray[np.floating]]
_USERS_AT_ONCE = 1000


class Peer(NamedTuple):
    """A peer: `fit` takes histories of shape (users, items) and one of the `settings`.

    It returns a function from rows of users to their scores of all items.
    """

    fit: Callable[..., Scores]
    settings: Sequence[Mapping[str, Any]]
    most_items: float = np.inf


class Tuned(NamedTuple):
    """A peer's lists, the setting chosen, the seconds to fit with it and those to choose it."""

    lists: Lists
    setting: str
    fit_seconds: float
    tuning_seconds: float


def installed_peers() -> dict[str, Peer]:
    """Return the peers whose packages are installed, by name."""
    if not importlib.util.find_spec("scipy"):
        return {}
    ridges = [{"ridge": ridge} for ridge in (10, 30, 100, 300, 1000, 3000)]
    peers = {"EASE": Peer(ease, ridges, most_items=12_000)}
    if importlib.util.find_spec("implicit"):
        weights, sizes = ("Cosine", "BM25"), (10, 20, 100, 500)
        neighbours = [{"weights": weight, "k": k} for weight in weights for k in sizes]
        peers["item neighbours (implicit)"] = Peer(item_neighbours, neighbours)
        names = ("factors", "regularization", "alpha")
        factorisations = [dict(zip(names, values, strict=True)) for values in _ALS_SETTINGS]
        peers["ALS (implicit)"] = Peer(als, factorisations)
    return peers


def tuned(peer: Peer, train: palate.Ratings, table: Table) -> Tuned:
    """Fit the peer with the setting that is best at a random fifth of each training history.

    Where only high ratings are relevant, learning from these alone is part of the settings.
    """
    start = time.perf_counter()
    known, hidden = per_user(train, 0.2, seed=0)
    lowest = sorted({-np.inf, table.relevant})
    choices = list(itertools.product(lowest, peer.settings))
    ndcg = []
    for low, setting in choices:
        scores = peer.fit(histories(known, low), **setting)
        top = best_unseen(scores, known, low, table.n)
        ndcg.append(ndcg_and_recall(top, hidden, table)[0])
    low, setting = choices[int(np.argmax(ndcg))]
    middle = time.perf_counter()
    scores = peer.fit(histories(train, low), **setting)
    end = time.perf_counter()
    words = ", ".join(f"{name} {value}" for name, value in setting.items())
    if low > -np.inf:
        words += f", ratings of {low:g} and more only"
    return Tuned(best_unseen(scores, train, low, table.n), words, end - middle, middle - start)


def ndcg_and_recall(top: Lists, held_out: palate.Ratings, table: Table) -> tuple[float, float]:
    relevant = held_out.rating >= table.relevant
    judged = Judged.of(top, held_out.user[relevant], held_out.item[relevant])
    return float(np.nanmean(ndcg(judged))), float(np.nanmean(recall(judged)))


def histories(ratings: palate.Ratings, low: float = -np.inf) -> "csr_matrix":
    """Return a matrix of shape (users, items): 1 where there is a rating of `low` or more."""
    from scipy.sparse import csr_matrix

    chosen = ratings.take(ratings.rating >= low)
    shape = (ratings.users.height, ratings.items.height)
    ones = np.ones(len(chosen), np.float32)
    return csr_matrix((ones, (chosen.user, chosen.item)), shape=shape)


def best_unseen(scores: Scores, train: palate.Ratings, low: float, n: int) -> Lists:
    """Return each user's `n` unseen items with the highest scores, of those with a training event.

    A user with nothing to learn from gets the most popular ones.
    """
    seen, popularity = histories(train), np.bincount(train.item, minlength=train.items.height)
    new = np.diff(histories(train, low).indptr) == 0
    top = np.empty((seen.shape[0], n), np.int32)
    for start in range(0, len(top), _USERS_AT_ONCE):
        rows = np.arange(start, min(start + _USERS_AT_ONCE, len(top)))
        block = np.array(scores(rows), np.float32)
        block[new[rows]] = popularity
        block[:, popularity == 0] = -np.inf
        block[seen[rows].nonzero()] = -np.inf
        best = np.argpartition(block, -n, axis=1)[:, -n:]
        order = np.argsort(-np.take_along_axis(block, best, 1), axis=1, kind="stable")
        top[rows] = np.take_along_axis(best, order, 1)
    return top


def ease(x: "csr_matrix", ridge: float) -> Scores:
    """Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, equation 8."""
    gram = (x.T @ x).toarray()
    gram[np.diag_indices_from(gram)] += ridge
    weights = np.linalg.inv(gram)
    weights /= -np.diag(weights)
    np.fill_diagonal(weights, 0)
    return lambda rows: x[rows] @ weights


def item_neighbours(x: "csr_matrix", weights: str, k: int) -> Scores:
    from implicit import nearest_neighbours

    recommender = getattr(nearest_neighbours, f"{weights}Recommender")
    model = recommender(K=k, num_threads=thread_count(None))
    with warnings.catch_warnings(action="ignore"):  # of conversions that implicit makes itself
        model.fit(x, show_progress=False)
    return lambda rows: (x[rows] @ model.similarity).toarray()


def als(x: "csr_matrix", **setting: float) -> Scores:
    from implicit.cpu.als import AlternatingLeastSquares

    with threadpool_limits(1, "blas"):  # as implicit recommends: it has threads of its own
        model = AlternatingLeastSquares(**setting, num_threads=thread_count(None), random_state=0)
        model.fit(x, show_progress=False)
    return lambda rows: model.user_factors[rows] @ model.item_factors.T
