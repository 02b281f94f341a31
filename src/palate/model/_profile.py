"""A profile: what the model holds of one person."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _checks
from palate.errors import SettingError
from palate.model._prediction import need_spread, score_variance, status

if TYPE_CHECKING:
    from palate.model._model import Model


@dataclass(frozen=True, eq=False)
class Profile:
    """One person as a model sees them: a normal distribution over their tastes and bias.

    Attributes
    ----------
    model
        The model.
    row
        The mean of the person's k factors, then of their bias; shape (k + 1,).
    covariance
        The covariance of these, given the items; shape (k + 1, k + 1).
    rated, rating
        The rows of the items that they have rated, and the ratings; shape (m,).
    """

    model: Model
    row: NDArray[np.float32]
    covariance: NDArray[np.float32]
    rated: NDArray[np.int32]
    rating: NDArray[np.float32]

    def __repr__(self) -> str:
        return f"<Profile: {len(self.rated):,} ratings, bias {self.row[-1]:+.2f}; {self.model!r}>"

    def predict(self, items: Any) -> pl.DataFrame:
        """Return the rating that this person is expected to give each of `items`.

        `items` is one id or title, or several.

        Returns
        -------
        polars.DataFrame
            In the order asked: id, item, prediction (in units of the ratings), sd (of the rating
            about it, with what is unknown of the person and of the item and the noise of a
            rating; null for a point estimate, which doesn't know), ratings (how many the item
            has), and status: "known", "rarely rated" (fewer than five ratings) or "prior-only"
            (none).

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items.
        """
        rows = self.model.names.rows(items)
        return self._told(rows, self._scores()[rows])

    def recommend(
        self,
        n: int = 10,
        *,
        candidates: Any = None,
        exclude: Any = (),
        seen: bool = False,
        cautious: float | None = None,
    ) -> pl.DataFrame:
        """Return the `n` items with the highest expected ratings.

        Parameters
        ----------
        n
            How many; there are fewer where fewer are left to choose from.
        candidates
            Choose from these items only; by default from all that have a training rating.
        exclude
            Leave these out.
        seen
            Whether items that the person has rated may come back.
        cautious
            A probability up to 0.5, such as 0.1: rank by the rating that the person's expected
            rating surpasses with all but this probability, which holds back items that the model
            is not sure of.

        Returns
        -------
        polars.DataFrame
            The best first, with the columns of `predict`; with `cautious` also at_least, the
            rating by which they are ranked.

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items named.
        SettingError
            If `n` or `cautious` is out of range, or `cautious` is asked of a point estimate.
        """
        _checks.whole("n", n, 1)
        allowed = self.model.choices(candidates, exclude)
        if not seen:
            allowed[self.rated] = False
        left = np.flatnonzero(allowed)
        scores = self._scores()  # which differ where ratings are cut off at the highest one
        if cautious is None:
            rows = left[np.argsort(-scores[left], kind="stable")[:n]]
            return self._told(rows, scores[rows])
        lower = scores[left] + _quantile(cautious) * self._score_sd(left)
        best = np.argsort(-lower, kind="stable")[:n]
        rows, at_least = left[best], lower[best].astype(np.float32)
        return self._told(rows, scores[rows]).with_columns(
            at_least=self.model.link.rating(at_least)
        )

    def favourites(self, n: int = 10) -> pl.DataFrame:
        """Return the `n` items that this person rated highest: id, item and rating."""
        order = np.argsort(-self.rating, kind="stable")[: _checks.whole("n", n, 1)]
        rows = self.rated[order].astype(np.int64)
        return self.model.item_frame(rows, rating=self.rating[order])

    def _scores(self) -> NDArray[np.float32]:
        """Return the score of every item; shape (items,)."""
        table = self.model.item_table
        score: NDArray[np.float32] = table[:, :-1] @ self.row[:-1] + table[:, -1] + self.row[-1]
        return score

    def _score_sd(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how uncertain the scores of items are: the noise of a rating is not in it."""
        parameters = self.model.parameters
        need_spread(parameters)
        user, item = np.zeros(len(rows), dtype=np.int32), rows.astype(np.int32)
        variance = score_variance(parameters, self.row[None], self.covariance[None], user, item)
        return np.sqrt(variance)

    def _told(self, rows: NDArray[np.int64], scores: NDArray[np.float32]) -> pl.DataFrame:
        counts, parameters = self.model.item_counts[rows], self.model.parameters
        sd: Any = pl.Series([None] * len(rows), dtype=pl.Float32)
        if parameters.item_bias_sd is not None:
            sd = np.hypot(self._score_sd(rows), parameters.noise_sd).astype(np.float32)
        return self.model.item_frame(
            rows,
            prediction=self.model.link.rating(scores),
            sd=sd,
            ratings=counts,
            status=status(counts),
        )


def _quantile(cautious: Any) -> float:
    probability = _checks.number("cautious", cautious)
    if not 0 < probability <= 0.5:
        raise SettingError(f"cautious is {cautious}; it must lie above 0 and up to 0.5")
    return NormalDist().inv_cdf(probability)
