"""People outside the fit beside the same people inside it; see `lists.py`."""

import numpy as np
from numpy.typing import NDArray

import palate
from palate.evaluation._metric_formulas import Judged, ndcg

_RELEVANT, _N = 4, 10


def outside(groups: int) -> None:
    """Leave one group of people after another out of the fit, and print what their lists lose.

    Half of each person's ratings is given to both models and half is held out from both; the model
    of the people inside has learned from the half that is given.
    """
    ratings, rng = palate.movielens("100k"), np.random.default_rng(0)
    held_out = random_halves(ratings, rng)
    inside, differences = [], []
    for people in np.array_split(rng.permutation(ratings.users.height), groups):
        of_group = np.isin(ratings.user, people)
        given, test = ratings.take(of_group & ~held_out), ratings.take(of_group & held_out)
        relevant = test.rating >= _RELEVANT
        models = (
            palate.fit(ratings.take(~(of_group & held_out))),
            palate.fit(ratings.take(~of_group)),
        )
        lists = (model.profiles(given).top_items(_N) for model in models)
        within, without = (
            ndcg(Judged.of(top, test.user[relevant], test.item[relevant])) for top in lists
        )
        known = np.isin(np.arange(ratings.users.height), test.user[relevant])
        inside += within[known].tolist()
        differences += (without - within)[known].tolist()
    error = np.std(differences) / np.sqrt(len(differences))
    print(
        f"  1 in {groups} outside: nDCG@{_N} inside {np.mean(inside):.4f}, outside less inside "
        f"{np.mean(differences):+.4f} +- {error:.4f} (standard error)",
        flush=True,
    )


def random_halves(ratings: palate.Ratings, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which ratings are in the second half of their user's ratings, in a random order."""
    order = rng.permutation(len(ratings))
    by_user = order[np.argsort(ratings.user[order], kind="stable")]
    counts = np.bincount(ratings.user, minlength=ratings.users.height)
    place = np.arange(len(ratings)) - np.repeat(np.cumsum(counts) - counts, counts)
    held_out = np.zeros(len(ratings), np.bool_)
    held_out[by_user] = place >= (np.repeat(counts, counts) + 1) // 2
    return held_out
