"""Features of users and of items from which ratings exist, whatever they are."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._native import CancelToken
from palate.data._ratings import Csr
from palate.learned._pair_features import PairFeatures, projections
from palate.solvers._eigenpairs import leading_eigenpairs

# The number of singular vectors, and of vectors in the subspace that they are found in.
_RANK, _SUBSPACE = 128, 144
# The largest eigenvalue is 1.
_MIN_EIGENVALUE = 1e-4


class BothFeatures(NamedTuple):
    """The features of users, from items; and those of items, from users."""

    users: PairFeatures
    items: PairFeatures


def pair_features(
    by_user: Csr, by_item: Csr, *, seed: int, threads: int, cancel: CancelToken
) -> BothFeatures:
    """Return the features of both sides.

    With n_u and n_i the numbers of ratings, the loadings are those of the singular vectors of the
    normalised matrix N_ui = 1 / (n_u n_i)^1/2 for each rating (Dhillon, "Co-clustering documents
    and words using bipartite spectral graph partitioning", KDD 2001, section 4)::

        N = U S V',   v_i = V_i / n_i^1/2 (for users),   w_u = U_u / n_u^1/2 (for items)

    so that the features of a user, sum_i v_i / n_u^1/2, are U_u S, and those of an item V_i S. The
    first singular vectors, the roots of n, are left out. Loadings are scaled so that the features
    of a user or an item have a mean square of 1 in all.
    """
    of_user, of_item = (
        (1 / np.sqrt(np.maximum(np.diff(side.starts), 1))).astype(np.float32)
        for side in (by_user, by_item)
    )
    values, right = leading_eigenpairs(
        by_user._replace(rating=of_user[by_user.row] * of_item[by_user.partner]),
        by_item._replace(rating=of_item[by_item.row] * of_user[by_item.partner]),
        _RANK + 1,
        subspace=_SUBSPACE,
        seed=seed,
        stream=_random_streams.PAIR_SKETCH,
        threads=threads,
        cancel=cancel,
    )
    kept = slice(1, int(np.sum(values > _MIN_EIGENVALUE)))
    size = np.sqrt(values[kept])
    for_users: NDArray[np.float32] = right[:, kept] * of_item[:, None]
    left = projections(for_users, by_user, threads) / size
    for_items = np.ascontiguousarray(left * of_user[:, None], dtype=np.float32)
    # The squares of the features U S and V S sum to those of S.
    total = max(float(np.sum(size**2)), _MIN_EIGENVALUE)
    return BothFeatures(
        *(
            PairFeatures.standardised(
                loadings * np.float32(math.sqrt(np.count_nonzero(np.diff(grouped.starts)) / total)),
                grouped,
                threads,
            )
            for loadings, grouped in ((for_users, by_user), (for_items, by_item))
        )
    )
