"""Neighbours: the methods of `Model` that compare items with items, and users with users."""

from typing import Any, Literal

import polars as pl

from palate._computed_once import computed_once
from palate.analysis._choice_reasons import picked_together
from palate.analysis._neighbours import Directions, similar_items
from palate.analysis._similar_users import similar_users
from palate.errors import SettingError
from palate.model._readings import Readings


class Neighbours(Readings):
    """The part of `Model` that finds similar items and users."""

    @computed_once
    def item_directions(self) -> Directions:
        """The directions of the factors of the items, which `similar` compares."""
        return Directions.of_items(self.learned)

    def similar(
        self,
        item: Any,
        n: int = 10,
        *,
        by: Literal["taste", "choice"] | None = None,
        order: Literal["similarity", "cautious"] | None = None,
        min_ratings: int | None = None,
    ) -> pl.DataFrame:
        """Return the `n` items most similar to `item`: those with the most similar factors.

        Similarity is the cosine between the factors of two items, as in chapter 8 of the fastai
        book: the mean over 400 draws from both posteriors, or that of a point estimate. Draws are
        made of `n` + 400 candidates, which have the highest cosines; in the cautious order these
        are first multiplied by the length of the factors relative to that of their draws.

        Parameters
        ----------
        item, n
            The id or the title of an item, and the maximum number of items to return.
        by
            "taste": as above. "choice", the default for events and counts: picked by the same
            people, by the partial correlation given all else that they picked.
        order
            "similarity": by the cosine of the learned factors. "cautious", the default but for a
            point estimate: by the lower bound of the 90% interval.
        min_ratings
            Leave out items with fewer training ratings; by default 1, or 20 for a point estimate.

        Returns
        -------
        polars.DataFrame
            The most similar first:

            - id, item, similarity
            - lower, upper, sure: the 90% interval, and whether it lies above zero; or null
            - cosine of the learned factors; correlation of the scores over the population of users
            - ratings: their number. By "choice": id, item, partial_correlation, ratings

        Raises
        ------
        UnknownIdError
            If the item is unknown or not rated, or the title names several items.
        SettingError
            If an argument is out of range, or the cautious order is requested of a point estimate.

        Examples
        --------
        >>> import palate
        >>> model = palate.fit(palate.movielens("100k"))
        >>> model.similar("Star Wars (1977)", 2)["item"].to_list()
        ['Empire Strikes Back, The (1980)', 'Return of the Jedi (1983)']
        """
        kind = by or ("taste" if self.learned.has_ratings else "choice")
        if kind not in {"taste", "choice"}:
            raise SettingError(f'by is {by!r}; choose "taste" or "choice"')
        if kind == "choice":
            return picked_together(self.learned, item, n, min_ratings)
        learned, directions = self.learned, self.item_directions
        return similar_items(learned, directions, item, n, order=order, min_ratings=min_ratings)

    def similar_users(self, user: Any, n: int = 10) -> pl.DataFrame:
        """Return the `n` users whose tastes are most similar to those of `user`.

        With the positions x of users on the canonical axes, and the diagonal matrix S of the mean
        squares of the items' positions, ``x_u' S x_v`` is how far the tastes of two users move
        their scores in the same direction, on average over the items. Their similarity is::

            E[x_u]' S E[x_v] / sqrt(E[x_u' S x_u] E[x_v' S x_v])

        with means over the posteriors of both: the correlation of their tastes in units of the
        score, nearer to zero the less is known of either.

        Returns
        -------
        polars.DataFrame
            The most similar first: user, similarity, ratings (the number of training ratings) and
            common (the number of items that both have rated).

        Raises
        ------
        UnknownIdError
            If the user is unknown, or the model was saved without users.
        SettingError
            If `n` is out of range.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.similar_users(196, 3).height
        3
        """
        return similar_users(self.learned, self.user_posteriors, user, n)
