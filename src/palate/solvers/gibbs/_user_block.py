"""Consecutive users of a fit with their ratings, and the steps of the chain that pass over them.

A step is applied to each block of users, and returns what all blocks add up to (see `People`). It
has nothing but arrays of the size of the items or smaller.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from palate._native import score_pairs
from palate.data._ratings import Csr, group
from palate.learned._pair_features import PairFeatures
from palate.solvers.gibbs._row_block import Partners, RowBlock, RowDraw, RowSums, Runtime
from palate.solvers.gibbs._sums import Span

Result_co = TypeVar("Result_co", covariant=True)
NOTHING: tuple[str, ...] = ()
RATINGS = ("ratings",)


class UserBlock(RowBlock):
    """Consecutive users with their ratings.

    Parameters
    ----------
    first, first_rating
        The numbers of the first user and of the first rating among all.
    ratings
        Their ratings grouped by user.
    items
        The number of items.
    known
        What a table knows of the users; shape (users, columns).
    seed
        As of `Gibbs`.
    runtime
        What the steps run with.

    Attributes
    ----------
    scale
        The mean and the standard deviation of the ratings of all users.
    sketch, bias_sums, axes, psi
        Of `DrawSummary`: sums over the draws, of products and of biases; preliminary axes; the rows
        of a random matrix, once they are made.
    table, variance
        Of the calibration: the factors and the bias of each user, shape (users, k + 1); the
        relative variance of their ratings, shape (users,).
    """

    scales_prior = True

    def __init__(
        self,
        ratings: Csr,
        items: int,
        *,
        known: NDArray[np.float32],
        seed: int,
        runtime: Runtime,
        first: int = 0,
        first_rating: int = 0,
    ) -> None:
        super().__init__("user", first, ratings.counts, seed)
        self.ratings, self.items, self.known, self.runtime = ratings, items, known, runtime
        self.first_rating = first_rating
        self.scale = (0.0, 1.0)
        self.sketch = self.axes = self.table = np.zeros((len(self), 0), dtype=np.float32)
        self.bias_sums = np.zeros(len(self))
        self.psi: NDArray[np.float32] | None = None
        self.variance = np.ones(len(self))

    @cached_property
    def standardised(self) -> Csr:
        """The ratings grouped by user, with mean 0 and variance 1."""
        return standardised(self.ratings, *self.scale)

    @cached_property
    def by_item(self) -> Csr:
        """The standardised ratings grouped by item, with rows of the block as partners."""
        _, partner, rating = self.standardised
        return group(partner, self.items, self.ratings.row, rating)


def standardised(ratings: Csr, mu: float, sd: float) -> Csr:
    """Return ratings with this mean and standard deviation as those with mean 0 and variance 1."""
    return ratings._replace(rating=((ratings.rating - mu) / sd).astype(np.float32))


class Step(Protocol[Result_co]):
    """What is done with each block of users."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The attributes of a block that are read, beside the numbers of ratings."""
        ...

    @property
    def changes(self) -> tuple[str, ...]:
        """The attributes of a block that are changed."""
        ...

    def __call__(self, block: UserBlock) -> Result_co:
        """Change a block, and return what blocks add up to, if anything."""
        ...


@dataclass(frozen=True, eq=False)
class Both:
    """Two steps in one pass."""

    one: Step[Any]
    other: Step[Any]

    @property
    def reads(self) -> tuple[str, ...]:
        """What either reads."""
        return (*self.one.reads, *self.other.reads)

    @property
    def changes(self) -> tuple[str, ...]:
        """What either changes."""
        return (*self.one.changes, *self.other.changes)

    def __call__(self, block: UserBlock) -> tuple[Any, Any]:
        """Return what both return."""
        return self.one(block), self.other(block)


class Totals(NamedTuple):
    """Sums over all ratings.

    Attributes
    ----------
    users, rated_users
        The number of users, and of those with ratings.
    ratings, sum, span
        The number of ratings, their sum, and the lowest and the highest.
    item_counts
        The number of ratings of each item; shape (items,).
    count_squares
        The sum of n^2 over users with n ratings.
    log_counts, log_count_squares, log_count_span
        Of log n over users with ratings: the sum, that of the squares, the lowest and the highest.
    """

    users: int
    rated_users: int
    ratings: int
    sum: float
    span: Span
    item_counts: NDArray[np.int64]
    count_squares: float
    log_counts: float
    log_count_squares: float
    log_count_span: Span


