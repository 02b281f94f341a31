"""A profile: what the model holds of one person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _checks
from palate.model._lookup import item_row

if TYPE_CHECKING:
    from palate.model._model import Model


@dataclass(frozen=True, eq=False)
class Profile:
    """One person as a model sees them.

    Attributes
    ----------
    model
        The model.
    row
        The person's k factors, then their bias; shape (k + 1,).
    rated, rating
        The rows of the items that they have rated, and the ratings; shape (m,).
    """

    model: Model
    row: NDArray[np.float32]
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
            Columns id, item and prediction (in units of the ratings), in the order asked.

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items.
        """
        rows = self._rows(items)
        prediction = self.model.link.rating(self._scores()[rows])
        return self.model.item_frame(rows).with_columns(prediction=prediction)

    def recommend(
        self,
        n: int = 10,
        *,
        candidates: Any = None,
        exclude: Any = (),
        seen: bool = False,
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

        Returns
        -------
        polars.DataFrame
            Columns id, item, prediction and ratings (how many the item has), the best first.

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items named.
        """
        _checks.whole("n", n, 1)
        allowed = self.model.item_counts > 0
        if candidates is not None:
            allowed[:] = False
            allowed[self._rows(candidates)] = True
        allowed[self._rows(exclude)] = False
        if not seen:
            allowed[self.rated] = False
        left = np.flatnonzero(allowed)
        scores = self._scores()  # which differ where ratings are cut off at the highest one
        rows = left[np.argsort(-scores[left], kind="stable")[:n]]
        return self.model.item_frame(rows).with_columns(
            prediction=self.model.link.rating(scores[rows]), ratings=self.model.item_counts[rows]
        )

    def favourites(self, n: int = 10) -> pl.DataFrame:
        """Return the `n` items that this person rated highest: id, item and rating."""
        order = np.argsort(-self.rating, kind="stable")[: _checks.whole("n", n, 1)]
        rows = self.rated[order].astype(np.int64)
        return self.model.item_frame(rows).with_columns(rating=self.rating[order])

    def _scores(self) -> NDArray[np.float32]:
        """Return the score of every item; shape (items,)."""
        table = self.model.item_table
        score: NDArray[np.float32] = table[:, :-1] @ self.row[:-1] + table[:, -1] + self.row[-1]
        return score

    def _rows(self, items: Any) -> NDArray[np.int64]:
        if isinstance(items, str) or not isinstance(items, Iterable):
            items = [items]
        return np.array([item_row(self.model.items, item) for item in items], dtype=np.int64)
