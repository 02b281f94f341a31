"""Vectors of items and of people whose inner products are scores, for an index of vectors."""

from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._native import multiply
from palate._threads import thread_count
from palate.data._ratings import Csr
from palate.errors import SettingError
from palate.inference._lists import By, question
from palate.learned._learned import Learned

# The questions whose scores are inner products.
VectorsBy = Literal["choice", "rating"]
Floats = NDArray[np.float32]


class Vectors(NamedTuple):
    """The vectors of a model; see `Model.vectors`.

    Attributes
    ----------
    items
        A row for each item: id, item, ratings (the number of training ratings) and vector.
    users
        A row for each known user: user and vector. None in a model that was saved without users.
    """

    items: pl.DataFrame
    users: pl.DataFrame | None


def item_vectors(learned: Learned, by: VectorsBy) -> pl.DataFrame:
    """Return the vectors of all items; see `Vectors.items`."""
    if _checked(learned, by) == "rating":
        vectors = np.c_[learned.item_table, np.ones(len(learned.item_table), np.float32)]
    else:
        choice = learned.require_choice()
        popularity = choice.popularity / choice.popularity.max()
        of_item = learned.choice_directions.of_item * choice.discount[:, None]
        vectors = np.c_[of_item, popularity]
    rows = np.arange(learned.items.height)
    return learned.item_frame(rows, ratings=learned.item_counts, vector=as_column(vectors))


def people_vectors(learned: Learned, histories: Csr, table: Floats | None, by: VectorsBy) -> Floats:
    """Return the vector of each person; shape (people, d).

    Parameters
    ----------
    learned
        The data behind the model.
    histories
        The ratings, events or counts of each person.
    table
        Each person's factors, then the bias; shape (people, k + 1). None for events and counts.
    by
        The question.
    """
    if _checked(learned, by) == "rating":
        assert table is not None
        ones = np.ones((len(table), 1), dtype=np.float32)
        level = table[:, -1:] + np.float32(learned.likelihood.mu)
        return np.hstack([table[:, :-1], ones, level])
    weighted = learned.require_choice().weighting.weighted(histories)
    of_history = learned.choice_directions.of_history
    tastes: Floats = multiply(*weighted, of_history, thread_count(None))
    empty = histories.counts == 0
    return np.hstack([tastes, empty[:, None].astype(np.float32)])


def as_column(vectors: Floats) -> pl.Series:
    """Return the rows of a matrix as a column of arrays of fixed size."""
    return pl.Series("vector", np.ascontiguousarray(vectors, dtype=np.float32))


def _checked(learned: Learned, by: By) -> By:
    """Return the question; by "both" a score is not an inner product."""
    if by == "both":
        raise SettingError(
            'scores by "both" are no inner products; choose vectors by "choice" or by "rating"'
        )
    return question(learned, by)