@dataclass(frozen=True)
class SumRatings:
    """The sums over all ratings."""

    reads, changes = RATINGS, NOTHING

    def __call__(self, block: UserBlock) -> Totals:
        """Return those of a block."""
        counts = block.counts.astype(np.float64)
        logs = np.log(counts[counts > 0])
        return Totals(
            users=len(block),
            rated_users=len(logs),
            ratings=len(block.ratings.rating),
            sum=float(block.ratings.rating.sum(dtype=np.float64)),
            span=Span.of(block.ratings.rating),
            item_counts=np.bincount(block.ratings.partner, minlength=block.items),
            count_squares=float(counts @ counts),
            log_counts=float(logs.sum()),
            log_count_squares=float(logs @ logs),
            log_count_span=Span.of(logs),
        )


@dataclass(frozen=True)
class Deviations:
    """The sum of squared deviations of the ratings from their mean."""

    reads, changes = RATINGS, NOTHING

    mu: float

    def __call__(self, block: UserBlock) -> float:
        """Return that of a block."""
        deviations = block.ratings.rating.astype(np.float64) - self.mu
        return float(deviations @ deviations)


@dataclass(frozen=True, eq=False)
class TakeFeatures:
    """Make the features of the users."""

    reads, changes = ("ratings", "known"), ("features",)

    features: PairFeatures

    def __call__(self, block: UserBlock) -> NDArray[np.float64]:
        """Return F'F."""
        of_pairs = self.features.of(block.ratings, block.runtime.threads)
        return block.take_features(of_pairs, block.known)


@dataclass(frozen=True)
class StartRows:
    """Start with random rows."""

    reads, changes = ("features", "precisions"), ("rows",)

    factors: int

    def __call__(self, block: UserBlock) -> RowSums:
        """Return the sums of the rows."""
        return block.start(self.factors)


@dataclass(frozen=True, eq=False)
class DrawUsers:
    """Draw the rows of the users, given the items; see `RowDraw`."""

    reads, changes = ("ratings", "features", "precisions"), ("rows", "squares")

    draw: RowDraw
    items: Partners

    def __call__(self, block: UserBlock) -> NDArray[np.float64]:
        """Return the log likelihoods of the freedoms."""
        shifts = block.shifts(self.draw.number, self.draw.prior)
        drawn = self.draw.rows(block, shifts, block.standardised, self.items, block.runtime)
        return block.accept(*drawn)


@dataclass(frozen=True)
class DrawPrecisions:
    """Draw the precisions of the users, given the freedom."""

    reads, changes = ("rows", "squares"), ("precisions",)

    number: int
    freedom: float

    def __call__(self, block: UserBlock) -> None:
        """Change a block."""
        block.draw_precisions(self.number, self.freedom)


@dataclass(frozen=True)
class SumRows:
    """The sums of the rows of the users."""

    reads, changes = ("features", "rows", "precisions"), NOTHING

    def __call__(self, block: UserBlock) -> RowSums:
        """Return those of a block."""
        return block.sums()


@dataclass(frozen=True, eq=False)
class RatedPairs:
    """The users and the items of ratings with these numbers, in the order of users."""

    reads, changes = RATINGS, NOTHING

    numbers: NDArray[np.int64]

    def __call__(self, block: UserBlock) -> NDArray[np.int64]:
        """Return the rows of the users, and of the items; 0 for those of other blocks."""
        pairs = np.zeros((2, len(self.numbers)), dtype=np.int64)
        places = self.numbers - block.first_rating
        own = (places >= 0) & (places < len(block.ratings.partner))
        rows = np.searchsorted(block.ratings.starts, places[own], side="right") - 1
        pairs[:, own] = block.first + rows, block.ratings.partner[places[own]]
        return pairs


@dataclass(frozen=True, eq=False)
class PairScores:
    """The scores of pairs of a user and an item, for the latest rows of the users."""

    reads, changes = ("rows",), NOTHING

    items: NDArray[np.float32]
    user: NDArray[np.int32]
    item: NDArray[np.int32]

    def __call__(self, block: UserBlock) -> NDArray[np.float32]:
        """Return the score of each pair; 0 for users of other blocks."""
        scores = np.zeros(len(self.user), dtype=np.float32)
        rows = self.user - block.first
        own = (rows >= 0) & (rows < len(block))
        scores[own] = score_pairs(
            block.rows, self.items, rows[own].astype(np.int32), self.item[own]
        )
        return scores
