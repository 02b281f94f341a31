"""The users of a fit, in one block on this machine or in many elsewhere."""

from typing import Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._native import CancelToken
from palate.data._ratings import Ratings
from palate.learned._known_features import KnownFeatures
from palate.solvers.gibbs._known_features import known_values
from palate.solvers.gibbs._row_block import Partners, RowBlock, RowDraw, RowSums, Runtime
from palate.solvers.gibbs._sums import merged
from palate.solvers.gibbs._user_block import DrawPrecisions, Step, UserBlock

Result = TypeVar("Result")


class People(Protocol):
    """The users of a fit and their ratings, in blocks of consecutive users.

    Attributes
    ----------
    items
        The items; see `Ratings`.
    known
        The known features of the users.
    """

    items: pl.DataFrame
    known: KnownFeatures

    def standardise(self, mu: float, sd: float) -> None:
        """Take the mean and the standard deviation of the ratings."""
        ...

    def total(self, step: Step[Result]) -> Result:
        """Apply a step to each block, and return the sum of the results; see `merged`."""
        ...

    def change(self, step: Step[None]) -> None:
        """Apply a step to each block, before the next `total` at the latest."""
        ...

    def draw_items(
        self, precisions: DrawPrecisions, draw: RowDraw, items: RowBlock
    ) -> tuple[RowSums, NDArray[np.float32], NDArray[np.float64]]:
        """Draw the precisions of the users, and given these the rows of the items.

        Returns the sums of the rows of the users, and the rows of the items and their squares (see
        `RowBlock`).

        Parameters
        ----------
        precisions
            How the precisions are drawn.
        draw
            What the rows are drawn from.
        items
            All items.
        """
        ...


class LocalPeople:
    """All users in one block, in the memory of this process."""

    def __init__(self, ratings: Ratings, seed: int, runtime: Runtime) -> None:
        by_user = ratings.by_user()
        known = known_values(ratings.users, by_user.counts > 0)
        self.items, self.known = ratings.items, known.features
        self.block = UserBlock(
            by_user, ratings.items.height, known=known.values, seed=seed, runtime=runtime
        )

    def standardise(self, mu: float, sd: float) -> None:
        """Take the mean and the standard deviation of the ratings."""
        self.block.scale = (mu, sd)

    def total(self, step: Step[Result]) -> Result:
        """Apply a step to the block; see `People`."""
        return merged([step(self.block)])

    def change(self, step: Step[None]) -> None:
        """Apply a step to the block; see `People`."""
        step(self.block)

    def cancel_by(self, cancel: CancelToken) -> None:
        """Let another token cancel what follows."""
        self.block.runtime = self.block.runtime._replace(cancel=cancel)

    def draw_items(
        self, precisions: DrawPrecisions, draw: RowDraw, items: RowBlock
    ) -> tuple[RowSums, NDArray[np.float32], NDArray[np.float64]]:
        """Draw the precisions of the users and the rows of the items; see `People`."""
        users = self.block
        precisions(users)
        sums, shifts = users.sums(), items.shifts(draw.number, draw.prior)
        partners = Partners(users.rows, users.precisions)
        return sums, *draw.rows(items, shifts, users.by_item, partners, users.runtime)
