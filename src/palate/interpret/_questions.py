"""What to ask a person next: whose answer is expected to tell most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.inference._prediction import score_variance

if TYPE_CHECKING:
    from palate.model._profile import Profile

Numbers = NDArray[np.float64]


def next_questions(profile: Profile, n: int, exclude: Any) -> pl.DataFrame:
    """Return the `n` best items to ask about; see `Profile.next_questions`."""
    _arguments.integer("n", n, 1)
    model = profile.model
    open_ = model.choices(exclude=exclude)
    open_[profile.rated] = False
    z, noise = _directions(profile)
    known = z[model.item_counts > 0]
    worth = known.T @ known / max(1, len(known))
    covariance = profile.covariance.astype(np.float64)
    # Nobody can rate what they do not know: the chance of that goes by how many have rated it.
    chance = model.item_counts / max(1, model.item_counts.max(initial=0))
    rows, gains = [], []
    for _ in range(min(n, int(open_.sum()))):
        told = z @ covariance
        variance = np.einsum("nk,nk->n", told, z) + noise
        gain = np.einsum("nk,kl,nl->n", told, worth, told) / variance
        best = int(np.argmax(np.where(open_, gain * chance, -1.0)))
        rows.append(best)
        gains.append(float(gain[best]))
        open_[best] = False
        covariance -= np.outer(told[best], told[best]) / variance[best]
    asked = np.array(rows, dtype=np.int64)
    return model.item_frame(asked, gain=gains, ratings=model.item_counts[asked])


def _directions(profile: Profile) -> tuple[Numbers, Numbers]:
    """Return what each item's rating depends on, and the variance about it that is not the profile.

    A rating is about ``z' x`` and known to within the noise and what is unknown of its item; where
    there is a sigmoid, times its slope at the score that is expected. Shapes (items, k + 1) and
    (items,), in units of the ratings.
    """
    model, parameters = profile.model, profile.model.parameters
    table = model.item_table
    z = np.c_[table[:, :-1], np.ones(len(table))].astype(np.float64)
    noise = np.full(len(table), parameters.noise_sd**2)
    slope = model.link.slope(profile.scores())[:, None]
    if parameters.item_bias_sd is not None:
        rows = np.arange(len(table), dtype=np.int32)
        total = score_variance(
            parameters, profile.row[None], profile.covariance[None], np.zeros_like(rows), rows
        )
        own = np.einsum("nk,kl,nl->n", z, profile.covariance.astype(np.float64), z)
        noise += np.maximum(total - own, 0)
    return slope * z, noise
